"""Answers that stand at the vendor: selects, suggestions, and the time when he does not answer."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.scoping import workspace_tx
from integrations.domain.choices import forget_choices
from integrations.models import Connection
from tests.integrations.setup.place import ECONOMIC, Place

CHOSEN = {"customer_group": "1", "payment_terms": "2", "vat_zone": "1", "currency": "DKK", "layout": ""}


def test_before_connecting_they_are_not_asked(alice: Client, books: Place) -> None:
    page = alice.get(books.setup).text
    assert "Customer group" not in page
    assert "is asked after that" in page
    books.send(alice)
    assert "Customer group" not in alice.get(books.page("settings/")).text


def test_selects_with_what_the_account_suggests(alice: Client, books: Place) -> None:
    books.connect(alice)
    page = alice.get(books.page("settings/")).text
    assert "asks for these answers before anything new" in page
    assert '<option value="DKK" selected>' in page
    assert books.connection().settings["currency"] == "", "a suggestion is no answer yet"
    assert alice.post(books.page("settings/"), {**ECONOMIC, **CHOSEN}).status_code == 302
    assert {key: books.connection().settings[key] for key in CHOSEN} == CHOSEN
    assert "asks for these answers" not in alice.get(books.page("settings/")).text


def test_what_the_account_does_not_have_is_refused_beside_its_field(alice: Client, books: Place) -> None:
    books.connect(alice)
    answer = alice.post(books.page("settings/"), {**ECONOMIC, **CHOSEN, "currency": "XTS"})
    assert answer.status_code == 422
    assert "XTS is not one of the available choices" in answer.text


def test_they_are_asked_for_once_in_some_minutes(alice: Client, books: Place) -> None:
    books.connect(alice)
    alice.get(books.page("settings/"))
    books.sandbox.control(clear_log=True)
    alice.get(books.page("settings/"))
    assert books.sandbox.log() == []
    alice.get(books.page("settings/") + "?again=1")
    assert books.sandbox.log() != []


@pytest.mark.parametrize("trouble", [{"kind": "500", "times": 99}, {"kind": "401", "times": 99}])
def test_a_vendor_who_does_not_answer_costs_nothing_that_was_chosen(alice: Client, books: Place, trouble: dict[str, Any]) -> None:
    books.connect(alice)
    alice.post(books.page("settings/"), {**ECONOMIC, **CHOSEN})
    forget_choices(books.connection())
    books.sandbox.fail(trouble.pop("kind"), **trouble)
    page = alice.get(books.page("settings/"))
    assert page.status_code == 200
    assert "cannot be asked what there is to choose from" in page.text
    assert 'name="currency" value="DKK"' in page.text
    assert alice.post(books.page("settings/"), {**ECONOMIC, **CHOSEN, "create_when": "active"}).status_code == 302
    assert books.connection().settings["currency"] == "DKK"


def test_what_was_chosen_and_is_there_no_more_is_said(alice: Client, books: Place) -> None:
    books.connect(alice)
    alice.post(books.page("settings/"), {**ECONOMIC, **CHOSEN})
    found = books.connection()
    key = f"choices:{found.workspace_id}:{found.pk}:{found.connected_at.timestamp() if found.connected_at else 0}"
    known = cache.get(key)
    cache.set(key, {**known, "choices": {**known["choices"], "currency": [("EUR", "EUR")]}})
    assert "DKK: not in e-conomic any more" in alice.get(books.page("settings/")).text


def test_what_is_missing_for_creating_is_said_beside_the_setting(alice: Client, books: Place) -> None:
    books.connect(alice)
    reason = {"code": "setting_missing", "params": {"setting": "Customer group"}, "detail": "", "field": "customer_group"}
    with workspace_tx(books.workspace):
        Connection.objects.update(denied={"create": reason})
    page = alice.get(books.page("settings/")).text
    assert "needs an answer in the settings before anything can be created there: Customer group." in page
