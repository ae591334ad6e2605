"""The Celery application. Redis is only the bell: what is due is written in PostgreSQL, so a lost message costs at most a minute."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmsync.settings.base")

app = Celery("crmsync")
# By name, so that it is read at first use: REDIS_URL may be set after this import.
app.config_from_object("crmsync.celeryconfig")
app.autodiscover_tasks()
