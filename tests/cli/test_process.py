"""The command as a process: streams that are closed, locales, signals, locks, users and folders."""

from __future__ import annotations

import fcntl
import importlib
import os
import select
import shlex
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
from audit_log import entries, held, is_clean, record, write_log, write_policy
from command import COMMAND, DEADLINE, NOW, cleanup, finish, is_open, run, start, until

from asynclog.cli.signals import StoppedError, caught_signals

OLD, YOUNG = record(days=400), record(days=1)
WORDS = ("cleanup", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW)


@pytest.mark.parametrize("words", [(), ("--json", "--debug")])
@pytest.mark.parametrize("closed", ["| head -c0", ">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_harms_neither_the_job_nor_the_log(archive: Path, closed: str, words: tuple[str, ...]) -> None:
    """No traceback, and no segment is opened as a standard stream and written to."""
    line = f"{shlex.join([*COMMAND, *WORDS, *words])} {closed}"
    done = subprocess.run(["bash", "-c", line], cwd=archive, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert is_clean(archive)


def test_an_error_goes_to_no_result(archive: Path) -> None:
    """If stderr is closed, stdout is no substitute: a program may read it."""
    done = run(*WORDS, "--lock", cwd=archive, before=["sh", "-c", '"$@" 2>&-', "-"])
    assert (done.code, done.out) == (2, "")


def test_a_pipe_that_nobody_reads_is_no_error(archive: Path) -> None:
    """What was asked for has been done; nobody wants to hear of it."""
    reading, writing = os.pipe()
    os.close(reading)
    done = run(*WORDS, cwd=archive, out=writing)
    os.close(writing)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_result_that_cannot_be_written_is_no_success(archive: Path, words: tuple[str, ...]) -> None:
    """/dev/full takes no byte: exit 1 and a sentence on stderr."""
    with Path("/dev/full").open("wb") as full:
        done = run(*WORDS, *words, cwd=archive, out=full)
    assert done.code == 1
    assert done.err.startswith("asynclog: ")
    assert "No space left" in done.err


@pytest.mark.parametrize("words", [("--help",), ("cleanup", "--help"), ("--version",), ("--version", "--json")])
@pytest.mark.parametrize(("target", "code"), [(">&-", 0), (">/dev/full", 1)])
def test_a_page_that_cannot_be_written_is_no_success_either(words: tuple[str, ...], target: str, code: int) -> None:
    """Help and version are results, too: one sentence, unless nobody wants to have them."""
    line = f"{shlex.join([*COMMAND, *words])} {target}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert ("No space left" in done.stderr, len(done.stderr.splitlines())) == (bool(code), code)


@pytest.mark.parametrize("how", ["2>&1 >/dev/null | head -c0", "2>/dev/full"])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--path", "nowhere/logs.jsonl"), 2),
        (("--lock",), 2),
        (("--max-overdue", "1d", "--max-runtime", "0s"), 3),
    ],
    ids=["error", "usage", "partial"],
)
def test_who_does_not_hear_of_an_error_has_its_exit_code(
    archive: Path, words: tuple[str, ...], code: int, how: str
) -> None:
    """Whether nobody reads stderr, or the disk is full that it is written to."""
    line = f"{shlex.join([*COMMAND, *WORDS, *words])} {how}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=archive, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize("words", [("--debug",), ("--json",)])
@pytest.mark.parametrize("locale", [[], ["LC_ALL=C", "PYTHONUTF8=0", "PYTHONCOERCECLOCALE=0"]])
def test_a_bare_environment_is_enough(tmp_path: Path, locale: list[str], words: tuple[str, ...]) -> None:
    """Names that the locale can't write are escaped in text; the JSON is UTF-8 everywhere."""
    write_policy(tmp_path, 'schema_name: "*", retention_days: 30')
    write_log(tmp_path / "audit", {"logs.jsonl": record("журнал", days=400) + YOUNG})
    done = run(*WORDS, *words, cwd=tmp_path, before=["env", "-i", *locale])
    assert (done.code, done.err != "") == (0, "--debug" in words)
    if "--json" in words:
        assert done.result["deleted_per_schema"] == {"журнал:1": 1}
    assert (tmp_path / "audit" / "logs.jsonl").read_bytes() == YOUNG


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_finishes_what_is_in_flight_and_leaves_the_rest(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """The report says how far it came, is partial and `stopped`; the next run does the rest and leaves nothing over."""
    write_policy(tmp_path)
    names = [f"logs-20250101T{n:06d}.jsonl" for n in range(200)]
    write_log(tmp_path / "audit", dict.fromkeys(names, OLD * 9 + YOUNG))
    first = tmp_path / "audit" / names[0]
    before = first.stat().st_ino
    # Nine of ten records are old, and meant to go.
    process = start(*WORDS, "--json", "--jobs", "1", "--allow-delete-percent", "90", cwd=tmp_path)
    until(lambda: first.stat().st_ino != before)
    process.send_signal(number)
    done = finish(process)
    result = done.result
    assert (done.code, done.document["status"], result["status"]) == (code, "error", "partial")
    assert (result["stopped"], number.name in done.document["error"]) == (number.name, True)
    lines = b"".join((tmp_path / "audit" / name).read_bytes() for name in names).splitlines(keepends=True)
    assert 0 < result["records"]["deleted"] == 9 * result["segments"]["rewritten"] < 9 * len(names)
    assert lines.count(OLD) == result["overdue"]["records"]["app:1"] == 9 * result["segments"]["skipped"]
    assert sum(result["records"].values()) + lines.count(OLD) == 2 * result["records"]["scanned"] == 4000
    assert cleanup(tmp_path, "--allow-delete-percent", "90").result["records"] == {
        "scanned": len(lines),
        "deleted": lines.count(OLD),
        "kept": len(names),
    }
    assert [path.name for path in entries(tmp_path / "audit")] == names
    assert {(tmp_path / "audit" / name).read_bytes() for name in names} == {YOUNG}


def test_a_signal_does_not_wait_for_the_end_of_a_huge_segment(archive: Path) -> None:
    """What has only been read can be left: here 32 GiB in lines of 32 MiB, which are holes and use no disk."""
    huge = archive / "audit" / "logs-20240101T000000.jsonl"
    with huge.open("wb") as file:
        for line in range(1, 1025):
            os.pwrite(file.fileno(), b"\n", (line << 25) - 1)
    process = start(*WORDS, "--json", cwd=archive)
    until(lambda: is_open(process.pid, huge))
    process.terminate()
    done = finish(process, deadline=10)
    assert (done.code, done.result["stopped"]) == (143, "SIGTERM")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_the_job_begins_is_told_as_well(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """Here while its configuration comes from a pipe: no traceback, and the exit code is the signal's."""
    pipe = tmp_path / "asynclog.yaml"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    process = start("cleanup", "--json", "--config", "asynclog.yaml", cwd=tmp_path)
    until(lambda: is_open(process.pid, pipe))
    process.send_signal(number)
    os.close(writer)  # so that it reads on, even where the signal came just before it began to wait
    done = finish(process)
    assert done.code == code
    assert number.name in done.error


def test_a_signal_while_the_result_is_written_is_no_traceback(tmp_path: Path) -> None:
    """As with `| less` and Ctrl-C: the reader takes no more than a page of a longer document."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {f"logs-20250101T{n:06d}.jsonl": OLD for n in range(50)})
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    process = start(*WORDS, "--json", cwd=tmp_path, out=writing)
    os.close(writing)
    until(lambda: select.select([reading], [], [], 0)[0])
    process.send_signal(signal.SIGINT)
    assert finish(process).code == 130
    os.close(reading)
    assert entries(tmp_path / "audit") == []


def test_a_signal_in_a_callback_is_not_lost() -> None:
    """From there nothing can be raised: the interpreter tells of it and goes on."""

    class Thing:
        """What is waited for."""

    thing = Thing()
    reference = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))

    def waiting() -> None:
        nonlocal thing
        with caught_signals():
            del thing
            select.select([], [], [], DEADLINE)

    with pytest.raises(StoppedError, match="SIGTERM"):
        waiting()
    assert reference() is None


def test_a_signal_during_an_import_waits_for_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in C may crash if what it imports raises, and Python wraps what is raised while a class is made."""
    source = "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nwhole = True\n"
    (tmp_path / "interrupted_module.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    modules = []

    def waiting() -> None:
        with caught_signals():
            modules.append(importlib.import_module("interrupted_module"))
            select.select([], [], [], DEADLINE)

    with pytest.raises(StoppedError, match="SIGTERM"):
        waiting()
    assert [module.whole for module in modules] == [True]
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_an_alarm_that_a_parent_has_set_ends_the_job(archive: Path) -> None:
    """As of `perl -e 'alarm 3600; exec @ARGV'`, the watchdog of old."""
    watchdog = "import os, signal, sys; signal.setitimer(signal.ITIMER_REAL, 0.5); os.execvp(sys.argv[1], sys.argv[1:])"
    with held(archive / "audit"):
        process = start(*WORDS, "--lock-wait", "1h", cwd=archive, before=(sys.executable, "-c", watchdog))
        assert finish(process).code == -signal.SIGALRM
