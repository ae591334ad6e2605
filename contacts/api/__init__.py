from accounts.api import problems
from contacts.domain.faults import Invalid

problems.register(Invalid, lambda error: problems.invalid([(fault.field, fault.code, fault.message) for fault in error.errors]))
