"""Every reason that the code can give has a sentence, and the sentence gets the words that it needs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.engine.reasons import OWN_CHOICES, REASONS, RULES, fix_hint, sentence
from integrations.engine.types import Reason

ROOT = Path(__file__).resolve().parents[2]
ALWAYS = {"vendor", "name"}
DEMANDED = [
    "two_here",
    "two_there",
    "taken",
    "near_name",
    "deleted_here_kept_away",
    "ignored_by_person",
    "supplier_off",
    "no_name",
    "bad_record",
    "missing_fields",
    "refused",
    "conflict_ask",
    "gone_there",
    "reconnect_needed",
    "token_expired_no_refresh",
    "denied_call",
    "rate_limited",
    "vendor_down",
    "timeout",
    "not_json",
    "empty_list",
    "mass_change",
    "drift",
    "loop",
    "cancelled",
    "lease_lost",
    "in_doubt_many",
    "tls",
    "dns",
    "blocked_address",
    "too_slow",
    "worker_lost",
]


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


def calls() -> Iterator[tuple[str, ast.Call]]:
    for app in ("integrations", "erp_history"):
        for path in sorted((ROOT / app).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason":
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def arguments(call: ast.Call) -> tuple[ast.expr | None, ast.expr | None]:
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    values = [*call.args, None, None]
    return values[0] or named.get("code"), values[1] or named.get("params")


def literals(code: ast.expr | None) -> list[str]:
    if isinstance(code, ast.IfExp):
        return literals(code.body) + literals(code.orelse)
    return [code.value] if isinstance(code, ast.Constant) and isinstance(code.value, str) else []


def given(params: ast.expr | None) -> set[str] | None:
    """The names of the parameters; None where they cannot be read from the source."""
    if params is None:
        return set()
    if isinstance(params, ast.IfExp):  # what only sometimes comes cannot be relied on
        branches = [given(params.body), given(params.orelse)]
        return None if None in branches else set.intersection(*(branch for branch in branches if branch is not None))
    if not isinstance(params, ast.Dict) or not all(isinstance(key, ast.Constant) for key in params.keys):
        return None
    return {str(key.value) for key in params.keys if isinstance(key, ast.Constant)}


def test_every_reason_in_the_code_has_a_sentence():
    unknown = [(place, code) for place, call in calls() for code in literals(arguments(call)[0]) if code not in REASONS]

    assert unknown == []


def test_every_reason_in_the_code_brings_the_words_of_its_sentence():
    lacking = []
    for place, call in calls():
        code, params = arguments(call)
        words = given(params)
        for each in literals(code):
            needed = set().union(*map(placeholders, REASONS.get(each, ()))) - ALWAYS
            if words is not None and needed - words:
                lacking.append((place, each, sorted(needed - words)))

    assert lacking == []


def test_check_of_the_code_finds_reasons():
    found = {code for _, call in calls() for code in literals(arguments(call)[0])}

    assert {"two_here", "two_there", "mass_change", "gone_there"} <= found


@pytest.mark.parametrize("code", DEMANDED)
def test_sentence_exists(code):
    assert code in REASONS


@pytest.mark.parametrize("code", sorted(REASONS))
def test_sentence_is_plain_and_complete(code):
    text, fix = REASONS[code]
    said = sentence(Reason(code), vendor="Crunch", name="Acme")

    assert re.fullmatch(r"[A-Z%].*(\.|\)s)", text), text
    assert fix == "" or re.fullmatch(r"[A-Z%].*\.", fix), fix
    assert "%(" not in said
    assert not re.search(r"success|invalid|error|e[Mm]ail|please|sorry", text + fix)
    assert text == " ".join(text.split())


def test_sentence_is_translated_before_it_is_filled():
    def german(text: str) -> str:
        return {REASONS["rate_limited"][0]: "%(vendor)s bittet um Geduld.", "the other system": "das andere System"}.get(text, text)

    assert sentence(Reason("rate_limited"), german, vendor="Crunch") == "Crunch bittet um Geduld."
    assert sentence(Reason("rate_limited"), german) == "das andere System bittet um Geduld."


def test_words_of_the_reason_come_before_those_of_the_place():
    reason = Reason("refused", {"name": "Acme 100%", "message": "Name too long"})

    assert sentence(reason, vendor="Crunch", name="other") == "Crunch refused Acme 100%: Name too long"
    assert sentence(Reason("refused", {"name": "", "message": "No"}), vendor="Crunch", name="Acme") == "Crunch refused Acme: No"


def test_old_reason_is_shown_although_its_code_or_words_are_unknown_today():
    assert sentence(Reason("of_yesterday")) == "Something unexpected happened (of_yesterday)."
    assert sentence(Reason("empty_list"), vendor="Crunch").startswith("Crunch sent an empty list, although ? records")
    assert fix_hint(Reason("of_yesterday")) == ""


def test_hint_is_filled_like_the_sentence():
    assert fix_hint(Reason("two_here", {"name": "Acme", "id": "1042"}), vendor="Crunch") == "Choose the one that is record 1042 in Crunch."


def test_rules_and_choices_are_reasons():
    assert OWN_CHOICES <= RULES <= set(REASONS)
