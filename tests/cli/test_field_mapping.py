"""`fields` and `time` of a profile, through the whole program: what is read, what bad ones are told, what is shown."""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from audit_log import looks, write_policy
from command import NOW, run

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = {  # shapes as these products document them: keys of the profile, an old line, a new one, its schema
    "suricata": (
        "fields: {schema: [event_type, alert.severity]}",
        '{"timestamp":"2026-01-05T10:11:12.123456+0000","event_type":"alert","alert":{"severity":2}}',
        "alert/2",
    ),
    "wazuh": (
        "fields: {schema: rule.level}",
        '{"timestamp":"2026-01-05T10:11:12.297+0700","rule":{"level":3,"id":"5501"}}',
        "3",
    ),
    "gitlab": (
        "fields: {timestamp: time, schema: entity_type}",
        '{"severity":"INFO","time":"2026-01-05T10:11:12.065Z","entity_type":"User"}',
        "User",
    ),
    "nextcloud, of old": (
        'fields: {timestamp: time, schema: app}\n    time: {form: "%B %d, %Y %H:%M:%S", zone: UTC}',
        '{"time":"January 05, 2026 10:11:12","app":"admin_audit"}',
        "admin_audit",
    ),
    "zeek": (
        "fields: {timestamp: ts, schema: _path}\n    time: {form: [unix_s, rfc3339]}",
        '{"ts":1767607872.123456,"uid":"C1","id.orig_h":"192.0.2.1"}',
        "-",
    ),
    "mongodb": (
        "fields: {timestamp: ts.$date, schema: atype}",
        '{ "atype" : "authenticate", "ts" : { "$date" : "2026-01-05T10:11:12.123+00:00" }, "users" : [] }',
        "authenticate",
    ),
    "docker": (
        "fields: {timestamp: time, schema: stream}",
        '{"log":"hello\\n","stream":"stdout","time":"2026-01-05T10:11:12.123456789Z"}',
        "stdout",
    ),
    "github": (
        'fields: {timestamp: "@timestamp", schema: action}\n    time: {form: unix_ms}',
        '{"@timestamp":1767607872123,"action":"repo.create"}',
        "repo.create",
    ),
    "python": (
        "fields: {timestamp: asctime, schema: {constant: app}}\n    time: {zone: Europe/Berlin}",
        '{"asctime":"2026-01-05 10:11:12,123","levelname":"INFO"}',
        "app",
    ),
    "elasticsearch": (
        'fields: {timestamp: [timestamp, "@timestamp"], schema: [type, event.action]}',
        '{"type":"audit", "timestamp":"2026-01-05T10:11:12,123+0200", "event.action":"access_granted"}',
        "audit/access_granted",
    ),
}


def configure(folder: Path, keys: str) -> None:
    """Write a configuration with these keys of its profile, and a policy of 30 days for everything."""
    write_policy(folder, 'schema_name: "*", retention_days: 30')
    (folder / "audit").mkdir(exist_ok=True)
    audit = "audit: {path: audit/logs.jsonl, schemas: schemas.yaml}"
    (folder / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles:\n  default:\n    {audit}\n    {keys}\n")


@pytest.mark.parametrize(("keys", "line", "schema"), FORMATS.values(), ids=FORMATS)
def test_other_products_lines_go_by_their_own_time(tmp_path: Path, keys: str, line: str, schema: str) -> None:
    """The old one goes; one that is not understood stays, and every command reads by the same fields."""
    configure(tmp_path, keys)
    log = tmp_path / "audit" / "logs.jsonl"
    log.write_text(f'{line}\n{{"x": 1.5}}\n')
    checked = run("check", "--json", cwd=tmp_path).result
    assert list(checked["schemas"]) == [f"{schema}:1"]
    assert checked["fields"]["form"]
    estimated = run("estimate", "--json", "--now", NOW, cwd=tmp_path).result
    assert list(estimated["schemas"]) == [f"{schema}:1"]
    (explained,) = run("explain", "--json", "--now", NOW, cwd=tmp_path).result["segments"]
    assert explained["action"] == "rewrite"
    done = run("cleanup", "--json", "--now", NOW, "--double-check", cwd=tmp_path)
    assert (done.code, done.result["deleted_per_schema"]) == (0, {f"{schema}:1": 1})
    assert log.read_text() == '{"x": 1.5}\n'


@pytest.mark.parametrize(
    ("keys", "line", "key", "instead"),
    [
        ("fields: {timestamp: 5}", 5, "fields.timestamp", "this must be text"),
        ("fields: {timestamp: [a, 5]}", 5, "fields.timestamp", "this must be text"),
        ("fields: {timestamp: [a, {file: mtime}]}", 5, "fields.timestamp", "this must be text"),
        ("fields: {timestamp: {file: ctime}}", 5, "fields.timestamp.file", "write {file: mtime}"),
        ("fields: {timestamp: {fil: mtime}}", 5, "fields.timestamp.fil", "not known"),
        ("fields: {timestamp: a..b}", 5, "fields.timestamp", "an empty key: write a key, or keys joined by dots"),
        ("fields: {timestamp: ''}", 5, "fields.timestamp", "write a key, or keys joined by dots"),
        ("fields: {timestamp: []}", 5, "fields.timestamp", "write a key, or keys joined by dots"),
        ("fields:\n      timestamp:\n        - a\n        - a", 6, "fields.timestamp", "'a' stands twice"),
        ("fields: {timestamp: [a, b, c, d, e, f, g, h, i]}", 5, "fields.timestamp", "8 is the most"),
        ("fields: {schema: a.b.c.d.e.f.g.h.i}", 5, "fields.schema", "9 keys deep, and 8 is the most"),
        (f"fields: {{schema: {'a' * 256}}}", 5, "fields.schema", "255 characters"),
        ("fields: {schema: {constant: ''}}", 5, "fields.schema.constant", "write the name of the schema"),
        ("fields: {version: .v}", 5, "fields.version", "an empty key"),
        ("fields: {tmestamp: a}", 5, "fields.tmestamp", "not known"),
        ("fields: time", 5, "fields", "this must be a mapping"),
        ("time: rfc3339", 5, "time", "this must be a mapping"),
        ("time: {form: iso8601}", 5, "time.form", "write rfc3339, unix_s, unix_ms, unix_us, unix_ns, or a pattern"),
        ("time: {form: []}", 5, "time.form", "write rfc3339"),
        ("time:\n      form:\n        - rfc3339\n        - '%s'", 8, "time.form", "write the form unix_s"),
        ("time: {form: '%Y'}", 5, "time.form", "a time needs its date, hour and minute"),
        ("time: {form: '%Y-%m-%d %I:%M'}", 5, "time.form", "%I and %p belong together"),
        ("time: {form: '%Y-%m-%d %H:%M'}", 5, "time.form", "say which zone its times are in"),
        ("time: {form: '%Y-%m-%d %H:%M %Z'}", 5, "time.form", "write %z for an offset"),
        ("time: {form: '%Y-%m-%dT%H:%M%q'}", 5, "time.form", "there are %Y %y"),
        ("time: {form: '%Y-%m-%dT%H:%M%H%z'}", 5, "time.form", "%H stands twice"),
        ("time: {zone: Europe/Berln}", 5, "time.zone", "such as Europe/Berlin or UTC"),
        ("time: {zone: ../UTC}", 5, "time.zone", "such as Europe/Berlin or UTC"),
        ("time: {zone: Europe}", 5, "time.zone", "such as Europe/Berlin or UTC"),
        ("time: {zone: ''}", 5, "time.zone", "such as Europe/Berlin or UTC"),
        ("time: {zone: 2}", 5, "time.zone", "this must be text"),
        ("time: {form: unix_s, zone: UTC}", 5, "time.zone", "leave this key out"),
        ("fields: {timestamp: {file: mtime}}\n    time: {form: unix_s}", 6, "time", "leave this key out"),
    ],
)
def test_fields_that_can_not_be_are_told(tmp_path: Path, keys: str, line: int, key: str, instead: str) -> None:
    """Exit 2 with file, line and key, and what to write instead; nothing was touched."""
    configure(tmp_path, keys)
    before = looks(tmp_path)
    done = run("cleanup", "--json", "--now", NOW, cwd=tmp_path)
    assert done.code == 2
    assert done.error.startswith(f"{tmp_path / 'asynclog.yaml'}:{line}: profiles.default.{key}: ")
    assert instead in done.error
    assert looks(tmp_path) == before


def test_a_fault_in_another_profile_is_told_too(tmp_path: Path) -> None:
    """Before its own timer finds it."""
    configure(tmp_path, "guard: {}\n  other:\n    audit: {path: audit/x.jsonl}\n    time: {zone: Nowhere}")
    done = run("cleanup", "--json", cwd=tmp_path)
    assert done.code == 2
    assert "profiles.other.time.zone: 'Nowhere'" in done.error


def test_what_is_left_out_is_mxcps(tmp_path: Path) -> None:
    """With another key for the time alone, the schema's name still has to be there."""
    configure(tmp_path, "fields: {timestamp: when}\n    time: {zone: UTC}")
    lines = [
        {"when": "2026-01-01T00:00:00", "schema_name": "app", "schema_version": 2},
        {"when": "2026-01-01T00:00:00"},
        {"when": "2026-01-01T00:00:00", "schema_name": 5},
    ]
    (tmp_path / "audit" / "logs.jsonl").write_text("".join(map("{}\n".format, map(json.dumps, lines))))
    done = run("cleanup", "--json", "--now", NOW, cwd=tmp_path)
    assert (done.result["deleted_per_schema"], done.result["kept"]["unreadable"]) == ({"app:2": 1}, 2)


def test_a_records_time_may_be_its_files(tmp_path: Path) -> None:
    """What was written to lately stays whole, whatever its lines say; the catalog knows it no better."""
    configure(tmp_path, "fields: {timestamp: {file: mtime}, schema: {constant: session}}")
    old, young = tmp_path / "audit" / "logs-20260101.jsonl", tmp_path / "audit" / "logs.jsonl"
    for each, time in ((old, "2026-01-02"), (young, "2026-11-23")):
        each.write_text('{"x": 1}\n{"x": 2}\n')
        seconds = datetime.fromisoformat(f"{time}T00:00:00+00:00").timestamp()
        os.utime(each, (seconds, seconds))
    words = ("cleanup", "--json", "--now", NOW, "--state", "state")
    dry = run(*words, "-n", cwd=tmp_path)
    assert dry.result["deleted_per_schema"] == {"session:1": 2}
    touched = old.stat()
    with old.open("a") as file:
        file.write('{"x": 3}\n')
    os.utime(old, ns=(touched.st_atime_ns, touched.st_mtime_ns + 325 * 86_400 * 10**9))  # 2026-11-23
    assert run(*words, cwd=tmp_path).result["records"] == {"scanned": 5, "deleted": 0, "kept": 5}
    os.utime(old, ns=(touched.st_atime_ns, touched.st_mtime_ns))
    assert run(*words, cwd=tmp_path).result["records"] == {"scanned": 5, "deleted": 3, "kept": 2}
    assert not old.exists()
    assert young.exists()


def test_what_was_read_by_other_fields_is_read_again(tmp_path: Path) -> None:
    """A catalog holds for the fields that it was made with."""
    line = '{"a": "2026-01-01T00:00:00Z", "b": "2026-11-23T00:00:00Z", "s": "app"}\n'
    found = []
    for key in ("b", "a", "a", "b"):
        configure(tmp_path, f"fields: {{timestamp: {key}, schema: s}}")
        log = tmp_path / "audit" / "logs-20260101.jsonl"
        if not log.exists():
            log.write_text(line)
            os.utime(log, (1_767_300_000, 1_767_300_000))
        done = run("cleanup", "-n", "--json", "--now", NOW, "--state", "state", cwd=tmp_path)
        assert done.code == 0
        found.append((done.result["records"]["deleted"], done.result["catalog"]["misses"]))
    assert found == [(0, 1), (1, 1), (1, 0), (0, 1)]


def test_times_without_an_offset_name_the_key_that_helps(tmp_path: Path) -> None:
    """Lines that lack nothing else; none where a zone is configured."""
    configure(tmp_path, "fields: {timestamp: [at.t, t], schema: s}")
    lines = ['{"at": {"t": "2026-01-01 00:00:00,5"}}', '{"t": "2026-01-01T00:00:00"}', '{"t": "2026-11-23T00:00:00Z"}']
    (tmp_path / "audit" / "logs.jsonl").write_text("".join(f"{line}\n" for line in lines))
    (warning,) = (each for each in run("check", "--json", cwd=tmp_path).result["warnings"] if "offset" in each)
    assert warning.startswith("2 lines have a timestamp without an offset from UTC")
    assert "time.zone" in warning
    configure(tmp_path, "fields: {timestamp: [at.t, t], schema: s}\n    time: {zone: UTC}")
    assert not any("offset" in each for each in run("check", "--json", cwd=tmp_path).result["warnings"])


def test_check_and_debug_print_the_fields(tmp_path: Path) -> None:
    """In one line; of MXCP's layout, which everybody has, only `--debug` does."""
    configure(
        tmp_path, "fields: {timestamp: [a.t, t], schema: [s, n]}\n    time: {form: [unix_ms, rfc3339], zone: UTC}"
    )
    shown = "Fields: time: a.t, else t (unix_ms, else rfc3339, zone UTC); schema: s/n; version: 1"
    assert shown in run("check", cwd=tmp_path).out.splitlines()
    assert run("check", "--json", cwd=tmp_path).result["fields"] == {
        "timestamp": ["a.t", "t"],
        "schema": ["s", "n"],
        "constant": None,
        "version": None,
        "form": ["unix_ms", "rfc3339"],
        "zone": "UTC",
        "format": "lines",
    }
    assert "asynclog: fields: time: a.t, else t" in run("cleanup", "-n", "--debug", cwd=tmp_path).err
    configure(tmp_path, "guard: {}")
    assert run("check", "--json", cwd=tmp_path).result["fields"] is None
    assert "Fields: " not in run("check", cwd=tmp_path).out


def test_a_plan_is_not_applied_under_other_fields(tmp_path: Path) -> None:
    """Even if as many records of the same schema would go."""
    line = '{"a": "2026-01-01T00:00:00Z", "b": "2026-01-02T00:00:00Z", "s": "app"}\n'
    configure(tmp_path, "fields: {timestamp: a, schema: s}")
    (tmp_path / "audit" / "logs.jsonl").write_text(line)
    assert run("cleanup", "-n", "--now", NOW, "--plan-out", "plan.json", cwd=tmp_path).code == 0
    configure(tmp_path, "fields: {timestamp: b, schema: s}")
    done = run("apply", "plan.json", "--json", cwd=tmp_path)
    assert done.code == 2
    assert "the policy or the fields are not those that this plan was made under" in done.error
    assert (tmp_path / "audit" / "logs.jsonl").read_text() == line
