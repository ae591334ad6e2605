from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ConnectionStatus(TextChoices):
    SETUP = "SETUP", _("Not connected yet")
    ACTIVE = "ACTIVE", _("Connected")
    RECONNECT = "RECONNECT", _("Reconnect")
    PAUSED = "PAUSED", _("Paused")
    DONE = "DONE", _("Imported")
    OFF = "OFF", _("Off")


class Health(TextChoices):
    """The one word for people."""

    NOT_STARTED = "not_started", _("Waiting for the first sync")
    HEALTHY = "healthy", _("Healthy")
    SYNCING = "syncing", _("Syncing")
    ATTENTION = "attention", _("Needs attention")
    RECONNECT = "reconnect", _("Reconnect")
    PAUSED = "paused", _("Paused")
    SETUP = "setup", _("Set up")
    DONE = "done", _("Imported")
    WITHDRAWN = "withdrawn", _("No longer available")
    OFF = "off", _("Off")


class LinkState(TextChoices):
    LINKED = "LINKED", _("In sync")
    HELD = "HELD", _("Waits for you")
    IGNORED = "IGNORED", _("Left alone")
    FAILING = "FAILING", _("Failing")
    GONE = "GONE", _("Deleted there")
    HIDDEN = "HIDDEN", _("Hidden")


class RunKind(TextChoices):
    INITIAL = "initial", _("First sync")
    SCHEDULED = "scheduled", _("Scheduled")
    MANUAL = "manual", _("Sync now")
    PREVIEW = "preview", _("Preview")
    MATCH = "match", _("Match")
    WEBHOOK = "webhook", _("Told by the other side")
    UNDO = "undo", _("Undo")


class RunStatus(TextChoices):
    QUEUED = "QUEUED", _("Waiting")
    RUNNING = "RUNNING", _("Running")
    WAITING = "WAITING", _("Paused by the other side")
    DECIDING = "DECIDING", _("Waits for your decision")
    DONE = "DONE", _("Finished")


class Outcome(TextChoices):
    SUCCESS = "success", _("Done")
    PARTIAL = "partial", _("Done, some records need you")
    FAILED = "failed", _("Failed")
    NEEDS_RECONNECT = "needs_reconnect", _("Reconnect needed")
    NEEDS_DECISION = "needs_decision", _("Needs your decision")
    CANCELLED = "cancelled", _("Stopped")


class Phase(TextChoices):
    FETCH = "fetch", _("Reading")
    APPLY = "apply", _("Writing")
    SWEEP = "sweep", _("Checking")
    DONE = "done", _("Finished")


class OutboxState(TextChoices):
    WAITING = "WAITING", _("Waiting")
    SENDING = "SENDING", _("Sending")
    STUCK = "STUCK", _("Needs attention")
    IGNORED = "IGNORED", _("Left alone")


class OutboxOperation(TextChoices):
    UPDATE = "update", _("Update")
    CREATE = "create", _("Export")


class Level(TextChoices):
    INFO = "info", _("Info")
    WARNING = "warning", _("Warning")
    ERROR = "error", _("Error")


class PairingWhy(TextChoices):
    """Why a contact is suggested for a record."""

    TAX_ID = "tax_id", _("Equal tax id")
    NAME = "name", _("Equal name")
    NEAR = "near", _("Similar name")
    NONE = "none", _("No suggestion")
