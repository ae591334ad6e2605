"""Selects loaded from the agreement, and webhooks made through the Webhooks API."""

from __future__ import annotations

import pytest

from integrations.engine.capabilities import Eligibility, HasChildren, OffersChoices, ReadsChanges, ReusesIds, ShowsTotals
from integrations.engine.compare import Compares
from integrations.engine.errors import BadSettings, Denied
from integrations.engine.hooks import Hint, HookCall, OffersHooks, Subscription
from integrations.engine.provider import FieldType
from integrations.engine.types import Ref
from integrations.kit.vendor import Request, as_json
from integrations.providers.economic.hooks import hints
from integrations.providers.economic.manifest import MANIFEST
from tests.kit.servers import serving
from tests.providers.economic.samples import opened, sandbox, scripted
from tests.sandboxes import Sandbox

__all__ = ["sandbox"]
ROOT = "https://crm.example/hooks/economic/k3y/"


def test_every_select_has_its_choices(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    found = {spec.key: provider.choices(spec.key) for spec in MANIFEST.settings if spec.type is FieldType.REMOTE_CHOICE}

    assert {key: len(choices) for key, choices in found.items()} == {
        "customer_group": 3,
        "payment_terms": 5,
        "vat_zone": 4,  # one is for suppliers only
        "currency": 5,
        "layout": 2,
    }
    assert found["payment_terms"][1].key == "2"
    assert found["payment_terms"][1].label == "2 Netto 14 dage"
    assert provider.choices("create_when") == []


def test_suggestions_are_among_the_choices(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    found = provider.suggested()

    assert found == {"currency": "DKK", "payment_terms": "2", "customer_group": "1", "layout": "18", "vat_zone": "1"}
    for setting, key in found.items():
        assert key in {choice.key for choice in provider.choices(setting)}


def test_suggestions_do_without_what_is_not_allowed(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    sandbox.fail("403", path="/openapi/")

    assert provider.suggested() == {"currency": "DKK", "payment_terms": "2", "vat_zone": "1"}


def test_agreement_that_tells_nothing() -> None:
    def answer(request: Request) -> object:
        return as_json({} if request.path == "/self" or "Setup" in request.path else {"collection": [], "pagination": None})

    with serving(answer) as (_, url):  # type: ignore[arg-type]  replies are made on demand
        assert scripted(url).suggested() == {}


def test_long_lists_are_read_to_the_end() -> None:
    def answer(request: Request) -> object:
        skip = int(request.query["skippages"])
        entries = [{"customerGroupNumber": skip * 2 + place, "name": f"Gruppe {place}"} for place in (1, 2)]
        return as_json({"collection": entries, "pagination": {"nextPage": "more"} if skip < 4 else {}})

    with serving(answer) as (_, url):  # type: ignore[arg-type]  replies are made on demand
        assert [choice.key for choice in scripted(url).choices("customer_group")] == [str(number) for number in range(1, 11)]


def test_has_the_capabilities_that_core_asks_for(sandbox: Sandbox) -> None:
    provider = opened(sandbox)

    for capability in (Compares, OffersHooks, OffersChoices, ShowsTotals, HasChildren, ReusesIds, ReadsChanges, Eligibility):
        assert isinstance(provider, capability)


# Webhooks


def test_webhooks_are_made_once(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    made = provider.subscribe(ROOT)

    assert sorted(one.event for one in made) == ["CUSTOMER_UPDATED", "INVOICE_BOOKED"]
    assert not any(one.broken for one in made)
    sandbox.control(clear_log=True)
    assert provider.subscribe(ROOT) == made
    assert {entry["method"] for entry in sandbox.log()} == {"GET"}
    assert provider.subscriptions() == made


def test_webhook_that_was_switched_off_or_leads_elsewhere_is_mended(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    provider.subscribe("https://old.example/hooks/economic/k3y/")
    sandbox.control(disable_hooks=["INVOICE_BOOKED"])

    assert [one.broken for one in provider.subscriptions()] == [False, True]
    assert provider.subscribe(ROOT) == [Subscription(event, ROOT) for event in ("CUSTOMER_UPDATED", "INVOICE_BOOKED")]


def test_webhooks_end(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    provider.subscribe(ROOT)
    provider.unsubscribe()

    assert all(one.broken for one in provider.subscriptions())
    assert not any(one.broken for one in provider.subscribe(ROOT))


def test_webhooks_need_https_and_a_role(sandbox: Sandbox) -> None:
    with pytest.raises(BadSettings):
        opened(sandbox).subscribe("http://crm.example/hooks/economic/k3y/")
    with pytest.raises(Denied):
        opened(sandbox, token=sandbox.token(roles=["Sales"])["grant_token"]).subscribe(ROOT)
    assert "POST" not in {entry["method"] for entry in sandbox.log()}


def test_changes_call_us_and_are_understood(sandbox: Sandbox) -> None:
    calls: list[HookCall] = []

    def take(request: Request) -> object:
        query = "&".join(f"{name}={value}" for name, value in request.query.items())
        calls.append(HookCall(request.method, request.path, query, request.headers, request.body))
        return as_json({})

    with serving(take) as (_, url):  # type: ignore[arg-type]  replies are made on demand
        provider = opened(sandbox)
        hooks = [
            {"event": "CUSTOMER_UPDATED", "url": f"{url}/a/?old=[OLDNUMBER]&new=[NEWNUMBER]", "method": "GET"},
            {"event": "INVOICE_BOOKED", "url": f"{url}/b/[INVOICENO]", "method": "POST", "body": '{"invoiceNo": "[INVOICENO]"}'},
        ]
        sandbox.control(classic_hooks=hooks)
        sandbox.control(put_customers=[{"customerNumber": 3, "city": "Ribe"}], renumber=[[5, 500]], delete_customers=[7], settle_hooks=True)
        number = sandbox.control(bill=[{"customer": 3, "net": 100.0}], settle_hooks=True)["invoices"][0]
        provider.update(provider.get(Ref("customer", "3")), {"phone": "1"}, provider.remote(provider.get(Ref("customer", "3"))).party)
        sandbox.control(settle_hooks=True)

    assert [list(hints(call)) for call in calls] == [
        [Hint(Ref("customer", "3"))],
        [Hint(Ref("customer", "500"), was=Ref("customer", "5"))],
        [Hint(Ref("customer", "7"))],
        [Hint(Ref("invoice", str(number)))],
        [Hint(Ref("customer", "3"))],
    ]


def test_calls_of_the_webhooks_api_are_understood(sandbox: Sandbox) -> None:
    calls: list[HookCall] = []

    def take(request: Request) -> object:
        calls.append(HookCall(request.method, request.path, "", request.headers, request.body))
        return as_json({}, 200 if len(calls) > 1 else 500)

    with serving(take) as (_, url):  # type: ignore[arg-type]  replies are made on demand
        provider = opened(sandbox)
        provider.subscribe(ROOT)
        sandbox.vendor.books[1234567].webhooks["CUSTOMER_UPDATED"]["url"] = f"{url}/hook/"  # type: ignore[attr-defined]
        sandbox.control(add_customers=[{"name": "Ny ApS"}], settle_hooks=True)

    # Tried again after the first one was not taken.
    assert [list(hints(call)) for call in calls] == [[Hint(Ref("customer", "46"))]] * 2
    assert sandbox.state()["deliveries"][-1]["tries"] == 2
