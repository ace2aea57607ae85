"""One segment, one owner: what two profiles of one configuration claim is refused before anything is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from audit_log import held, looks, record, write_log, write_policy
from command import NOW, finish, is_open, run, start, until

from asynclog.storage.profile_claims import Claim, contests

if TYPE_CHECKING:
    from pathlib import Path

OLD, YOUNG = record(days=400), record(days=1)
US, EU = "log/audit-20260601T000000.jsonl", "log/audit-eu-20260601T000000.jsonl"
COMMANDS = {
    "check": ("check",),
    "estimate": ("estimate", "--now", NOW),
    "explain": ("explain", "--now", NOW),
    "dry run": ("cleanup", "-n", "--now", NOW),
    "cleanup": ("cleanup", "--now", NOW),
    "all profiles": ("cleanup", "--all-profiles", "--now", NOW),
    "third profile": ("cleanup", "--profile", "third", "--now", NOW),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two logs in one folder, of which each has a segment that has expired, and one elsewhere."""
    write_policy(tmp_path)
    write_log(tmp_path / "log", {US.partition("/")[2]: OLD + YOUNG, EU.partition("/")[2]: OLD + YOUNG})
    write_log(tmp_path / "third", {"logs.jsonl": OLD + YOUNG})
    return tmp_path


def configure(folder: Path, us: str, eu: str) -> None:
    audits = {"us": us, "eu": eu, "third": "path: third/logs.jsonl"}
    profiles = "".join(f"  {name}:\n    audit: {{{audit}, schemas: schemas.yaml}}\n" for name, audit in audits.items())
    (folder / "asynclog.yaml").write_text(f"asynclog: 1\nprofile: us\nprofiles:\n{profiles}")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("us", "eu", "file"),
    [
        ("path: log/audit.jsonl, segments: 'audit-*.jsonl'", "path: log/audit-eu.jsonl", EU),
        ("path: log/audit.jsonl, segments: 'audit*'", "path: log/audit-eu.jsonl, segments: ['*-eu-2*']", EU),
        ("path: log/audit.jsonl", "path: log/audit.jsonl", "log/audit.jsonl"),
        ("path: log/audit.jsonl", "path: log/../log/audit.jsonl, segments: 'audit-2*'", "log/audit.jsonl"),
        ("path: log/audit.jsonl", "path: link/audit.jsonl", "log/audit.jsonl"),
    ],
    ids=["a glob and a log", "two globs", "one log", "one log, two paths", "one log, through a link"],
)
def test_what_two_profiles_claim_is_exit_2_in_every_command(
    folder: Path, command: str, us: str, eu: str, file: str
) -> None:
    """The sentence names the file, both profiles and the way on; nothing is touched, whatever profile was asked for."""
    (folder / "link").symlink_to("log")
    configure(folder, us, eu)
    before = looks(folder)
    done = run(*COMMANDS[command], "--json", cwd=folder)
    error = done.document["error"]
    assert done.code == 2
    assert [word for word in (str(folder / file), "us", "eu", "Nothing was touched") if word not in error] == []
    assert "narrow the names" in error or "leave it to one of them" in error
    assert looks(folder) == before


@pytest.mark.parametrize(
    ("us", "eu", "deleted"),
    [
        ("path: log/audit.jsonl", "path: log/audit-eu.jsonl", 1),
        ("path: log/audit.jsonl, segments: ['audit.jsonl', 'audit-2*.jsonl']", "path: log/audit-eu.jsonl", 1),
        ("path: log/audit.jsonl, segments: 'audit-*.jsonl'", "path: log/audit-eu.jsonl, enabled: false", 2),
        ("path: log/audit.jsonl, segments: 'audit-*.jsonl'", "path: third/audit-eu.jsonl", 2),
    ],
    ids=["usual names", "the example of README", "switched off", "another folder"],
)
def test_what_has_one_owner_is_cleaned_up(folder: Path, us: str, eu: str, deleted: int) -> None:
    """Under the usual names of two logs, and under globs that claim one log's own."""
    configure(folder, us, eu)
    done = run("cleanup", "--now", NOW, "--json", cwd=folder)
    assert (done.code, done.result["records"]["deleted"], (folder / US).read_bytes()) == (0, deleted, YOUNG)


def test_a_log_that_is_sure_to_come_counts(folder: Path) -> None:
    """Its base file, and a late segment: before the first file of it is deleted under the other profile's rules."""
    (folder / EU).unlink()
    configure(folder, "path: log/audit.jsonl, segments: 'audit-*.jsonl'", "path: log/audit-eu.jsonl")
    assert "log/audit-eu.jsonl is claimed by" in run("check", "--json", cwd=folder).error
    configure(folder, "path: log/audit.jsonl, segments: '*-eu-late-*'", "path: log/audit-eu.jsonl")
    assert "a file such as " in run("check", "--json", cwd=folder).error


def test_what_comes_while_a_job_waits_for_the_lock_counts(folder: Path) -> None:
    """The folder is looked at again once it is held."""
    (folder / EU).unlink()
    segments = "['audit.jsonl', 'audit-2*.jsonl', 'audit-??-2*.jsonl']"
    configure(folder, f"path: log/audit.jsonl, segments: {segments}", "path: log/audit-eu.jsonl")
    with held(folder / "log", "audit.jsonl"):
        process = start("cleanup", "--lock-wait", "1h", "--now", NOW, "--json", cwd=folder)
        until(lambda: is_open(process.pid, folder / "log/.audit.jsonl.al-lock"))
        (folder / EU).write_bytes(OLD)
    done = finish(process)
    assert (done.code, str(folder / EU) in done.error) == (2, True)
    assert (folder / EU).read_bytes() == OLD
    assert (folder / US).read_bytes() == OLD + YOUNG


@pytest.mark.parametrize("command", ["check", "dry run", "cleanup"])
def test_in_mxcps_file_it_is_a_warning(folder: Path, command: str) -> None:
    """Its profiles share one registry, and so one policy: the job is done."""
    audit = "audit: {enabled: true, path: log/audit.jsonl}"
    profiles = f"  dev:\n    {audit}\n  prod:\n    {audit}\n  broken: [1]\n"
    (folder / "mxcp-site.yml").write_text(f"mxcp: 1\nprofile: dev\nprofiles:\n{profiles}")
    (folder / "log/audit_schemas.jsonl").write_text('{"schema_name": "app", "retention_days": 30}\n')
    done = run(*COMMANDS[command], "--json", cwd=folder)
    assert done.code == 0
    assert "log/audit.jsonl is the log of two profiles, dev and prod" in done.result["warnings"][0]


def test_a_plan_is_not_carried_out_where_the_owner_is_in_doubt(folder: Path) -> None:
    """`apply`, too, is a command."""
    configure(folder, "path: log/audit.jsonl, segments: ['audit-*.jsonl']", "path: third/audit-eu.jsonl")
    assert run("cleanup", "-n", "--plan-out", "plan.json", "--now", NOW, cwd=folder).code == 0
    configure(folder, "path: log/audit.jsonl, segments: ['audit-*.jsonl']", "path: log/audit-eu.jsonl")
    done = run("apply", "plan.json", "--now", NOW, "--json", cwd=folder)
    assert (done.code, "claimed by two profiles" in done.error) == (2, True)


def test_what_a_killed_job_left_hidden_belongs_to_its_segment() -> None:
    """A glob that claims the segment would recover it under the wrong profile."""
    claims = [Claim("us", "/d/a.jsonl", True, ("a*-1.jsonl",)), Claim("eu", "/d/x.jsonl", True, ("ab-1.jsonl",))]
    assert list(contests(["a.jsonl"], claims)) == []
    assert [each.file for each in contests([".ab-1.jsonl.al-old-0123abcd-7"], claims)] == ["/d/ab-1.jsonl"]


def test_no_glob_makes_a_segment_of_a_policy(tmp_path: Path) -> None:
    """Neither of one's own, nor of another profile's, nor of the registry of another log, whatever its lines are.

    Nor of a profile that is switched off, and has no log yet.
    """
    write_log(tmp_path / "log", {"audit-1.jsonl": OLD + YOUNG})
    rule = b'{"schema_name": "app", "version": 1, "retention_days": 30, "timestamp": "2020-01-01T00:00:00Z"}\n'
    for name in ("us.jsonl", "eu.jsonl", "off.jsonl", "web_schemas.jsonl", "asynclog.jsonl"):
        (tmp_path / "log" / name).write_bytes(rule)
    (tmp_path / "policy.jsonl").symlink_to("log/us.jsonl")
    us = "path: log/audit.jsonl, segments: '*.jsonl', schemas: policy.jsonl"
    eu = "path: elsewhere/audit.jsonl, schemas: log/../log/eu.jsonl"
    profiles = f"  us:\n    audit: {{{us}}}\n  eu:\n    audit: {{{eu}}}\n"
    profiles += "  off:\n    audit: {enabled: false, schemas: log/off.jsonl}\n"
    (tmp_path / "asynclog.yaml").write_text(f"asynclog: 1\nprofile: us\nprofiles:\n{profiles}")
    before = looks(tmp_path / "log")
    done = run("cleanup", "--now", NOW, "--json", cwd=tmp_path)
    assert done.result["segments"]["total"] == 2  # asynclog.jsonl is nobody's policy
    after = looks(tmp_path / "log")
    assert all(after[name] == before[name] for name in ("us.jsonl", "eu.jsonl", "off.jsonl", "web_schemas.jsonl"))
