"""The last runs of a log: one line each, however they ended, in two files of the state folder."""

from __future__ import annotations

import json
import os
import pwd
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import held, record, write_log, write_policy
from command import NO_OVERRIDE, NOW, run

import asynclog
from asynclog.catalog.history import FULL, append_line, read_lines

if TYPE_CHECKING:
    from pathlib import Path

OLD, YOUNG = record(days=400), record(days=1)
SEGMENT = "logs-20250101T000000.jsonl"
NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--state", "state")
LOG = ("--path", "audit/logs.jsonl", "--state", "state")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a log of which two records have expired."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {SEGMENT: OLD * 2 + YOUNG})
    return tmp_path


def runs(folder: Path, *words: str) -> list[dict[str, Any]]:
    found = run("history", *(words or LOG), "--json", cwd=folder)
    assert found.code == 0
    listed: list[dict[str, Any]] = found.result["runs"]
    return listed


def files(folder: Path) -> list[str]:
    state = folder / "state"
    return sorted(path.name for path in state.iterdir() if "history" in path.name) if state.exists() else []


def test_each_run_leaves_a_line(log: Path) -> None:
    """When, who, how many, from when to when, which plan, and the exit code; dry runs are marked."""
    dry = run("cleanup", "-n", *NAMED, "--now", NOW, "--plan-out", "plan.json", "--json", cwd=log).result
    done = run("apply", "plan.json", *NAMED, "--now", NOW, "--json", cwd=log).result
    again = run("cleanup", *NAMED, "--now", NOW, "--json", cwd=log).result
    found = runs(log)
    assert [each["run_id"] for each in found] == [dry["run_id"], done["run_id"], again["run_id"]]
    assert [(each["command"], each["dry_run"]) for each in found] == [
        ("cleanup", True),
        ("apply", False),
        ("cleanup", False),
    ]
    assert [each["records"] for each in found] == [2, 2, 0]
    assert [each["bytes"] for each in found] == [2 * len(OLD)] * 2 + [0]
    assert (found[1]["oldest"], found[1]["newest"]) == ("2025-10-20T00:00:00Z", "2025-10-20T23:59:59.999999999Z")
    checksum = json.loads((log / "plan.json").read_text())["checksum"]
    plan = {"path": str(log / "plan.json"), "checksum": checksum}
    assert [each["plan"] for each in found] == [plan, plan, None]
    assert dry["plan"] == done["plan"] == plan
    assert {(each["exit_code"], each["error"], each["log"]) for each in found} == {
        (0, None, str(log / "audit/logs.jsonl"))
    }
    user = pwd.getpwuid(os.geteuid()).pw_name
    assert {(each["user"], each["host"]) for each in found} == {(user, os.uname().nodename)}
    assert files(log) == [name for name in files(log) if name.startswith("logs-")] != []


def test_runs_that_failed_are_there(log: Path) -> None:
    """Held, refused, stopped by a fault of the policy, partly done: with the exit code and the sentence."""
    with held(log / "audit"):
        run("cleanup", *NAMED, "--now", NOW, cwd=log)
    write_log(log / "audit", {SEGMENT: OLD * 2000})
    run("cleanup", *NAMED, "--now", NOW, cwd=log)
    (log / "audit" / SEGMENT).chmod(0)
    run("cleanup", *NAMED, "--now", NOW, cwd=log, before=NO_OVERRIDE)
    (log / "schemas.yaml").write_text("schemas: 3\n")
    run("cleanup", *NAMED, "--now", NOW, cwd=log)
    found = runs(log)
    assert [(each["exit_code"], each["status"], each["records"]) for each in found] == [
        (4, "error", 0),
        (5, "error", 0),
        (3, "partial", 0),
        (2, "error", 0),
    ]
    assert all(each["error"] for each in found)
    held_back, refused, *_ = run("history", *LOG, cwd=log).out.splitlines()[-4:]
    for line, each in ((held_back, found[0]), (refused, found[1])):
        assert line == f"{each['began'][:19]}Z: {each['error'].partition('. ')[0]}"


def test_the_text_is_a_line_a_run(log: Path) -> None:
    """The latest last, and errors below."""
    assert run("history", *LOG, cwd=log).out == f"{log}/audit/logs.jsonl: no run is known (in {log}/state)\n"
    assert files(log) == []
    run("cleanup", "-n", *NAMED, "--now", NOW, "--plan-out", "plan.json", cwd=log)
    run("cleanup", *NAMED, "--now", NOW, cwd=log)
    with held(log / "audit"):
        run("cleanup", *NAMED, "--now", NOW, cwd=log)
    head, columns, dry, real, failed, why = run("history", *LOG, cwd=log).out.splitlines()
    assert head == f"{log}/audit/logs.jsonl: 3 runs"
    assert columns.split() == ["began", "who", "what", "records", "size", "exit", "plan"]
    assert ("cleanup (dry run)" in dry, dry.split()[5], f"{log}/plan.json (" in dry) == (True, "2", True)
    assert real.split()[2:4] == ["cleanup", "2"]
    assert failed.split()[-1] == "4"
    assert "audit" in why


def test_only_the_last_runs_are_in_the_text(log: Path) -> None:
    """And all of them in the document."""
    for _ in range(25):
        run("cleanup", "-n", *NAMED, "--now", NOW, cwd=log)
    said = run("history", *LOG, cwd=log).out.splitlines()
    assert len(said) == 2 + 20 + 1
    assert said[-1] == "And 5 earlier ones: --json has them all"
    assert len(runs(log)) == 25


def test_logs_have_histories_of_their_own(log: Path) -> None:
    """By the path that links lead to; of many logs, all runs together."""
    write_log(log / "b", {SEGMENT: OLD})
    (log / "link").symlink_to("audit")
    for path in ("audit", "b", "link"):
        run("cleanup", "-n", "--path", f"{path}/logs.jsonl", *NAMED[2:], cwd=log)
    assert len(runs(log)) == 2
    assert len(runs(log, "--path", "b/logs.jsonl", "--state", "state")) == 1
    (log / "link").unlink()
    run("cleanup", "-n", "--path", "*/logs.jsonl", *NAMED[2:], cwd=log)
    found = runs(log, "--path", "*/logs.jsonl", "--state", "state")
    assert len(found) == 5
    assert {each["log"] for each in found} == {str(log / "audit/logs.jsonl"), str(log / "b/logs.jsonl")}


def test_all_profiles_have_theirs(log: Path) -> None:
    """Each profile's log."""
    write_log(log / "b", {SEGMENT: OLD})
    (log / "asynclog.yaml").write_text(
        "state: state\nprofiles:\n"
        "  a: {audit: {path: audit/logs.jsonl, schemas: schemas.yaml}}\n"
        "  b: {audit: {path: b/logs.jsonl, schemas: schemas.yaml}}\n"
    )
    run("cleanup", "--all-profiles", "-n", cwd=log)
    assert [[each["profile"] for each in runs(log, "--profile", name)] for name in "ab"] == [["a"], ["b"]]


async def test_a_call_from_python_is_a_run(log: Path) -> None:
    """Like any other."""
    path, schemas, state = log / "audit/logs.jsonl", log / "schemas.yaml", log / "state"
    report = await asynclog.cleanup(path=path, schemas=schemas, state=state, dry_run=True)
    assert [each["run_id"] for each in runs(log)] == [report.result.run_id]


@pytest.mark.parametrize("words", [("--no-catalog",), ()])
def test_no_history_without_a_log_or_a_catalog(log: Path, words: tuple[str, ...]) -> None:
    """Neither for a folder that is not there, nor where nobody wants files in the state folder."""
    path = "audit" if words else "nowhere"
    run("cleanup", "-n", "--path", f"{path}/logs.jsonl", *NAMED[2:], *words, cwd=log)
    assert files(log) == []


def test_a_history_that_can_not_be_written_is_a_warning(log: Path) -> None:
    """The run is done, and its exit code is its own."""
    run("cleanup", "-n", *NAMED, "--now", NOW, cwd=log)
    (name,) = files(log)
    (log / "state" / name).unlink()
    (log / "state" / name).mkdir()
    done = run("cleanup", *NAMED, "--now", NOW, "--json", cwd=log)
    assert (done.code, done.result["records"]["deleted"]) == (0, 2)
    assert any("the history can't be written" in warning for warning in done.result["warnings"])
    told = run("history", *LOG, "--json", cwd=log)
    assert (told.code, "the history can't be read" in told.error) == (2, True)


def test_a_damaged_line_costs_itself_only(log: Path) -> None:
    """A torn one is ended before the next."""
    for torn in (b'{"began": "2026', b"\xff\x00\n", b'{"x":' * 20_000 + b"\n"):
        run("cleanup", "-n", *NAMED, "--now", NOW, cwd=log)
        with (log / "state" / files(log)[0]).open("ab") as file:
            file.write(torn)
    run("cleanup", "-n", *NAMED, "--now", NOW, cwd=log)
    assert len(runs(log)) == 4


def test_a_file_of_somebody_else_is_not_written_to(log: Path) -> None:
    """A link in the state folder is not followed, nor is a file with another name, too."""
    run("cleanup", "-n", *NAMED, "--now", NOW, cwd=log)
    (name,) = files(log)
    mine = log / "state" / name
    victim = log / "victim"
    for how in ("symlink_to", "hardlink_to"):
        victim.write_bytes(b"")
        mine.unlink()
        getattr(mine, how)(victim)
        assert run("cleanup", "-n", *NAMED, "--now", NOW, cwd=log).code == 0
        assert victim.read_bytes() == b""


def test_two_files_are_turned(tmp_path: Path) -> None:
    """Of at most 1 MiB and a line each: of what is older nothing is left, and nothing is lost in between."""
    state, line = str(tmp_path / "state"), b"x" * 100_000
    for number in range(40):
        append_line(state, str(tmp_path), "logs.jsonl", b"%d %s" % (number, line))
    kept = [int(each.split()[0]) for each in read_lines(state, str(tmp_path), "logs.jsonl") if each]
    assert kept == list(range(kept[0], 40))
    sizes = [path.stat().st_size for path in (tmp_path / "state").iterdir()]
    assert len(sizes) == 2
    assert FULL <= max(sizes) <= FULL + 2 * len(line)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()} == {0o600}
