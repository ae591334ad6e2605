"""What can go wrong with a vendor, by what has to be done about it. `reason` is for people (engine.reasons), `detail` for the log."""

from __future__ import annotations

from typing import Any

from integrations.engine.types import Reason


class ProviderError(Exception):
    """Base of all; never raised itself. `told` is the parsed body of the vendor's refusal, free of secrets; None without one."""

    told: Any = None

    def __init__(self, reason: Reason, *, detail: str = "") -> None:
        super().__init__(f"{reason.code}: {detail}" if detail else reason.code)
        self.reason = reason
        self.detail = detail


class Retry(ProviderError):
    """Try again by itself, not before `after` seconds (None: back-off decides). `in_doubt`: it may have been carried out."""

    def __init__(self, reason: Reason, *, detail: str = "", after: float | None = None, in_doubt: bool = False) -> None:
        super().__init__(reason, detail=detail)
        self.after = after
        self.in_doubt = in_doubt


class Reconnect(ProviderError):
    """The permission is gone: a person must connect again. Nothing is retried until then."""


class Denied(ProviderError):
    """One kind of call is not allowed (scope, module): that ability goes off, everything else goes on."""


class BadSettings(ProviderError):
    """A setting of the connection is wrong; `field` names it."""

    def __init__(self, reason: Reason, *, detail: str = "", field: str = "") -> None:
        super().__init__(reason, detail=detail)
        self.field = field


class SkipRecord(ProviderError):
    """This record cannot be used or was refused; the others go on. `fields` maps canonical field -> the vendor's words."""

    def __init__(self, reason: Reason, *, detail: str = "", fields: dict[str, str] | None = None) -> None:
        super().__init__(reason, detail=detail)
        self.fields = fields or {}


class Gone(ProviderError):
    """The record does not exist at the vendor (any more)."""


class Conflict(ProviderError):
    """The vendor's record changed since it was read: read again, merge again."""


class BadAnswer(Retry):
    """The vendor answered with something that is no answer (HTML, cut JSON, wrong shape): cursor unmoved, tried again later."""


class FilterRefused(ProviderError):
    """This account does not let changes be read by themselves: read it whole, and remember that."""
