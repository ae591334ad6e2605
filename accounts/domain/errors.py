from __future__ import annotations


class Refused(ValueError):
    """A rule of the product forbids this. The text is for the person; `field` names the form field it belongs to, if any."""

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
