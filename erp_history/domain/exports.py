"""An Excel file of the history, made in the background. Half a file is never seen: it gets its name when it is whole."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.domain.audit import record
from accounts.models import User, Workspace
from accounts.scoping import workspace_tx
from crmsync.lib.workbook import Workbook
from erp_history.domain.export_sheets import Cells, Columns, SheetPlan, pages, plans, spool
from erp_history.domain.leases import holder_is_dead, new_lease
from erp_history.domain.sources import source_of
from erp_history.enums import ExportStatus
from erp_history.models import ErpExport

LEASE = dt.timedelta(minutes=10)
KEPT = dt.timedelta(days=1)
MAX_ATTEMPTS = 3
TOLD_EVERY = 0.5  # seconds
OPEN = (ExportStatus.QUEUED, ExportStatus.RUNNING)
FOLDER = "erp-exports"


class LeaseLost(Exception):
    """Another worker took the export over."""


class Stopped(Exception):
    """Somebody cancelled it."""


def request_export(
    workspace: Workspace, *, user: User, first: dt.date, last: dt.date, tables: list[str], outcome: str = "", key: str = ""
) -> tuple[ErpExport, bool]:
    """A new export, or the one under way: a workspace makes one at a time. Inside workspace_tx."""
    source_of(workspace)
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    known = ErpExport.objects.filter(workspace=workspace, status__in=OPEN).first()
    if known is not None:
        return known, False
    language = translation.get_language() or "en"
    made = ErpExport.objects.create(
        workspace=workspace, requested_by=user, language=language, first=first, last=last, tables=tables, outcome=outcome, key=key
    )
    data = {"from": first.isoformat(), "to": last.isoformat(), "tables": tables}
    record(workspace, actor=user, action="erp.export", target=f"export:{made.pk}", data=data)
    return made, True


def cancel(export: ErpExport) -> None:
    """Stop in the middle of what it does; one that nobody works on stops at once. Inside workspace_tx."""
    ErpExport.objects.filter(pk=export.pk, status__in=OPEN).update(cancel_requested=True)
    ErpExport.objects.filter(pk=export.pk, status=ExportStatus.QUEUED, lease="").update(
        status=ExportStatus.CANCELLED, finished_at=timezone.now()
    )
    transaction.on_commit(partial(_interrupt, export.pk))


def _interrupt(pk: int) -> None:
    """PostgreSQL may be sorting millions of rows for it: the worker would hear of nothing meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = %s AND usename = current_user", [_name(pk)]
        )


def _name(pk: int) -> str:
    """Of the statement that copies a table for it."""
    return f"erp export {pk}"


def file_of(export: ErpExport) -> Path | None:
    """The finished file while it is kept."""
    if export.status != ExportStatus.READY or not export.file or export.finished_at is None:
        return None
    if timezone.now() >= export.finished_at + KEPT:
        return None
    path = Path(settings.MEDIA_ROOT, export.file)
    return path if path.is_file() else None


def outdated(*, now: dt.datetime) -> list[int]:
    """The ids of workspaces that have a file of a day and older. The disk tells: no row may be read across workspaces."""
    last = (now - KEPT).timestamp()
    folders = Path(settings.MEDIA_ROOT, FOLDER)
    found = {path.parent.name for path in folders.glob("*/*.xlsx") if path.stat().st_mtime <= last}
    return sorted(int(name) for name in found if name.isdecimal())


def is_waiting(workspace: Workspace) -> bool:
    return ErpExport.objects.filter(workspace=workspace, status__in=OPEN).exists()


def advance(workspace: Workspace, *, on_page: Callable[[ErpExport], None] | None = None) -> ErpExport | None:
    """Make the export that is open. None: there is none, or somebody else is at it."""
    export = _claim(workspace)
    if export is None or not export.is_open:
        return export
    folder = _folder(workspace)
    scratch = folder / f"{export.pk}-{secrets.token_hex(8)}.part"
    try:
        with translation.override(export.language):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _forget_parts(folder, export)
            scratch.mkdir(mode=0o700)
            _make(workspace, export, scratch, on_page)
    except LeaseLost:
        return None
    except Stopped:
        _end(workspace, export, ExportStatus.CANCELLED)
    except OSError as error:
        _end(workspace, export, ExportStatus.FAILED, error=_storage_words(error))
    except OperationalError:
        if not _is_cancelled(workspace, export):
            raise  # the database itself is in trouble: begun anew at the next ring
        _end(workspace, export, ExportStatus.CANCELLED)
    except DatabaseError as error:
        _end(workspace, export, ExportStatus.FAILED, error=str(error).strip()[:500])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        _release(workspace, export)
    return export


def _release(workspace: Workspace, export: ErpExport) -> None:
    """What was broken off may be begun anew at once. The database may be the reason why it was."""
    with contextlib.suppress(DatabaseError), workspace_tx(workspace):
        ErpExport.objects.filter(pk=export.pk, lease=export.lease, status=ExportStatus.RUNNING).update(lease="", lease_until=None)


def _claim(workspace: Workspace) -> ErpExport | None:
    now = timezone.now()
    with workspace_tx(workspace):
        export = (
            ErpExport.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(workspace=workspace, status__in=OPEN)
            .order_by("pk")
            .first()
        )
        if export is None or (export.lease and export.lease_until and export.lease_until > now and not holder_is_dead(export.lease)):
            return None
        export.lease, export.lease_until, export.status = new_lease(), now + LEASE, ExportStatus.RUNNING
        export.attempts, export.rows, export.total, export.started_at = export.attempts + 1, 0, None, now
        export.save(update_fields=["lease", "lease_until", "status", "attempts", "rows", "total", "started_at"])
    if export.attempts > MAX_ATTEMPTS:
        with translation.override(export.language):
            _end(workspace, export, ExportStatus.FAILED, error=_("It was started several times and each time ended without a word."))
    return export


def _make(workspace: Workspace, export: ErpExport, scratch: Path, on_page: Callable[[ErpExport], None] | None) -> None:
    with workspace_tx(workspace):
        sheets = plans(workspace, export)
    copies = [scratch / f"{sheet.name}.copy" for sheet in sheets]
    export.total = 0
    for sheet, copy in zip(sheets, copies, strict=True):
        with workspace_tx(workspace):
            _step(export, sheet.name)
        # Without a lock on its row, or whoever cancels would wait for the whole table.
        with workspace_tx(workspace):
            hear, room = partial(_hear, export), partial(_check_room, scratch)
            export.total += spool(sheet, copy, name=_name(export.pk), on_start=hear, on_page=room)
        with workspace_tx(workspace):
            _step(export, sheet.name)
    unfinished, told = scratch / "book.xlsx", _Told()
    with Workbook(unfinished) as book:
        for sheet, copy in zip(sheets, copies, strict=True):
            book.begin(sheet.title, sheet.columns)
            for page in pages(copy, sheet.page):
                _check_room(scratch)
                export.rows += len(page[0])
                book.write(_cells(workspace, export, sheet, page, told))
                if on_page is not None:
                    on_page(export)
            copy.unlink()
    _publish(workspace, export, unfinished)


@dataclass(slots=True)
class _Told:
    """What was last told of an export, and when."""

    part: str = ""
    at: float = 0.0


def _cells(workspace: Workspace, export: ErpExport, sheet: SheetPlan, page: Columns, told: _Told) -> Cells:
    """A page of a sheet. The database is asked when the page needs it, and now and then to tell how far it is."""
    if sheet.cells is None and told.part == sheet.name and time.monotonic() < told.at + TOLD_EVERY:
        return page
    with workspace_tx(workspace):
        _step(export, sheet.name)
        told.part, told.at = sheet.name, time.monotonic()
        return page if sheet.cells is None else sheet.cells(page)


def _step(export: ErpExport, part: str) -> None:
    """Tell how far it is, keep the lease, and hear whether it is still wanted."""
    values = {"part": part, "rows": export.rows, "total": export.total or None, "lease_until": timezone.now() + LEASE}
    if not ErpExport.objects.filter(pk=export.pk, lease=export.lease, status=ExportStatus.RUNNING).update(**values):
        raise LeaseLost
    _hear(export)


def _hear(export: ErpExport) -> None:
    """Whether it is still wanted."""
    if ErpExport.objects.filter(pk=export.pk, cancel_requested=True).exists():
        raise Stopped


def _is_cancelled(workspace: Workspace, export: ErpExport) -> bool:
    with workspace_tx(workspace):
        return ErpExport.objects.filter(pk=export.pk, lease=export.lease, cancel_requested=True).exists()


def _publish(workspace: Workspace, export: ErpExport, unfinished: Path) -> None:
    """The file and its row appear together; without the row the file is nobody's and goes again."""
    path = _folder(workspace) / f"{export.pk}-{secrets.token_hex(16)}.xlsx"
    unfinished.replace(path)
    try:
        _end(workspace, export, ExportStatus.READY, file=f"{FOLDER}/{workspace.pk}/{path.name}", size=path.stat().st_size)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _end(workspace: Workspace, export: ErpExport, status: str, *, error: str = "", file: str = "", size: int = 0) -> None:
    now = timezone.now()
    values = {
        "status": status,
        "error": error,
        "file": file,
        "size": size,
        "rows": export.rows,
        "finished_at": now,
        "lease": "",
        "lease_until": None,
        "part": "",
    }
    with workspace_tx(workspace):
        if not ErpExport.objects.filter(pk=export.pk, lease=export.lease).update(**values):
            raise LeaseLost
    for name, value in values.items():
        setattr(export, name, value)


def _check_room(scratch: Path) -> None:
    if shutil.disk_usage(scratch).free < settings.EXPORT_RESERVE_BYTES:
        raise OSError(errno.ENOSPC, "the reserve of the disk is reached")


def _storage_words(error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return _("The disk of the server is full. Nothing was kept; free some room or choose fewer tables or days.")
    return _("The file cannot be written: %(error)s") % {"error": error.strerror or type(error).__name__}


def _folder(workspace: Workspace) -> Path:
    return Path(settings.MEDIA_ROOT, FOLDER, str(workspace.pk))


def _forget_parts(folder: Path, export: ErpExport) -> None:
    """What a worker that was killed left behind."""
    for left in folder.glob(f"{export.pk}-*"):
        _remove(left)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def tidy(workspace: Workspace, *, now: dt.datetime) -> None:
    """Files go after a day, together with their rows; so does what belongs to no row. Inside workspace_tx."""
    for export in ErpExport.objects.filter(workspace=workspace, finished_at__lt=now - KEPT):
        if export.file:
            _remove(Path(settings.MEDIA_ROOT, export.file))
        export.delete()
    known = set(ErpExport.objects.filter(workspace=workspace).values_list("pk", flat=True))
    for path in _files(_folder(workspace)):
        if int(path.name.partition("-")[0]) not in known:
            _remove(path)


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.name.partition("-")[0].isdecimal())
