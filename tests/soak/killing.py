"""Running workers as processes that are killed at random, and watching their memory."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.load import Load

ROOT = Path(__file__).parents[2]
SAMPLE_SECONDS = 0.1
MEGABYTE = 1024 * 1024
LONGEST_LIFE_SECONDS = 2.0
"""Of a worker that is to be killed, from when it is ready."""
END_SECONDS = 30.0


@dataclass(frozen=True)
class Program:
    """What a worker is: a module of ours, and its arguments."""

    module: str
    arguments: Sequence[str]


@dataclass
class Worker:
    """A process that says `ready`, and `done` when it has nothing left to do."""

    process: subprocess.Popen[str]
    resident: list[int] = field(default_factory=list)
    """Bytes of its memory, sample by sample since it was ready."""
    is_ready: threading.Event = field(default_factory=threading.Event)
    is_done: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def started(cls, program: Program) -> "Worker":
        """Start the program."""
        paths = os.pathsep.join([str(ROOT / "shared"), str(ROOT)])
        process = subprocess.Popen(  # noqa: S603 - this interpreter and a script of ours
            [sys.executable, "-m", program.module, *program.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
        worker = cls(process)
        threading.Thread(target=worker.listen, daemon=True).start()
        return worker

    def listen(self) -> None:
        """Hear what it says until it ends."""
        assert self.process.stdout
        heard = {"ready\n": self.is_ready, "done\n": self.is_done}
        for line in self.process.stdout:
            if line in heard:
                heard[line].set()

    def kill(self) -> None:
        """Kill it, whatever it does."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> None:
        """Let it end in order."""
        self.process.communicate(timeout=END_SECONDS)
        assert self.process.returncode == 0

    def watch(self, end: float) -> None:
        """Sample its memory until it has nothing left to do; it must have by `end`."""
        self.wait(self.is_ready, end)
        self.wait(self.is_done, end, lambda: self.resident.append(resident_bytes(self.process.pid)))

    def wait(
        self, said: threading.Event, end: float, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Wait until it has said something."""
        while not said.wait(SAMPLE_SECONDS):
            assert self.process.poll() is None, "a worker ended by itself"
            assert time.monotonic() < end, "the work was not done in time"
            meanwhile()


def resident_bytes(process_id: int) -> int:
    """Return how much memory a process holds."""
    [line] = [
        line
        for line in Path(f"/proc/{process_id}/status").read_text().splitlines()
        if line.startswith("VmRSS:")
    ]
    return int(line.split()[1]) * 1024


def survive(program: Program, load: Load, *, kills: int, seconds: float) -> None:
    """Kill workers so often; have the last one do what is left in time, in memory that is flat."""
    begun = time.monotonic()
    end = begun + seconds
    for _ in range(kills):
        worker = Worker.started(program)
        try:
            worker.wait(worker.is_ready, end)
            time.sleep(load.chance.uniform(0.0, LONGEST_LIFE_SECONDS))
        finally:
            worker.kill()
    worker = Worker.started(program)
    try:
        worker.watch(end)
        worker.stop()
    finally:
        worker.kill()
    took = time.monotonic() - begun
    rate = len(load.messages) / took
    sys.stdout.write(f"seed {load.seed}, {kills} kills: {took:.0f} s, {rate:.1f} messages/s\n")
    assert_memory_is_flat(worker.resident)


def assert_memory_is_flat(resident: Sequence[int]) -> None:
    """See that the last quarter needed hardly more than the second."""
    quarter = len(resident) // 4
    second, last = resident[quarter : 2 * quarter], resident[-quarter:]
    assert second, "the last worker had nothing to do"
    megabytes = [max(each) // MEGABYTE for each in (second, last)]
    sys.stdout.write(f"memory in the second quarter and the last, in MB: {megabytes}\n")
    assert max(last) <= 1.2 * max(second) + 50 * MEGABYTE
