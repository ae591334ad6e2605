"""Every reason that the code can give has a sentence, and the sentence gets the words that it needs."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from integrations.engine.reasons import OWN_CHOICES, REASONS, RULES, fix_hint, sentence
from integrations.engine.types import Reason

ROOT = Path(__file__).resolve().parents[2]
ALWAYS = {"vendor", "name", "problem", "message"}
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


@dataclass(frozen=True)
class Given:
    """One `Reason(...)` in the source."""

    place: str
    codes: tuple[str, ...]
    words: set[str] | None  # None where they cannot be read from the source


@functools.cache
def reasons() -> tuple[Given, ...]:
    return tuple(
        each for app in ("integrations", "erp_history") for path in sorted((ROOT / app).rglob("*.py")) for each in reasons_of(path)
    )


def reasons_of(path: Path) -> Iterator[Given]:
    module = ast.parse(path.read_text())
    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason":
            around = next((each for each in functions if any(inner is node for inner in ast.walk(each))), None)
            code, params = argument(node, 0, "code"), argument(node, 1, "params")
            yield Given(f"{path.relative_to(ROOT)}:{node.lineno}", tuple(literals(code, around, module)), given(params))


def argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    if position < len(call.args):
        return call.args[position]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def literals(code: ast.expr | None, around: ast.FunctionDef | None, module: ast.Module) -> list[str]:
    """Every text that the expression can be: choices, tables, local names, and what callers in the module pass."""
    if isinstance(code, ast.Constant):
        return [code.value] if isinstance(code.value, str) else []
    if isinstance(code, ast.IfExp):
        return literals(code.body, around, module) + literals(code.orelse, around, module)
    if isinstance(code, ast.Subscript) and isinstance(code.value, ast.Name):
        return [text for value in assigned(code.value.id, module) if isinstance(value, ast.Dict) for text in texts(value.values)]
    if isinstance(code, ast.Name) and around is not None:
        values = [*assigned(code.id, around), *passed(code.id, around, module)]
        return [text for value in values for text in literals(value, None, module)]
    return []


def assigned(name: str, scope: ast.AST) -> list[ast.expr]:
    plain = [node.value for node in ast.walk(scope) if isinstance(node, ast.Assign) and any(name == ast.unparse(t) for t in node.targets)]
    typed = [node.value for node in ast.walk(scope) if isinstance(node, ast.AnnAssign) and name == ast.unparse(node.target) and node.value]
    return plain + typed


def passed(name: str, function: ast.FunctionDef, module: ast.Module) -> list[ast.expr]:
    names = [each.arg for each in function.args.args]
    if name not in names:
        return []
    calls = (node for node in ast.walk(module) if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == function.name)
    found = [argument(call, names.index(name), name) for call in calls]
    return [value for value in found if value is not None]


def texts(values: list[ast.expr]) -> list[str]:
    return [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]


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


def needed(code: str) -> set[str]:
    return set().union(*map(placeholders, REASONS.get(code, ()))) - ALWAYS


def test_every_reason_in_the_code_has_a_sentence():
    assert [(each.place, code) for each in reasons() for code in each.codes if code not in REASONS] == []


def test_every_reason_in_the_code_brings_the_words_of_its_sentence():
    lacking = [(each.place, code, sorted(needed(code) - each.words)) for each in reasons() if each.words is not None for code in each.codes]

    assert [row for row in lacking if row[2]] == []


def test_check_of_the_code_finds_reasons_however_they_are_chosen():
    found = {code for each in reasons() for code in each.codes}

    assert {"two_here", "mass_change"} <= found  # written down
    assert {"ignored_by_person", "not_here"} <= found  # passed by a caller
    assert {"required_empty", "conflict_ask"} <= found  # chosen
    assert {"forbidden", "gone"} <= found  # looked up


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


def test_labels_and_our_own_words_in_a_sentence_are_translated_too():
    reason = Reason("conflict_ask", {"name": "Phone", "fields": "Phone, E-mail"})
    problem = Reason("bad_record", {"problem": "it has no id"})
    words = {"Phone": "Telefone", "it has no id": "sem id"}

    def portuguese(text: str) -> str:
        return words.get(text, text)

    assert sentence(reason, portuguese, vendor="Crunch") == "Phone was changed both here and in Crunch: Telefone, E-mail."
    assert sentence(problem, portuguese, vendor="Crunch") == "Crunch sent a record that cannot be used: sem id."


def test_words_of_the_reason_come_before_those_of_the_place():
    reason = Reason("refused", {"name": "Acme 100%", "message": "Name too long"})

    assert sentence(reason, vendor="Crunch", name="other") == "Crunch refused Acme 100%: Name too long"
    assert sentence(Reason("refused", {"name": "", "message": "No"}), vendor="Crunch", name="Acme") == "Crunch refused Acme: No"


def test_old_reason_is_shown_although_its_code_or_words_are_unknown_today():
    assert sentence(Reason("of_yesterday")) == "Something unexpected happened (of_yesterday)."
    assert sentence(Reason("empty_list"), vendor="Crunch").startswith("Crunch sent an empty list, although \u2026 records")
    assert fix_hint(Reason("of_yesterday")) == ""


def test_hint_is_filled_like_the_sentence():
    assert fix_hint(Reason("two_here", {"name": "Acme", "id": "1042"}), vendor="Crunch") == "Choose the one that is record 1042 in Crunch."


def test_rules_and_choices_are_reasons():
    assert OWN_CHOICES <= RULES <= set(REASONS)
