"""The composition root has no task of its own; the worker imports this module and with it the heartbeat."""

from config import heartbeat

__all__ = ["heartbeat"]
