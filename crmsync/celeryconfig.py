"""How Celery works here. The values around lost workers were measured with real kills; tests/ground/test_celery.py repeats the kills."""

import hashlib
import os

from celery.schedules import crontab
from django.conf import settings
from kombu import Queue

VISIBILITY_SECONDS = 900


def key_prefix() -> str:
    """Keeps installations apart that share a Redis: each has its own secret key."""
    fingerprint = hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()[:8]
    return os.environ.get("REDIS_PREFIX") or f"crmsync-{fingerprint}:"


broker_url = settings.REDIS_URL
broker_connection_retry_on_startup = True
broker_connection_timeout = 5
broker_transport_options = {
    "global_keyprefix": key_prefix(),
    "visibility_timeout": VISIBILITY_SECONDS,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    # Queues are served in the order the worker names them: short tasks before slices of a sync.
    "queue_order_strategy": "priority",
    "health_check_interval": 25,
    "socket_connect_timeout": 5,
    # Whoever rings while Redis is away goes on at once, and has saved all the same: the tick of the minute does what the bell would have.
    # Without these a person who saves waits for six seconds.
    "max_retries": 1,
    "interval_start": 0.2,
    "socket_keepalive": True,
}
visibility_timeout = VISIBILITY_SECONDS

accept_content = ["json"]
task_serializer = "json"
task_ignore_result = True
task_acks_late = True
task_reject_on_worker_lost = True
# Work is cut into slices of at most a minute; these limits only end what hangs, long before the message would be delivered again.
task_soft_time_limit = 600
task_time_limit = 660
task_publish_retry_policy = {"max_retries": 2, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5}

task_default_queue = "default"
task_create_missing_queues = False
# Slices of a sync and of an ERP night take up to a minute; what is not named here is short.
task_routes = {
    "integrations.attend": {"queue": "sync"},
    "erp_history.night": {"queue": "sync"},
    "erp_history.export": {"queue": "sync"},
    "erp_history.make_ready": {"queue": "sync"},
}
task_queues = [Queue("default"), Queue("sync")]

worker_prefetch_multiplier = 1
worker_soft_shutdown_timeout = 30
worker_cancel_long_running_tasks_on_connection_loss = True
worker_hijack_root_logger = False
worker_max_tasks_per_child = 1000

timezone = "UTC"
enable_utc = True
beat_schedule = {
    "empty the trash": {
        "task": "contacts.nightly",
        "schedule": crontab(hour=2, minute=41),
        "options": {"queue": "default", "expires": 3600},
    },
    "unfinished tags": {
        "task": "contacts.hourly",
        "schedule": crontab(minute=23),
        "options": {"queue": "default", "expires": 1800},
    },
    "tick": {"task": "integrations.tick", "schedule": 60, "options": {"queue": "default", "expires": 55}},
    "ERP tick": {"task": "erp_history.tick", "schedule": 60, "options": {"queue": "default", "expires": 55}},
    "ERP housekeeping": {
        "task": "erp_history.nightly_housekeeping",
        "schedule": crontab(hour=3, minute=41),
        "options": {"queue": "default", "expires": 3600},
    },
    "ERP files": {
        "task": "erp_history.hourly_housekeeping",
        "schedule": crontab(minute=11),
        "options": {"queue": "default", "expires": 1800},
    },
    "nightly housekeeping": {
        "task": "integrations.nightly_housekeeping",
        "schedule": crontab(hour=3, minute=17),
        "options": {"queue": "default", "expires": 3600},
    },
}
