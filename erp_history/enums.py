from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class IntegrationType(TextChoices):
    """How the ERP's data come in."""

    API = "api", _("API")
    VIEW = "view", _("View")


class Deployment(TextChoices):
    NOT_STARTED = "not_started", _("Not started")
    IN_PROGRESS = "in_progress", _("In progress")
    COMPLETED = "completed", _("Completed")


class Engine(TextChoices):
    """The kind of database behind a View connection."""

    POSTGRESQL = "postgresql", "PostgreSQL"
    MYSQL = "mysql", "MySQL / MariaDB"
    SQLSERVER = "sqlserver", "SQL Server"
    ORACLE = "oracle", "Oracle"


class RunKind(TextChoices):
    SCHEDULED = "scheduled", _("Scheduled")
    MANUAL = "manual", _("By hand")
    RETRY = "retry", _("Tried again")


class RunStatus(TextChoices):
    QUEUED = "queued", _("Waiting to start")
    RUNNING = "running", _("Running")
    DONE = "done", _("Finished")


class Outcome(TextChoices):
    SUCCESS = "success", _("Successful")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Phase(TextChoices):
    """The steps of a night, in their order."""

    IMPORT = "import", _("Reading the views")
    COMPANIES = "companies", _("Companies and contacts")
    DOCUMENTS = "documents", _("Orders, invoices, quotes and receivables")
    FIGURES = "figures", _("Figures per company")
    ABC = "abc", _("ABC curve")
    CATEGORIES = "categories", _("Categories")
    PORTFOLIOS = "portfolios", _("Portfolios")
    CONTACTS = "contacts", _("Update of the contacts")


class PhaseStatus(TextChoices):
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    SKIPPED = "skipped", _("Not needed")


class Curve(TextChoices):
    A = "A", "A"
    B = "B", "B"
    C = "C", "C"


class Category(TextChoices):
    BLOCKED = "blocked", _("Blocked")
    NEW = "new", pgettext_lazy("category", "New")
    ACTIVE = "active", _("Active")
    AT_RISK = "at_risk", _("At risk")
    INACTIVE = "inactive", _("Inactive")
    PROSPECT = "prospect", _("Prospect")
    SUSPECT = "suspect", _("Suspect")


class Grouping(TextChoices):
    """What one line of an ABC curve is."""

    COMPANY = "company", _("Company")
    ROOT = "root", _("CNPJ root")
    PORTFOLIO = "portfolio", _("Portfolio")
    BRAND = "brand", _("Brand")


class LinkKind(TextChoices):
    COMPANY = "empresa", _("Company")
    PERSON = "contato", _("Contact")


class LinkState(TextChoices):
    LINKED = "linked", _("Linked")
    HELD = "held", _("Needs a decision")
    IGNORED = "ignored", _("Ignored")


class RequestSource(TextChoices):
    API = "api", _("API")
    VIEW = "view", _("View")


class SnapshotStatus(TextChoices):
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")


class ExportStatus(TextChoices):
    """How far an Excel file of the history is."""

    QUEUED = "queued", _("Waiting to start")
    RUNNING = "running", _("Running")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
