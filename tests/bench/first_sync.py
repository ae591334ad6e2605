"""One first sync in a process of its own; prints its peak memory in MiB."""

from __future__ import annotations

import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "crmsync.settings.test"

import django

django.setup()

from tests.bench.sync import connected, control, peak_memory, run_to_the_end  # noqa: E402  models exist only now


def main() -> None:
    url = os.environ["BENCH_URL"]
    run_to_the_end(connected(url, control(url, token=True)["token"]))
    sys.stdout.write(f"{peak_memory()}\n")


if __name__ == "__main__":
    main()
