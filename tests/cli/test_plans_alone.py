"""A plan that is applied with nothing else: it knows its log, configuration and policy, and says if they changed."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from audit_log import entries, looks, record, write_log, write_policy
from command import NOW, Done, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD, YOUNG = record(days=400), record(days=1)
SEGMENT = "logs-20250101T000000.jsonl"
CONFIGURATION = """\
profiles:
  default:
    audit: {path: other/logs.jsonl, schemas: schemas.yaml}
  mine:
    audit: {path: audit/logs.jsonl, schemas: schemas.yaml}
    guard: {min_retention_days: 7}
"""
WAYS = {
    "found": ("--profile", "mine"),
    "named": ("--config", "asynclog.yaml", "--profile", "mine"),
    "a path": ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml"),
    "a registry": ("--path", "audit/logs.jsonl"),
    "a path beside a configuration": ("--config", "asynclog.yaml", "--profile", "mine", "--path", "audit/logs.jsonl"),
    "schemas beside a configuration": ("--profile", "mine", "--schemas", "audit/more.yaml"),
}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a log to be cleaned, one that is not, and a configuration of both."""
    project = tmp_path / "project"
    for folder in ("audit", "other"):
        write_log(project / folder, {SEGMENT: OLD + YOUNG})
    write_policy(project)
    (project / "audit/more.yaml").write_bytes((project / "schemas.yaml").read_bytes())
    (project / "audit/logs_schemas.jsonl").write_text('{"schema_name": "app", "retention_days": 30}\n')
    (project / "asynclog.yaml").write_text(CONFIGURATION)
    return project


def plan(folder: Path, *words: str) -> None:
    assert run("cleanup", "-n", *words, "--now", NOW, "--plan-out", "../plan.json", cwd=folder).code == 0


def apply(folder: Path, *words: str) -> Done:
    """From elsewhere, where no configuration is found."""
    return run("apply", "plan.json", *words, "--now", NOW, "--json", cwd=folder.parent)


def test_who_writes_a_plan_is_told_how_it_is_carried_out(log: Path) -> None:
    """At the end of the text, with its whole path."""
    done = run("cleanup", "-n", "--profile", "mine", "--now", NOW, "--plan-out", "plan.json", cwd=log)
    assert f"\nPlan: {log}/plan.json, which asynclog apply carries out\n" in done.out


@pytest.mark.parametrize("way", WAYS)
def test_a_plan_needs_nothing_else(log: Path, way: str) -> None:
    """Wherever it is applied, and however its log was named: that log is cleaned, and no other."""
    plan(log, *WAYS[way])
    done = apply(log)
    assert (done.code, done.result["records"]["deleted"], done.result["log"]) == (0, 1, str(log / "audit/logs.jsonl"))
    assert (log / "audit" / SEGMENT).read_bytes() == YOUNG
    assert (log / "other" / SEGMENT).read_bytes() == OLD + YOUNG
    made = json.loads((log.parent / "plan.json").read_text())
    assert done.result["plan"] == {"path": str(log.parent / "plan.json"), "checksum": made["checksum"]}


def test_a_folder_with_a_star_is_one_log(log: Path) -> None:
    """Its name is no pattern of many."""
    write_log(log / "a*", {SEGMENT: OLD})
    plan(log, "--path", "a[*]/logs.jsonl", "--schemas", "schemas.yaml")
    assert apply(log).result["records"]["deleted"] == 1
    assert entries(log / "a*") == []


def test_the_environment_chooses_no_other_profile(log: Path) -> None:
    """The plan's profile is the plan's."""
    plan(log, "--profile", "mine")
    done = run("apply", "plan.json", "--now", NOW, "--json", cwd=log.parent, env={"ASYNCLOG_PROFILE": "default"})
    assert (done.code, done.result["profile"]) == (0, "mine")


def edit(name: str, old: str, new: str) -> Callable[[Path], object]:
    def edited(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return edited


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "the guard": (edit("asynclog.yaml", "min_retention_days: 7", "min_retention_days: 8"), "the configuration is not"),
    "the segments": (
        edit("asynclog.yaml", "audit/logs.jsonl", "audit/logs.jsonl, segments: 'l*'"),
        "the configuration",
    ),
    "rewriting": (edit("asynclog.yaml", "    guard:", "    rewrite: never\n    guard:"), "the configuration is not"),
    "the log": (edit("asynclog.yaml", "audit/logs", "third/logs"), "another log"),
    "the budget": (edit("asynclog.yaml", "    guard:", "    max_bytes: 9GB\n    guard:"), "the budget are not those"),
    "the policy": (edit("schemas.yaml", "30", "31"), "policy"),
    "switched off": (edit("asynclog.yaml", "audit: {path: a", "audit: {enabled: false, path: a"), "switched off"),
    "no such profile": (edit("asynclog.yaml", "mine:", "yours:"), "can't be used any more"),
    "no configuration": (lambda folder: (folder / "asynclog.yaml").unlink(), "can't be used any more"),
    "a fault": (edit("asynclog.yaml", "guard:", "gard:"), "can't be used any more"),
    "no policy": (lambda folder: (folder / "schemas.yaml").unlink(), "schemas.yaml"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_no_longer_the_same_is_told(log: Path, change: str) -> None:
    """Exit 2, with a sentence, and nothing is touched."""
    plan(log, "--profile", "mine")
    how, words = CHANGES[change]
    how(log)
    before = looks(log)
    done = apply(log)
    assert (done.code, words in done.error) == (2, True), done.error
    assert looks(log) == before


def test_what_decides_nothing_may_change(log: Path) -> None:
    """A comment, another profile, or where the state is."""
    plan(log, "--profile", "mine")
    (log / "asynclog.yaml").write_text(
        f"# reviewed\nstate: {log.parent}/state\n{CONFIGURATION}  third: {{audit: {{path: x}}}}\n"
    )
    assert apply(log).code == 0


def test_a_plan_of_somebody_else_needs_its_log_named(log: Path) -> None:
    """Or a stranger could say which log is cleaned under which policy. Named, it is the same as ever."""
    if os.geteuid():
        pytest.skip("only root can give files away")
    plan(log, "--profile", "mine")
    os.chown(log.parent / "plan.json", 12345, 12345)
    before = looks(log)
    done = apply(log)
    assert (done.code, "user 12345" in done.error, "--config" in done.error) == (2, True, True)
    assert looks(log) == before
    assert apply(log, "--config", str(log / "asynclog.yaml"), "--profile", "mine").code == 0


def test_a_plan_that_others_may_write_to_needs_its_log_named(log: Path) -> None:
    """Likewise."""
    plan(log, "--profile", "mine")
    (log.parent / "plan.json").chmod(0o666)
    done = apply(log)
    assert (done.code, "may write to it" in done.error) == (2, True)


def test_the_plan_has_what_it_was_made_under(log: Path) -> None:
    """Rules, configuration, and from when to when what goes was."""
    plan(log, "--profile", "mine")
    made = json.loads((log.parent / "plan.json").read_text())
    assert made["policy_rules"] == [{"rule": "app", "retention_days": 30, "retention_s": 30 * 86_400, "active": True}]
    configuration = dict(made["configuration"])
    assert len(configuration.pop("digest")) == 32
    assert configuration == {"path": str(log / "asynclog.yaml"), "profile": "mine", "log": None, "schemas": None}
    (segment,) = made["segments"]
    assert (segment["oldest"], segment["newest"]) == ("2025-10-20T00:00:00Z",) * 2
