"""Wiring of crmsync: settings, addresses, workers and the services below them."""

from crmsync.celery import app as celery_app

__all__ = ["celery_app"]
