"""Seeds of two-step log-in, encrypted in the rows of django-allauth. Its hooks do not say whose a seed is, so all share one place."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.domain.keys import key_ring
from crmsync.lib.crypto import is_sealed

PLACE = "mfa_authenticator|data"
SEEDS = ("secret", "seed")  # of the codes of an app, of recovery codes
CODES = "migrated_codes"


def seal(seed: str) -> str:
    return key_ring().encrypt(seed, PLACE)


def unseal(kept: str) -> str:
    """What was written before seeds were encrypted is given as it is. Raises SecretError when the key is not in the ring."""
    return key_ring().decrypt(kept, PLACE) if is_sealed(kept) else kept


def sealed(data: dict[str, Any]) -> dict[str, Any]:
    """What a row keeps, with its seeds under the first key."""
    found = {name: _anew(data[name]) for name in SEEDS if name in data}
    return data | found | ({CODES: [_anew(code) for code in data[CODES]]} if CODES in data else {})


def rotate() -> int:
    """Encrypt anew what another key encrypts, or none. Row by row: who logs in meanwhile marks a recovery code as used."""
    return sum(_rotate(pk) for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _rotate(pk: int) -> bool:
    row = Authenticator.objects.select_for_update().filter(pk=pk).first()
    if row is None or sealed(row.data) == row.data:
        return False
    row.data = sealed(row.data)
    row.save(update_fields=["data"])
    return True


def _anew(kept: str) -> str:
    return kept if is_sealed(kept) and not key_ring().needs_rotation(kept) else seal(unseal(kept))
