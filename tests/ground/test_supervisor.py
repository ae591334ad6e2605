"""The supervisor: output with names, restarts, one clean end, and no orphan even when it is killed outright."""

import signal
from pathlib import Path

from tests.ground.processes import alive, descendants, ended, python, wait_until

PROGRAMS = """
import os, sys
from crmsync.supervisor import Program, Supervisor
codes = {codes!r}
sys.exit(Supervisor([Program(name, [sys.executable, "-u", "-c", code], os.environ) for name, code in codes.items()]).run())
"""
PATIENT = "import time\nprint('up')\ntime.sleep(60)"
PARENT = "import subprocess, sys\nprint('up')\nsys.exit(subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)']).returncode)"
SHORT = "print('here')\nraise SystemExit(3)"
CLEAN = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: (print('put away'), sys.exit(0)))\nprint('up')\ntime.sleep(60)"


def test_output_carries_the_name_and_what_dies_starts_again_later_each_time(tmp_path: Path) -> None:
    with ended(python(PROGRAMS.format(codes={"short": SHORT, "patient": PATIENT}), data_dir=tmp_path)) as supervisor:
        assert supervisor.stdout is not None
        lines: list[str] = []
        while lines.count("short   | here\n") < 3:
            lines.append(supervisor.stdout.readline())
        supervisor.terminate()
        assert supervisor.wait(timeout=120) == 0
    assert lines.count("patient | up\n") == 1
    assert [line for line in lines if "again" in line] == [
        "short ended (exit code 3), starts again in 1 s\n",
        "short ended (exit code 3), starts again in 2 s\n",
    ]


def test_a_signal_ends_everything_and_lets_programs_finish(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with ended(python(PROGRAMS.format(codes={"clean": CLEAN, "parent": PARENT}), data_dir=tmp_path)) as supervisor:
            assert supervisor.stdout is not None
            assert {supervisor.stdout.readline(), supervisor.stdout.readline()} == {"clean   | up\n", "parent  | up\n"}
            wait_until(lambda supervisor=supervisor: len(descendants(supervisor.pid)) == 3)
            family = descendants(supervisor.pid)
            supervisor.send_signal(number)
            assert supervisor.stdout.readline() == "clean   | put away\n"
            assert supervisor.wait(timeout=120) == 0
            assert not any(alive(pid) for pid in family)


def test_nothing_is_left_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with ended(python(PROGRAMS.format(codes={"a": PATIENT, "b": PATIENT}), data_dir=tmp_path)) as supervisor:
        wait_until(lambda: len(descendants(supervisor.pid)) == 2)
        family = descendants(supervisor.pid)
        supervisor.kill()
        wait_until(lambda: not any(alive(pid) for pid in family))


def test_the_rest_of_a_dead_program_does_not_work_beside_its_successor(tmp_path: Path) -> None:
    with ended(python(PROGRAMS.format(codes={"parent": PARENT}), data_dir=tmp_path)) as supervisor:
        wait_until(lambda: len(descendants(supervisor.pid)) == 2)
        parent, child = sorted(descendants(supervisor.pid))
        signal_name = "signal SIGKILL"
        python(f"import os; os.kill({parent}, 9)", data_dir=tmp_path).communicate()
        wait_until(lambda: not alive(child))
        assert supervisor.stdout is not None
        assert f"parent ended ({signal_name}), starts again in 1 s\n" in [supervisor.stdout.readline(), supervisor.stdout.readline()]
