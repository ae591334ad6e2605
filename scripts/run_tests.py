"""Run the tests in two halves side by side, each with PostgreSQL and Redis of its own; most of their time is waiting.

`run_tests.py [PYTEST ARGUMENTS]`. Where the services are given (DATABASE_URL, REDIS_URL) the halves would share them: then one by one.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
# Those that start processes, browsers and vendors, and the ERP's; everything else is the other half.
SECOND = [
    "tests/e2e",
    "tests/soak",
    "tests/erp_history",
    "tests/integrations/workers",
    "tests/integrations/rules",
    "tests/integrations/setup",
    "tests/integrations/screens",
]


def main(arguments: list[str]) -> int:
    first = ["tests", *(f"--ignore={path}" for path in SECOND)]
    if os.environ.get("DATABASE_URL") or os.environ.get("REDIS_URL"):
        return max(run(arguments, first).wait(), run(arguments, SECOND).wait())
    with tempfile.TemporaryFile() as said:
        other = run(arguments, SECOND, half="second", output=said)
        try:
            codes = [run(arguments, first).wait(), other.wait()]
        finally:
            other.terminate()
        said.seek(0)
        sys.stdout.write("\nThe second half, run beside the first:\n")
        sys.stdout.flush()
        sys.stdout.buffer.write(said.read())
    sys.stdout.write(f"\nfirst half: {word(codes[0])}, second half: {word(codes[1])}\n")
    return max(codes)


def run(arguments: list[str], paths: list[str], *, half: str = "", output: "IO[bytes] | None" = None) -> "subprocess.Popen[bytes]":
    environment = dict(os.environ)
    if half:
        data = Path(environment.get("CRMSYNC_DATA_DIR") or ROOT / ".data")
        environment |= {"TEST_DB": f"{environment.get('TEST_DB', 'test')}_{half}", "CRMSYNC_DATA_DIR": str(data / half)}
    command = [sys.executable, "-m", "pytest", *arguments, *paths]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT if output else None)


def word(code: int) -> str:
    return "passed" if code == 0 else f"failed ({code})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
