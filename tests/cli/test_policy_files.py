"""Which rule governs a record, in YAML and in MXCP's registry, and which policies stop the job."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from audit_log import looks, record, write_log, write_policy
from command import cleanup

if TYPE_CHECKING:
    from pathlib import Path

YAML = """
schemas:
  - {schema_name: both, version: 1, retention_days: 500}
  - {schema_name: both, retention_days: 10}
  - {schema_name: old_only, version: 1, retention_days: 10}
  - {schema_name: forever, retention_days: null}
  - {schema_name: absent}
  - {schema_name: first_forever, version: 1, retention_days: null}
  - {schema_name: first_forever, retention_days: 10}
  - {schema_name: retired, version: 1, retention_days: 10, active: false}
  - {schema_name: retired, retention_days: 10}
  - {schema_name: all_retired, retention_days: 10, active: false}
  - {schema_name: at_once, retention_days: 0}
  - {schema_name: '1', retention_days: 10}
  - {schema_name: aeons, retention_days: 99999999}
  - {schema_name: '*', retention_days: 30}
"""
REGISTRY = [
    {"schema_name": "later", "version": 1, "retention_days": 10},
    {"schema_name": "later", "retention_days": 500},
    {"schema_name": "shorter", "version": 2, "retention_days": None},
    {"schema_name": "shorter", "version": 2, "retention_days": 10, "unknown_key": [{}], "retention_day": 500},
    {"schema_name": "unversioned", "retention_days": 10},
    {"schema_name": "forever", "version": 1, "retention_days": None},
    {"schema_name": "absent", "version": 1},
    {"schema_name": "retired", "version": 1, "retention_days": 10},
    {"schema_name": "retired", "version": 1, "retention_days": 10, "active": False},
    {"schema_name": "revived", "version": 1, "retention_days": 10, "active": False},
    {"schema_name": "revived", "version": 1, "retention_days": 10, "active": True},
]


@pytest.mark.parametrize(
    ("form", "table"),
    [
        (
            "yaml",
            [  # schema, version, age in days, what becomes of it
                ("both", 1, 400, "kept"),
                ("both", 2, 400, "deleted"),
                ("both", 2, 9, "kept"),
                ("both", None, 400, "kept"),
                ("old_only", 1, 20, "deleted"),
                ("old_only", 2, 20, "kept"),
                ("old_only", 2, 40, "deleted"),
                ("forever", 7, 9000, "kept"),
                ("absent", 1, 9000, "kept"),
                ("first_forever", 1, 9000, "kept"),
                ("first_forever", 3, 20, "deleted"),
                ("retired", 1, 400, "no_policy"),
                ("retired", 2, 400, "deleted"),
                ("all_retired", 1, 400, "no_policy"),
                ("all_retired", 9, 400, "no_policy"),
                ("at_once", 1, 0, "kept"),
                ("at_once", 1, 1e-11, "deleted"),
                ("at_once", 1, -0.5, "kept"),
                ("1", 1, 20, "deleted"),
                ("aeons", 1, 9000, "kept"),
                ("stranger", 5, 31, "deleted"),
                ("stranger", 5, 30, "kept"),
                ("both ", 1, 31, "deleted"),
                ("Both", 1, 31, "deleted"),
            ],
        ),
        (
            "registry",
            [
                ("later", 1, 400, "kept"),
                ("shorter", 2, 20, "deleted"),
                ("unversioned", 1, 20, "deleted"),
                ("unversioned", None, 20, "deleted"),
                ("unversioned", 2, 400, "no_policy"),
                ("forever", 1, 9000, "kept"),
                ("absent", 1, 9000, "kept"),
                ("retired", 1, 400, "no_policy"),
                ("revived", 1, 20, "deleted"),
                ("revived", 1, 9, "kept"),
                ("stranger", 1, 400, "no_policy"),
            ],
        ),
    ],
)
def test_each_record_goes_under_its_own_rule(
    tmp_path: Path, form: str, table: list[tuple[str, int | None, float, str]]
) -> None:
    """Exact version, else name, else `*`, else none: what must stay stays in order, and the report counts the rest."""
    lines = [(record(name, version, days), fate) for name, version, days, fate in table]
    write_log(tmp_path / "audit", {"logs.jsonl": [line for line, _ in lines]})
    (tmp_path / "audit" / "logs_schemas.jsonl").write_text("\n\n \t\r\n".join(map(json.dumps, REGISTRY)))
    (tmp_path / "schemas.yaml").write_text(YAML)
    file = {"yaml": "schemas.yaml", "registry": "audit/logs_schemas.jsonl"}[form]
    done = cleanup(tmp_path, "--schemas", file)
    assert done.code == 0
    assert (tmp_path / "audit" / "logs.jsonl").read_bytes() == b"".join(ln for ln, fate in lines if fate != "deleted")
    assert done.result["deleted_per_schema"] == counted(table, "deleted")
    assert done.result["kept"]["no_policy"] == counted(table, "no_policy")


def counted(table: list[tuple[str, int | None, float, str]], what: str) -> dict[str, int]:
    """Count the records of each schema key that have this fate; a version that is absent is 1."""
    keys = [f"{name}:{1 if version is None else version}" for name, version, _, fate in table if fate == what]
    return {key: keys.count(key) for key in keys}


BAD_DAYS = ["-1", "1.5", "90.0", "true", '"90"', "1e2"]
YAML_DAYS = ["010", "1:30", "1_0", "0x5A", "[]"]
BAD_ENTRIES = [  # under `schemas:`, the line and the key that the sentence has
    *((f"- schema_name: app\n  retention_days: {days}", 3, "retention_days") for days in BAD_DAYS + YAML_DAYS),
    ("- {schema_name: app, retention_day: 90}", 2, "retention_day"),
    ("- {schema_name: app, retention_days: 30,\n   retention_days: 90}", 3, "retention_days"),
    ("- {schema_name: app, retention_days: 30}\n- {schema_name: app, retention_days: 90}", 3, "schema_name"),
    ('- {schema_name: "*"}\n- {schema_name: "*"}', 3, "schema_name"),
    ("- {retention_days: 90}", 2, "schema_name"),
    ('- {schema_name: ""}', 2, "schema_name"),
    ('- {schema_name: app, version: "1"}', 2, "version"),
    ("- {schema_name: app, version: 1.0}", 2, "version"),
    ('- {schema_name: app, active: "no"}', 2, "active"),
    ("- {schema_name: app}\nguard: {}", 3, "guard"),
    ("- {schema_name: app}\n---\nschemas: []", 3, ""),
    ("- &a {schema_name: app}\n- *a", 3, ""),
    ("- !!python/object/apply:os.system [touch pwned]", 2, ""),
    ("- app", 2, ""),
    ("app: 90", 1, "schemas"),
    ("- {schema_name: app}\n# \udcff", 3, ""),
    ("[" * 50_000, 2, ""),
]


@pytest.mark.parametrize(("entries", "line", "key"), BAD_ENTRIES)
def test_a_bad_yaml_policy_stops_the_job(archive: Path, entries: str, line: int, key: str) -> None:
    """However good the rest is: exit 2, the file, its line and the key are told, and nothing is touched."""
    (archive / "schemas.yaml").write_bytes(f"schemas:\n{entries}\n".encode(errors="surrogateescape"))
    must_stop(archive, archive / "schemas.yaml", line, key)


GOOD = '{"schema_name": "app", "version": 1, "retention_days": 30}'


@pytest.mark.parametrize(
    ("lines", "line", "key"),
    [
        *((f'\n{GOOD}\n{{"schema_name": "x", "retention_days": {days}}}\n', 3, "retention_days") for days in BAD_DAYS),
        (f'{GOOD}\n{{"schema_name": "x", "version": "1"}}\n', 2, "version"),
        (f'{GOOD}\n{{"retention_days": 30}}\n', 2, "schema_name"),
        (f'{GOOD}\n{{"schema_name": "x", "active": "false"}}\n', 2, "active"),
        (f'{GOOD}\n{{"schema_name": "x", "version": 1, "rete', 2, ""),
        (f'{GOOD}\n{{"schema_name": "x", "rete\n{GOOD}\n', 2, ""),
        (f"{GOOD}\n[]\n", 2, ""),
        (f'{GOOD}\n{{"schema_name": "x", "retention_days": 1, "retention_days": 2}}\n', 2, ""),
        (f'{GOOD}\n{{"schema_name": "x", "description": NaN}}\n', 2, ""),
        (f'{GOOD}\n{{"schema_name": "x", "description": "\udcff"}}\n', 2, ""),
        (f'{GOOD}\n{{"schema_name": "x", "fields": {"[" * 50_000}\n', 2, ""),
    ],
)
def test_a_bad_registry_stops_the_job(archive: Path, lines: str, line: int, key: str) -> None:
    """The same for a registry, whose blank lines count as lines; a torn last line leaves the policy unknown."""
    registry = archive / "audit" / "logs_schemas.jsonl"
    registry.write_bytes(lines.encode(errors="surrogateescape"))
    must_stop(archive, registry, line, key)


def must_stop(folder: Path, schemas: Path, line: int, key: str) -> None:
    """Check that a job with that policy names file, line and key, and touches nothing."""
    before = looks(folder)
    done = cleanup(folder, "--schemas", str(schemas))
    assert done.code == 2
    assert done.error.startswith(f"{schemas}:{line}: ")
    assert key in done.error
    assert "\n" not in done.error
    assert looks(folder) == before


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo"])
def test_a_policy_that_cannot_be_read_stops_the_job(archive: Path, kind: str) -> None:
    """Exit 2 at once, whatever stands under its name."""
    file = archive / "other.yaml"
    if kind == "folder":
        file.mkdir()
    elif kind == "fifo":
        os.mkfifo(file)
    before = looks(archive)
    done = cleanup(archive, "--schemas", "other.yaml", deadline=10)
    assert done.code == 2
    assert str(file) in done.error
    assert looks(archive) == before


def test_all_of_mxcps_keys_are_known_in_yaml(archive: Path) -> None:
    """What MXCP documents for a definition passes."""
    more = "description: d, evidence_level: basic, extract_fields: [], require_signature: false, created_by: me"
    last = "created_at: 2026-01-01T00:00:00Z, active: true, indexes: [], fields: [{a: 1}], field_redactions: []"
    write_policy(archive, f"schema_name: app, version: 1, retention_days: 30, {more}, {last}")
    assert cleanup(archive, "-n").result["deleted_per_schema"] == {"app:1": 1}


@pytest.mark.parametrize("days", [106752, 10**9, 10**23])
def test_more_days_than_any_clock_has_keep_everything(archive: Path, days: int) -> None:
    """An integer of any size is a number of days, and its cutoff lies before every record."""
    write_policy(archive, f"schema_name: app, retention_days: {days}")
    done = cleanup(archive, "-n")
    assert (done.code, done.result["deleted_per_schema"]) == (0, {})
