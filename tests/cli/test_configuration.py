"""Which configuration, profile, log and policy a job takes, and what bad ones are told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from audit_log import looks, record, write_log, write_policy
from command import NO_OVERRIDE, NOW, cleanup, run

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "audit: {path: audit/logs.jsonl, schemas: schemas.yaml}"
GUARDED = f"asynclog: 1\nprofiles:\n  default:\n    {GOOD}\n    "
SITE = "mxcp: 1\nproject: p\nprofile: {0}\nprofiles: {{{0}: {{audit: {{enabled: false}}}}}}\n"
OURS = "asynclog: 1\nprofile: {0}\nprofiles: {{{0}: {{audit: {{enabled: false, path: a.jsonl}}}}}}\n"


def ours(folder: Path, profile: str, name: str = "asynclog.yaml") -> Path:
    """Write an asynclog.yaml of one profile `default` with these keys."""
    file = folder / name
    file.write_text(f"asynclog: 1\nprofiles:\n  default:\n    {profile}\n")
    return file


@pytest.mark.parametrize(
    ("files", "winner"),
    [
        (["asynclog.yaml"], "asynclog.yaml"),
        (["../asynclog.yaml"], "../asynclog.yaml"),
        (["../asynclog.yaml", "../../asynclog.yaml"], "../asynclog.yaml"),
        (["asynclog.yaml", "mxcp-site.yml"], "asynclog.yaml"),
        (["mxcp-site.yml", "../../asynclog.yaml"], "../../asynclog.yaml"),
        (["../mxcp-site.yml"], "../mxcp-site.yml"),
        (["../mxcp-site.yml", "../../mxcp-site.yml"], "../mxcp-site.yml"),
    ],
)
def test_the_nearest_asynclog_yaml_wins_over_mxcp_site(tmp_path: Path, files: list[str], winner: str) -> None:
    """Upwards from the working folder; what won is told by the name of the only profile in it."""
    here = tmp_path / "a" / "b"
    here.mkdir(parents=True)
    for name in files:
        form = SITE if "mxcp" in name else OURS
        (here / name).write_text(form.format("winner" if name == winner else "loser"))
    done = run("cleanup", "--json", cwd=here)
    assert (done.code, done.result["status"], done.result["profile"]) == (0, "skipped", "winner")


def test_config_names_a_file_that_discovery_would_not_take(tmp_path: Path) -> None:
    """`--config` goes before the nearest file, and a relative one is relative to the working folder."""
    (tmp_path / "far").mkdir()
    (tmp_path / "asynclog.yaml").write_text(OURS.format("near"))
    (tmp_path / "far" / "mxcp-site.yml").write_text(SITE.format("far"))
    assert run("cleanup", "--json", "--config", "far/mxcp-site.yml", cwd=tmp_path).result["profile"] == "far"


@pytest.mark.parametrize(
    ("file", "flag", "env", "profile"),
    [
        ("asynclog.yaml", None, {}, "file"),
        ("asynclog.yaml", None, {"MXCP_PROFILE": "mxcp"}, "file"),
        ("asynclog.yaml", None, {"ASYNCLOG_PROFILE": "own", "MXCP_PROFILE": "mxcp"}, "own"),
        ("asynclog.yaml", "flag", {"ASYNCLOG_PROFILE": "own", "MXCP_PROFILE": "mxcp"}, "flag"),
        ("mxcp-site.yml", None, {}, "file"),
        ("mxcp-site.yml", None, {"MXCP_PROFILE": "mxcp"}, "mxcp"),
        ("mxcp-site.yml", None, {"ASYNCLOG_PROFILE": "own", "MXCP_PROFILE": "mxcp"}, "own"),
        ("mxcp-site.yml", "flag", {"ASYNCLOG_PROFILE": "own", "MXCP_PROFILE": "mxcp"}, "flag"),
    ],
)
def test_the_profile_is_the_flags_the_environments_or_the_files(
    tmp_path: Path, file: str, flag: str | None, env: dict[str, str], profile: str
) -> None:
    """In that order, and MXCP's variable counts for MXCP's files only."""
    off = "{audit: {enabled: false, path: a.jsonl}}"
    profiles = "".join(f"  {name}: {off}\n" for name in ("file", "mxcp", "own", "flag"))
    head = "asynclog: 1\n" if file == "asynclog.yaml" else "mxcp: 1\nproject: p\n"
    (tmp_path / file).write_text(f"{head}profile: file\nprofiles:\n{profiles}")
    words = () if flag is None else ("--profile", flag)
    assert run("cleanup", "--json", *words, cwd=tmp_path, env=env).result["profile"] == profile


@pytest.mark.parametrize("words", [("--schemas", "../schemas.yaml"), ()], ids=["schemas", "registry"])
def test_path_needs_no_file_at_all(archive: Path, words: tuple[str, ...]) -> None:
    """Without `--schemas` the registry beside the log counts; both are relative to the working folder."""
    registry = archive / "audit" / "logs_schemas.jsonl"
    registry.write_text('{"schema_name": "app", "retention_days": 500}\n')
    done = run("cleanup", "--path", "logs.jsonl", *words, "--now", NOW, "--json", cwd=archive / "audit")
    assert (done.code, done.result["deleted_per_schema"]) == (0, {"app:1": 1} if words else {})
    assert done.result["profile"] is None


def test_without_any_configuration_the_command_says_what_to_name(tmp_path: Path) -> None:
    """Exit 2, and the sentence has the names that were looked for."""
    done = run("cleanup", "--json", cwd=tmp_path)
    assert done.code == 2
    assert "asynclog.yaml" in done.error
    assert "mxcp-site.yml" in done.error


@pytest.mark.parametrize("schemas", [", schemas: ../../schemas.yaml", ""], ids=["named", "beside the log"])
def test_paths_are_relative_to_the_file_that_names_them(archive: Path, schemas: str) -> None:
    """Not to the working folder; without `schemas` the registry beside the log counts."""
    (archive / "etc" / "conf").mkdir(parents=True)
    ours(archive / "etc" / "conf", f"audit: {{path: ../../audit/logs.jsonl{schemas}}}")
    (archive / "audit" / "logs_schemas.jsonl").write_text('{"schema_name": "app", "retention_days": 30}\n')
    done = run("cleanup", "--config", "etc/conf/asynclog.yaml", "--now", NOW, "--json", cwd=archive)
    assert (done.code, done.result["deleted_per_schema"]) == (0, {"app:1": 1})


@pytest.mark.parametrize(
    ("file", "audit", "env", "status"),
    [
        ("asynclog.yaml", "", {}, "dry_run"),
        ("asynclog.yaml", "enabled: false, ", {}, "skipped"),
        ("asynclog.yaml", "enabled: false, ", {"MXCP_AUDIT_ENABLED": "true"}, "skipped"),
        ("asynclog.yaml", "", {"MXCP_AUDIT_ENABLED": "false"}, "dry_run"),
        ("mxcp-site.yml", "", {}, "skipped"),
        ("mxcp-site.yml", "enabled: true, unknown: 1, ", {}, "dry_run"),
        *(("mxcp-site.yml", "", {"MXCP_AUDIT_ENABLED": word}, "dry_run") for word in ("true", "1", "yes")),
        *(("mxcp-site.yml", "enabled: true, ", {"MXCP_AUDIT_ENABLED": no}, "skipped") for no in ("false", "0", "no")),
    ],
)
def test_audit_is_enabled_by_default_in_our_file_only(
    archive: Path, file: str, audit: str, env: dict[str, str], status: str
) -> None:
    """MXCP_AUDIT_ENABLED overrides MXCP's file, unknown keys there are ignored; disabled is skipped, exit 0."""
    (archive / "audit" / "logs_schemas.jsonl").write_text('{"schema_name": "app", "retention_days": 30}\n')
    head = "asynclog: 1\n" if file == "asynclog.yaml" else "mxcp: 1\nproject: p\nprofile: default\nextra: {}\n"
    (archive / file).write_text(f"{head}profiles: {{default: {{audit: {{{audit}path: audit/logs.jsonl}}}}}}\n")
    before = looks(archive)
    done = run("cleanup", "--json", "-n", "--now", NOW, cwd=archive, env=env)
    assert (done.code, done.document["status"], done.result["status"]) == (0, "ok", status)
    assert looks(archive) == before


def test_an_mxcp_profile_without_a_path_has_mxcps_own(tmp_path: Path) -> None:
    """`audit/logs-<profile>.jsonl` beside mxcp-site.yml, and only that log's segments."""
    (tmp_path / "mxcp-site.yml").write_text(SITE.format("prod").replace("false", "true"))
    names = ("logs-prod-20250101T000000.jsonl", "logs-prod-eu-20250101T000000.jsonl", "logs.jsonl")
    write_log(tmp_path / "audit", dict.fromkeys(names, record()))
    (tmp_path / "audit" / "logs-prod_schemas.jsonl").write_text('{"schema_name": "app", "retention_days": 30}\n')
    done = run("cleanup", "--json", "--now", NOW, cwd=tmp_path)
    assert (done.code, list(done.actions)) == (0, [names[0]])


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        (GUARDED + "gaurd: {}\n", 5, "gaurd"),
        (f"asynclog: 1\nprofiles:\n  default:\n    {GOOD}\nprofils: {{}}\n", 5, "profils"),
        ("asynclog: 1\nprofiles:\n  default:\n    audit: {path: audit/logs.jsonl,\n      schema: x}\n", 5, "schema"),
        (f"asynclog: 2\nprofiles: {{default: {{{GOOD}}}}}\n", 1, "asynclog"),
        ("asynclog: 1\n", 1, "profiles"),
        ("asynclog: 1\nprofiles: {default: {audit: {}}}\n", 2, "path"),
        ("asynclog: 1\nprofiles: {default: {audit: {path: 5}}}\n", 2, "path"),
        ('asynclog: 1\nprofiles: {default: {audit: {enabled: "yes", path: a}}}\n', 2, "enabled"),
        (GUARDED + "guard: {min_retention_days: -1}\n", 5, "min_retention_days"),
        (GUARDED + "guard: {max_delete_percent: 500}\n", 5, "max_delete_percent"),
        (f"asynclog: 1\nprofiles: {{default: {{{GOOD}}}}}\nasynclog: 1\n", 3, "asynclog"),
        (f"asynclog: 1\nprofile: nope\nprofiles: {{default: {{{GOOD}}}}}\n", 3, "nope"),
        (f"asynclog: 1\nprofiles: {{default: &a {{{GOOD}}}, other: *a}}\n", 2, ""),
        ("asynclog: 1\nprofiles: !!python/name:os.system x\n", 2, ""),
        ("asynclog: 1\nprofiles: {default: [\n", 3, ""),
        ("asynclog: 1\n---\nasynclog: 1\n", 2, ""),
        ("asynclog: 1\nprofiles: " + "[" * 100_000, 2, ""),
        ("asynclog: 1\n# \udcff\n", 2, ""),
        ("- asynclog\n", 1, ""),
        ("", 1, ""),
    ],
)
def test_a_bad_configuration_is_told_by_file_line_and_key(archive: Path, text: str, line: int, key: str) -> None:
    """Exit 2, one sentence in the JSON, no traceback, and nothing was touched."""
    (archive / "asynclog.yaml").write_bytes(text.encode(errors="surrogateescape"))
    before = looks(archive)
    done = run("cleanup", "--json", "--now", NOW, cwd=archive)
    assert done.code == 2
    assert done.error.startswith(f"{archive / 'asynclog.yaml'}:{line}: ")
    assert key in done.error
    assert "\n" not in done.error
    assert looks(archive) == before


def test_text_and_json_tell_the_same_sentence(archive: Path) -> None:
    """As text it stands on stderr alone, behind the program's name."""
    ours(archive, "audit: {pth: audit/logs.jsonl}")
    as_json, as_text = run("cleanup", "--json", cwd=archive), run("cleanup", cwd=archive)
    assert (as_text.code, as_text.out, as_text.err) == (2, "", f"asynclog: {as_json.error}\n")


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "unreadable"])
def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    """Exit 2 at once, whatever stands under its name."""
    file = tmp_path / "it.yaml"
    if kind == "folder":
        file.mkdir()
    elif kind == "fifo":
        os.mkfifo(file)
    elif kind == "unreadable":
        file.touch(mode=0)
    done = run("cleanup", "--json", "--config", "it.yaml", cwd=tmp_path, before=NO_OVERRIDE, deadline=10)
    assert done.code == 2
    assert str(file) in done.error


@pytest.mark.parametrize("words", [(), ("-n",)], ids=["run", "dry run"])
def test_a_missing_folder_is_an_error_only_if_typed(tmp_path: Path, words: tuple[str, ...]) -> None:
    """From a configuration the application has not started yet: exit 0; given with `--path`: exit 2."""
    write_policy(tmp_path)
    ours(tmp_path, GOOD)
    before = looks(tmp_path)
    done = run("cleanup", "--json", *words, cwd=tmp_path)
    assert (done.code, done.document["status"], done.result["records"]["scanned"]) == (0, "ok", 0)
    assert "othing to do" in done.result["message"]
    done = cleanup(tmp_path, *words)
    assert done.code == 2
    assert str(tmp_path / "audit") in done.error
    assert looks(tmp_path) == before


@pytest.mark.parametrize("words", [(), ("-n",)], ids=["run", "dry run"])
def test_a_log_that_has_no_segment_is_a_warning(archive: Path, words: tuple[str, ...]) -> None:
    """A typo would go unseen, whether somebody typed the path or a configuration has it."""
    ours(archive, "audit: {path: audit/log.jsonl, schemas: schemas.yaml}")
    (archive / "audit" / ".log.jsonl.al-lock").touch(0o600)
    before = looks(archive / "audit")
    typed = ("--path", "audit/log.jsonl", "--schemas", "schemas.yaml")
    done = run("cleanup", "--json", *typed, *words, cwd=archive)
    assert (done.code, done.result["segments"]["total"]) == (0, 0)
    assert done.result["warnings"][0].startswith(f"{archive / 'audit'} has no segment of log.jsonl: ")
    assert done.result["warnings"][0] in done.err
    assert run("cleanup", "--json", *words, cwd=archive).result["warnings"] == done.result["warnings"]
    assert looks(archive / "audit") == before


@pytest.mark.parametrize("segments", ["[]", '""'])
def test_segments_that_name_none_are_refused(archive: Path, segments: str) -> None:
    """They are not taken for the usual names, which would delete what nobody named."""
    ours(archive, f"audit: {{path: audit/logs.jsonl, schemas: schemas.yaml, segments: {segments}}}")
    before = looks(archive / "audit")
    done = run("cleanup", "--json", cwd=archive)
    assert done.code == 2
    assert "audit.segments: this names no segment" in done.error
    assert looks(archive / "audit") == before
