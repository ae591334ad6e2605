"""The base of our management commands: JSON on request, one clear line on failure."""

from __future__ import annotations

import abc
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class JsonCommand(BaseCommand, abc.ABC):
    """Implement `run(**options) -> dict` and `say(result) -> str`; raise CommandError("one line") to fail with exit code 1."""

    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="print the result as JSON")
        self.arguments(parser)

    def arguments(self, parser: ArgumentParser) -> None:
        """Add the command's own arguments."""

    def handle(self, *_args: Any, as_json: bool, **options: Any) -> None:
        _refuse_old_database()
        result = self.run(**options)
        self.stdout.write(json.dumps(result, cls=DjangoJSONEncoder) if as_json else self.say(result))
        if not self.succeeded(result):
            raise SystemExit(1)

    @abc.abstractmethod
    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Do the work and give what `--json` prints."""

    def say(self, result: dict[str, Any]) -> str:
        """The result in words."""
        return "\n".join(f"{key}: {value}" for key, value in result.items())

    def succeeded(self, result: dict[str, Any]) -> bool:
        """Whether the exit code is 0, for commands that print a result and still fail."""
        return bool(result)


def _refuse_old_database() -> None:
    """One line instead of a missing table somewhere inside."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("The database is not up to date. Run: python manage.py migrate")
