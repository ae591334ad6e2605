#!/usr/bin/env python3
"""The command line of crmsync."""

import os
import sys

from django.core.management import execute_from_command_line

from crmsync import embedded, sandbox

WITHOUT_SERVICES = {"help", "compilemessages", "makemessages", "collectstatic", "startapp", "diffsettings", "check", "version"}
# Stands in where a command needs settings but no database: nothing listens there.
NOWHERE = {"DATABASE_URL": "postgresql://crmsync_app@/crmsync?host=/nonexistent", "REDIS_URL": "redis://127.0.0.1:1/0"}


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmsync.settings.base")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    try:
        prepare(command, arguments=sys.argv[2:])
    except embedded.EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    execute_from_command_line(sys.argv)
    return 0


def prepare(command: str, *, arguments: list[str]) -> None:
    if command in WITHOUT_SERVICES or command.startswith("-") or {"-h", "--help", "--version"} & set(arguments):
        for name, value in NOWHERE.items():
            os.environ.setdefault(name, value)
        return
    embedded.start_if_needed()
    if sandbox.wanted() and command != "serve":
        sandbox.use(os.environ, at_port=sandbox.port())
    if command == "migrate" and os.environ.get("DATABASE_OWNER_URL"):
        os.environ["DATABASE_URL"] = os.environ["DATABASE_OWNER_URL"]


if __name__ == "__main__":
    sys.exit(main())
