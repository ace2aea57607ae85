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
