from __future__ import annotations

from tests.integrations.sync.conftest import world
from tests.integrations.workers.conftest import workers
from tests.sandboxes import crunch_sandbox

__all__ = ["crunch_sandbox", "workers", "world"]
