"""Under systemd what goes to stderr is in the journal's form; everywhere else it is plain."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from audit_log import record, write_log, write_policy
from command import CALM, COMMAND, NOW, run

from asynclog.cli.output import complain_of_bug, for_stderr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORDS = ("cleanup", "--path", "au\ndit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a log in a folder that has a newline in its name."""
    write_policy(tmp_path)
    write_log(tmp_path / "au\ndit", {"logs.jsonl": record("a\nb") + record()})
    return tmp_path


def said(folder: Path, *words: str, stream: str = "{0.st_dev}:{0.st_ino}") -> list[str]:
    """Return the lines on stderr, a file here, which systemd is said to read as the stream of that device and inode."""
    with (folder / "stderr").open("w") as stderr:
        environment = CALM | {"JOURNAL_STREAM": stream.format((folder / "stderr").stat())}
        out = subprocess.DEVNULL
        subprocess.run(
            [*COMMAND, *WORDS, *words], cwd=folder, env=environment, stdout=out, stderr=stderr, timeout=60, check=False
        )
    return (folder / "stderr").read_text().splitlines()


def test_a_log_line_has_a_priority_and_is_one_line(folder: Path) -> None:
    """Debug is 7; a newline in a name is escaped."""
    lines = said(folder, "--debug", "-n")
    assert len(lines) > 3
    assert all(line.startswith("<7>asynclog: ") for line in lines)
    assert sum(r"au\ndit/logs.jsonl" in line for line in lines) == 1


def test_what_went_wrong_is_an_error(folder: Path) -> None:
    """3, whether the job could not begin or was only done in part."""
    (fatal,) = said(folder, "--now", "no\non")
    assert fatal.startswith("<3>asynclog: --now ")
    with (folder / "au\ndit/logs.jsonl").open("ab"):
        (partial,) = said(folder, "--max-overdue", "1d")
    assert partial.startswith("<3>asynclog: what expired longer ago")


@pytest.mark.parametrize("stream", ["", "1:1", "{0.st_dev}:0", "{0.st_ino}:{0.st_dev}", "nonsense"])
def test_elsewhere_the_lines_are_plain(folder: Path, stream: str) -> None:
    """The variable is inherited by whatever the service starts: it counts only where stderr is still that stream."""
    assert said(folder, "--now", "noon", stream=stream)[0].startswith("asynclog: --now ")


def test_a_closed_stderr_is_no_error(folder: Path) -> None:
    """Nor with a variable that names a stream."""
    done = run(*WORDS, "--debug", cwd=folder, env={"JOURNAL_STREAM": "1:1"}, before=["sh", "-c", '"$@" 2>&-', "-"])
    assert (done.code, done.err) == (0, "")


@contextlib.contextmanager
def stderr_into(file: Path) -> Iterator[os.stat_result]:
    """Have this process's stderr go to a file; yield its status."""
    with file.open("w") as stream, contextlib.redirect_stderr(stream):
        yield os.fstat(stream.fileno())


@pytest.mark.parametrize(
    ("level", "prefix"),
    [(logging.DEBUG, "<7>"), (logging.INFO, "<6>"), (logging.WARNING, "<4>"), (logging.ERROR, "<3>")],
)
def test_the_priorities_are_those_of_syslog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: int, prefix: str
) -> None:
    """As sd-daemon(3) has them."""
    with stderr_into(tmp_path / "stderr") as status:
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert for_stderr("one\ntwo", level) == rf"{prefix}one\ntwo"


def test_a_traceback_is_one_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the journal; a person gets it in lines."""

    def told(*, journal: bool) -> str:
        with stderr_into(tmp_path / "stderr") as status:
            monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}" if journal else "")
            try:
                raise ValueError("odd")
            except ValueError:
                complain_of_bug()
        return (tmp_path / "stderr").read_text()

    assert told(journal=False).count("\n") > 3
    assert told(journal=True).startswith("<3>Traceback")
    assert told(journal=True).count("\n") == 1
