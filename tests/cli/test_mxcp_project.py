"""In a project of MXCP: `log-cleanup` works as it stands, `init` takes the rules over, and docs/mxcp.md is true."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from audit_log import entries, looks, write_log
from command import run
from server import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = (PROJECT / "docs/mxcp.md").read_text()
SITE = """\
mxcp: 1
project: demo
profile: default
profiles:
  default:
    audit: {enabled: true}
  prod:
    audit: {enabled: true, path: other/prod.jsonl}
  quiet:
    audit: {path: audit/logs-quiet.jsonl}
"""
REGISTRY = [("app", 1, 30, True), ("app", 2, 90, True), ("legal", 1, None, True), ("retired", 1, 5, False)]
WRITTEN = {"asynclog.yaml", "audit-schemas.yaml"}


def aged(schema: str, version: int, days: float) -> bytes:
    """Return a record as MXCP writes it, of that age by the real clock: in these projects nobody says `--now`."""
    time = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    return json.dumps({"schema_name": schema, "schema_version": version, "timestamp": time}).encode() + b"\n"


def write_registry(path: Path, definitions: Iterable[tuple[str, int, int | None, bool]] = REGISTRY) -> None:
    lines = [
        {"schema_name": name, "version": version, "retention_days": days, "evidence_level": "basic", "active": active}
        for name, version, days, active in definitions
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


OLD = [
    aged("app", 1, 60),
    aged("app", 2, 60),
    aged("legal", 1, 900),
    aged("retired", 1, 900),
    aged("unknown", 1, 900),
]
YOUNG = [aged("app", 1, 1), aged("app", 2, 1)]


def make_project(folder: Path, old: Iterable[bytes] = OLD) -> Path:
    """Make one with logs of `default` and `prod`, and no configuration of asynclog."""
    (folder / "mxcp-site.yml").write_text(SITE)
    for audit, stem in (("audit", "logs-default"), ("other", "prod")):
        write_log(folder / audit, {f"{stem}-20250101T000000.jsonl": old, f"{stem}-20250102T000000.jsonl": YOUNG})
        write_registry(folder / audit / f"{stem}_schemas.jsonl")
        (folder / audit / f".{stem}.jsonl.al-lock").touch(0o600)  # as an earlier job leaves it
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def content(folder: Path) -> set[bytes]:
    """Return all lines of a log's segments."""
    segments = [path for path in entries(folder) if not path.stem.endswith("_schemas")]
    return {line for path in segments for line in path.read_bytes().splitlines(keepends=True)}


@pytest.mark.parametrize(
    ("words", "env", "folder"),
    [
        ((), {}, "audit"),
        (("--profile", "prod"), {}, "other"),
        ((), {"MXCP_PROFILE": "prod"}, "other"),
        (("--profile", "default"), {"MXCP_PROFILE": "prod"}, "audit"),
        ((), {"MXCP_AUDIT_ENABLED": "yes"}, "audit"),
    ],
    ids=str,
)
def test_log_cleanup_needs_no_configuration_of_ours(
    project: Path, words: tuple[str, ...], env: dict[str, str], folder: str
) -> None:
    """By the registry's rules, in the profile that MXCP would choose, and in no other; keys are `name:version`."""
    before = {each: looks(project / each) for each in ("audit", "other")}
    dry = run("log-cleanup", "--dry-run", "--json", *words, cwd=project, env=env)
    assert (dry.code, dry.result["deleted_per_schema"]) == (0, {"app:1": 1})
    assert {each: looks(project / each) for each in before} == before
    done = run("log-cleanup", "--json", *words, cwd=project, env=env)
    assert (done.code, done.result["message"]) == (0, "Deleted 1 record")
    assert content(project / folder) == {*OLD[1:], *YOUNG}
    (other,) = {"audit", "other"} - {folder}
    assert looks(project / other) == before[other]


@pytest.mark.parametrize(
    ("words", "env"),
    [(("--profile", "quiet"), {}), ((), {"MXCP_PROFILE": "quiet"}), ((), {"MXCP_AUDIT_ENABLED": "0"})],
    ids=str,
)
def test_what_mxcp_does_not_record_is_skipped(project: Path, words: tuple[str, ...], env: dict[str, str]) -> None:
    """`enabled` is false in MXCP's file unless it is there."""
    before = looks(project)
    done = run("log-cleanup", "--json", *words, cwd=project, env=env)
    assert (done.code, done.result["status"]) == (0, "skipped")
    assert looks(project) == before


@pytest.mark.parametrize("log_too", [False, True], ids=["no registry", "no folder"])
def test_a_project_that_has_recorded_nothing_is_exit_0(project: Path, log_too: bool) -> None:
    """A registry or a log that MXCP has not begun yet."""
    if log_too:
        shutil.rmtree(project / "audit")
    else:
        (project / "audit/logs-default_schemas.jsonl").unlink()
    for words in (("--dry-run",), ()):
        done = run("log-cleanup", *words, cwd=project)
        assert (done.code, done.err) == (0, "")
        assert ("does not exist yet" if log_too else "Warning: nothing recorded yet: ") in done.out
    assert log_too or content(project / "audit") == {*OLD, *YOUNG}


def test_the_first_night_names_the_way_on(tmp_path: Path) -> None:
    """Exit 5, nothing is touched; the command that it names works, and the next night is an ordinary one."""
    old = [aged("app", 1, 60 + number / 10) for number in range(1500)]
    project = make_project(tmp_path, old)
    before = looks(project / "audit")
    done = run("log-cleanup", cwd=project)
    assert (done.code, done.out) == (5, "")
    assert looks(project / "audit") == before
    option = re.search(r"--allow-delete-percent \d+", done.err)
    assert option
    assert run("log-cleanup", *option[0].split(), cwd=project).code == 0
    assert content(project / "audit") == set(YOUNG)
    assert run("log-cleanup", cwd=project).code == 0


@pytest.mark.parametrize(
    "words", [(), ("--path", "audit/logs-default.jsonl"), ("--path", "x/../audit/logs-default.jsonl")]
)
def test_init_takes_the_rules_of_the_registry_over(project: Path, words: tuple[str, ...]) -> None:
    """What is deleted is the same before and after, with or without a path; each profile is there."""
    (project / "x").mkdir()
    dry = ("log-cleanup", "--dry-run", "--json")
    before = run(*dry, cwd=project).result
    log = looks(project / "audit")
    done = run("init", *words, "--json", cwd=project)
    assert done.code == 0
    assert done.result["registry"] == str(project / "audit/logs-default_schemas.jsonl")
    assert set(done.result["schemas"]) == {"app:1", "app:2", "legal:1", "retired:1", "unknown:1"}
    after = run(*dry, cwd=project).result
    assert after["policy"]["path"] == str(project / "audit-schemas.yaml")
    for key in ("profile", "log", "deleted_per_schema", "records", "segments"):
        assert after[key] == before[key], key
    assert looks(project / "audit") == log
    assert run(*dry, "--profile", "prod", cwd=project).result["deleted_per_schema"] == {"app:1": 1}
    assert run(*dry, "--profile", "quiet", cwd=project).result["status"] == "skipped"
    assert run("check", cwd=project).code == 0


def test_init_never_shadows_mxcps_file_in_silence(project: Path) -> None:
    """The text and the JSON say which file counts from now on, which rules these are, and how to go back."""
    done = run("init", cwd=project)
    assert (done.code, done.err) == (0, "")
    assert "all kept for ever" not in done.out
    assert "Nothing is deleted" not in done.out
    (warning,) = [line for line in done.out.splitlines() if line.startswith("Warning: ")]
    for said in ("mxcp-site.yml", "logs-default_schemas.jsonl", "MXCP_PROFILE", "remove asynclog.yaml"):
        assert said in warning
    for name in WRITTEN:
        (project / name).unlink()
    assert warning == "Warning: " + run("init", "--json", cwd=project).result["warnings"][0]


def test_each_rule_is_taken_over_as_it_is(project: Path) -> None:
    """Days, for ever and switched off; the last definition counts, also of what the log does not have."""
    later = [*REGISTRY, ("new", 3, 7, True), ("app", 1, 31, True)]
    write_registry(project / "audit/logs-default_schemas.jsonl", later)
    run("init", cwd=project)
    checked = run("check", "--json", cwd=project).result
    days = {key: (each["retention_days"], each["governed"]) for key, each in checked["schemas"].items()}
    assert days == {
        "app:1": (31, True),
        "app:2": (90, True),
        "legal:1": (None, True),
        "retired:1": (5, False),
        "unknown:1": (None, True),
    }
    assert [(rule["rule"], rule["retention_days"]) for rule in checked["unused_rules"]] == [("new:3", 7)]


def test_init_takes_the_profile_that_mxcp_would(project: Path) -> None:
    """That of the environment, or the one whose log is named; it is the usual one afterwards."""
    assert run("init", cwd=project, env={"MXCP_PROFILE": "prod"}).code == 0
    assert run("log-cleanup", "-n", "--json", cwd=project).result["log"] == str(project / "other/prod.jsonl")
    for name in WRITTEN:
        (project / name).unlink()
    assert run("init", "--path", str(project / "other/prod.jsonl"), cwd=project).code == 0
    assert run("log-cleanup", "-n", "--json", cwd=project).result["profile"] == "prod"


@pytest.mark.parametrize(
    ("words", "env", "where", "said"),
    [
        ((), {}, "below", "run init in its folder"),
        (("--path", "../audit/logs-default.jsonl"), {}, "below", "run init in its folder"),
        ((), {"MXCP_PROFILE": "quiet"}, ".", "switched off in profile quiet"),
        ((), {"MXCP_PROFILE": "nope"}, ".", "there is no profile 'nope'"),
        ((), {"MXCP_PROFILE": "young"}, ".", "has not written its audit schemas yet"),
        ((), {"MXCP_PROFILE": "broken"}, ".", "broken_schemas.jsonl:1"),
    ],
    ids=str,
)
def test_init_refuses_what_it_cant_take_over(
    project: Path, words: tuple[str, ...], env: dict[str, str], where: str, said: str
) -> None:
    """Exit 2 with what to do, and nothing is written."""
    more = "  young:\n    audit: {enabled: true}\n  broken:\n    audit: {enabled: true, path: other/broken.jsonl}\n"
    (project / "mxcp-site.yml").write_text(SITE + more)
    (project / "other/broken_schemas.jsonl").write_text("{}\n")
    (project / "below").mkdir()
    before = looks(project)
    done = run("init", *words, "--json", cwd=project / where, env=env)
    assert (done.code, said in done.error) == (2, True), done.out
    assert looks(project) == before


def test_two_profiles_with_one_log_are_refused(project: Path) -> None:
    """In MXCP's file that is a warning; in an asynclog.yaml each command would end with exit 2."""
    (project / "mxcp-site.yml").write_text(SITE.replace("other/prod.jsonl", "audit/logs-default.jsonl"))
    done = run("init", "--json", cwd=project)
    assert (done.code, "the log of two profiles" in done.error) == (2, True)
    assert not WRITTEN & {path.name for path in project.iterdir()}


def test_hostile_names_are_taken_over(tmp_path: Path) -> None:
    """A folder that is not UTF-8, and profiles and schemas that YAML would read as something else."""
    folder = tmp_path / os.fsdecode(b"\xff\n")
    folder.mkdir()
    project = make_project(folder)
    (project / "mxcp-site.yml").write_text(SITE.replace("  quiet:", '  "no": {audit: {enabled: true}}\n  "a: b":'))
    write_registry(project / "audit/logs-default_schemas.jsonl", [*REGISTRY, ("a: b", -1, 30, True), ("*", 1, 1, True)])
    done = run("init", "--json", cwd=project)
    assert (done.code, done.result["left_out"]) == (0, ["*:1"])
    assert run("log-cleanup", "-n", "--json", cwd=project).result["deleted_per_schema"] == {"app:1": 1}
    assert [rule["rule"] for rule in run("check", "--json", cwd=project).result["unused_rules"]] == ["a: b:-1"]
    assert run("cleanup", "-n", "--profile", "a: b", "--json", cwd=project).result["status"] == "skipped"
    refused = run("cleanup", "-n", "--profile", "no", "--json", cwd=project).error
    assert "no registry beside the log" in refused


@pytest.mark.parametrize("path", ["app/logs.jsonl", "audit/logs-quiet.jsonl"])
def test_another_log_in_mxcps_folder_is_not_mxcps(project: Path, path: str) -> None:
    """Or one that is switched off: its policy keeps all, and the warning says that MXCP's logs are no longer found."""
    write_log(project / "app", {"logs.jsonl": YOUNG})
    write_log(project / "audit", {"logs-quiet.jsonl": YOUNG})
    done = run("init", "--path", path, "--json", cwd=project)
    assert (done.code, done.result["registry"]) == (0, None)
    assert "mxcp-site.yml is shadowed: " in done.result["warnings"][0]


def test_what_asynclog_does_not_read_is_not_taken_over(project: Path) -> None:
    """An asynclog.yaml further up comes before MXCP's file, as for every other command."""
    (project / "app").mkdir()
    (project / "mxcp-site.yml").rename(project / "app/mxcp-site.yml")
    (project / "asynclog.yaml").write_text("profiles: {default: {audit: {path: audit/logs-default.jsonl}}}\n")
    done = run("init", "--json", cwd=project / "app")
    assert (done.code, "--path" in done.error) == (2, True)
    assert [path.name for path in (project / "app").iterdir()] == ["mxcp-site.yml"]


def test_a_second_init_says_that_it_is_done(project: Path) -> None:
    """Without a path, too."""
    assert run("init", cwd=project).code == 0
    done = run("init", "--json", cwd=project)
    assert (done.code, "never overwrites" in done.error) == (2, True)


# The page.


def in_shell(project: Path, command: str) -> str:
    """Run it as a user would, with nothing in the environment, and return what it says."""
    env = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(project / "home")}
    shell = ["/bin/sh", "-e", "-u", "-c", command]
    done = subprocess.run(shell, cwd=project, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_pages_commands_run(tmp_path: Path) -> None:
    """One after the other, in a project whose first night is over the guard."""
    look, first_night, init = blocks("sh")
    old = [aged("app", 1, 60 + number / 10) for number in range(1100)] + [aged("app", 1, 1)] * 500
    project = make_project(tmp_path, old)
    before = looks(project / "audit")
    assert "exit 5" in in_shell(project, look)
    assert looks(project / "audit") == before
    assert re.findall(r"^Deleted ([\d,]+) records", in_shell(project, first_night), re.MULTILINE) == ["1,100", "0"]
    assert in_shell(project, init).startswith("Wrote asynclog.yaml and audit-schemas.yaml: ")


@pytest.mark.parametrize("kind", ["crontab", "ini"])
def test_the_pages_schedule_runs(project: Path, kind: str) -> None:
    """What it runs each night works from any folder, and is silent."""
    (block,) = blocks(kind)
    line = block.splitlines()[-1]
    command = line.removeprefix("ExecStart=").removeprefix("0 2 * * *").strip()
    command = command.replace("/srv/app", str(project)).replace("/opt/asynclog/bin", os.path.dirname(sys.executable))
    assert in_shell(project / "other", command) == ""
    assert content(project / "audit") == {*OLD[1:], *YOUNG}


def test_the_page_names_the_keys_that_mxcp_rejects(project: Path) -> None:
    """Each is warned of in MXCP's file."""
    named = re.search(r"asynclog does not read them there: (.*?) and the like", PAGE, re.DOTALL)
    assert named
    for key in re.findall(r"`(\w+)`", named[1]):
        (project / "mxcp-site.yml").write_text(SITE.replace("  default:\n", f"  default:\n    {key}: 1\n"))
        told = run("check", "--json", cwd=project).result["warnings"]
        assert any(f"mxcp-site.yml:6: {key}: this key is not read" in warning for warning in told), key
