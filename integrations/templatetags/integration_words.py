"""Rows of the synchroniser in words, for templates."""

from __future__ import annotations

from typing import Any

from django import template

from integrations.models import Run
from integrations.views import kinds, words

register = template.Library()


@register.filter
def run_kind(run: Run) -> str:
    return words.kind_of(run)


@register.filter
def run_tone(run: Run) -> str:
    return words.tone_of_run(run)


@register.filter
def run_outcome(run: Run) -> str:
    return words.outcome_of(run)


@register.filter
def run_took(run: Run) -> str:
    return words.took(run)


@register.filter
def run_result(run: Run) -> str:
    return words.result_in_words(run)


@register.filter
def action_label(action: str) -> str:
    return words.action_label(action)


@register.filter
def manifest_text(text: Any) -> str:
    return words.manifest_text(str(text or ""))


@register.filter
def kind_word(kind: str) -> str:
    return kinds.kind_word(kind)
