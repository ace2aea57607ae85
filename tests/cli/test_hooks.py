"""Programs that a profile has run before a run, after it, and if it fails."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import held, looks, record, write_log, write_policy
from command import NOW, Done, finish, run, start, until

import asynclog

if TYPE_CHECKING:
    from pathlib import Path

OLD, YOUNG = record(days=400), record(days=1)
SEGMENT = "logs-20250101T000000.jsonl"

# Notes how it was called, and what it was given, in a file of its name; ends as its arguments say.
PROGRAM = f"""#!{sys.executable}
import json, os, sys
name, status, *words = sys.argv[1:]
told = {{key: value for key, value in os.environ.items() if key.startswith("ASYNCLOG_")}}
with open(name + ".json", "a") as file:
    note = {{"told": told, "words": words, "given": sys.stdin.read(), "files": sorted(os.listdir("audit"))}}
    file.write(json.dumps(note) + "\\n")
print("said by", name)
sys.exit(int(status))
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a log of which one record has expired, and a hook of every kind."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {SEGMENT: OLD + YOUNG})
    (tmp_path / "hook").write_text(PROGRAM)
    (tmp_path / "hook").chmod(0o755)
    configure(tmp_path)
    return tmp_path


def configure(folder: Path, path: str = "audit/logs.jsonl", **changes: Any) -> None:
    hooks = {name: ["./hook", name, "0", "a b", "$HOME"] for name in ("before", "after", "error")} | changes
    profile = {"audit": {"path": path, "schemas": "schemas.yaml"}, "hooks": hooks}
    (folder / "asynclog.yaml").write_text(json.dumps({"state": "state", "profiles": {"default": profile}}))


def cleanup(folder: Path, *words: str, **options: Any) -> Done:
    return run("cleanup", "--now", NOW, "--json", *words, cwd=folder, **options)


def calls(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the one call of each hook that was run."""
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


def test_before_and_after_a_run(log: Path) -> None:
    """Without a shell, with variables, and the report on the stdin of `after`; what they print goes to stderr."""
    done = cleanup(log)
    assert (done.code, done.err) == (0, "said by before\nsaid by after\n")
    found = calls(log)
    assert set(found) == {"before", "after"}
    assert found["before"]["given"] == ""
    assert json.loads(found["after"]["given"]) == done.document
    told = {
        "ASYNCLOG_RUN_ID": done.result["run_id"],
        "ASYNCLOG_LOG": str(log / "audit/logs.jsonl"),
        "ASYNCLOG_PROFILE": "default",
    }
    ended = {"ASYNCLOG_EXIT": "0", "ASYNCLOG_STATUS": "success"}
    reader = {name: value for name, value in os.environ.items() if name == "ASYNCLOG_READER"}
    assert found["before"]["told"] == told | reader
    assert found["after"]["told"] == told | ended | reader
    assert found["before"]["words"] == found["after"]["words"] == ["a b", "$HOME"]


def test_hooks_run_in_the_configurations_folder(log: Path) -> None:
    """So that relative paths are relative to the file that names them."""
    (log / "elsewhere").mkdir()
    done = cleanup(log / "elsewhere", "--config", "../asynclog.yaml")
    assert (done.code, set(calls(log))) == (0, {"before", "after"})


def test_a_dry_run_runs_nothing(log: Path) -> None:
    """Nor does any other command, nor a profile that is switched off, nor --path alone."""
    for words in (("cleanup", "-n"), ("check",), ("estimate",), ("explain",), ("history",)):
        assert run(*words, cwd=log).code == 0
    run("cleanup", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--no-catalog", cwd=log)
    text = (log / "asynclog.yaml").read_text()
    (log / "asynclog.yaml").write_text(text.replace('"path"', '"enabled": false, "path"'))
    assert cleanup(log).result["status"] == "skipped"
    assert calls(log) == {}


def test_before_refuses_a_run(log: Path) -> None:
    """Exit 6, nothing is touched, and `error` is told."""
    configure(log, before=["./hook", "before", "7"])
    before = looks(log / "audit")
    done = cleanup(log)
    assert done.code == 6
    assert done.document["error"] == "hooks.before: ./hook ended with exit status 7: nothing was touched"
    assert looks(log / "audit") == before
    found = calls(log)
    assert set(found) == {"before", "error"}
    assert json.loads(found["error"]["given"]) == done.document
    assert {key: found["error"]["told"][key] for key in ("ASYNCLOG_EXIT", "ASYNCLOG_STATUS")} == {
        "ASYNCLOG_EXIT": "6",
        "ASYNCLOG_STATUS": "error",
    }
    assert run("history", "--json", cwd=log).result["runs"][0]["exit_code"] == 6


def held_by_another(log: Path) -> Done:
    with held(log / "audit"):
        return cleanup(log)


def refused(log: Path) -> Done:
    write_log(log / "audit", {SEGMENT: OLD * 2000})
    return cleanup(log)


def without_policy(log: Path) -> Done:
    (log / "schemas.yaml").write_text("schemas: 3\n")
    return cleanup(log)


def partly_done(log: Path) -> Done:
    return cleanup(log, "--max-overdue", "1d", "--max-runtime", "0s")


def without_metrics(log: Path) -> Done:
    return cleanup(log, "--metrics-file", "nowhere/asynclog.prom")


@pytest.mark.parametrize(
    ("how", "code", "status"),
    [
        (held_by_another, 4, "error"),
        (refused, 5, "error"),
        (without_policy, 2, "error"),
        (partly_done, 3, "partial"),
        (without_metrics, 3, "partial"),
    ],
)
def test_error_is_for_every_exit_but_0(log: Path, how: Any, code: int, status: str) -> None:
    """With what is printed on its stdin."""
    done = how(log)
    found = calls(log)
    assert (done.code, set(found)) == (code, {"before", "error"})
    assert json.loads(found["error"]["given"]) == done.document
    assert found["error"]["told"]["ASYNCLOG_EXIT"] == str(code)
    assert found["error"]["told"]["ASYNCLOG_STATUS"] == status


@pytest.mark.parametrize("words", [["./hook", "after", "3"], ["nowhere/program"], ["kill-it"]], ids=str)
def test_after_never_changes_the_outcome(log: Path, words: list[str]) -> None:
    """That it failed is a warning."""
    (log / "kill-it").write_text("#!/bin/sh\nkill -9 $$\n")
    (log / "kill-it").chmod(0o755)
    words = [f"./{word}" if word == "kill-it" else word for word in words]
    configure(log, before=None, after=words)
    done = cleanup(log)
    assert (done.code, done.result["status"], done.result["records"]["deleted"]) == (0, "success", 1)
    (warning,) = done.result["warnings"]
    assert warning.startswith(f"hooks.after: {words[0]} ")
    assert warning in done.err
    assert f"\nWarning: {warning}\n" in run("cleanup", "--now", NOW, cwd=log).out + "\n"


def test_error_never_changes_the_outcome(log: Path) -> None:
    """Its own failure is told on stderr, and the exit code is the run's."""
    configure(log, before=None, error=["./hook", "error", "9"])
    with held(log / "audit"):
        for words in ((), ("--json",)):
            done = run("cleanup", *words, cwd=log)
            assert (done.code, "hooks.error: ./hook ended with exit status 9" in done.err) == (4, True)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_hook_has_a_time_limit(log: Path, moment: str) -> None:
    """Then it is killed, with what it has started."""
    (log / "slow").write_text(f"#!/bin/sh\nsleep 1000 & echo $! > {log}/child\nwait\n")
    (log / "slow").chmod(0o755)
    changes: dict[str, Any] = {"timeout": "1s", moment: ["./slow"]}
    configure(log, **changes)
    done = cleanup(log)
    assert done.code == (6 if moment == "before" else 0)
    told = done.document["error"] if moment == "before" else done.result["warnings"][0]
    assert f"hooks.{moment}: ./slow did not end within 1 s, and was killed" in told
    child = int((log / "child").read_text())
    until(lambda: not is_alive(child))


def is_alive(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_signal_ends_the_hook_before(log: Path) -> None:
    """Nothing was touched, and `error` is told which exit it is."""
    (log / "slow").write_text(
        f"#!/bin/sh\necho $$ > {log}/child.new; mv {log}/child.new {log}/child\nexec sleep 1000\n"
    )
    (log / "slow").chmod(0o755)
    configure(log, before=["./slow"])
    before = looks(log / "audit")
    process = start("cleanup", "--now", NOW, "--json", cwd=log)
    until((log / "child").exists)
    process.send_signal(signal.SIGTERM)
    done = finish(process)
    assert (done.code, looks(log / "audit")) == (143, before)
    assert not is_alive(int((log / "child").read_text()))
    assert calls(log)["error"]["told"]["ASYNCLOG_EXIT"] == "143"


def test_a_second_signal_leaves_no_hook_behind(log: Path) -> None:
    """Nor one that ignores the first."""
    notes = f"echo $$ > {log}/child.new; mv {log}/child.new {log}/child"
    (log / "deaf").write_text(f"#!/bin/sh\ntrap 'touch {log}/asked' TERM\n{notes}\nwhile :; do sleep 0.1; done\n")
    (log / "deaf").chmod(0o755)
    configure(log, before=["./deaf"])
    process = start("cleanup", "--now", NOW, "--json", cwd=log)
    until((log / "child").exists)
    process.send_signal(signal.SIGINT)
    until((log / "asked").exists)
    process.send_signal(signal.SIGINT)
    child = int((log / "child").read_text())
    try:
        until(lambda: not is_alive(child))
    finally:
        if is_alive(child):
            os.killpg(child, signal.SIGKILL)
    assert finish(process).code == 130


def test_a_hook_need_not_read_its_stdin(log: Path) -> None:
    """However long the report is."""
    write_log(log / "audit", {f"logs-202501{n:02}T000000.jsonl": YOUNG for n in range(1, 29)})
    names = [f"logs-2024{n:04}T000000.jsonl" for n in range(1, 800)]
    write_log(log / "audit", dict.fromkeys(names, YOUNG))
    configure(log, before=None, after=["true"])
    done = cleanup(log, "--debug")
    assert (done.code, done.result["warnings"]) == (0, [])


def test_apply_has_them_too(log: Path) -> None:
    """And a plan is not applied under other hooks than those that it was made under."""
    assert run("cleanup", "-n", "--now", NOW, "--plan-out", "plan.txt", cwd=log).code == 0
    configure(log, before=None)
    assert run("apply", "plan.txt", "--now", NOW, cwd=log).code == 2
    configure(log)
    for path in log.glob("*.json"):
        path.unlink()
    assert run("apply", "plan.txt", "--now", NOW, cwd=log).code == 0
    assert set(calls(log)) == {"before", "after"}


def test_many_logs_have_them_once(log: Path) -> None:
    """Around all of them, with the pattern for a log and the totals for a report."""
    write_log(log / "b", {SEGMENT: OLD})
    configure(log, "*/logs.jsonl")
    done = cleanup(log)
    found = calls(log)
    assert json.loads(found["after"]["given"]) == done.document
    assert len(done.result["logs"]) == 2
    assert found["after"]["told"]["ASYNCLOG_LOG"] == str(log / "*/logs.jsonl")
    assert found["after"]["told"]["ASYNCLOG_RUN_ID"] == done.result["run_id"]
    assert len(done.result["run_id"]) == 16


def test_each_profile_has_its_own(log: Path) -> None:
    """The worst exit is 6 if a hook refused one of them."""
    write_log(log / "b", {SEGMENT: OLD})
    profiles = {
        name: {"audit": {"path": f"{path}/logs.jsonl", "schemas": "schemas.yaml"}, "hooks": {"before": [command]}}
        for name, path, command in (("one", "audit", "false"), ("two", "b", "true"))
    }
    (log / "asynclog.yaml").write_text(json.dumps({"state": "state", "profiles": profiles}))
    done = cleanup(log, "--all-profiles")
    assert (done.code, done.result["records"]["deleted"]) == (6, 1)
    assert done.result["profiles"]["one"]["message"] == (
        "hooks.before: false ended with exit status 1: nothing was touched"
    )


async def test_a_call_from_python_has_them(log: Path) -> None:
    """Or whoever calls from Python would go round `before`."""
    report = await asynclog.cleanup(config=log / "asynclog.yaml")
    assert report.result.records.deleted == 1
    assert set(calls(log)) == {"before", "after"}


@pytest.mark.parametrize("how", ["a stranger's", "writable"])
def test_a_configuration_with_hooks_is_nobody_elses(log: Path, how: str) -> None:
    """Even when it is named: whoever can write there says what is run. Without hooks it is used as it is."""
    path = log / "asynclog.yaml"
    if how == "writable":
        path.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IWOTH)
    elif os.geteuid():
        pytest.skip("only root can give files away")
    else:
        os.chown(path, 12345, 12345)
    before = looks(log / "audit")
    for words in (("cleanup", "--now", NOW), ("check",)):
        done = run(*words, "--config", "asynclog.yaml", "--json", cwd=log)
        assert (done.code, "this configuration has hooks" in done.error) == (2, True)
    assert (looks(log / "audit"), calls(log)) == (before, {})
    configuration = json.loads(path.read_text())
    del configuration["profiles"]["default"]["hooks"]
    path.write_text(json.dumps(configuration))
    assert cleanup(log, "--config", "asynclog.yaml").code == 0


@pytest.mark.parametrize(
    "hooks",
    [
        "{before: notify}",
        "{before: []}",
        "{before: ['']}",
        "{before: [3]}",
        "{befor: [true]}",
        "{before: ['true'], timeout: 0s}",
        "{before: ['true'], timeout: soon}",
        "{before: ['true'], timeout: 60}",
        "[true]",
        "3",
    ],
)
def test_what_is_no_hook_is_a_sentence(log: Path, hooks: str) -> None:
    """Exit 2, with file and line."""
    audit = "{path: audit/logs.jsonl, schemas: schemas.yaml}"
    (log / "asynclog.yaml").write_text(f"profiles:\n  default:\n    audit: {audit}\n    hooks: {hooks}\n")
    done = run("check", "--json", cwd=log)
    assert (done.code, f"{log}/asynclog.yaml:4: profiles.default.hooks" in done.error) == (2, True), done.error


@pytest.mark.parametrize("path", ["audit/logs.jsonl", "au*/logs.jsonl"])
def test_a_run_that_before_refuses_has_a_page_and_a_table(log: Path, path: str) -> None:
    """Those of an earlier run would be taken for its own; the hook `error` finds them."""
    configure(log, path, before=["false"], error=["cp", "page.html", "seen.html"])
    done = cleanup(log, "--html", "page.html", "--csv", "table.csv")
    assert done.code == 6
    for name in ("page.html", "table.csv", "seen.html"):
        assert str(done.error) in (log / name).read_text()


def test_many_logs_of_a_policy_with_an_error_are_a_failed_run(log: Path) -> None:
    """The hook `error`, page and table tell it, as for one log."""
    configure(log, "au*/logs.jsonl")
    write_policy(log, "schema_name: x, retention_day: 7")
    done = cleanup(log, "--html", "page.html", "--csv", "table.csv")
    assert done.code == 2
    assert calls(log).keys() == {"before", "error"}
    assert all("schemas.yaml:2: " in (log / name).read_text() for name in ("page.html", "table.csv"))
