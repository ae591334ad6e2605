"""Settings of the test run: the real ones, with quick password hashing and mail kept in memory."""

from crmsync.settings.base import *  # noqa: F403  settings modules build on one another this way in Django
from crmsync.settings.env import ROOT, env

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
OUTBOUND_ALLOW_PRIVATE = True
DATABASES["default"]["TEST"] = {"NAME": "test_crmsync_" + env("TEST_DB", default="main")}  # noqa: F405
DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405
ACCOUNT_RATE_LIMITS = False
# WhiteNoise warns when the directory of collected files is missing, and warnings are errors here.
STATIC_ROOT = str(ROOT / "static")
