from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """What a member may do; each role includes the ones after it."""

    OWNER = "OWNER", _("Owner")
    ADMIN = "ADMIN", _("Administrator")
    MEMBER = "MEMBER", _("Member")
    RESTRICTED = "RESTRICTED", _("Restricted member")


ADMIN_ROLES = frozenset({Role.OWNER, Role.ADMIN})
