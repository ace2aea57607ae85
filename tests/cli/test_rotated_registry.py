"""A registry that logrotate has taken along with the log: its rules are read where they are, and it is told."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from audit_log import looks, record, write_log
from command import NOW, run

OLD, YOUNG = record(days=400), record(days=1)
SEGMENT = "logs-20250101T000000.jsonl"
SITE = "mxcp: 1\nproject: demo\nprofiles:\n  default:\n    audit: {enabled: true, path: audit/logs.jsonl}\n"
NAMED = ("--path", "audit/logs.jsonl")
LOGROTATE = shutil.which("logrotate", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def rule(days: int | None, name: str = "app", **more: object) -> bytes:
    return json.dumps({"schema_name": name, "version": 1, "retention_days": days, **more}).encode() + b"\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a log of one segment, whose first record has expired under a rule of 30 days, and MXCP's configuration."""
    write_log(tmp_path / "audit", {SEGMENT: OLD + YOUNG})
    (tmp_path / "mxcp-site.yml").write_text(SITE)
    return tmp_path


def put(folder: Path, **files: bytes) -> None:
    """Write registries: `now` is the one that counts, `_1` and the like are rotated ones."""
    for name, content in files.items():
        ending = "" if name == "now" else name.replace("__", "-").replace("_", ".")
        (folder / f"audit/logs_schemas.jsonl{ending}").write_bytes(content)


def test_files_whose_order_is_not_known_give_no_rules(folder: Path) -> None:
    """A number does not say whether the file is older than one with a date: the wrong one of two rules might count."""
    put(folder, now=b"", _1=rule(30), __20261101=rule(None))
    done = run("cleanup", "--now", NOW, "--json", cwd=folder)
    assert done.code == 2
    assert "logs_schemas.jsonl.1 or logs_schemas.jsonl-20261101" in done.error
    assert (folder / "audit" / SEGMENT).read_bytes() == OLD + YOUNG


@pytest.mark.parametrize("words", [(), NAMED], ids=["mxcp-site.yml", "--path"])
@pytest.mark.parametrize(
    ("files", "deleted", "read"),
    [
        ({"_1": rule(30)}, 1, "logs_schemas.jsonl.1"),
        ({"now": b"", "_1": rule(30)}, 1, "logs_schemas.jsonl.1"),
        ({"now": b"\n", "_2": rule(30), "_1": b""}, 1, "logs_schemas.jsonl.2"),
        ({"__20261101": rule(30)}, 1, "logs_schemas.jsonl-20261101"),
        ({"_10": rule(30), "_9": rule(None)}, 0, "logs_schemas.jsonl.10, logs_schemas.jsonl.9"),
        ({"__20261101": rule(None), "__20261102": rule(30)}, 1, "logs_schemas.jsonl-20261101, "),
        ({"_2": rule(30, active=False), "_1": rule(30, "other")}, 0, "logs_schemas.jsonl.2, logs_schemas.jsonl.1"),
        ({"_3": rule(30), "_2_gz": gzip.compress(rule(None)), "_1": rule(None, "other")}, 0, "logs_schemas.jsonl.1"),
        ({"_2_gz": gzip.compress(rule(None)), "_1": rule(30)}, 1, "logs_schemas.jsonl.1"),
    ],
)
def test_its_rules_count_if_the_registry_has_none(
    folder: Path, words: tuple[str, ...], files: dict[str, bytes], deleted: int, read: str
) -> None:
    """The latest definition counts, and none that may have a later one in a compressed file; a warning tells."""
    put(folder, **files)
    done = run("cleanup", *words, "--now", NOW, "--json", cwd=folder)
    assert (done.code, done.result["records"]["deleted"]) == (0, deleted)
    assert (folder / "audit" / SEGMENT).read_bytes() == (YOUNG if deleted else OLD + YOUNG)
    (said,) = [each for each in done.result["warnings"] if "so the rules are read from" in each]
    assert read in said
    assert "exclude it from the rotation" in said
    assert done.result["neighbours"]["count"] == 0
    assert Path(done.result["policy"]["path"]).name == read.rstrip(", ").rpartition(", ")[2] or deleted
    assert any(".gz" in each and "not read" in each for each in done.result["warnings"]) == ("_2_gz" in files)


def test_a_registry_with_a_rule_counts_alone(folder: Path) -> None:
    """Whatever the rotated ones say; they are told."""
    put(folder, now=rule(30, "other"), _1=rule(30))
    before = looks(folder / "audit")
    done = run("cleanup", "--now", NOW, "--json", cwd=folder)
    assert (done.code, done.result["records"]["deleted"], looks(folder / "audit")[SEGMENT]) == (0, 0, before[SEGMENT])
    assert any("logs_schemas.jsonl.1 beside " in each for each in done.result["warnings"])


@pytest.mark.parametrize("content", [b"torn\n", rule(-1), b"\xff\n"])
def test_an_error_in_a_rotated_registry_is_exit_2(folder: Path, content: bytes) -> None:
    """As in any other: it names file and line, and nothing is touched."""
    put(folder, _2=rule(30), _1=rule(30, "other") + content)
    before = looks(folder / "audit")
    done = run("cleanup", "--now", NOW, "--json", cwd=folder)
    assert (done.code, "logs_schemas.jsonl.1:2: " in done.error) == (2, True)
    assert looks(folder / "audit") == before


@pytest.mark.parametrize("files", [{}, {"_1_gz": gzip.compress(rule(30))}, {"_bak": rule(30)}])
def test_a_missing_registry_is_told_as_before(folder: Path, files: dict[str, bytes]) -> None:
    """If no rotated one can be read: exit 2 with --path; in MXCP's project there are no rules yet."""
    put(folder, **files)
    assert "there is no such file" in run("cleanup", *NAMED, "--now", NOW, "--json", cwd=folder).error
    done = run("cleanup", "--now", NOW, "--json", cwd=folder)
    assert (done.code, done.result["records"]["deleted"]) == (0, 0)
    assert any("nothing recorded yet" in each for each in done.result["warnings"])


@pytest.mark.skipif(LOGROTATE is None, reason="Debian's logrotate is not installed")
def test_what_mxcps_own_recipe_for_logrotate_leaves(folder: Path) -> None:
    """It rotates `*.jsonl`: all segments, and the registry as well."""
    put(folder, now=rule(30))
    recipe = folder / "logrotate.conf"
    recipe.write_text(f"{folder}/audit/*.jsonl {{\ndaily\nrotate 30\nmissingok\nnotifempty\ncreate 640\n}}\n")
    recipe.chmod(0o600)
    for _night in range(2):
        subprocess.run(
            (str(LOGROTATE), "-f", "-s", str(folder / "state"), str(recipe)),
            check=True,
            capture_output=True,
            timeout=60,
        )
    assert (folder / "audit/logs_schemas.jsonl").read_bytes() == b""
    done = run("cleanup", "--now", NOW, "--json", cwd=folder)
    assert (done.code, done.result["deleted_per_schema"]) == (0, {"app:1": 1})
    assert (folder / f"audit/{SEGMENT}.1").read_bytes() == YOUNG
