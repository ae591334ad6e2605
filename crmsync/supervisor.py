"""Keeps a handful of programs running as one: shared output, restart with back-off, one clean end, no orphans.

One thread on purpose: the kernel ties "die with your parent" to the thread that started the child.
"""

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from types import FrameType

PR_SET_PDEATHSIG = 1
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
# A program that ran this long was healthy: its next restart is prompt again.
HEALTHY_SECONDS = 60.0
GRACE_SECONDS = 45.0


def print_line(line: str) -> None:
    """One line to the terminal at once."""
    with suppress(BrokenPipeError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


@dataclass
class Program:
    """A command to keep running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    restart_at: float = 0.0
    unfinished: bytes = b""


@dataclass
class Supervisor:
    """Runs programs until it is told to stop by SIGTERM or SIGINT."""

    programs: Sequence[Program]
    say: Callable[[str], None] = print_line
    stopping: bool = False

    def run(self, *, until_ready: Callable[[], bool] = lambda: True, on_ready: Callable[[], None] = lambda: None) -> int:
        """Start everything and stay until the end; `on_ready` is called once, when `until_ready` first says so."""
        ready = False
        with selectors.DefaultSelector() as self._outputs, self._signals():
            for program in self.programs:
                self._start(program)
            while not self.stopping:
                self._pass_on_output(seconds=0.5)
                for program in self.programs:
                    self._look_after(program)
                if not ready and not self.stopping and until_ready():
                    ready = True
                    on_ready()
            self._stop_all()
        return 0

    def _start(self, program: Program) -> None:
        program.process = subprocess.Popen(
            program.command,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=partial(_die_with_parent, os.getpid()),
        )
        program.started = time.monotonic()
        if program.process.stdout is not None:
            os.set_blocking(program.process.stdout.fileno(), False)
            self._outputs.register(program.process.stdout, selectors.EVENT_READ, program)

    def _look_after(self, program: Program) -> None:
        if program.process is None:
            if time.monotonic() >= program.restart_at:
                self._start(program)
            return
        code = program.process.poll()
        if code is None or self.stopping:
            return
        self._bury(program)
        if time.monotonic() - program.started > HEALTHY_SECONDS:
            program.pause = FIRST_PAUSE_SECONDS
        program.restart_at = time.monotonic() + program.pause
        self.say(f"{program.name} ended ({_how(code)}), starts again in {program.pause:g} s")
        program.pause = min(program.pause * 2, LONGEST_PAUSE_SECONDS)

    def _bury(self, program: Program) -> None:
        """What the program left behind in its group must not work beside its successor."""
        process = program.process
        if process is None:
            return
        _signal_group(process.pid, signal.SIGKILL)
        if process.stdout is not None:
            self._read(program)
            with suppress(KeyError):
                self._outputs.unregister(process.stdout)
            process.stdout.close()
        program.process = None

    def _pass_on_output(self, *, seconds: float) -> None:
        if not self._outputs.get_map():
            time.sleep(seconds)
            return
        for key, _ in self._outputs.select(seconds):
            self._read(key.data)

    def _read(self, program: Program) -> None:
        output = program.process.stdout if program.process else None
        if output is None or output.closed:
            return
        chunk = output.read()
        if chunk == b"":
            with suppress(KeyError):
                self._outputs.unregister(output)
        *lines, program.unfinished = (program.unfinished + (chunk or b"")).split(b"\n")
        for line in lines:
            self.say(f"{program.name:<8}| {line.decode(errors='replace')}")

    def _stop_all(self) -> None:
        running = [program for program in self.programs if program.process is not None]
        for program in running:
            if program.process is not None:
                program.process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and any(p.process is not None and p.process.poll() is None for p in running):
            self._pass_on_output(seconds=0.1)
        for program in running:
            self._bury(program)
        for program in running:
            if program.process is not None:
                program.process.wait()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.stopping and number == signal.SIGINT:
            for program in self.programs:
                if program.process is not None:
                    _signal_group(program.process.pid, signal.SIGKILL)
        self.stopping = True


def _die_with_parent(parent: int) -> None:
    """In the child: end when the supervisor ends, even when it was killed outright."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
