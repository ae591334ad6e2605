"""Run the tests in three parts side by side, each with PostgreSQL and Redis of its own; much of their time is waiting.

`run_tests.py [PYTEST ARGUMENTS]`. Where the services are given (DATABASE_URL, REDIS_URL) the parts would share them: then one by one.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
REST = "the rest"
# About as long as one another. Everything that is named nowhere else is the rest.
PARTS = {
    "products and workers": ["tests/e2e", "tests/soak", "tests/integrations/workers", "tests/integrations/setup"],
    "ERP, rules and services": ["tests/erp_history", "tests/ground", "tests/integrations/rules", "tests/integrations/screens"],
}


def main(arguments: list[str]) -> int:
    rest = ["tests", *(f"--ignore={path}" for paths in PARTS.values() for path in paths)]
    if os.environ.get("DATABASE_URL") or os.environ.get("REDIS_URL"):
        codes = {name: run(arguments, paths).wait() for name, paths in {REST: rest, **PARTS}.items()}
    else:
        codes = side_by_side(arguments, rest)
    sys.stdout.write("\n" + ", ".join(f"{name}: {word(code)}" for name, code in codes.items()) + "\n")
    return max(codes.values())


def side_by_side(arguments: list[str], rest: list[str]) -> dict[str, int]:
    """The rest is seen as it runs, the others when they have ended."""
    with ExitStack() as stack:
        others = {}
        for number, (name, paths) in enumerate(PARTS.items()):
            said = stack.enter_context(tempfile.TemporaryFile())
            part = run(arguments, paths, own=f"part{number}", output=said)
            stack.callback(part.terminate)
            others[name] = part, said
        codes = {REST: run(arguments, rest).wait()}
        for name, (part, said) in others.items():
            codes[name] = part.wait()
            said.seek(0)
            sys.stdout.write(f"\n{name}, run beside the rest:\n")
            sys.stdout.flush()
            sys.stdout.buffer.write(said.read())
        return codes


def run(arguments: list[str], paths: list[str], *, own: str = "", output: "IO[bytes] | None" = None) -> "subprocess.Popen[bytes]":
    environment = dict(os.environ)
    if own:
        data = Path(environment.get("CRMSYNC_DATA_DIR") or ROOT / ".data")
        environment |= {"TEST_DB": f"{environment.get('TEST_DB', 'test')}_{own}", "CRMSYNC_DATA_DIR": str(data / own)}
    command = [sys.executable, "-m", "pytest", *arguments, *paths]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT if output else None)


def word(code: int) -> str:
    return "passed" if code == 0 else f"failed ({code})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
