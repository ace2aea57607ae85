"""`asynclog init`: what it writes can be read back, deletes nothing, and takes the place of nothing."""

from __future__ import annotations

import os
import re
import string
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from audit_log import looks, record, write_log
from command import NO_OVERRIDE, run
from hypothesis import given
from hypothesis import strategies as st
from server import PROJECT

from asynclog.cli.files.user_named_file import write_new
from asynclog.config.policy_file import load_policy
from asynclog.policy.rules import all_rules
from asynclog.report.holdings import Holding
from asynclog.report.init.templates import starter_policy
from asynclog.schemas import SchemaKey

if TYPE_CHECKING:
    from command import Done

WRITTEN = {"asynclog.yaml", "audit-schemas.yaml"}
HOSTILE = [
    *(
        'say "no"',
        "it's",
        "two\nlines",
        "a: b",
        "- a",
        "# no",
        "a #b",
        "{a: 1}",
        "[a]",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
    ),
    *("null", "~", "true", "no", "on", "1", "1.0", "0x1f", "1:30", "2026-11-24", "<<", "=", "---", "...", "`", "@"),
    *(
        " ",
        " a ",
        "\t",
        "\\",
        "\\n",
        "\x00",
        "\x1b[2J",
        "\x7f",
        "\x85",
        "\u2028",
        "\ufeff",
        "\ufffe",
        "é",
        "日本",
        "😀",
    ),
    *("a:1", "**", "? a", "a\rb", "%TAG", "{{x}}", "${x}", "\u202e", "\ue000", "\U000e0001"),
]


def init(folder: Path, *words: str, before: tuple[str, ...] = ()) -> Done:
    """Run `asynclog init --json` for `audit/logs.jsonl` of a folder."""
    return run("init", "--path", "audit/logs.jsonl", "--json", *words, cwd=folder, before=before)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a folder with a log of two segments that hold `app:1`, `app:2` and `api:1`."""
    first = [record("app", 2, days=400), record("api", days=3), b"torn\n"]
    write_log(tmp_path / "audit", {"logs-20250101T000000.jsonl": first, "logs.jsonl": record(days=2)})
    return tmp_path


def test_the_first_steps_delete_nothing(log: Path) -> None:
    """After `init`, `check` and `cleanup` work in that folder, each key has a rule of its own, and all is kept."""
    before = looks(log / "audit")
    done = init(log)
    assert (done.code, names(log)) == (0, WRITTEN | {"audit"})
    assert done.result["files"] == [str(log / "asynclog.yaml"), str(log / "audit-schemas.yaml")]
    assert list(done.result["schemas"]) == ["api:1", "app:1", "app:2"]
    assert done.result["schemas"]["app:2"] == {
        "records": 1,
        "bytes": len(record("app", 2)),
        **dict.fromkeys(("oldest", "newest"), "2025-10-20T00:00:00Z"),
    }
    checked = run("check", "--json", cwd=log).result
    assert {
        key: (each["rule"], each["governed"], each["retention_days"]) for key, each in checked["schemas"].items()
    } == {key: (key, True, None) for key in ("api:1", "app:1", "app:2")}
    assert (checked["warnings"], checked["configuration"]) == ([], str(log / "asynclog.yaml"))
    cleaned = run("cleanup", "--dry-run", "--json", cwd=log).result
    assert (cleaned["records"], cleaned["kept"]["no_policy"]) == ({"scanned": 3, "deleted": 0, "kept": 3}, {})
    assert run("cleanup", cwd=log).code == 0
    assert looks(log / "audit") == before


def test_the_first_steps_of_the_readme_run(log: Path) -> None:
    """As they stand there, one after the other, and they delete nothing."""
    before = looks(log / "audit")
    section = (PROJECT / "README.md").read_text().partition("## First steps\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", "".join(blocks)],
        cwd=log,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    said = [line for line in done.stdout.splitlines() if line.startswith(("Wrote ", "Valid: ", "Would delete "))]
    assert [line.split()[0] for line in said] == ["Wrote", "Valid:", "Would", "Would"]  # once more by show
    assert all(line.startswith("Would delete 0 records") for line in said[-2:])
    assert looks(log / "audit") == before


def test_a_period_that_is_written_into_it_counts(log: Path) -> None:
    """The usual periods stand there as comments, in the words that the file itself takes."""
    init(log)
    file = log / "audit-schemas.yaml"
    text = file.read_text()
    for days in ("30", "90", "365", "2555", "null"):
        assert f"#   retention_days: {days} " in text
    at = text.index("version: 2")
    file.write_text(text[:at] + text[at:].replace("retention_days: null", "retention_days: 365", 1))
    assert run("cleanup", "--json", cwd=log).result["deleted_per_schema"] == {"app:2": 1}


def test_a_person_is_told_what_was_found_and_what_comes_next(log: Path) -> None:
    """The files, the schemas, and that nothing is deleted yet; with `--quiet` nothing."""
    done = run("init", "--path", "audit/logs.jsonl", cwd=log)
    assert (done.code, done.err) == (0, "")
    for word in (*WRITTEN, "app:2", "retention_days", "asynclog cleanup --dry-run"):
        assert word in done.out
    for name in WRITTEN:
        (log / name).unlink()
    assert run("init", "--path", "audit/logs.jsonl", "--quiet", cwd=log) == (0, "", "")
    assert names(log) >= WRITTEN


def test_the_log_may_be_elsewhere_and_the_path_hostile(tmp_path: Path) -> None:
    """A relative path is relative to the file, whatever characters it has."""
    path = write_log(tmp_path / 'a "b": {é\n}' / "audit", {"logs.jsonl": record()})
    (tmp_path / "here").mkdir()
    for name in (str(path), os.path.relpath(path, tmp_path / "here")):
        assert run("init", "--path", name, cwd=tmp_path / "here").code == 0
        (tmp_path / "here/below").mkdir(exist_ok=True)
        assert list(run("check", "--json", cwd=tmp_path / "here/below").result["schemas"]) == ["app:1"]
        for file in WRITTEN:
            (tmp_path / "here" / file).unlink()


def test_hostile_names_are_read_back_as_they_are(tmp_path: Path) -> None:
    """All of them at once, with the real commands; without those that would be patterns."""
    names = [name for name in HOSTILE if not set(name) & set("*?")]
    write_log(tmp_path / "audit", {"logs.jsonl": [record(name) for name in names]})
    assert set(init(tmp_path).result["schemas"]) == {f"{name}:1" for name in names}
    checked = run("check", "--json", cwd=tmp_path).result
    assert {key: each["rule"] for key, each in checked["schemas"].items()} == {
        f"{name}:1": f"{name}:1" for name in names
    }
    assert (checked["ungoverned"], checked["unused_rules"]) == ([], [])
    assert run("cleanup", "-n", "--json", cwd=tmp_path).result["kept"]["no_policy"] == {}


KEYS = st.builds(
    SchemaKey,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)
    | st.text(string.printable, min_size=1)
    | st.sampled_from(HOSTILE),
    st.integers() | st.integers(-(10**100) + 1, 10**100 - 1),
)


@given(st.sets(KEYS.filter(lambda key: not set(key.name) & set("*?"))))
def test_any_key_is_read_back_as_it_is(keys: set[SchemaKey]) -> None:
    """The policy has a rule for exactly each of the keys, and keeps them all."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "schemas.yaml")
        file.write_text(starter_policy(dict.fromkeys(keys, Holding(1, 2, None, None)), {}, None), encoding="utf-8")
        rules = all_rules(load_policy(str(file)))
    assert rules.keys() == keys
    assert {(rule.retention_days, rule.active) for rule in rules.values()} <= {(None, True)}


def test_what_a_policy_cant_name_is_left_out_and_said(tmp_path: Path) -> None:
    """The schema `*`, for that is the rule for all others, and a version beyond what a policy takes as a number."""
    huge = 10**100
    lines = [record("*"), record("app", huge), record("app", huge - 1), record("app", -huge)]
    write_log(tmp_path / "audit", {"logs.jsonl": lines})
    result = init(tmp_path).result
    assert list(result["schemas"]) == [f"app:{huge - 1}"]
    assert sorted(result["left_out"]) == ["*:1", f"app:-{huge}", f"app:{huge}"]
    assert (tmp_path / "audit-schemas.yaml").read_text().count("# Left out: ") == 3
    checked = run("check", "--json", cwd=tmp_path)
    assert (checked.code, sorted(checked.result["ungoverned"])) == (0, sorted(result["left_out"]))


def test_a_log_of_which_all_is_left_out_is_not_said_to_have_no_records(tmp_path: Path) -> None:
    write_log(tmp_path / "audit", {"logs.jsonl": [record("*")]})
    said = run("init", "--path", "audit/logs.jsonl", cwd=tmp_path).out
    assert "Left out: *:1: " in said
    assert "No schema was found" not in said


@pytest.mark.parametrize("segments", [{}, {"logs.jsonl": b""}, {"logs.jsonl": b"torn\n"}], ids=str)
def test_a_log_without_schemas_yet_gets_its_files_too(tmp_path: Path, segments: dict[str, bytes]) -> None:
    """The policy is empty, and valid."""
    write_log(tmp_path / "audit", segments)
    assert (init(tmp_path).code, names(tmp_path)) == (0, WRITTEN | {"audit"})
    assert run("check", cwd=tmp_path).code == 0
    assert run("cleanup", "-n", cwd=tmp_path).code == 0


def test_init_goes_on_after_a_mistyped_name(log: Path) -> None:
    """What it says to do leads to all schemas."""
    done = run("init", "--path", "audit/log.jsonl", cwd=log)
    assert (done.code, names(log)) == (0, WRITTEN | {"audit"})
    assert "remove audit-schemas.yaml and run init again" in done.out
    configuration = log / "asynclog.yaml"
    configuration.write_text(configuration.read_text().replace('log.jsonl"', 'logs.jsonl"'))
    (log / "audit-schemas.yaml").unlink()
    assert list(run("init", "--json", cwd=log).result["schemas"]) == ["api:1", "app:1", "app:2"]


def test_a_person_is_told_how_to_go_on_without_a_schema(tmp_path: Path) -> None:
    """If what the lines mean has to be said first, or nothing is written there yet."""
    write_log(tmp_path / "audit", {"logs.jsonl": b""})
    said = "asynclog.yaml says how they are read, remove audit-schemas.yaml and run init again"
    assert said in run("init", "--path", "audit/logs.jsonl", cwd=tmp_path).out


def test_a_segment_that_is_taken_for_the_log_is_told(log: Path) -> None:
    """Its log is named, whatever else lies there."""
    for name in ("logs.jsonl.1", "logs.jsonl.1.gz", "logs-prod.jsonl", "logs.jsonl.bak"):
        (log / "audit" / name).write_bytes(b"")
    for name, is_segment in (("logs.jsonl.1", True), ("logs.jsonl.1.gz", True), ("logs-prod.jsonl", False)):
        result = run("init", "--path", f"audit/{name}", "--json", cwd=log).result
        told = f"{name} is called like a rotated segment of logs.jsonl: if that is the log, "
        assert any(each.startswith(told) for each in result["warnings"]) == is_segment
        for file in WRITTEN:
            (log / file).unlink()


def test_a_missing_policy_is_written_for_the_configuration_that_is_there(log: Path) -> None:
    """That one stays as it is; with and without its path on the command line."""
    assert init(log).code == 0
    configuration, policy = log / "asynclog.yaml", log / "audit-schemas.yaml"
    configuration.write_text(configuration.read_text() + "# mine\n")
    before, wanted = looks(log)["asynclog.yaml"], policy.read_text()
    for words in ((), ("--path", "audit/../audit/logs.jsonl")):
        policy.unlink()
        done = run("init", *words, "--json", cwd=log)
        assert (done.code, done.result["files"], done.result["warnings"]) == (0, [str(policy)], [])
        assert done.result["message"] == "Wrote audit-schemas.yaml: 3 schemas, all kept for ever so far"
        assert (looks(log)["asynclog.yaml"], policy.read_text()) == (before, wanted)
    text = configuration.read_text()
    for path in ("./audit-schemas.yaml", str(policy)):
        policy.unlink()
        configuration.write_text(text.replace("audit-schemas.yaml", path, 1))
        assert (run("init", cwd=log).code, policy.read_text()) == (0, wanted)


@pytest.mark.parametrize(
    ("words", "old", "new", "said"),
    [
        (("--path", "audit/other.jsonl"), "", "", "this file exists"),
        (("--preset", "vault"), "", "", "write preset: vault into"),
        ((), "audit-schemas.yaml", "mine.yaml", "this file exists"),
        ((), "    audit:\n", "    audit:\n      enabled: false\n", "this file exists"),
        ((), "path:", "paht:", "asynclog.yaml:7: profiles.default.audit.paht"),
        ((), "audit/logs.jsonl", "*/logs.jsonl", "write audit-schemas.yaml yourself; with schemas: [] in it"),
    ],
    ids=str,
)
def test_another_configuration_is_not_gone_on_with(
    log: Path, words: tuple[str, ...], old: str, new: str, said: str
) -> None:
    """If it is for another log or policy, or can't be read, exit 2 says so, and nothing is written."""
    init(log)
    configuration = log / "asynclog.yaml"
    configuration.write_text(configuration.read_text().replace(old, new, 1))
    (log / "audit-schemas.yaml").unlink()
    before = looks(log)
    done = run("init", *words, "--json", cwd=log)
    assert done.code == 2
    assert said in done.error
    assert looks(log) == before


def test_a_missing_policy_is_not_written_into_the_folder_of_the_log(log: Path) -> None:
    """Although the configuration is there."""
    (log / "audit/asynclog.yaml").write_text(
        "profiles: {default: {audit: {path: logs.jsonl, schemas: audit-schemas.yaml}}}"
    )
    before = looks(log)
    done = run("init", "--json", cwd=log / "audit")
    assert (done.code, "folder of the log itself" in done.error) == (2, True)
    assert looks(log) == before


def test_who_is_told_that_files_exist_is_told_what_to_do(log: Path) -> None:
    """Those that are there are named."""
    init(log)
    assert "Remove asynclog.yaml and audit-schemas.yaml if that is from an earlier init" in init(log).error
    (log / "asynclog.yaml").unlink()
    assert "Remove audit-schemas.yaml if that is" in init(log).error


@pytest.mark.parametrize("name", sorted(WRITTEN))
@pytest.mark.parametrize("kind", ["file", "folder", "link to nothing"])
def test_it_never_overwrites(log: Path, name: str, kind: str) -> None:
    """Exit 2 names what is there already, and neither file is written."""
    there = log / name
    match kind:
        case "file":
            there.write_text("mine")
        case "folder":
            there.mkdir()
        case _:
            there.symlink_to("nowhere")
    before = looks(log)
    done = init(log)
    assert done.code == 2
    assert str(there) in done.error
    assert looks(log) == before


def test_a_file_that_appears_meanwhile_undoes_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All or none, and nothing temporary is left."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b").write_text("mine")
    with pytest.raises(FileExistsError) as raised:
        write_new(dict.fromkeys("abc", b"new"))
    assert raised.value.filename2 == "b"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"b": "mine"}


def test_the_files_are_whole_and_readable_by_others(log: Path) -> None:
    """The job may run as another user than the person who set it up."""
    init(log)
    assert {(log / name).stat().st_mode & 0o777 for name in WRITTEN} == {0o644}
    assert {(log / name).stat().st_nlink for name in WRITTEN} == {1}


def test_a_folder_of_everybody_is_told_before_the_next_command_refuses_it(log: Path) -> None:
    """Once, with what to do; and what it advises works."""
    for mode, told in ((0o777, 1), (0o1777, 0), (0o755, 0)):
        (log / f"here{mode}").mkdir()
        (log / f"here{mode}").chmod(mode)
        done = run("init", "--path", "../audit/logs.jsonl", "--json", cwd=log / f"here{mode}")
        warnings = [each for each in done.result["warnings"] if "so no command will read it" in each]
        assert (done.code, len(warnings)) == (0, told)
        assert run("check", cwd=log / f"here{mode}").code == (2 if told else 0)
        if told:
            file = log / f"here{mode}/asynclog.yaml"
            assert warnings[0].startswith(f"{file}: everybody may write to {file.parent}, ")
            assert run("check", "--config", str(file)).code == 0


@pytest.mark.parametrize("path", ["logs.jsonl", "../audit/logs.jsonl", "../link/audit/logs.jsonl"])
def test_nothing_is_written_into_the_folder_of_the_log(log: Path, path: str) -> None:
    """Not even where that is the working folder, by whatever name."""
    (log / "link").symlink_to(".")
    before = looks(log)
    done = run("init", "--path", path, "--json", cwd=log / "link/audit")
    assert (done.code, "folder of the log itself" in done.error) == (2, True)
    assert looks(log) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--path"),
        (("--path", ""), "--path"),
        (("logs.jsonl",), "there is no log 'logs.jsonl'"),
        (("--path", "audit/logs.jsonl", "audit/a.jsonl", "b"), "audit/a.jsonl: init is for one log"),
        (("--path", "audit"), "audit is a folder"),
        (("--path", "audit/"), "must name a file"),
        (("--path", "nowhere/logs.jsonl"), "no such folder"),
        (("--path", os.fsdecode(b"audit/\xff.jsonl")), "not UTF-8"),
        (("--path", "audit/logs.jsonl", "--config", "asynclog.yaml"), "--config"),
    ],
    ids=str,
)
def test_what_cant_be_is_said_and_nothing_is_written(log: Path, words: tuple[str, ...], said: str) -> None:
    """Exit 2 and one sentence."""
    before = looks(log)
    done = run("init", *words, "--json", cwd=log)
    assert done.code == 2
    assert said in done.error
    assert looks(log) == before


def test_a_read_only_working_folder_is_a_usage_error(log: Path) -> None:
    """It is named."""
    log.chmod(0o555)
    done = init(log, before=NO_OVERRIDE)
    assert (done.code, str(log) in done.error) == (2, True)
    log.chmod(0o755)
    assert names(log) == {"audit"}


def test_a_segment_that_cant_be_read_is_told(log: Path) -> None:
    """The files are written from the others, exit 3; what is compressed is no failure."""
    write_log(log / "audit", {"logs-20240101T000000.jsonl.gz": b"\x1f\x8b"})
    (log / "audit/logs.jsonl").chmod(0)
    done = init(log, before=NO_OVERRIDE)
    assert (done.code, done.result["status"], done.document["status"]) == (3, "partial", "error")
    assert "logs.jsonl" in done.document["error"]
    assert done.result["segments"] == {"total": 3, "read": 1, "skipped": 1, "failed": 1}
    assert set(done.result["unread"]) == {"logs-20240101T000000.jsonl.gz", "logs.jsonl"}
    assert list(done.result["schemas"]) == ["api:1", "app:2"]
    assert names(log) >= WRITTEN
