"""PostgreSQL, Valkey and the program's own processes, started together on one machine: `make run`, `make demo`, tests.

Production does not use this package: there the database and the broker are named by DATABASE_URL and REDIS_URL, and an
init system starts the processes (docs/operators.md).
"""
