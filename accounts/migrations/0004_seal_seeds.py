from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import migrations

from crmsync.lib.crypto import KeyRing, is_sealed

PLACE = "mfa_authenticator|data"  # as accounts.domain.seeds has it


def seal_seeds(apps: Any, _schema_editor: Any) -> None:
    ring = KeyRing.from_env(settings.FIELD_KEYS)
    _rewrite(apps, lambda text: text if is_sealed(text) else ring.encrypt(text, PLACE))


def unseal_seeds(apps: Any, _schema_editor: Any) -> None:
    ring = KeyRing.from_env(settings.FIELD_KEYS)
    _rewrite(apps, lambda text: ring.decrypt(text, PLACE) if is_sealed(text) else text)


def _rewrite(apps: Any, change: Callable[[str], str]) -> None:
    for row in apps.get_model("mfa", "Authenticator").objects.order_by("pk"):
        row.data |= {name: change(row.data[name]) for name in ("secret", "seed") if name in row.data}
        if "migrated_codes" in row.data:
            row.data["migrated_codes"] = [change(code) for code in row.data["migrated_codes"]]
        row.save(update_fields=["data"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_idempotentanswer"), ("mfa", "0003_authenticator_type_uniq")]
    operations = [migrations.RunPython(seal_seeds, unseal_seeds)]
