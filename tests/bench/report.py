"""What was measured, against what was promised; and a database of its own for measuring."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from django.db import connection
from django.test.utils import setup_databases, teardown_databases

DOC = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Figure:
    """`value` in `unit`; the promise is kept when it is at most (or at least) `bar`."""

    name: str
    value: float
    unit: str
    bar: float
    at_least: bool = False
    note: str = ""

    @property
    def kept(self) -> bool:
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    @property
    def line(self) -> str:
        sign = ">=" if self.at_least else "<="
        verdict = "kept" if self.kept else "MISSED"
        return f"{self.name} | {self.value:,.2f} {self.unit} | {sign} {self.bar:,g} {self.unit} | {verdict} | {self.note}"


@dataclass
class Report:
    figures: list[Figure] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        self.figures.append(figure)
        sys.stdout.write(f"{figure.line}\n")
        sys.stdout.flush()

    def show(self) -> None:
        missed = [figure.name for figure in self.figures if not figure.kept]
        sys.stdout.write(f"\n{len(self.figures)} figures, {len(missed)} missed{': ' + ', '.join(missed) if missed else ''}\n")

    def write(self) -> None:
        head = f"Machine: {machine()}. Medians; the bars are those of the product's plan. Run `make bench` to measure your own machine.\n"
        rows = "".join(f"| {figure.line} |\n" for figure in self.figures)
        DOC.write_text(
            f"# Benchmarks\n\n{head}\n| what | measured | bar | | how |\n| --- | --- | --- | --- | --- |\n{rows}", encoding="utf-8"
        )


def machine() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0]
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, embedded PostgreSQL {postgres} with fsync on"


def seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def median(values: list[float]) -> float:
    return statistics.median(values)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@contextmanager
def benchmark_database() -> Iterator[float]:
    """A database made and dropped for the run: real tables, real row-level security, nothing of yours touched.

    Gives the seconds that its making and all migrations took.
    """
    started = perf_counter()
    old = setup_databases(verbosity=0, interactive=False, serialized_aliases=set())
    try:
        yield perf_counter() - started
    finally:
        teardown_databases(old, verbosity=0)
