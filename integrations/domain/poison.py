"""What a single record may do to the code that reads or stores it: it is put aside with its reason, and the others go on."""

from django.db import DataError, IntegrityError

POISON = (DataError, IntegrityError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


def words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:1000]
