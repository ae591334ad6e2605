"""A file that can be downloaded in parts: what was broken off goes on where it stopped (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BLOCK = 256 * 1024
RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", re.ASCII)


def ranged_file(request: HttpRequest, path: Path, *, name: str, etag: str) -> HttpResponseBase:
    """The whole file, or the one part that was asked for. Several parts at once are answered with the whole."""
    size, tag = path.stat().st_size, f'"{etag}"'
    wanted = _wanted(request, size, tag=tag)
    if wanted is None:
        refused = HttpResponse(status=416)
        refused["Content-Range"] = f"bytes */{size}"
        return refused
    begin, end = wanted
    is_part = (begin, end) != (0, size)
    body = iter(()) if request.method == "HEAD" else _blocks(path, begin, end)
    response = StreamingHttpResponse(body, status=206 if is_part else 200, content_type=XLSX)
    if is_part:
        response["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    response["Content-Length"] = str(end - begin)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = tag
    response["Cache-Control"] = "private"
    response["Content-Disposition"] = str(content_disposition_header(as_attachment=True, filename=name))
    return response


def _wanted(request: HttpRequest, size: int, *, tag: str) -> tuple[int, int] | None:
    """(begin, end) of what to send; None: the file has no such part."""
    found = RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    is_same = request.headers.get("If-Range", tag) == tag
    if found is None or not is_same:
        return 0, size
    first, last, tail = found.groups()
    if tail is not None:
        return (max(0, size - int(tail)), size) if int(tail) and size else None
    begin, end = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < begin:
        return 0, size  # no range at all, says the paper
    return (begin, end) if begin < size else None


def _blocks(path: Path, begin: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(begin)
        while begin < end and (block := file.read(min(BLOCK, end - begin))):
            begin += len(block)
            yield block
