from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request


class StrictJSONParser(BaseParser):
    """JSON in UTF-8, without NaN, half surrogates or endless nesting."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        request: Request | None = (parser_context or {}).get("request")
        raw = request._request.body if request is not None else stream.read()
        try:
            data = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_constant)
            if b"\\u" in raw:
                json.dumps(data, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise ParseError(_("The body is not valid JSON: %(error)s") % {"error": _short(error)}) from error
        return data


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _short(error: BaseException) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (line {error.lineno}, column {error.colno})"
    return type(error).__name__
