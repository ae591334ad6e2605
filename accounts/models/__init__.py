from accounts.models.audit import AuditEvent
from accounts.models.idempotency import IdempotentAnswer
from accounts.models.lookups import AnyOf
from accounts.models.token import ApiToken
from accounts.models.user import User
from accounts.models.workspace import Invitation, Membership, Team, Workspace

__all__ = ["AnyOf", "ApiToken", "AuditEvent", "IdempotentAnswer", "Invitation", "Membership", "Team", "User", "Workspace"]
