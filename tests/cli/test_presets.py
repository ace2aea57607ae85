"""Presets: each reads the lines of its product, as that documents them, and can be overridden key by key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from audit_log import write_policy
from command import NOW, run

from asynclog.config.presets import load_presets
from asynclog.storage.naming import SegmentNaming

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = "2025-01-05T10:11:12", "2026-11-20T10:11:12"

# The base file, a rotated name of it, a line with TIME in place of its time, and the schema of that line.
PRODUCTS = {
    "mxcp": (
        "logs.jsonl",
        "logs-20250105T000000.jsonl",
        '{"schema_name":"mxcp.endpoints","schema_version":1,"timestamp":"TIME.123456Z"}',
        "mxcp.endpoints:1",
    ),
    "kubernetes": (
        "audit.log",
        "audit-2025-01-06T00-00-00.000.log",
        (
            '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"0a","stage":"ResponseComplete",'
            '"verb":"get","objectRef":{"resource":"secrets","namespace":"a"},"requestReceivedTimestamp":"TIME.123456Z",'
            '"stageTimestamp":"TIME.223456Z"}'
        ),
        "secrets/get:1",
    ),
    "vault": (
        "audit.log",
        "audit.log.1.gz",
        (
            '{"time":"TIME.12345678Z","type":"request","auth":{"token_type":"service"},"request":{"id":"1",'
            '"operation":"update","mount_type":"kv","path":"secret/data/a"}}'
        ),
        "request/kv:1",
    ),
    "teleport": (
        "events.log",
        "2025-01-05.00:00:00.log",
        '{"ei":0,"event":"session.start","code":"T2000I","time":"TIME.12Z","addr.local":"192.0.2.1:3022"}',
        "session.start:1",
    ),
    "falco": (
        "events.json",
        "events.json.2",
        (
            '{"output":"a","priority":"Warning","rule":"Terminal shell in container","source":"syscall",'
            '"time":"TIME.123456789Z","output_fields":{"evt.time":1767607872123456789}}'
        ),
        "syscall/Warning:1",
    ),
    "suricata": (
        "eve.json",
        "eve-2025-01-05.json",
        '{"timestamp":"TIME.123456+0000","flow_id":1,"event_type":"dns","src_ip":"192.0.2.1"}',
        "dns:1",
    ),
    "wazuh": (
        "ossec-alerts.json",
        "ossec-alerts-05.json.gz",
        '{"timestamp":"TIME.297+0000","rule":{"level":3,"id":"5501"},"agent":{"id":"001"}}',
        "3:1",
    ),
    "elasticsearch": (
        "es_audit.json",
        "es_audit-2025-01-05-1.json.gz",
        '{"type":"audit", "timestamp":"TIME,123+0000", "event.type":"rest", "event.action":"authentication_success"}',
        "audit/authentication_success:1",
    ),
    "auditbeat": (
        "auditbeat.ndjson",
        "auditbeat-20250105-1.ndjson",
        '{"@timestamp":"TIME.123Z","event":{"module":"auditd","dataset":"auditd","action":["exec"]}}',
        "auditd/auditd:1",
    ),
    "caddy": (
        "access.log",
        "access-2025-01-06T00-00-00.000.log.gz",
        '{"level":"info","ts":"TIME.123Z","logger":"http.log.access","status":200}',
        "http.log.access:1",
    ),
    "gitlab": (
        "audit_json.log",
        "audit_json.log.1.gz",
        '{"severity":"INFO","time":"TIME.065Z","author_id":3,"entity_type":"User","target_details":"a"}',
        "User:1",
    ),
    "docker": (
        "0a-json.log",
        "0a-json.log.1",
        '{"log":"{\\"timestamp\\": 1}\\n","stream":"stdout","time":"TIME.123456789Z"}',
        "stdout:1",
    ),
    "mongodb": (
        "auditLog.json",
        "auditLog.json.2025-01-06T00-00-00",
        '{ "atype" : "authenticate", "ts" : { "$date" : "TIME.123+00:00" }, "users" : [], "result" : 0 }',
        "authenticate:1",
    ),
    "zeek": (
        "conn.log",
        "conn.10:00:00-11:00:00.log.gz",
        '{"ts":"TIME.123456Z","uid":"C1","id.orig_h":"192.0.2.1","_path":"conn"}',
        "conn:1",
    ),
    "sessions": (
        "sessions.jsonl",
        "0a1b2c3d-0000-4000-8000-000000000000.jsonl",
        '{"type":"user","sessionId":"0a1b2c3d","timestamp":"TIME.123Z","message":{"role":"user"}}',
        "session:1",
    ),
}


def compressed(name: str, content: bytes) -> bytes:
    import gzip  # noqa: PLC0415 - few of these are

    return gzip.compress(content) if name.endswith(".gz") else content


def lay(folder: Path, product: str, *, extra: str = "") -> str:
    """Write a log of the product, a policy of 30 days for its schema, and a configuration; return the schema's key."""
    base, rotated, line, key = PRODUCTS[product]
    (folder / "log").mkdir()
    old, new = (line.replace("TIME", time).encode() + b"\n" for time in (OLD, NEW))
    (folder / "log" / rotated).write_bytes(compressed(rotated, old * 3 + new))
    (folder / "log" / base).write_bytes(new)
    write_policy(folder, f'schema_name: "{key.rpartition(":")[0]}", retention_days: 30')
    (folder / "asynclog.yaml").write_text(
        "asynclog: 1\nprofiles:\n  default:\n"
        f"    preset: {product}\n    audit: {{path: log/{base}, schemas: schemas.yaml}}\n{extra}"
    )
    return key


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_preset_reads_the_log_of_its_product(tmp_path: Path, product: str) -> None:
    """The names and the lines: what the dry run says is what goes, and a second run is idle."""
    key = lay(tmp_path, product)
    always = ("--now", NOW, "--json")
    dry = run("cleanup", "--dry-run", *always, cwd=tmp_path).result
    wet = run("cleanup", *always, cwd=tmp_path).result
    # A session file waits until all of it has expired.
    wanted = {} if product == "sessions" else {key: 3}
    assert dry["deleted_per_schema"] == wet["deleted_per_schema"] == wanted
    assert dry["records"]["scanned"] == 5
    assert dry["kept"]["unreadable"] == 0
    assert run("cleanup", *always, cwd=tmp_path).result["deleted_per_schema"] == {}


@pytest.mark.parametrize(
    ("product", "base", "name"),
    [
        ("zeek", "dns.log", "conn.00:00:00-01:00:00.log"),  # another log of the same folder
        ("wazuh", "ossec-alerts.json", "ossec-alerts-05.json.sum"),  # a checksum
    ],
)
def test_a_preset_leaves_what_is_not_the_logs(tmp_path: Path, product: str, base: str, name: str) -> None:
    preset = load_presets()[product]
    assert not SegmentNaming(base, more_names=preset.segments).match(name)


def test_every_preset_is_tried_here() -> None:
    """And the list has the same ones; but for those of whole files, which test_whole_files has."""
    listed = run("presets", "--json").result["presets"]
    assert {name for name, row in listed.items() if row["format"] is None} == set(PRODUCTS)
    assert [line.split()[0] for line in run("presets").out.splitlines()] == list(listed)


@pytest.mark.parametrize("product", PRODUCTS)
def test_what_is_shown_is_a_configuration(tmp_path: Path, product: str) -> None:
    """As it stands, with the path of a log that is there; and its policy, once it is uncommented."""
    lay(tmp_path, product)
    shown = run("presets", "show", product, cwd=tmp_path).out
    configuration, _, policy = shown.partition("# schemas:\n")
    base = PRODUCTS[product][0]
    usual = json.dumps(run("presets", "show", product, "--json").result["presets"][product]["path"])
    (tmp_path / "asynclog.yaml").write_text(configuration.replace(usual, f"log/{base}"))
    rules = "".join(line.removeprefix("# ") + "\n" for line in policy.splitlines())
    (tmp_path / "audit-schemas.yaml").write_text("schemas:\n" + rules)
    done = run("check", "--json", cwd=tmp_path)
    assert (done.code, done.result["status"]) == (0, "success")


def test_each_key_overrides_the_preset(tmp_path: Path) -> None:
    """Within `fields` too: what is left out stays the preset's. Patterns replace its names."""
    lay(tmp_path, "suricata", extra="    fields: {schema: src_ip}\n")
    assert run("check", "--json", cwd=tmp_path).result["schemas"].keys() == {"192.0.2.1:1"}
    path = tmp_path / "asynclog.yaml"
    path.write_text(path.read_text().replace("schemas: schemas.yaml", "schemas: schemas.yaml, segments: eve.json"))
    assert run("check", "--json", cwd=tmp_path).result["segments"]["total"] == 1


def test_an_unknown_preset_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    """In the file with its line, on the command line, and by `init`."""
    lay(tmp_path, "suricata")
    path = tmp_path / "asynclog.yaml"
    path.write_text(path.read_text().replace("preset: suricata", "preset: suricatta"))
    (tmp_path / "new").mkdir()
    for where, *words in (
        (".", "check"),
        (".", "presets", "show", "suricatta"),
        ("new", "init", "--path", "../log/eve.json", "--preset", "x"),
    ):
        done = run(*words, cwd=tmp_path / where)
        assert done.code == 2
        assert "write one of auditbeat, caddy, " in done.err
    assert "asynclog.yaml:4: profiles.default.preset: " in run("check", cwd=tmp_path).err


def test_init_writes_the_preset_and_the_schemas(tmp_path: Path) -> None:
    """So that the first check knows every record."""
    key = lay(tmp_path, "falco")
    (tmp_path / "asynclog.yaml").unlink()
    done = run("init", "--path", "log/events.json", "--preset", "falco", "--json", cwd=tmp_path)
    assert (done.code, list(done.result["schemas"])) == (0, [key])
    assert "preset: falco" in (tmp_path / "asynclog.yaml").read_text()
    assert run("check", "--strict", "--json", cwd=tmp_path).result["schemas"][key]["records"] == 5


def test_the_usual_periods_take_the_place_of_what_init_wrote(tmp_path: Path) -> None:
    """Its last line says so; who appends them instead is told why nothing goes."""
    key = lay(tmp_path, "vault")
    (tmp_path / "asynclog.yaml").unlink()
    done = run("init", "--path", "log/audit.log", cwd=tmp_path)
    assert done.out.splitlines()[-1] == (
        "asynclog presets show vault has the usual periods: they take the place of the rules in audit-schemas.yaml"
    )
    policy = tmp_path / "audit-schemas.yaml"
    ((name, period),) = run("presets", "show", "vault", "--json").result["presets"]["vault"]["policy"].items()
    rule = f'  - {{schema_name: "{name}", retention: {period}}}\n'
    written = policy.read_text()
    policy.write_text(written + rule)
    done = run("cleanup", "-n", "--json", "--now", "2028-01-01T00:00:00Z", cwd=tmp_path)
    assert (done.code, done.result["message"]) == (0, "Would delete 0 records")
    line = (written + rule).count("\n")
    (warning,) = (each for each in done.result["warnings"] if "schema" in each)
    assert f"kept for ever by its own rule (retention_days: null): the rule for * ({policy}:{line}) " in warning
    policy.write_text("schemas:\n" + rule)
    done = run("cleanup", "-n", "--json", "--now", "2028-01-01T00:00:00Z", cwd=tmp_path)
    assert list(done.result["deleted_per_schema"]) == [key]
