"""Times whole processes in turn: start-up, work and end, with what the kernel counted of them.

The peak of memory is the one of the largest single process: where a program starts others, they are not added up. The
kernel hands the peak of the process that starts a program on to it: this one has to stay small, and what is below its
own peak is not known.
"""

import os
import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchmarks.results import Entry, Run

TAIL = 2000  # bytes of an error message


class BenchmarkError(Exception):
    """A contestant failed, or gave another answer than it should have."""


def nothing() -> None:
    """Prepare nothing."""


def anything(_: bytes) -> None:
    """Is content with any answer."""


@dataclass(frozen=True)
class Contestant:
    """A command, what has to be done before each run of it (untimed), and what its answer has to pass after it.

    `check` is given what the command printed, and raises BenchmarkError.
    """

    name: str
    threads: int
    command: tuple[str, ...]
    size: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] = nothing
    check: Callable[[bytes], None] = anything


def in_turn(contestants: Iterable[Contestant], rounds: int) -> tuple[Entry, ...]:
    """Run all of them in turn (A B C A B C …). The first round warms up, and checks the answers first.

    Raises BenchmarkError.
    """
    contestants = list(contestants)
    runs: list[list[Run]] = [[] for _ in contestants]
    for number in range(rounds + 1):
        for contestant, made in zip(contestants, runs, strict=True):
            run = time_one(contestant)
            if number:
                made.append(run)
    return tuple(
        Entry(contestant.name, contestant.threads, contestant.size, tuple(made))
        for contestant, made in zip(contestants, runs, strict=True)
    )


def time_one(contestant: Contestant) -> Run:
    """Prepare, run and check. Raise BenchmarkError."""
    contestant.prepare()
    output, errors = os.memfd_create("output"), os.memfd_create("errors")
    try:
        begun = time.perf_counter()
        process = os.posix_spawn(
            contestant.command[0],
            contestant.command,
            plain_environment() | contestant.environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, output, 1),
                (os.POSIX_SPAWN_DUP2, errors, 2),
            ],
        )
        _, status, usage = os.wait4(process, 0)
        wall = time.perf_counter() - begun
        if status:
            said = (_content(errors) or _content(output))[-TAIL:].decode(errors="replace").strip()
            raise BenchmarkError(f"{_title(contestant)} failed: {said}")
        try:
            contestant.check(_content(output))
        except BenchmarkError as error:
            raise BenchmarkError(f"{_title(contestant)}: {error}") from error
    finally:
        os.close(output)
        os.close(errors)
    hidden = usage.ru_maxrss <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Run(wall, usage.ru_utime + usage.ru_stime, 0 if hidden else usage.ru_maxrss << 10)


def plain_environment() -> dict[str, str]:
    """Nothing that changes what a contestant does."""
    return {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}


def _content(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _title(contestant: Contestant) -> str:
    return f"{contestant.name} with {contestant.threads} threads"
