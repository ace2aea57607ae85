"""A report stands alone: every document, the text and the plan file name log and policy, and who ran what."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
from typing import TYPE_CHECKING

import pytest
from audit_log import record, write_log, write_policy
from command import NOW, run
from server import PROJECT

import asynclog
from asynclog.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml")
RULES = [
    {"rule": "app:2", "retention_days": 7, "retention_s": 7 * 86_400, "active": False},
    {"rule": "app", "retention_days": 30, "retention_s": 30 * 86_400, "active": True},
    {"rule": "*", "retention_days": None, "retention_s": None, "active": True},
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a log, and a policy of three rules that begins with a byte order mark."""
    write_log(tmp_path / "audit", {"logs.jsonl": [record(), record(days=1)]})
    policy = write_policy(
        tmp_path,
        "schema_name: app, retention_days: 30",
        "schema_name: app, version: 2, retention_days: 7, active: false",
        "schema_name: '*'",
    )
    policy.write_bytes(b"\xef\xbb\xbf" + policy.read_bytes())
    return tmp_path


def sha256(folder: Path) -> str:
    return hashlib.sha256((folder / "schemas.yaml").read_bytes()).hexdigest()


def who() -> dict[str, str]:
    version = run("--version").out.split()
    user = pwd.getpwuid(os.geteuid()).pw_name
    return {"host": os.uname().nodename, "user": user, "version": version[1], "reader": version[3]}


@pytest.mark.parametrize("words", [("cleanup",), ("cleanup", "-n"), ("estimate",), ("explain",)], ids=" ".join)
def test_every_document_says_where_it_comes_from(log: Path, words: tuple[str, ...]) -> None:
    """The log's path, the policy with its bytes' SHA-256 and all rules, and who ran what."""
    result = run(*words, *NAMED, "--now", NOW, "--json", cwd=log).result
    policy = {"path": str(log / "schemas.yaml"), "sha256": sha256(log), "rules": RULES}
    assert (result["log"], result["policy"]) == (str(log / "audit/logs.jsonl"), policy)
    assert {key: result[key] for key in who()} == who()


def test_a_check_has_the_policy_beside_its_path(log: Path) -> None:
    """In format 1 `policy` stays what it is; `init` has no policy."""
    result = run("check", *NAMED, "--json", cwd=log).result
    told = [result[key] for key in ("log", "policy", "policy_sha256", "policy_rules")]
    assert told == [str(log / "audit/logs.jsonl"), str(log / "schemas.yaml"), sha256(log), RULES]
    first = run("init", *NAMED[:2], "--json", cwd=log).result
    assert [{key: each[key] for key in who()} for each in (result, first)] == [who(), who()]


def test_the_plan_file_says_it_and_apply_too(log: Path) -> None:
    """A plan of an earlier version, which does not, is carried out all the same."""
    run("cleanup", "-n", *NAMED, "--now", NOW, "--plan-out", "plan.json", cwd=log)
    plan = json.loads((log / "plan.json").read_text())
    assert (plan["log"], plan["policy_path"]) == (str(log / "audit/logs.jsonl"), str(log / "schemas.yaml"))
    assert (plan["policy_sha256"], {key: plan[key] for key in who()}) == (sha256(log), who())
    done = run("apply", "plan.json", *NAMED, "--now", NOW, "--json", cwd=log)
    assert (done.code, done.result["policy"]["sha256"]) == (0, sha256(log))


def test_the_text_says_it_in_brief(log: Path) -> None:
    """In two lines, whatever the command."""
    for command in ("check", "estimate", "explain", "cleanup"):
        said = run(command, *NAMED, cwd=log).out
        brief = f"Log: {log}/audit/logs.jsonl; policy: {log}/schemas.yaml (3 rules, sha256 {sha256(log)[:12]}…)\n"
        assert brief in said
        assert f"Run by {who()['user']} on {who()['host']}: asynclog {VERSION}, {who()['reader']} reader\n" in said


def test_the_text_has_the_rules(log: Path) -> None:
    """By name and period, in the order of their precedence; only the first of many."""
    for command in ("check", "estimate", "explain", "cleanup"):
        assert "\nRules: app:2 7 days (switched off), app 30 days, * for ever\n" in run(command, *NAMED, cwd=log).out
    write_policy(log, *(f"schema_name: s{number}, retention: 36h" for number in range(1021)))
    said = run("cleanup", *NAMED, cwd=log).out
    assert "\nRules: s0 36 hours, s1 36 hours, " in said
    assert ", s19 36 hours and 1,001 more\n" in said


GONE = {"records": 3, "rule": "app", "retention_days": 30, "retention_s": 30 * 86_400}


@pytest.mark.parametrize("words", [("-n",), (), ("-n", "--state", "state")], ids=str)
def test_the_oldest_and_newest_of_what_went(log: Path, words: tuple[str, ...]) -> None:
    """In document and text, for all and for each schema with its rule; a dry run says the same."""
    ages = (31, 400, 30.5, 29.5, 1)
    write_log(log / "audit", {"logs-20250101T000000.jsonl": [record(days=days) for days in ages]})
    write_log(log / "audit", {"logs.jsonl": [record("other"), record("app", version=2)]})
    oldest, newest = "2025-10-20T00:00:00Z", "2026-10-24T23:59:59.999999999Z"
    done = run("cleanup", *NAMED, "--now", NOW, "--json", *words, cwd=log).result
    assert (done["deleted_oldest"], done["deleted_newest"]) == (oldest, newest)
    size = len(record(days=1))
    assert done["deleted_schemas"] == {"app:1": {**GONE, "bytes": 3 * size, "oldest": oldest, "newest": newest}}


def test_the_text_has_the_oldest_and_newest(log: Path) -> None:
    """In one line below the schemas."""
    said = run("cleanup", *NAMED, "--now", NOW, "-n", cwd=log).out
    day = "2025-10-20"
    assert f"\n  app:1          1\nOldest of these: {day}; newest: {day} (days in UTC)\n" in said


def test_the_catalog_says_the_same_newest(log: Path) -> None:
    """It knows the newest of a part by the day, so that nothing is read again for it."""
    ages = (34.5, 34.2, 29)
    path = write_log(log / "audit", {"logs-20250101T000000.jsonl": [record(days=days) for days in ages]})
    os.utime(path.parent / "logs-20250101T000000.jsonl", (1e9, 1e9))
    for now, newest in (("2026-11-01T00:00:00Z", None), (NOW, "2026-10-20T23:59:59.999999999Z")):
        (log / "audit/logs.jsonl").write_bytes(b"")
        done = run("cleanup", "-n", *NAMED, "--state", "state", "--now", now, "--json", cwd=log).result
        assert done["deleted_newest"] == newest
    assert (done["catalog"]["hits"], done["bytes"]["scanned"]) == (1, 0)
    assert run("cleanup", "-n", *NAMED, "--now", NOW, "--json", cwd=log).result["deleted_newest"] == newest


def test_the_newest_that_went_is_before_the_cutoff(log: Path) -> None:
    """Though its day goes on."""
    write_log(log / "audit", {"logs.jsonl": [record(days=days) for days in (34.5, 30.2, 29)]})
    done = run("cleanup", "-n", *NAMED, "--now", "2026-11-24T00:00:01Z", "--json", cwd=log).result
    assert done["deleted_newest"] == "2026-10-24T23:59:59.999999999Z"
    done = run("cleanup", "-n", *NAMED, "--now", "2026-11-23T23:00:00Z", "--json", cwd=log).result
    assert done["deleted_newest"] == "2026-10-24T22:59:59.999999999Z"


def test_nothing_has_neither_oldest_nor_newest(log: Path) -> None:
    """Null, and no schema."""
    done = run("cleanup", *NAMED, "--now", "2025-01-01T00:00:00Z", "--json", cwd=log).result
    assert (done["deleted_oldest"], done["deleted_newest"], done["deleted_schemas"]) == (None, None, {})


def test_totals_span_all_profiles(log: Path) -> None:
    """From the oldest to the newest of any; a rule only if it is the same for all."""
    write_log(log / "b", {"logs.jsonl": [record(days=40)]})
    (log / "b/other.yaml").write_text("schemas: [{schema_name: app, retention_days: 35}]\n")
    (log / "asynclog.yaml").write_text(
        "profiles:\n"
        "  a: {audit: {path: audit/logs.jsonl, schemas: schemas.yaml}}\n"
        "  b: {audit: {path: b/logs.jsonl, schemas: b/other.yaml}}\n"
    )
    result = run("cleanup", "--all-profiles", "-n", "--now", NOW, "--json", cwd=log).result
    assert (result["deleted_oldest"], result["deleted_newest"]) == ("2025-10-20T00:00:00Z", "2026-10-15T00:00:00Z")
    both = result["deleted_schemas"]["app:1"]
    assert (both["records"], both["rule"], both["retention_days"]) == (2, None, None)


def test_a_registry_is_a_policy_too(log: Path) -> None:
    """Its SHA-256 is of its bytes, its rules as they are read."""
    registry = b'{"schema_name": "app", "retention_days": 30}\n\n'
    (log / "audit/logs_schemas.jsonl").write_bytes(registry)
    policy = run("cleanup", "-n", *NAMED[:2], "--json", cwd=log).result["policy"]
    assert policy["sha256"] == hashlib.sha256(registry).hexdigest()
    assert policy["rules"] == [{"rule": "app:1", "retention_days": 30, "retention_s": 30 * 86_400, "active": True}]


async def test_the_bytes_are_those_of_the_only_reading(log: Path) -> None:
    """A policy that comes through a pipe is there once."""
    data = (log / "schemas.yaml").read_bytes()
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    report = await asynclog.cleanup(
        path=str(log / "audit/logs.jsonl"), schemas=f"/proc/self/fd/{reading}", dry_run=True
    )
    os.close(reading)
    assert report.result.policy
    assert report.result.policy.sha256 == hashlib.sha256(data).hexdigest()
    assert report.result.host == os.uname().nodename


@pytest.mark.parametrize("command", ["cleanup", "estimate", "explain", "check"])
def test_what_is_switched_off_has_no_policy(tmp_path: Path, command: str) -> None:
    """But who ran it is told, and the log, if the profile names one."""
    (tmp_path / "asynclog.yaml").write_text("profiles: {default: {audit: {enabled: false, path: a/b.jsonl}}}\n")
    result = run(command, "--json", cwd=tmp_path).result
    assert (result["log"], result["policy"], result["host"]) == (str(tmp_path / "a/b.jsonl"), None, os.uname().nodename)
    (tmp_path / "asynclog.yaml").write_text("profiles: {default: {audit: {enabled: false}}}\n")
    result = run(command, "--json", cwd=tmp_path).result
    assert (result["log"], result["policy"], result["host"]) == (None, None, os.uname().nodename)


def test_all_profiles_have_it_each(log: Path) -> None:
    """The totals say who ran it; a log and a policy has each of the profiles, but for one that could not begin."""
    (log / "asynclog.yaml").write_text(
        "profiles:\n"
        "  bad: {audit: {path: audit/other.jsonl, schemas: none.yaml}}\n"
        "  good: {audit: {path: audit/logs.jsonl, schemas: schemas.yaml}}\n"
    )
    result = run("cleanup", "--all-profiles", "-n", "--json", cwd=log).result
    assert {key: result[key] for key in who()} == who()
    assert (result["log"], result["policy"]) == (None, None)
    assert result["profiles"]["good"]["policy"]["sha256"] == sha256(log)


def test_the_version_is_the_packages() -> None:
    """It is said in one place."""
    assert 'attr = "asynclog.version.VERSION"' in (PROJECT / "pyproject.toml").read_text()
    assert who()["version"] == VERSION
