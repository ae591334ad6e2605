"""Fixtures for every test: real PostgreSQL and Redis (embedded unless URLs are given).

The cast: Alice owns a workspace, Bob works there, Charlie is a stranger.
"""

from __future__ import annotations

import os

import django
from hypothesis import HealthCheck, settings

from crmsync import embedded

embedded.start_if_needed()
# Not a default: importing crmsync has already named the settings for serving.
os.environ["DJANGO_SETTINGS_MODULE"] = "crmsync.settings.test"
# Test runs beside one another share a Redis; the workers they start inherit this.
os.environ.setdefault("REDIS_PREFIX", f"test-{os.environ.get('TEST_DB', 'main')}:")
django.setup()

# No clock decides whether a property holds. The same examples every time; `--hypothesis-profile=searching` looks for new ones.
settings.register_profile("searching", deadline=None, derandomize=False, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")

pytest_plugins = ["tests.fixtures"]
