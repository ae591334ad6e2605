from accounts.api import problems
from erp_history.domain.reading import Unreadable

problems.register(Unreadable, lambda error: problems.Problem(error.status, error.code, error.message))
