"""Colours, where somebody sees them and has not declined them, and only there."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from audit_log import record, write_log, write_policy
from command import CALM, COMMAND, NOW, run
from terminal import at_terminal

NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW, "--no-catalog")
XTERM = {"TERM": "xterm-256color"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a log with something to warn about."""
    write_policy(tmp_path, "schema_name: app, retention_days: 90", "schema_name: gone, retention_days: 0")
    write_log(tmp_path / "audit", {"logs.jsonl": record("app", days=1) + record("\x1b[31mred", days=1)})
    return tmp_path


@pytest.mark.parametrize(
    ("words", "env", "at_a_terminal", "in_a_pipe"),
    [
        ((), {}, True, False),
        ((), {"NO_COLOR": "1"}, False, False),
        ((), {"NO_COLOR": ""}, True, False),
        ((), {"FORCE_COLOR": "1"}, True, True),
        ((), {"FORCE_COLOR": ""}, True, False),
        ((), {"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ((), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ((), {"TERM": "dumb"}, False, False),
        (("--color", "always"), {"NO_COLOR": "1", "TERM": "dumb"}, True, True),
        (("--color=never",), {"FORCE_COLOR": "1"}, False, False),
        (("--color", "auto"), {}, True, False),
    ],
)
def test_who_decides_about_colours(
    log: Path, words: tuple[str, ...], env: dict[str, str], *, at_a_terminal: bool, in_a_pipe: bool
) -> None:
    """The option, then NO_COLOR, FORCE_COLOR and TERM, then whether it is a terminal: of results and of errors."""
    shown = at_terminal("cleanup", "-n", *NAMED, *words, cwd=log, env=env, out=True)
    assert ("\x1b[" in shown.screen) == at_a_terminal
    wrong = at_terminal("cleanup", "--path", "nowhere/logs.jsonl", *words, cwd=log, env=env)
    assert ("\x1b[" in wrong.screen) == at_a_terminal
    done = run("cleanup", "-n", *NAMED, *words, cwd=log, env=XTERM | env)
    assert ("\x1b[" in done.out) == in_a_pipe
    failed = run("cleanup", "--path", "nowhere/logs.jsonl", *words, cwd=log, env=XTERM | env)
    assert ("\x1b[" in failed.err) == in_a_pipe


def test_colours_change_no_word(log: Path) -> None:
    """Without them it is the same text."""
    plain = run("cleanup", "-n", *NAMED, "--color", "never", cwd=log).out
    colored = run("cleanup", "-n", *NAMED, "--color", "always", cwd=log).out
    for sequence in ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[33m"):
        assert sequence in colored
        colored = colored.replace(sequence, "")
    assert colored == plain


def test_names_bring_no_colours_of_their_own(log: Path) -> None:
    """Control characters in them are shown, not sent."""
    assert "\x1b[31m" not in run("cleanup", "-n", *NAMED, "--color", "always", cwd=log).out


def test_json_has_no_colours(log: Path) -> None:
    """Nor have the sentences in it."""
    done = run("cleanup", "-n", *NAMED, "--json", "--color", "always", cwd=log)
    assert json.loads(done.out)["status"] == "ok"
    assert "\x1b" not in done.out + done.err


@pytest.mark.parametrize("words", ["completion bash", "help cleanup", "presets show mxcp", "presets"])
def test_what_is_no_report_has_no_colours(log: Path, words: str) -> None:
    """A script and a configuration go to files as they are."""
    done = run(*words.split(), cwd=log, env={"FORCE_COLOR": "1"})
    assert done.code == 0
    assert "\x1b" not in done.out


def test_a_wrong_command_line_knows_its_colour(log: Path) -> None:
    """Although it was not understood."""
    done = run("cleanup", "--color", "always", "--no-such", cwd=log)
    assert done.err.startswith("\x1b[1;31masynclog:\x1b[0m ")
    assert run("cleanup", "--color", "sometimes", cwd=log).code == 2


def test_the_journal_gets_no_colours(log: Path, tmp_path: Path) -> None:
    """It would show them as binary data; its lines have a priority instead."""
    with (tmp_path / "journal").open("w+b") as journal:
        status = os.fstat(journal.fileno())
        env = CALM | {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}", "FORCE_COLOR": "1"}
        words = [*COMMAND, "cleanup", "--path", "nowhere/logs.jsonl"]
        assert subprocess.run(words, cwd=log, env=env, stderr=journal, check=False).returncode == 2
        journal.seek(0)
        assert journal.read().startswith(b"<3>asynclog: ")
