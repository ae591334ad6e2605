"""Fixtures for every test: real PostgreSQL and Redis (embedded unless URLs are given), and the cast: Alice owns a workspace, Bob works there, Charlie is a stranger."""

from __future__ import annotations

import os
from crmsync import embedded

embedded.start_if_needed()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmsync.settings.test")

pytest_plugins = ["tests.fixtures"]
