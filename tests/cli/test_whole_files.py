"""`format: file`: each file is one record, from its mtime, and goes whole or stays; what is in it does not matter."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from audit_log import looks, write_policy
from command import NOW, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asynclog.config.presets import load_presets
from asynclog.storage.naming import SegmentNaming

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PRESENT = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp()) * 10**9
DAY = 86_400 * 10**9
FILE = "format: file\n    fields: {schema: {constant: document}}"


def lay(folder: Path, files: Mapping[str, tuple[bytes, float]], keys: str = FILE, days: str = "30") -> Path:
    """Write files of this content and age in days, a policy and a configuration; return the folder of the files."""
    log = folder / "docs"
    log.mkdir(exist_ok=True)
    for name, (content, age) in files.items():
        (log / name).write_bytes(content)
        mtime = PRESENT - int(age * DAY)
        os.utime(log / name, ns=(mtime, mtime))
    write_policy(folder, f"schema_name: document, retention_days: {days}")
    (folder / "asynclog.yaml").write_text(
        "asynclog: 1\nprofiles:\n  default:\n"
        f'    audit: {{path: docs/docs.json, schemas: schemas.yaml, segments: "*"}}\n    {keys}\n'
    )
    return log


def names(log: Path) -> set[str]:
    """Return the names that are left, but for the lock file's."""
    return {path.name for path in log.iterdir() if not path.name.startswith(".")}


DOCUMENTS = {
    "a.pdf": (b"%PDF-1.7\n\xff\x00", 31),
    "b.json.gz": (b"\x1f\x8bcut off", 400),
    "c.json.xz": (b"\xfd7zXZ\x00 and so on", 30.5),
    "d.json": (b'{"Records": [\n{"a": 1},\n{"a": 2}\n]}\n', 100),
    "e.log": (b"", 31),
    "young.log": (b"", 29.9),
    "newest.zip": (b"PK\x03\x04", 1),
}


def test_files_go_whole_by_their_mtime(tmp_path: Path) -> None:
    """Packed, damaged, empty or of any kind: what the dry run says is what goes, and a second run is idle."""
    log = lay(tmp_path, DOCUMENTS)
    before, always = looks(log), ("--now", NOW, "--json", "--debug")
    dry = run("cleanup", "--dry-run", *always, cwd=tmp_path)
    assert looks(log) == before
    wet = run("cleanup", *always, cwd=tmp_path)
    assert (dry.code, wet.code) == (0, 0)
    for key in ("deleted_per_schema", "records", "segments", "overdue", "unjudged", "kept"):
        assert dry.result[key] == wet.result[key], key
    assert wet.result["deleted_per_schema"] == {"document:1": 5}
    assert (wet.result["segments"]["dropped"], wet.result["segments"]["emptied"]) == (5, 0)
    assert (wet.result["bytes"]["scanned"], wet.result["unjudged"]["segments"]) == (0, 0)
    assert names(log) == {"young.log", "newest.zip"}
    assert wet.actions["newest.zip"]["reason"] == "it is the newest file, and that always stays"
    assert run("cleanup", *always, cwd=tmp_path).result["deleted_per_schema"] == {}


def test_the_newest_never_goes(tmp_path: Path) -> None:
    """However old it is: it is neither overdue nor freed later. Of several of one mtime it is the last by name."""
    log = lay(tmp_path, {"a.log": (b"1", 500), "b.log": (b"2", 500), "c.log": (b"3", 501)})
    estimate = run("estimate", "--now", NOW, "--json", cwd=tmp_path).result
    assert [each["records"] for each in estimate["totals"]["frees"]] == [2] * 4
    done = run("cleanup", "--now", NOW, "--max-overdue", "1d", "--json", cwd=tmp_path)
    assert (done.code, done.result["overdue"]["records"]) == (0, {})
    assert names(log) == {"b.log"}


def test_the_newest_stays_whatever_the_budget(tmp_path: Path) -> None:
    """Also if it is empty, or not the last by name; and nothing goes that frees nothing."""
    files = {"a.log": (b"1" * 9, 20), "empty.log": (b"", 18), "c.log": (b"3", 17), "z.log": (b"4", 19)}
    log = lay(tmp_path, {**files, "newest.log": (b"", 5)}, f"{FILE}\n    max_bytes: 1B")
    done = run("cleanup", "--now", NOW, "--json", "--debug", cwd=tmp_path)
    assert done.result["deleted_by_budget"] == {"document:1": 1}
    assert names(log) == {"empty.log", "c.log", "z.log", "newest.log"}
    assert done.actions["newest.log"]["reason"] == "it is the newest file, and that always stays"


def test_of_several_newest_ones_the_one_that_stays_is_always_the_same(tmp_path: Path) -> None:
    """With a budget, too: the last by name of those of one mtime."""
    log = lay(tmp_path, {"a.log": (b"1", 5), "b.log": (b"2", 5), "z.log": (b"3", 6)}, f"{FILE}\n    max_bytes: 1B")
    run("cleanup", "--now", NOW, "--json", cwd=tmp_path)
    assert "b.log" in names(log)


def test_clocks_that_were_wrong_keep_a_file(tmp_path: Path) -> None:
    """An mtime from before 2000, or a day ahead, proves nothing."""
    files = {"old.log": (b"1", 11_000), "ahead.log": (b"2", -2), "a.log": (b"3", 40), "b.log": (b"4", 1)}
    log = lay(tmp_path, files)
    result = run("cleanup", "--now", NOW, "--json", cwd=tmp_path).result
    assert (result["kept"]["implausible"], result["kept"]["future"]) == (1, 1)
    assert names(log) == {"old.log", "ahead.log", "b.log"}


def test_links_and_folders_stay(tmp_path: Path) -> None:
    """A symbolic link is no file of the log, and one of two names is overdue."""
    log = lay(tmp_path, {"a.log": (b"1", 40), "two.log.xz": (b"2", 40), "b.log": (b"3", 1)})
    os.link(log / "two.log.xz", tmp_path / "other")
    (log / "link").symlink_to("a.log")
    (log / "folder").mkdir()
    result = run("cleanup", "--now", NOW, "--json", cwd=tmp_path).result
    assert (result["deleted_per_schema"], result["overdue"]["records"]) == ({"document:1": 1}, {"document:1": 1})
    assert result["unjudged"]["reasons"] == {"special": 2}
    assert names(log) == {"two.log.xz", "link", "folder", "b.log"}


def test_the_other_commands_know_files(tmp_path: Path) -> None:
    """Without reading one of them: nobody may."""
    log = lay(tmp_path, DOCUMENTS)
    always = ("--now", NOW, "--json")
    check = run("check", "--json", cwd=tmp_path).result
    assert check["fields"]["format"] == "file"
    assert check["schemas"]["document:1"]["records"] == len(DOCUMENTS)
    assert "each file is one record of document" in run("check", cwd=tmp_path).out
    estimate = run("estimate", *always, cwd=tmp_path).result
    assert [each["records"] for each in estimate["totals"]["frees"]] == [5, 6, 6, 6]
    assert estimate["read"]["bytes"] == 0
    (row,) = run("explain", str(log / "c.json.xz"), *always, cwd=tmp_path).result["segments"]
    assert (row["action"], row["overdue_since"]) == ("drop", "2026-11-23T12:00:00Z")
    (row,) = run("explain", "newest.zip", *always, cwd=tmp_path).result["segments"]
    assert (row["action"], row["schemas"]["document:1"]["expired"]) == ("keep", 0)


def test_a_plan_is_carried_out_for_unchanged_files(tmp_path: Path) -> None:
    """Who touches a file makes it young."""
    log = lay(tmp_path, {"a.log": (b"1", 40), "b.log": (b"2", 40), "c.log": (b"3", 1)})
    run("cleanup", "--dry-run", "--plan-out", "plan.json", "--now", NOW, cwd=tmp_path)
    os.utime(log / "a.log", ns=(PRESENT - 2 * DAY, PRESENT - 2 * DAY))
    done = run("apply", "plan.json", "--now", NOW, "--json", cwd=tmp_path)
    assert (done.code, done.result["deleted_per_schema"]) == (0, {"document:1": 1})
    assert names(log) == {"a.log", "c.log"}


def test_the_guards_count_files(tmp_path: Path) -> None:
    """Most of them, expired long ago, are refused like records of lines."""
    log = lay(tmp_path, {f"{number:04}.log": (b"", 40) for number in range(1200)} | {"new.log": (b"", 1)})
    assert run("cleanup", "--now", NOW, cwd=tmp_path).code == 5
    assert len(names(log)) == 1201
    assert run("cleanup", "--now", NOW, "--allow-delete-percent", "100", cwd=tmp_path).code == 0
    assert names(log) == {"new.log"}


@pytest.mark.parametrize(
    ("keys", "place", "sentence"),
    [
        ("format: files", "format", "'files' is no format: write file, or leave the key out"),
        ("format: file", "format", "write fields: {schema: {constant: NAME}}"),
        ("format: file\n    fields: {schema: kind}", "fields.schema", "write fields: {schema: {constant: NAME}}"),
        (FILE.replace("}}", "}, timestamp: time}"), "fields.timestamp", "the time of a file is its mtime: leave this"),
        (FILE.replace("}}", "}, version: v}"), "fields.version", "leave this key out"),
        (FILE.replace("document", '""'), "fields.schema.constant", "write the name of the schema"),
        (FILE + "\n    time: {form: unix_s}", "time", "the time of a file is its mtime: leave this key out"),
    ],
)
def test_what_a_file_can_not_have_is_refused(tmp_path: Path, keys: str, place: str, sentence: str) -> None:
    """With its line and key, and what to write instead."""
    lay(tmp_path, {"a.log": (b"", 1)}, keys)
    done = run("cleanup", cwd=tmp_path)
    assert done.code == 2
    assert f"profiles.default.{place}: " in done.err
    assert sentence in done.err


CLOUDTRAIL = "123456789012_CloudTrail_eu-west-1_{}T0000Z_0a1B2c3D4e5F6g7H.json.gz"


def test_the_cloudtrail_preset_takes_cloudtrails_files(tmp_path: Path) -> None:
    """And leaves its digests, and what is beside them, alone; `init` knows it."""
    old, new, digest = (
        CLOUDTRAIL.format("20250101"),
        CLOUDTRAIL.format("20261120"),
        "1_CloudTrail-Digest_eu-west-1_a.json.gz",
    )
    files = {old: (b"\x1f\x8b", 600), new: (b"\x1f\x8b", 4), digest: (b"", 600), "other.json": (b"", 600)}
    log = lay(tmp_path, files)
    (tmp_path / "asynclog.yaml").unlink()
    made = run("init", "--path", "docs/cloudtrail.json", "--preset", "cloudtrail", "--json", cwd=tmp_path)
    assert (made.code, made.result["schemas"]["cloudtrail:1"]["records"]) == (0, 2)
    path = tmp_path / "audit-schemas.yaml"
    path.write_text(path.read_text().replace("retention_days: null", "retention_days: 365"))
    result = run("cleanup", "--now", NOW, "--json", cwd=tmp_path).result
    assert result["deleted_per_schema"] == {"cloudtrail:1": 1}
    assert names(log) == {new, digest, "other.json"}


def test_the_cloudtrail_preset_is_shown_as_configuration(tmp_path: Path) -> None:
    """It needs a path, and nothing else."""
    shown = run("presets", "show", "cloudtrail").out
    assert "    # format: file\n" in shown
    assert "time:" not in shown
    naming = SegmentNaming("cloudtrail.json", more_names=load_presets()["cloudtrail"].segments)
    assert naming.match(CLOUDTRAIL.format("20250101"))
    assert not naming.match(CLOUDTRAIL.format("20250101") + ".sum")
    del tmp_path


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ages=st.dictionaries(st.sampled_from("abcdefghij"), st.sampled_from([-3, -0.5, 0, 6.9, 7, 7.1, 400, 11_000])),
    days=st.sampled_from(["0", "7", "null"]),
)
def test_a_file_goes_if_it_is_old_and_not_the_newest(
    tmp_path_factory: pytest.TempPathFactory, ages: dict[str, float], days: str
) -> None:
    """As a judge says that knows nothing of this program."""
    folder = tmp_path_factory.mktemp("files")
    log = lay(folder, {name: (name.encode(), age) for name, age in ages.items()}, days=days)
    always = ("--now", NOW, "--json", "--allow-delete-all")
    goes = {
        name
        for name, age in ages.items()
        if days != "null"
        and int(days) < age < 9_800
        and (-age, name) != max((-each, other) for other, each in ages.items())
    }
    dry = run("cleanup", "--dry-run", *always, cwd=folder).result
    wet = run("cleanup", *always, cwd=folder).result
    assert sum(dry["deleted_per_schema"].values()) == wet["records"]["deleted"] == len(goes)
    assert names(log) == set(ages) - goes
    assert all((log / name).read_bytes() == name.encode() for name in names(log))
