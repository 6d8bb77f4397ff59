"""The other side, played on one machine: NDXP gateway, hub, population database and Party database, with faults that can be switched on.

A program of its own (`python -m exchange.sandbox`, `make sandbox`) that knows neither Django's settings nor our tables: other vendors may use it
as it is. It keeps what it is sent in one SQLite file, or in memory.
"""
