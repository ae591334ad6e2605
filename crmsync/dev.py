"""`scripts/dev CMD ARGS...`: run a program of this environment with the embedded services up."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from crmsync import embedded


def main(arguments: list[str]) -> int:
    if not arguments:
        sys.stderr.write("usage: scripts/dev CMD [ARGS...]\n")
        return 2
    beside = Path(sys.executable).parent / arguments[0]
    program = str(beside) if beside.exists() else shutil.which(arguments[0])
    if program is None:
        sys.stderr.write(f"{arguments[0]}: no such program in the virtual environment or on the PATH\n")
        return 127
    try:
        embedded.start_if_needed()
    except embedded.EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    paths = [str(embedded.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    if environment.get("DJANGO_SETTINGS_MODULE") == "crmsync.settings.base":
        # Importing this package has named the settings for serving; the program may have others (tests do).
        del environment["DJANGO_SETTINGS_MODULE"]
    child = subprocess.Popen([program, *arguments[1:]], env=environment)
    return wait_for(child)


def wait_for(child: "subprocess.Popen[bytes]") -> int:
    """Ctrl-C reaches the child by itself; this process only waits for its end."""
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
