from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Role(TextChoices):
    """What a member may do; each role includes the ones after it."""

    OWNER = "OWNER", pgettext_lazy("role", "Owner")
    ADMIN = "ADMIN", _("Administrator")
    MEMBER = "MEMBER", _("Member")
    RESTRICTED = "RESTRICTED", _("Restricted member")


ADMIN_ROLES = frozenset({Role.OWNER, Role.ADMIN})


class TokenScope(TextChoices):
    """What an API token may do, at most what its owner may."""

    READ = "read", _("Read")
    WRITE = "write", _("Read and write")
    ADMIN = "admin", _("Settings and connections")
    ERP = "erp", _("Push ERP data")


# A wider scope does what the narrower ones do.
IMPLIED_SCOPES = {
    TokenScope.READ: frozenset({TokenScope.READ}),
    TokenScope.WRITE: frozenset({TokenScope.READ, TokenScope.WRITE}),
    TokenScope.ADMIN: frozenset({TokenScope.READ, TokenScope.WRITE, TokenScope.ADMIN}),
    TokenScope.ERP: frozenset({TokenScope.ERP}),
}
ADMIN_SCOPES = frozenset({TokenScope.ADMIN, TokenScope.ERP})
