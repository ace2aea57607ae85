"""Commands that are forked from a warm process end as ones of their own do: nothing that they say or return is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import pytest
from command import CALM, DEADLINE, run
from hypothesis import given, settings
from hypothesis import strategies as st
from prefork import Ended, Prefork, Request

from examples import percent, thorough

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1 << 20
LOOKED_AT = (percent(), thorough())  # outside of any test
PLAIN = "import sys; from asynclog.cli import main; sys.exit(main())"
# What `main` does in a program of this name.
PROGRAMS = {
    "returns": "return 3",
    "returns nothing": "print('out')",
    "exits": "sys.exit(4)",
    "exits with a sentence": "sys.exit('a sentence')",
    "exits with nothing": "sys.exit()",
    "raises": "print('out'); raise ZeroDivisionError('a bug')",
    "is interrupted": "raise KeyboardInterrupt",
    "is killed": "print('out', flush=True); os.kill(os.getpid(), signal.SIGKILL)",
    "is terminated": "os.kill(os.getpid(), signal.SIGTERM)",
    "aborts": "os.abort()",
    "says much": "print('x' * 300_000); print('y' * 300_000, file=sys.stderr); return 1",
    "flushes nothing": "sys.stdout.write('out'); sys.stderr.write('err'); return 2",
    "has a hook": "atexit.register(print, 'at last'); return 1",
    "has a broken hook": "atexit.register(lambda: 1 / 0); return 0",
    "has a thread": "threading.Thread(target=lambda: (time.sleep(0.05), print('late'))).start(); return 1",
    "has a broken thread": "threading.Thread(target=lambda: 1 / 0).start(); return 0",
    "has a child": "os.fork() or (time.sleep(0.05), print('a child', flush=True), os._exit(9)); return 5",
    "closes its output": "os.close(1); sys.stdout.write('lost'); return 0",
    "tells what it has": "print(sys.argv[1:], os.getcwd(), sorted(os.environ), os.umask(0o077), sys.stdin.read(), "
    "signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGPIPE), sorted(map(int, os.listdir('/proc/self/fd')))"
    "[:3], os.getpgid(0) - os.getpgid(os.getppid()), sys.flags, sys.getfilesystemencoding(), sys.stdout.encoding, "
    "sys.stdout.errors, sys.stderr.errors, sys.stdout.line_buffering, threading.active_count()); return 0",
}


def of_package(place: Path) -> dict[str, str]:
    """Return an environment in which `asynclog` is this folder's package."""
    return CALM | {"PYTHONPATH": str(place), "PYTHONSAFEPATH": "1"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a package of the name `asynclog`, which does what its first word says."""
    place = tmp_path_factory.mktemp("place")
    package = place / "asynclog"
    package.mkdir()
    (package / "__init__.py").touch()
    bodies = "".join(
        f"def program{number}():\n{textwrap.indent(body, '    ')}\n" for number, body in enumerate(PROGRAMS.values())
    )
    (package / "cli.py").write_text(
        f"import atexit, os, signal, sys, threading, time\n{bodies}def main(): return globals()[sys.argv[1]]()\n"
    )
    return place


@pytest.fixture(scope="module")
def environment(place: Path) -> dict[str, str]:
    return of_package(place)


@pytest.fixture(scope="module")
def prefork(environment: dict[str, str]) -> Iterator[Prefork]:
    warm = Prefork(environment | {"WARM": "only the process that others are forked from"})
    yield warm
    warm.close()


@pytest.mark.parametrize("quick_exit", [True, False], ids=["quick exit", "whole exit"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_command_ends_as_a_process_of_its_own_does(
    place: Path, environment: dict[str, str], prefork: Prefork, name: str, quick_exit: bool
) -> None:
    """With the same status, the same output, and the same last words; twice, for it must leave nothing to the next."""
    words = [f"program{list(PROGRAMS).index(name)}", "ä", "two words"]
    own = subprocess.run(
        [sys.executable, "-c", PLAIN, *words],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )
    for _ in range(2):
        ended = prefork.run(Request(words, str(place), environment, quick_exit), DEADLINE)
        if (name, quick_exit) == ("closes its output", True):
            assert (ended.status != 0, b"OSError" in ended.err, own.returncode != 0) == (True, True, True)
        else:
            assert (ended.status, ended.out, last_line(ended.err)) == (
                own.returncode,
                own.stdout,
                last_line(own.stderr),
            )


def last_line(text: bytes) -> bytes:
    return text.rpartition(b"\n")[0].rpartition(b"\n")[2] if text.endswith(b"\n") else text


def test_a_command_that_hangs_is_killed_and_the_next_one_runs(tmp_path: Path) -> None:
    """The process that it was forked from does not die of having nobody to tell of it."""
    package = tmp_path / "asynclog"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "cli.py").write_text("import sys, time\ndef main(): return time.sleep(float(sys.argv[1]))\n")
    environment = of_package(tmp_path)
    warm = Prefork(environment)
    try:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                warm.run(Request(["60"], str(tmp_path), environment, quick_exit=True), 0.05)
            ended = warm.run(Request(["0"], str(tmp_path), environment, quick_exit=True), DEADLINE)
            assert ended[:3] == (0, b"", b"")
    finally:
        warm.close()


def test_the_peak_is_that_of_the_largest_process(tmp_path: Path) -> None:
    """Of the command itself, or of a child that it has waited for."""
    package = tmp_path / "asynclog"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "cli.py").write_text(
        "import os, sys\n"
        "def main():\n"
        "    if 'child' in sys.argv and (child := os.fork()):\n"
        "        os.waitpid(child, 0)\n"
        "    else:\n"
        "        bytearray(int(sys.argv[1]) << 20)\n"
        "    os._exit(0)\n"
    )
    environment = of_package(tmp_path)
    warm = Prefork(environment)

    def peak(*words: str) -> int:
        ended: Ended = warm.run(Request(words, str(tmp_path), environment, quick_exit=True), DEADLINE)
        return ended.peak

    try:
        for more in ((), ("child",)):
            small = peak("1", *more)
            assert small + 90 * MIB < peak("100", *more) < small + 110 * MIB
    finally:
        warm.close()


@settings(max_examples=3)
@given(number=st.just(0))
def test_how_much_is_looked_at_is_the_same_within_a_property_test(number: int) -> None:
    """However few or many examples it has: else its commands would end quickly where the profile `ci` has them not."""
    assert (percent(), thorough(), number) == (*LOOKED_AT, 0)


def test_what_ci_asks_for_is_what_it_gets(request: pytest.FixtureRequest) -> None:
    """The command line has the last word about how much is looked at."""
    assert thorough() == (request.config.getoption("--hypothesis-profile") == "ci")


def test_the_warm_process_has_the_environment_of_each_command_alone(tmp_path: Path) -> None:
    """What one command is given does not reach the next."""
    assert run("--version", env={"ASYNCLOG_READER": "neither"}).code == 2
    assert run("--version", env={"ASYNCLOG_READER": "python"}).out.splitlines()[1] == "reader: python"
    assert run("--version", cwd=tmp_path, env={"HOME": os.fspath(tmp_path)}).code == 0


def test_it_ends_though_a_forked_child_holds_the_connection() -> None:
    """As a server does that a test has forked, and that ends with us."""
    warm = Prefork(dict(os.environ))
    ended, end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(end)
        os.read(ended, 1)  # until this process, too, lets go of it
        os._exit(0)
    os.close(ended)
    closing = threading.Thread(target=warm.close, daemon=True)
    closing.start()
    closing.join(DEADLINE)
    os.close(end)
    assert os.waitpid(child, 0)[1] == 0
    assert not closing.is_alive()
