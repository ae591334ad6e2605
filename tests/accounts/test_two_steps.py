"""Two-step log-in: its seeds are never in the database in the clear, and those of earlier versions go on working."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.apps import apps
from django.test import Client
from django.utils import timezone
from time_machine import TimeMachineFixture

from tests.caches import forget_cached
from tests.fixtures import Cast

PASSWORD = {"password": "correct horse battery"}
ACTIVATE = "/accounts/2fa/totp/activate/"
SEED, CODES_SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "5eed" * 20


@pytest.fixture(autouse=True)
def _at_one_moment(time_machine: TimeMachineFixture) -> None:
    """However slow the machine is, a code stays the one of now."""
    forget_cached()  # no code has been used
    time_machine.move_to(timezone.now(), tick=False)


def code_of(seed: str) -> str:
    _before, now, _after = yield_hotp_counters_from_time()
    return format_hotp_value(hotp_value(seed, now))


def log_in(code: str) -> Any:
    client = Client()
    client.post("/accounts/login/", PASSWORD | {"login": "alice@example.com"})
    return client.post("/accounts/2fa/authenticate/", {"code": code}, follow=True)


def test_a_seed_is_encrypted_and_logs_in(cast: Cast, alice: Client) -> None:
    alice.post(f"/accounts/reauthenticate/?next={ACTIVATE}", PASSWORD)
    seed = alice.get(ACTIVATE).context["form"].secret
    alice.post(ACTIVATE, {"code": code_of(seed)})

    kept = {row.type: row.data for row in Authenticator.objects.filter(user=cast.alice)}
    assert kept["totp"]["secret"].startswith("v1.")
    assert kept["recovery_codes"]["seed"].startswith("v1.")
    assert seed not in str(kept)
    forget_cached()  # a code works once, and half a minute is too long for a test
    assert log_in(code_of(seed)).redirect_chain[-1][0] == "/w/hartwell/"


def test_seeds_of_earlier_versions_work_before_and_after_they_are_encrypted(cast: Cast) -> None:
    totp = Authenticator.objects.create(user=cast.alice, type="totp", data={"secret": SEED})
    codes = Authenticator.objects.create(user=cast.alice, type="recovery_codes", data={"seed": CODES_SEED, "used_mask": 1})
    written_down = RecoveryCodes(codes).get_unused_codes()
    assert log_in(code_of(SEED)).redirect_chain[-1][0] == "/w/hartwell/"

    migration = import_module("accounts.migrations.0004_seal_seeds")
    for _twice in range(2):
        migration.seal_seeds(apps, None)
    totp.refresh_from_db()
    codes.refresh_from_db()
    assert totp.data["secret"].startswith("v1.")
    assert codes.data["seed"].startswith("v1.")
    assert (RecoveryCodes(codes).get_unused_codes(), codes.data["used_mask"]) == (written_down, 1)
    assert log_in(written_down[0]).redirect_chain[-1][0] == "/w/hartwell/"

    migration.unseal_seeds(apps, None)
    totp.refresh_from_db()
    assert totp.data == {"secret": SEED}


def test_codes_taken_over_from_elsewhere_are_encrypted_too(cast: Cast) -> None:
    codes = Authenticator.objects.create(user=cast.alice, type="recovery_codes", data={"migrated_codes": ["111", "222"], "used_mask": 0})
    import_module("accounts.migrations.0004_seal_seeds").seal_seeds(apps, None)
    codes.refresh_from_db()
    assert "111" not in str(codes.data)
    assert RecoveryCodes(codes).get_unused_codes() == ["111", "222"]
