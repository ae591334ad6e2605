"""A worker with crmsync's own settings, a short visibility time and one slow task, for killing."""

import os

import redis
from celery import Celery

from crmsync import celeryconfig

app = Celery("slow")
app.config_from_object(celeryconfig)
app.conf.broker_transport_options = {**celeryconfig.broker_transport_options, "visibility_timeout": 8, "unacked_restore_interval": 1}
app.conf.visibility_timeout = 8


@app.task(name="slow", queue="default")
def slow(seconds: float) -> None:
    notes = redis.Redis.from_url(os.environ["REDIS_URL"])
    # Only the first delivery takes its time, so that none is taken for dead while it works.
    if notes.rpush(f"{celeryconfig.key_prefix()}notes", "started") == 1:
        notes.blpop([f"{celeryconfig.key_prefix()}never"], timeout=seconds)
    notes.rpush(f"{celeryconfig.key_prefix()}notes", "finished")
    notes.close()
