"""The composition root: settings, urls, workers, embedded services, and the demo."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
