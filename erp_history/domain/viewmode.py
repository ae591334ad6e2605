from __future__ import annotations

from erp_history.domain.steps import Step
from erp_history.enums import IntegrationType


def step(step: Step) -> bool:
    if step.source.integration != IntegrationType.VIEW:
        step.say("Data come in through the API.")
    return True
