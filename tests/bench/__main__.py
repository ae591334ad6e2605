"""`make bench`: measure what the product promises, as ratios against a floor of the same run. `ARGS=sync` runs one part.

Prints one line per promise and writes docs/benchmarks.md with `ARGS=--write`.
"""

from __future__ import annotations

import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "crmsync.settings.test"
os.environ.setdefault("TEST_DB", "bench")

import django

django.setup()

from tests.bench.parts import PARTS  # noqa: E402  models exist only now
from tests.bench.report import Figure, Report, benchmark_database  # noqa: E402  models exist only now


def main(arguments: list[str]) -> int:
    """Run the named parts, or all."""
    names = [word for word in arguments if not word.startswith("-")] or list(PARTS)
    report = Report()
    with benchmark_database() as taken:
        report.add(Figure("migrations of an empty database", taken, "s", 20, note="the database is made as well"))
        for name in names:
            PARTS[name](report)
    report.show()
    if "--write" in arguments:
        report.write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
