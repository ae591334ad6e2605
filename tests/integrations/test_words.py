from __future__ import annotations

import pytest

from integrations.enums import Outcome, RunKind, RunStatus
from integrations.models import Run
from integrations.views.words import result_in_words


@pytest.mark.parametrize(
    ("counters", "said"),
    [
        ({"seen": 240}, "nothing to do"),
        ({"seen": 240, "invoices": 600}, "no contact changed"),
        ({"created": 234, "held": 1, "linked": 5, "invoices": 600}, "1 waits for you, 234 new"),
    ],
)
def test_the_result_of_a_run_in_words(counters: dict[str, int], said: str) -> None:
    run = Run(kind=RunKind.MANUAL, status=RunStatus.DONE, outcome=Outcome.SUCCESS, counters=counters)
    assert result_in_words(run) == said
