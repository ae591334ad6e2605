from __future__ import annotations

import logging
import re
import time
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from accounts.api.requests import ApiRequest
from accounts.domain.shared import counted

SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600}
log = logging.getLogger(__name__)


def parse_rate(text: str) -> tuple[int, int]:
    """ "1200/min" -> (1200, 60)."""
    found = re.fullmatch(r"(\d+)/([a-z]+)", text)
    if found is None or found[2] not in SECONDS:
        raise ValueError(_("“%(rate)s” is not a rate like 1200/min.") % {"rate": text})
    return int(found[1]), SECONDS[found[2]]


class TokenThrottle(BaseThrottle):
    """So many requests of one token in each fixed window, counted in Redis."""

    def __init__(self) -> None:
        self._wait = 0.0

    def allow_request(self, request: ApiRequest, view: Any) -> bool:  # type: ignore[override]  # all of ours are
        token = request.auth
        if token is None:
            return True
        allowed, seconds = parse_rate(str(api_settings.DEFAULT_THROTTLE_RATES["token"]))
        window, into = divmod(time.time(), seconds)
        self._wait = seconds - into
        return _count(f"throttle:{token.prefix}:{int(window)}", seconds=seconds) <= allowed

    def wait(self) -> float:
        return self._wait


def _count(key: str, *, seconds: int) -> int:
    """One more in this window. Without Redis nobody is locked out: the limit protects us, it guards no data."""
    made = counted(key, seconds=seconds * 2)
    if not made:
        log.warning("API rates are not counted: Redis does not answer")
    return made
