"""`asynclog check`: whether configuration and policy are valid, and what they mean for the log as it is."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import held, looks, record, write_log, write_policy
from command import NO_OVERRIDE, run

from asynclog.cli.signals import StoppedError, caught_signals

if TYPE_CHECKING:
    from pathlib import Path

    from command import Done

KEYS = [("exact", 1), ("exact", 2), ("named", 7), ("other", 1), ("retired", 1), ("retired", 2)]


def check(folder: Path, *words: str, before: tuple[str, ...] = ()) -> Done:
    """Run `asynclog check --json` for `audit/logs.jsonl` and `schemas.yaml` of a folder."""
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--json")
    return run("check", *named, *words, cwd=folder, before=before)


def configure(folder: Path, **profile: str) -> None:
    """Write an `asynclog.yaml` with this one profile."""
    lines = "".join(f"    {key}: {{{value}}}\n" for key, value in profile.items())
    (folder / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles:\n  default:\n{lines}")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a folder with a log of two segments, each with a record of each of KEYS."""
    lines = [record(name, version) for name, version in KEYS]
    write_log(tmp_path / "audit", {"logs-20250101T000000.jsonl": [*lines, b"torn\n"], "logs.jsonl": lines})
    return tmp_path


def rules(result: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Each schema's rule, whether that governs, its days and the line that gave it."""
    return {
        key: (each["rule"], each["governed"], each["retention_days"], each["where"] and each["where"].rsplit(":")[-1])
        for key, each in result["schemas"].items()
    }


def test_each_schema_has_the_rule_that_a_cleanup_goes_by(log: Path) -> None:
    """That of its key, else its name, else `*`; one that is switched off hides the wider ones and governs nothing."""
    policy = write_policy(
        log,
        "schema_name: exact, version: 1, retention_days: 30",
        "schema_name: exact, retention_days: 60",
        "schema_name: named",
        "schema_name: retired, version: 1, retention_days: 5, active: false",
        "schema_name: '*', retention_days: 400",
    )
    done = check(log)
    assert (done.code, done.result["status"]) == (0, "success")
    assert rules(done.result) == {
        "exact:1": ("exact:1", True, 30, "2"),
        "exact:2": ("exact", True, 60, "3"),
        "named:7": ("named", True, None, "4"),
        "retired:1": ("retired:1", False, 5, "5"),
        "retired:2": ("*", True, 400, "6"),
        "other:1": ("*", True, 400, "6"),
    }
    assert done.result["schemas"]["exact:1"]["where"] == f"{policy}:2"
    assert (done.result["ungoverned"], done.result["unused_rules"]) == (["retired:1"], [])
    cleaned = run("cleanup", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "-n", "--json", cwd=log)
    assert list(cleaned.result["kept"]["no_policy"]) == done.result["ungoverned"]


def test_it_counts_what_is_there(log: Path) -> None:
    """Records and bytes over all segments, and what is no record."""
    write_policy(log)
    result = check(log).result
    assert {key: (each["records"], each["bytes"]) for key, each in result["schemas"].items()} == {
        f"{name}:{version}": (2, 2 * len(record(name, version))) for name, version in KEYS
    }
    assert (result["unreadable"], result["segments"]) == (1, {"total": 2, "read": 2, "skipped": 0, "failed": 0})
    assert (result["log"], result["policy"]) == (str(log / "audit/logs.jsonl"), str(log / "schemas.yaml"))
    assert (result["configuration"], result["profile"]) == (None, None)


def test_rules_that_match_nothing_are_named_with_their_place(log: Path) -> None:
    """Also one for a name of which every version that is there has a rule of its own, and `*` without a rest."""
    policy = write_policy(
        log,
        "schema_name: exact, version: 1",
        "schema_name: exact, version: 2",
        "schema_name: exact, retention_days: 9",
        "schema_name: gone, version: 3, active: false",
        *(f"schema_name: {name}" for name in ("named", "retired", "other")),
        "schema_name: '*', retention_days: 0",
    )
    result = check(log).result
    assert result["unused_rules"] == [
        {"rule": "gone:3", "active": False, "retention_days": None, "retention_s": None, "where": f"{policy}:5"},
        {"rule": "exact", "active": True, "retention_days": 9, "retention_s": 777_600, "where": f"{policy}:4"},
        {"rule": "*", "active": True, "retention_days": 0, "retention_s": 0, "where": f"{policy}:9"},
    ]
    assert result["warnings"][-1] == "Rules that match nothing here: 2: gone:3, exact"
    assert result["warnings"][0].startswith(f"{policy}:9: retention_days 0 ")


def test_a_rule_for_everything_else_need_not_match_anything(log: Path) -> None:
    """It is for what may come. It is listed all the same."""
    write_policy(
        log,
        *(f"schema_name: {name}, retention_days: 900" for name in ("exact", "named", "retired", "other")),
        "schema_name: '*', retention_days: 400",
    )
    done = check(log, "--strict")
    assert (done.code, done.result["warnings"]) == (0, [])
    assert [rule["rule"] for rule in done.result["unused_rules"]] == ["*"]
    write_policy(log, "schema_name: 'x*'", "schema_name: '*', retention_days: 400")
    assert check(log, "--strict").result["warnings"][-1] == "Rules that match nothing here: 1: x*"


def test_many_names_in_a_warning_are_the_first_few(log: Path) -> None:
    """The rest is a number: a policy may have thousands."""
    write_policy(log, *(f"schema_name: gone{number}" for number in range(5)))
    assert check(log).result["warnings"] == [
        "Schemas without a rule, whose records are kept: 6: exact:1, exact:2, named:7 and 3 more",
        "Rules that match nothing here: 5: gone0, gone1, gone2 and 2 more",
    ]


def test_a_schema_without_a_rule_is_a_warning(log: Path) -> None:
    """Exit 0: its records are kept."""
    write_policy(log, *(f"schema_name: {name}" for name in ("exact", "named", "retired")))
    done = check(log)
    assert (done.code, done.result["ungoverned"]) == (0, ["other:1"])
    assert done.result["warnings"] == ["Schemas without a rule, whose records are kept: 1: other:1"]
    assert done.result["schemas"]["other:1"]["where"] is None


def test_a_period_that_the_guard_refuses_is_a_warning(log: Path) -> None:
    """Every cleanup that has something to delete would end with exit 5."""
    policy = write_policy(log, "schema_name: '*', retention_days: 3")
    configure(log, audit="path: audit/logs.jsonl, schemas: schemas.yaml", guard="min_retention_days: 7")
    (warning,) = run("check", "--json", cwd=log).result["warnings"]
    assert warning.startswith(f"{policy}:2: retention_days 3 is less than guard.min_retention_days 7")
    assert run("cleanup", cwd=log).code == 5


def test_text_says_the_same(log: Path) -> None:
    """A line per schema, then what needs a look; with `--quiet` nothing."""
    write_policy(
        log, "schema_name: exact, retention_days: 30", "schema_name: retired, active: false", "schema_name: gone"
    )
    configure(log, audit="path: audit/logs.jsonl, schemas: schemas.yaml")
    write_log(log / "audit", {"logs.jsonl.2.gz": b"\x1f\x8b"})
    done = run("check", cwd=log)
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert (done.code, done.err) == (0, "")
    assert lines[0] == "Valid: 3 rules, 6 schemas in 3 segments"
    assert f"exact:2 2 {2 * len(record('exact', 2))} bytes kept for 30 days ({log / 'schemas.yaml'}:2)" in lines
    assert any(line.startswith("retired:1 2 ") and "switched off: kept" in line for line in lines)
    assert any(line.startswith("other:1 2 ") and line.endswith("none: kept") for line in lines)
    assert f"Matches nothing: the rule for gone ({log / 'schemas.yaml'}:4)" in lines
    assert any(line.startswith("Not read: logs.jsonl.2.gz: ") for line in lines)
    assert any("profile default" in line for line in lines)
    assert run("check", "--quiet", cwd=log) == (0, "", "")


def test_the_table_is_the_end_if_nothing_needs_a_look(tmp_path: Path) -> None:
    """No empty line comes after it."""
    write_policy(tmp_path, "schema_name: app, retention_days: 30")
    write_log(tmp_path / "audit", {"logs.jsonl": [record("app")]})
    done = run("check", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].startswith("app:1 ")


def test_a_hostile_name_can_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    """It is shown escaped, in the text and in the JSON."""
    name = "a\x1b[2J\nb\u202e"
    write_log(tmp_path / "audit", {"logs.jsonl": record(name)})
    policy = tmp_path / "schemas.yaml"
    policy.write_text(json.dumps({"schemas": [{"schema_name": name}, {"schema_name": name + "!"}]}))
    done = check(tmp_path)
    assert list(done.result["schemas"]) == [f"{name}:1"]
    text = run("check", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", cwd=tmp_path).out
    assert "a\\x1b[2J\\nb\\u202e:1" in text
    assert "\x1b" not in text + done.out
    assert "\u202e" not in text + done.out


@pytest.mark.parametrize(
    ("policy", "configuration", "said"),
    [
        ("schema_name: app, retention_day: 3", "", "schemas.yaml:2: schemas.retention_day: "),
        ("schema_name: app, retention_days: -1", "", "schemas.yaml:2: "),
        ("schema_name: app", "guards: {}", "asynclog.yaml:"),
        ("schema_name: app", "guard: {max_delete_percent: 101}", "asynclog.yaml:"),
    ],
)
def test_what_is_invalid_is_exit_2_with_its_place(log: Path, policy: str, configuration: str, said: str) -> None:
    """As for a cleanup, word for word."""
    write_policy(log, policy)
    audit = "audit: {path: audit/logs.jsonl, schemas: schemas.yaml}"
    (log / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles:\n  default:\n    {audit}\n    {configuration}\n")
    done = run("check", "--json", cwd=log)
    assert done.code == 2
    assert said in done.error
    assert done.error == run("cleanup", "-n", "--json", cwd=log).error


def test_a_profile_that_is_switched_off_is_skipped(log: Path) -> None:
    """As for a cleanup: exit 0."""
    configure(log, audit="enabled: false")
    done = run("check", "--json", cwd=log)
    assert (done.code, done.result["status"], done.result["profile"]) == (0, "skipped", "default")
    assert "switched off" in done.result["message"]
    assert done.result["schemas"] == {}


@pytest.mark.parametrize("schemas", ["schemas.yaml", None])
def test_a_log_that_does_not_exist_yet_is_a_warning(tmp_path: Path, schemas: str | None) -> None:
    """From a configuration; its policy is checked all the same, but a registry in that folder can't be there yet."""
    write_policy(tmp_path)
    configure(tmp_path, audit="path: audit/logs.jsonl" + (f", schemas: {schemas}" if schemas else ""))
    done = run("check", "--json", cwd=tmp_path)
    assert done.code == 0
    assert done.result["warnings"][0].startswith(f"{tmp_path / 'audit'} does not exist yet: ")
    assert len(done.result["unused_rules"]) == (1 if schemas else 0)
    write_policy(tmp_path, "schema_name: 1")
    assert run("check", "--json", cwd=tmp_path).code == (2 if schemas else 0)


def test_a_folder_without_a_segment_of_the_log_is_a_warning(log: Path) -> None:
    """However its path was named: who checks wants to know."""
    write_policy(log)
    configure(log, audit="path: audit/log.jsonl, schemas: schemas.yaml")
    for words in [(), ("--path", "audit/log.jsonl", "--schemas", "schemas.yaml")]:
        done = run("check", "--json", *words, cwd=log)
        assert done.code == 0
        assert done.result["warnings"][0].startswith(f"{log / 'audit'} has no segment of log.jsonl: ")


def test_a_folder_that_is_named_by_hand_must_be_there(tmp_path: Path) -> None:
    """Exit 2, as for a cleanup; a registry that is missing beside a log is an error too."""
    write_policy(tmp_path)
    done = check(tmp_path)
    assert (done.code, "no such folder" in done.error) == (2, True)
    write_log(tmp_path / "audit", {})
    done = run("check", "--path", "audit/logs.jsonl", "--json", cwd=tmp_path)
    assert (done.code, "logs_schemas.jsonl" in done.error) == (2, True)


def test_a_segment_that_cant_be_read_is_told(log: Path) -> None:
    """Exit 3 with the whole result; what is compressed is skipped, and no failure."""
    write_policy(log)
    write_log(log / "audit", {"logs.jsonl.1.gz": b"\x1f\x8b"})
    assert check(log).code == 0
    (log / "audit/logs.jsonl").chmod(0)
    done = check(log, before=NO_OVERRIDE)
    assert (done.code, done.result["status"], done.document["status"]) == (3, "partial", "error")
    assert done.result["errors"] == [done.document["error"]]
    assert done.result["segments"] == {"total": 3, "read": 1, "skipped": 1, "failed": 1}
    assert set(done.result["unread"]) == {"logs.jsonl", "logs.jsonl.1.gz"}
    assert done.result["schemas"]["other:1"]["records"] == 1


def test_it_touches_nothing_and_waits_for_nobody(log: Path) -> None:
    """Even while a job holds the folder."""
    write_policy(log)
    before = looks(log)
    with held(log / "audit"):
        assert check(log).code == 0
    assert looks(log) == before


def test_a_signal_lets_reads_in_flight_finish() -> None:
    """The exit status is the signal's; without one, nothing is raised."""
    with caught_signals() as signals, signals.deferred("while the log was read"):
        pass
    steps = []

    def stopped() -> None:
        with caught_signals() as signals, signals.deferred("while the log was read"):
            os.kill(os.getpid(), signal.SIGTERM)
            steps.append(bool(signals))

    with pytest.raises(StoppedError, match="stopped by SIGTERM while the log was read") as raised:
        stopped()
    assert (steps, raised.value.exit_code) == ([True], 143)
