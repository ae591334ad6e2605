"""Webhooks: whatever comes, numbers are found or nothing is; and the addresses and bodies that we hand out are read back."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.engine.errors import BadSettings
from integrations.engine.hooks import Hint, HookCall
from integrations.engine.types import Ref
from integrations.providers.economic import hooks
from integrations.providers.economic.sandbox_hooks import merged

NUMBERS = st.integers(min_value=1, max_value=999_999_999)
CHANGED = [Hint(Ref("customer", "12"))]
RENUMBERED = [Hint(Ref("customer", "13"), was=Ref("customer", "12"))]


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (HookCall("GET", query="old=12&new=12"), CHANGED),
        (HookCall("GET", query="old=[12]&new=[13]"), RENUMBERED),
        (HookCall("GET", query="OLDNUMBER=12&NEWNUMBER=13"), RENUMBERED),
        (HookCall("GET", query="[OLDNUMBER]=12&[NEWNUMBER]=13"), RENUMBERED),
        (HookCall("POST", path="old/12/new/13/"), RENUMBERED),
        (HookCall("POST", path="old=12/new=13"), RENUMBERED),
        (HookCall("POST", body=b"oldNumber=12&newNumber=13"), RENUMBERED),
        (HookCall("POST", body=b'{"old": 12, "new": "13"}'), RENUMBERED),
        (HookCall("POST", body=b'{"event": "CUSTOMER_UPDATED", "data": {"OLDNUMBER": 12.0, "NEWNUMBER": 13}}'), RENUMBERED),
        (HookCall("POST", body=b'[{"customerNumber": 12}]'), CHANGED),
        # Made: no old number. Deleted: no new one.
        (HookCall("GET", query="old=&new=12"), CHANGED),
        (HookCall("GET", query="old=0&new=12"), CHANGED),
        (HookCall("GET", query="new=12"), CHANGED),
        (HookCall("GET", query="old=12&new="), CHANGED),
        (HookCall("GET", query="old=12&new=0"), CHANGED),
        (HookCall("GET", query="old=12"), CHANGED),
        (HookCall("POST", body=b'{"old": 12, "new": null}'), CHANGED),
        (HookCall("GET", query="old=12&new=[NEWNUMBER]"), CHANGED),
        # The query counts before the body.
        (HookCall("POST", query="old=12&new=12", body=b"old=7&new=7"), CHANGED),
        (HookCall("GET", query="invoiceno=10001"), [Hint(Ref("invoice", "10001"))]),
        (HookCall("POST", query="invoice=[10001]"), [Hint(Ref("invoice", "10001"))]),
        # Nothing to go by
        (HookCall("GET"), []),
        (HookCall("GET", query="old=[OLDNUMBER]&new=[NEWNUMBER]"), []),
        (HookCall("GET", query="old=0&new=0"), []),
        (HookCall("GET", query="old=12a&new=-5"), []),
        (HookCall("GET", query="old=1e3&new=٣"), []),
        (HookCall("GET", query=f"new={'9' * 40}"), []),
        (HookCall("POST", body=b"\xff\xfe\x00"), []),
        (HookCall("POST", body=b"{"), []),
        (HookCall("POST", body=b"5"), []),
        (HookCall("POST", body=b"[" * 5000), []),
        (HookCall("POST", body=b'{"new": {"a": {"b": {"c": {"d": {"e": {"new": 5}}}}}}}'), []),
        (HookCall("GET", query="new=../../self"), []),
    ],
)
def test_what_a_call_points_to(call: HookCall, found: list[Hint]) -> None:
    assert list(hooks.hints(call)) == found


@given(st.builds(HookCall, method=st.sampled_from(["GET", "POST"]), path=st.text(), query=st.text(), body=st.binary(max_size=300)))
def test_no_call_makes_it_stumble(call: HookCall) -> None:
    for hint in hooks.hints(call):
        assert hint.ref.id.isascii()
        assert hint.ref.id.isdigit()


json = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["old", "new", "NEWNUMBER", "data", "invoiceNo"]), inner
))  # fmt: skip


@given(json)
def test_no_json_makes_it_stumble(value: object) -> None:
    try:
        body = orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits
        return
    hooks.hints(HookCall("POST", body=body))


@given(NUMBERS, NUMBERS)
def test_own_addresses_are_understood(old: int, new: int) -> None:
    for address in hooks.addresses("https://crm.example/hooks/economic/k3y"):
        url = merged(address.url, {"event": "", "OLDNUMBER": str(old), "NEWNUMBER": str(new), "INVOICENO": str(new)})
        found = hooks.hints(HookCall("POST", query=urlsplit(url).query))
        assert found[0].ref.id == str(new)
        if address.event == hooks.CUSTOMER_UPDATED:
            assert (found[0].was.id if found[0].was else str(new)) == str(old)


@given(NUMBERS, st.booleans())
def test_own_templates_are_understood(number: int, brackets: bool) -> None:
    fields = ["[OLDNUMBER]", "[NEWNUMBER]"] if brackets else ["OLDNUMBER", "NEWNUMBER"]
    body = hooks.new_webhook(hooks.CUSTOMER_UPDATED, "https://crm.example/hooks/economic/k3y/", fields)
    sent = merged(body["postData"], {"event": "", "OLDNUMBER": "", "NEWNUMBER": str(number)})

    assert hooks.hints(HookCall("POST", body=sent.encode())) == [Hint(Ref("customer", str(number)))]
    assert body["url"] == "https://crm.example/hooks/economic/k3y/"


def test_addresses_keep_their_brackets() -> None:
    first, second = hooks.addresses("https://crm.example/hooks/economic/k3y/")

    assert first.url == "https://crm.example/hooks/economic/k3y/?old=[OLDNUMBER]&new=[NEWNUMBER]"
    assert second.url == "https://crm.example/hooks/economic/k3y/?invoice=[INVOICENO]"


@given(NUMBERS, NUMBERS, st.sampled_from(["old", "Old_Number", "OLDNUMBER", "[oldNumber]"]))
def test_names_are_read_in_any_spelling(old: int, new: int, name: str) -> None:
    call = HookCall("GET", query=urlencode({name: f"[{old}]", "new-number": new}))

    assert hooks.hints(call) == [Hint(Ref("customer", str(new)), was=Ref("customer", str(old)) if old != new else None)]


@pytest.mark.parametrize("root", ["http://crm.example/hooks/", "crm.example", ""])
def test_only_https_can_be_registered(root: str) -> None:
    with pytest.raises(BadSettings) as caught:
        hooks.must_be_reachable(root)

    assert caught.value.reason.code == "hooks_need_https"


def test_webhook_that_leads_elsewhere_is_broken() -> None:
    body = {"eventType": "CUSTOMER_UPDATED", "url": "https://old.example/", "isDisabled": False, "objectVersion": "4", "lastUpdated": "x"}

    assert hooks.subscription(body, "https://crm.example/").broken
    assert not hooks.subscription(body, "https://old.example").broken
    assert hooks.subscription({**body, "isDisabled": True}).broken
    mended = hooks.mended(body, "https://crm.example/", disabled=False)
    assert (mended["url"], mended["isDisabled"], mended["objectVersion"]) == ("https://crm.example/", False, "4")
    assert "lastUpdated" not in mended
