"""`asynclog init` recognises whose log it is, or proposes fields; it says how certain that is, and writes no more."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import record, write_log, write_policy
from command import NOW, run
from test_presets import NEW, OLD, PRODUCTS, lay

if TYPE_CHECKING:
    from pathlib import Path

    from command import Done

# What the products' documentation shows of their lines, with TIME and KIND for what changes from line to line; the name
# of the log, the preset, the schema of the line, and the kinds.
DOCUMENTED = {
    "kubernetes": (
        "audit.log",
        (
            '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"7e1c","stage":'
            '"ResponseComplete","requestURI":"/api/v1/namespaces/default/KIND?limit=500","verb":"list","user":{"username":'
            '"kubernetes-admin","groups":["system:masters"]},"sourceIPs":["192.0.2.4"],"userAgent":"kubectl/v1.30",'
            '"objectRef":{"resource":"KIND","namespace":"default","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":'
            '200},"requestReceivedTimestamp":"TIME.123456Z","stageTimestamp":"TIME.223456Z","annotations":{'
            '"authorization.k8s.io/decision":"allow"}}'
        ),
        "kubernetes",
        "KIND/list:1",
        ("pods", "secrets"),
    ),
    "vault": (
        "vault_audit.log",
        (
            '{"time":"TIME.123456789Z","type":"KIND","auth":{"client_token":"hmac-sha256:1f","accessor":"hmac-sha256:2e",'
            '"display_name":"root","policies":["root"],"token_type":"service"},"request":{"id":"0e3f","client_id":"aa",'
            '"operation":"read","mount_point":"secret/","mount_type":"kv","namespace":{"id":"root"},"path":"secret/data/x",'
            '"remote_address":"127.0.0.1"}}'
        ),
        "vault",
        "KIND/kv:1",
        ("request", "response"),
    ),
    "suricata": (
        "eve.json",
        (
            '{"timestamp":"TIME.123456+0000","flow_id":1046988876143573,"in_iface":"eth0","event_type":"KIND","src_ip":'
            '"192.0.2.7","src_port":5353,"dest_ip":"192.0.2.53","dest_port":53,"proto":"UDP"}'
        ),
        "suricata",
        "KIND:1",
        ("alert", "dns", "flow"),
    ),
    "falco": (
        "falco.json",
        (
            '{"hostname":"n1","output":"TIME.123456789: KIND A shell was spawned (user=root)","priority":"KIND","rule":'
            '"Terminal shell in container","source":"syscall","tags":["container","shell"],"time":"TIME.123456789Z",'
            '"output_fields":{"container.id":"3f","evt.time":1767607872123456789,"proc.name":"bash"}}'
        ),
        "falco",
        "syscall/KIND:1",
        ("Notice", "Warning"),
    ),
    "teleport": (
        "audit.json",
        (
            '{"code":"T1000I","ei":0,"event":"KIND","method":"local","success":true,"time":"TIME.25Z","uid":"5b1d",'
            '"user":"ann","cluster_name":"c","addr.remote":"192.0.2.9:4"}'
        ),
        "teleport",
        "KIND:1",
        ("user.login", "session.start"),
    ),
    "caddy": (
        "site.log",
        (
            '{"level":"info","ts":SECONDS.4475,"logger":"http.log.access.KIND","msg":"handled request","request":{'
            '"remote_ip":"192.0.2.1","proto":"HTTP/2.0","method":"GET","host":"example.com","uri":"/"},"duration":0.0009,"status":200}'
        ),
        "caddy",
        "http.log.access.KIND:1",
        ("log0", "log1"),
    ),
    "elasticsearch": (
        "cluster_audit.json",
        (
            '{"type":"audit", "timestamp":"TIME,949+0000", "node.id":"0Rx", "event.type":"rest", "event.action":"KIND",'
            ' "authentication.type":"REALM", "user.name":"elastic", "origin.type":"rest", "request.id":"9t"}'
        ),
        "elasticsearch",
        "audit/KIND:1",
        ("authentication_success", "access_denied"),
    ),
    "docker": (
        "4f2a-json.log",
        '{"log":"{\\"time\\":\\"2026-11-23T00:00:00Z\\"}\\n","stream":"KIND","time":"TIME.123456789Z"}',
        "docker",
        "KIND:1",
        ("stdout", "stderr"),
    ),
    "mongodb": (
        "auditLog.json",
        (
            '{ "atype" : "KIND", "ts" : { "$date" : "TIME.123+00:00" }, "uuid" : { "$binary" : "x", "$type" : "04" }, '
            '"local" : { "ip" : "127.0.0.1", "port" : 27017 }, "users" : [], "roles" : [], "param" : {}, "result" : 0 }'
        ),
        "mongodb",
        "KIND:1",
        ("authenticate", "createUser"),
    ),
    "gitlab's production log": (
        "production_json.log",
        (
            '{"method":"GET","path":"/a/b/issues/1","format":"html","controller":"Projects::IssuesController","action":'
            '"KIND","status":200,"time":"TIME.821Z","params":[{"key":"id","value":"1"}],"remote_ip":"192.0.2.3","user_id":1,'
            '"username":"ann","meta":{"caller_id":"x"},"correlation_id":"01H","duration_s":0.2}'
        ),
        None,
        "KIND:1",
        ("show", "index", "edit"),
    ),
    "mongod": (
        "mongod.log",
        (
            '{"t":{"$date":"TIME.123+00:00"},"s":"I","c":"NETWORK","id":22943,"ctx":"listener","msg":"Connection '
            'accepted","attr":{"remote":"127.0.0.1:5"}}'
        ),
        None,
        "mongod:1",
        ("KIND",),
    ),
    "pino": (
        "app.log",
        '{"level":30,"time":SECONDS123,"pid":7,"hostname":"h","type":"KIND","msg":"a b KIND","expires":9999999999}',
        None,
        "KIND:1",
        ("audit", "http"),
    ),
}
_SECONDS = {OLD: "1736071872", NEW: "1795169472"}


def line_of(text: str, time: str, kind: str) -> bytes:
    return text.replace("TIME", time).replace("SECONDS", _SECONDS[time]).replace("KIND", kind).encode() + b"\n"


def init(folder: Path, base: str) -> Done:
    """Run `asynclog init --json` in a folder for a log in `log` below it."""
    return run("init", "--path", f"log/{base}", "--json", cwd=folder)


def keep_for_30_days(folder: Path) -> None:
    """Write a period for every schema into the policy that `init` has written."""
    file = folder / "audit-schemas.yaml"
    text = file.read_text()
    assert "\n    retention_days: null\n" in text
    file.write_text(text.replace("\n    retention_days: null\n", "\n    retention_days: 30\n"))


def cleanup(folder: Path) -> dict[str, Any]:
    return run("cleanup", "--dry-run", "--now", NOW, "--json", cwd=folder).result


def log_of(folder: Path, name: str, *lines: str | bytes) -> Path:
    (folder / "log").mkdir(exist_ok=True)
    path = folder / "log" / name
    path.write_bytes(b"".join(each if isinstance(each, bytes) else each.encode() + b"\n" for each in lines))
    return path


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_sample_of_every_preset_is_recognised(tmp_path: Path, product: str) -> None:
    """By its lines, in segments of any name that the preset has; and nothing is deleted until there is a period."""
    key = lay(tmp_path, product)
    (tmp_path / "asynclog.yaml").unlink()
    done = init(tmp_path, PRODUCTS[product][0])
    assert (done.code, list(done.result["schemas"])) == (0, [key])
    assert done.result["preset"] == (None if product == "mxcp" else product)
    assert done.result["recognised"][0].startswith(f"Recognised preset {product} ")
    assert ("preset: " + product in (tmp_path / "asynclog.yaml").read_text()) == (product != "mxcp")
    assert cleanup(tmp_path)["deleted_per_schema"] == {}
    keep_for_30_days(tmp_path)
    assert cleanup(tmp_path)["deleted_per_schema"] == ({} if product == "sessions" else {key: 3})


@pytest.mark.parametrize("product", DOCUMENTED)
def test_documented_lines_lead_to_the_right_counts(tmp_path: Path, product: str) -> None:
    """From `init` to the dry run, with no other step than the periods."""
    base, text, preset, key, kinds = DOCUMENTED[product]
    lines = [line_of(text, time, kind) for time in (OLD, NEW) for kind in kinds for _ in range(12)]
    log_of(tmp_path, base, *lines)
    done = init(tmp_path, base)
    assert (done.result["preset"], done.result["warnings"]) == (preset, [])
    assert (done.result["fields"] is None) == (preset is not None)
    assert cleanup(tmp_path)["records"] == {"scanned": len(lines), "deleted": 0, "kept": len(lines)}
    keep_for_30_days(tmp_path)
    dry = cleanup(tmp_path)
    assert dry["deleted_per_schema"] == {key.replace("KIND", kind): 12 for kind in kinds}
    assert dry["kept"]["unreadable"] == 0


def test_packed_segments_tell_as_well(tmp_path: Path) -> None:
    """Although the base file is not there."""
    text = DOCUMENTED["suricata"][1]
    log_of(tmp_path, "eve.json.1.gz", gzip.compress(line_of(text, OLD, "dns") * 20_000))
    done = init(tmp_path, "eve.json")
    assert (done.result["preset"], done.result["schemas"]["dns:1"]["records"]) == ("suricata", 20_000)


def test_a_person_reads_what_was_recognised_and_why(tmp_path: Path) -> None:
    """The preset, how many lines fit, and the name."""
    log_of(tmp_path, "eve.json", line_of(DOCUMENTED["suricata"][1], OLD, "dns") * 4)
    done = run("init", "--path", "log/eve.json", cwd=tmp_path)
    assert (
        "\nRecognised preset suricata (EVE events of Suricata): 4 of 4 lines looked at have its event_type and "
        "timestamp, 4 are records, and its usual name\n"
    ) in done.out


def test_a_person_reads_what_the_schemas_are_made_of(tmp_path: Path) -> None:
    """If it is more than one key; also for a preset that was asked for."""
    log_of(tmp_path, "audit.log", line_of(DOCUMENTED["kubernetes"][1], OLD, "pods"))
    log_of(tmp_path, "eve.json", line_of(DOCUMENTED["suricata"][1], OLD, "dns"))
    for base, words, is_said in (
        ("audit.log", (), True),
        ("audit.log", ("--preset", "kubernetes"), True),
        ("eve.json", (), False),
    ):
        done = run("init", "--path", f"log/{base}", *words, cwd=tmp_path)
        assert ("\nThe schemas are objectRef.resource/verb, with - for what is absent\n" in done.out) == is_said
        assert ("The schemas are" in done.out) == is_said
        for file in ("asynclog.yaml", "audit-schemas.yaml"):
            (tmp_path / file).unlink()


def both(folder: Path, base: str) -> Done:
    """Run `init` for a log whose lines fit two presets."""
    both = (
        '{"time":"2025-01-05T10:11:12Z","type":"request","request":{"id":"1","operation":"read","mount_type":"kv"},'
        '"event":"a","code":"T1000I","ei":0}'
    )
    log_of(folder, base, both, both)
    return init(folder, base)


def test_two_presets_that_fit_are_said_and_none_is_written(tmp_path: Path) -> None:
    """Both stand in the configuration as comments: with one of them uncommented, it works."""
    done = both(tmp_path, "some.log")
    assert (done.code, done.result["preset"], done.result["schemas"]) == (0, None, {})
    assert done.result["recognised"][0].startswith(
        "Not certain whose log it is: --preset vault and --preset teleport fit: "
    )
    file = tmp_path / "asynclog.yaml"
    assert cleanup(tmp_path)["records"]["scanned"] == 0
    file.write_text(file.read_text().replace("    # preset: teleport", "    preset: teleport"))
    assert run("check", "--json", cwd=tmp_path).result["schemas"].keys() == {"a:1"}


def test_the_name_decides_between_two_presets(tmp_path: Path) -> None:
    """And the other one is said."""
    done = both(tmp_path, "events.log")
    assert (done.result["preset"], list(done.result["schemas"])) == ("teleport", ["a:1"])
    assert done.result["recognised"][1].startswith("--preset vault would fit, too: ")


def test_lines_that_mxcps_keys_were_added_to_stay_mxcps(tmp_path: Path) -> None:
    """That is how they were read before; what else they are is said."""
    line = json.loads(line_of(DOCUMENTED["suricata"][1], OLD, "dns")) | {"schema_name": "mine"}
    log_of(tmp_path, "eve.json", json.dumps(line))
    done = init(tmp_path, "eve.json")
    assert (done.result["preset"], list(done.result["schemas"])) == (None, ["mine:1"])
    assert "--preset suricata would fit, too" in done.result["recognised"][1]


def test_a_log_of_two_products_is_not_taken_for_one(tmp_path: Path) -> None:
    """Half of it would be unreadable; MXCP's records are still read."""
    log_of(tmp_path, "eve.json", *[record(), line_of(DOCUMENTED["suricata"][1], OLD, "dns")] * 10)
    done = init(tmp_path, "eve.json")
    assert (done.result["preset"], done.result["fields"], list(done.result["schemas"])) == (None, None, ["app:1"])
    assert done.result["recognised"] == [
        "No preset fits most of 20 lines looked at: they are read as MXCP's, because some of them are"
    ]


def test_a_few_odd_lines_are_no_hindrance(tmp_path: Path) -> None:
    """What a program prints as it starts, a torn line, and one in twenty of another kind."""
    line = line_of(DOCUMENTED["vault"][1], OLD, "request")
    log_of(tmp_path, "audit.log", "==> Vault server started!", line * 20, '{"time":"', '{"other": 1}')
    assert init(tmp_path, "audit.log").result["preset"] == "vault"


def test_other_files_are_not_taken_for_session_files(tmp_path: Path) -> None:
    """That preset claims all files of the folder, and so it takes the name as well as the lines."""
    session = PRODUCTS["sessions"][2].replace("TIME", OLD)
    log_of(tmp_path, "chat.jsonl", session)
    log_of(tmp_path, "orders.jsonl", '{"timestamp":"2025-01-05T10:11:12Z"}')
    done = init(tmp_path, "chat.jsonl")
    assert (done.result["preset"], done.result["segments"]["total"]) == (None, 1)


def test_further_files_are_said_and_taken_only_under_the_usual_name(tmp_path: Path) -> None:
    """Of a log with another name they may be other logs."""
    line = PRODUCTS["teleport"][2].replace("TIME", OLD)
    log_of(tmp_path, "2025-01-05.00:00:00.log", line)
    for base, preset in (("mine.log", None), ("events.log", "teleport")):
        log_of(tmp_path, base, line)
        done = init(tmp_path, base)
        assert done.result["preset"] == preset
        assert done.result["segments"]["total"] == (2 if preset else 1)
        assert done.result["recognised"][-1] == (
            "Under preset teleport 2025-01-05.00:00:00.log is a segment of this log, too"
        )
        for file in ("asynclog.yaml", "audit-schemas.yaml"):
            (tmp_path / file).unlink()


def test_segments_that_only_the_preset_names_tell(tmp_path: Path) -> None:
    """Teleport's active file has the name of its day, and the log's is a link to it."""
    log_of(tmp_path, "2025-01-05.00:00:00.log", PRODUCTS["teleport"][2].replace("TIME", OLD))
    (tmp_path / "log/events.log").symlink_to("2025-01-05.00:00:00.log")
    done = init(tmp_path, "events.log")
    assert (done.result["preset"], list(done.result["schemas"])) == ("teleport", ["session.start:1"])


def test_the_name_that_the_preset_gives_its_log_is_as_good(tmp_path: Path) -> None:
    """Docker's files have the names of containers, and the one in the preset's path is none of them."""
    line = line_of(DOCUMENTED["docker"][1], OLD, "stdout")
    log_of(tmp_path, "4f2a-json.log", line)
    log_of(tmp_path, "4f2a-json.log.1", line)
    done = init(tmp_path, "container.log")
    assert (done.code, done.result["preset"], done.result["segments"]["total"]) == (0, "docker", 2)
    assert done.result["schemas"]["stdout:1"]["records"] == 2


def test_a_proposal_is_about_the_logs_own_segments(tmp_path: Path) -> None:
    """Not about those that a preset would add which does not fit."""
    log_of(tmp_path, "sessions.jsonl", '{"time":"2025-01-05T10:11:12Z","type":"login"}')
    log_of(tmp_path, "orders.jsonl", *['{"order":1}'] * 40)
    done = init(tmp_path, "sessions.jsonl")
    assert (done.result["preset"], list(done.result["schemas"])) == (None, ["login:1"])


def test_a_log_named_like_session_files_beside_others_is_none(tmp_path: Path) -> None:
    """The preset would delete the others' records, too, under the rule for sessions."""
    log_of(tmp_path, "sessions.jsonl", PRODUCTS["sessions"][2].replace("TIME", OLD))
    log_of(tmp_path, "orders.jsonl", *['{"order":1,"timestamp":"2025-01-05T10:11:12Z"}'] * 20)
    done = init(tmp_path, "sessions.jsonl")
    assert (done.result["preset"], done.result["segments"]["total"]) == (None, 1)
    assert run("check", "--json", cwd=tmp_path).result["segments"]["total"] == 1


def test_every_preset_says_what_it_was_recognised_by(tmp_path: Path) -> None:
    """Also the one without a key that all lines have."""
    log_of(tmp_path, "sessions.jsonl", PRODUCTS["sessions"][2].replace("TIME", OLD))
    told = init(tmp_path, "sessions.jsonl").result["recognised"][0]
    assert " its sessionId or session_id and type or message, " in told


def test_a_name_that_is_not_utf_8_is_refused_in_words(tmp_path: Path) -> None:
    """YAML can't hold it, and no file is written."""
    log_of(tmp_path, "app\udcff.log", '{"time":"2025-01-05T10:11:12Z"}')
    done = init(tmp_path, "app\udcff.log")
    assert done.code == 2
    assert not (tmp_path / "asynclog.yaml").exists()


def test_a_name_alone_is_not_certain(tmp_path: Path) -> None:
    """Without a line that tells, the presets of that name are said, and none is written."""
    for content in ("", "not JSON\n"):
        log_of(tmp_path, "audit.log", content.encode())
        done = init(tmp_path, "audit.log")
        assert done.result["preset"] is None
        assert "--preset kubernetes or --preset vault would be right" in done.result["recognised"][0]
        for file in ("asynclog.yaml", "audit-schemas.yaml"):
            (tmp_path / file).unlink()


def test_a_preset_that_reads_no_line_is_told_with_the_right_one(tmp_path: Path) -> None:
    """What it says to do leads to the records."""
    log_of(tmp_path, "eve.json", line_of(DOCUMENTED["suricata"][1], OLD, "dns") * 4)
    done = run("init", "--path", "log/eve.json", "--preset", "zeek", "--json", cwd=tmp_path)
    assert (done.code, done.result["preset"]) == (0, "zeek")
    assert done.result["warnings"][-1] == (
        "the lines look like those of preset suricata (EVE events of Suricata): write preset: suricata into "
        "asynclog.yaml, in place of another preset or fields, remove audit-schemas.yaml and run init again"
    )
    file, said = tmp_path / "asynclog.yaml", done.result["warnings"][-1]
    (tmp_path / "audit-schemas.yaml").unlink()
    assert run("init", "--json", cwd=tmp_path).result["warnings"][-1] == said
    file.write_text(file.read_text().replace("preset: zeek", "preset: suricata"))
    (tmp_path / "audit-schemas.yaml").unlink()
    assert list(run("init", "--json", cwd=tmp_path).result["schemas"]) == ["dns:1"]


def test_no_other_preset_is_told_if_the_one_asked_for_reads_lines(tmp_path: Path) -> None:
    """Nor if none is certain."""
    log_of(tmp_path, "app.log", '{"ts": 1767607872, "a": 1}')
    for preset in ("zeek", "vault"):
        done = run("init", "--path", "log/app.log", "--preset", preset, "--json", cwd=tmp_path)
        assert "look like those of" not in str(done.result["warnings"])
        for file in ("asynclog.yaml", "audit-schemas.yaml"):
            (tmp_path / file).unlink()


def test_a_preset_that_is_asked_for_counts(tmp_path: Path) -> None:
    """Whatever the lines look like."""
    log_of(tmp_path, "eve.json", line_of(DOCUMENTED["suricata"][1], OLD, "dns"))
    done = run("init", "--path", "log/eve.json", "--preset", "mxcp", "--json", cwd=tmp_path)
    assert (done.result["preset"], done.result["recognised"], done.result["schemas"]) == ("mxcp", [], {})


def test_a_proposal_is_said_and_written_where_it_is_sure(tmp_path: Path) -> None:
    """With the share of the lines, and the number of values."""
    lines = [f'{{"when":"2025-01-05T10:11:12Z","type":"{kind}","user":"ann"}}' for kind in "abcdef" * 5]
    log_of(tmp_path, "app.log", *lines)
    done = init(tmp_path, "app.log")
    assert done.result["fields"] == {"timestamp": "when", "schema": "type"}
    assert done.result["time"] == {"form": "rfc3339"}
    assert done.result["recognised"] == [
        (
            "No preset fits. Of 30 lines looked at, `when` looks like the time (rfc3339) in 100 %: correct it if it is "
            "another one"
        ),
        "`type` looks like the schema (6 values)",
    ]
    text = (tmp_path / "asynclog.yaml").read_text()
    assert '    fields: {timestamp: "when", schema: "type"}\n    time: {form: rfc3339}\n' in text
    assert "    # `type` looks like the schema (6 values).\n" in text
    assert run("check", "--strict", cwd=tmp_path).code == 0


def test_a_time_that_is_not_sure_is_a_comment(tmp_path: Path) -> None:
    """Two of them: nothing is read until a person has uncommented one."""
    log_of(tmp_path, "app.log", *['{"time":"2025-01-05T10:11:12Z","ts":1795169472,"type":"a"}'] * 30)
    done = init(tmp_path, "app.log")
    assert (done.result["fields"], done.result["schemas"]) == (None, {})
    assert "`time` looks like the time (rfc3339) in 100 %; `ts` looks like the time (unix_s)" in str(done.result)
    file = tmp_path / "asynclog.yaml"
    assert cleanup(tmp_path)["records"]["scanned"] == 0
    text = file.read_text()
    at = text.index('# fields: {timestamp: "ts"')
    file.write_text(text[:at] + re.sub("# (fields|time):", r"\1:", text[at:], count=2))
    assert run("check", "--json", cwd=tmp_path).result["schemas"]["a:1"]["records"] == 30


def timed(**keys: str) -> list[str]:
    """Return 90 lines with a rising time and these keys, in whose values N is the line's number."""
    times = (f"2025-01-05T10:{n // 60:02}:{n % 60:02}Z" for n in range(90))
    return [json.dumps({"when": time, **keys}).replace("N", str(n)) for n, time in enumerate(times)]


def test_a_schema_of_many_values_is_not_passed_over(tmp_path: Path) -> None:
    """What to write is said."""
    log_of(tmp_path, "app.log", *timed(kind="kN", level="info"))
    assert init(tmp_path, "app.log").result["recognised"][-1] == (
        "`kind` is called like a schema, but has 90 values in 90 lines: if it is the schema, write it into `fields`, "
        "and patterns into the policy"
    )
    assert '    fields: {timestamp: "when", schema: "level"}\n' in (tmp_path / "asynclog.yaml").read_text()


def test_lines_without_the_time_hide_no_schema(tmp_path: Path) -> None:
    """The comment for it has what the lines with that time have."""
    log_of(tmp_path, "app.log", *timed(kind="login"), *['{"a": 1}'] * 40)
    init(tmp_path, "app.log")
    assert '    # fields: {timestamp: "when", schema: "kind"}\n' in (tmp_path / "asynclog.yaml").read_text()


def test_a_time_in_a_usual_pattern_is_written(tmp_path: Path) -> None:
    """Apache's and nginx's, for example: the lines are records by it."""
    log_of(tmp_path, "app.log", *['{"when": "24/Jul/2025:19:29:34 +0000", "kind": "a"}'] * 3)
    done = init(tmp_path, "app.log")
    assert (done.result["time"], done.result["schemas"]["a:1"]["records"]) == ({"form": "%d/%b/%Y:%H:%M:%S %z"}, 3)
    assert run("check", "--json", cwd=tmp_path).result["schemas"]["a:1"]["records"] == 3


def test_a_time_in_another_pattern_is_a_comment_to_correct(tmp_path: Path) -> None:
    """With an example of the text, whatever is in it; with the right pattern it works."""
    log_of(tmp_path, "app.log", *['{"when": "24.07.2025 19:29:34 +0000", "kind": "a"}'] * 3)
    assert (
        "`when` is text such as '24.07.2025 19:29:34 +0000': if that is the time, say its form, as in "
        "time: {form: '%d/%b/%Y:%H:%M:%S %z'}"
    ) in init(tmp_path, "app.log").result["recognised"]
    file = tmp_path / "asynclog.yaml"
    text = file.read_text().replace("%d/%b/%Y:%H", "%d.%m.%Y %H")
    at = text.index('# fields: {timestamp: "when"')
    file.write_text(text[:at] + re.sub("# (fields|time):", r"\1:", text[at:], count=2))
    assert run("check", "--json", cwd=tmp_path).result["schemas"]["a:1"]["records"] == 3


@pytest.mark.parametrize("text", ["12:34 2026-01-01\n- a: 1", "12:34 20260101 \u2028 #", "12:34 20260101 \x1b[2J"])
def test_a_hostile_text_is_no_more_than_a_comment(tmp_path: Path, text: str) -> None:
    """The configuration is read back."""
    log_of(tmp_path, "app.log", json.dumps({"time": text}))
    done = init(tmp_path, "app.log")
    assert "is text such as" in str(done.result["recognised"])
    assert "\x1b" not in (tmp_path / "asynclog.yaml").read_text()
    assert run("check", cwd=tmp_path).code == 0


def test_times_without_an_offset_ask_for_a_zone(tmp_path: Path) -> None:
    """The line that takes it is there."""
    log_of(tmp_path, "app.log", '{"asctime": "2026-01-05 10:11:12,123", "levelname": "INFO", "message": "x"}')
    done = init(tmp_path, "app.log")
    assert any("name its zone in time.zone" in each for each in done.result["recognised"])
    file = tmp_path / "asynclog.yaml"
    file.write_text(file.read_text().replace("{form: rfc3339}", "{form: rfc3339, zone: Europe/Berlin}"))
    assert run("check", "--json", cwd=tmp_path).result["schemas"]["INFO:1"]["records"] == 1


@pytest.mark.parametrize(
    "key", ['a "b"', "a\\b", "a: b", "#", "\x1b[2J", "\u2028", "{{x}}", "{0}", "\u65e5\u672c"], ids=ascii
)
def test_hostile_keys_are_written_as_they_are(tmp_path: Path, key: str) -> None:
    """As a path that YAML reads back, also in a comment."""
    lines = [json.dumps({"time": f"2025-01-05T10:11:{n:02}Z", f"{key}-type": "ab"[n % 2]}) for n in range(40)]
    log_of(tmp_path, "app.log", *lines)
    done = init(tmp_path, "app.log")
    assert done.code == 0
    checked = run("check", "--json", cwd=tmp_path)
    assert checked.code == 0
    assert set(checked.result["schemas"]) <= {"a:1", "b:1", "app:1"}
    assert sum(each["records"] for each in checked.result["schemas"].values()) == 40


@pytest.mark.parametrize("command", ["cleanup", "check", "estimate"])
def test_the_warning_about_a_foreign_log_names_the_way_on(tmp_path: Path, command: str) -> None:
    """The preset that fits; else `init`, if it has a proposal; else what it always said."""
    write_policy(tmp_path)
    named = (command, *(["--dry-run"] if command == "cleanup" else []), "--schemas", "schemas.yaml", "--json", "--path")
    log_of(tmp_path, "eve.json", line_of(DOCUMENTED["suricata"][1], OLD, "dns"))
    log_of(tmp_path, "app log.json", '{"time":"2025-01-05T10:11:12Z","type":"a"}')
    log_of(tmp_path, "other.json", '{"a": 1}')

    def warning(base: str) -> str:
        said = run(*named, f"log/{base}", cwd=tmp_path).result["warnings"]
        return str(next(each for each in said if "is not a record" in each))

    assert warning("eve.json").endswith(
        "nothing of this log is ever deleted; the lines look like those of preset suricata (EVE events of Suricata): "
        "write preset: suricata into the profile of an asynclog.yaml, as asynclog init does"
    )
    path = f"'{tmp_path}/log/app log.json'"
    assert warning("app log.json").endswith(
        f"; asynclog init --path {path}, run in another folder, proposes fields for them"
    )
    assert warning("other.json").endswith("nothing of this log is ever deleted; see asynclog explain")


def test_a_wrong_preset_is_told_with_the_right_one(tmp_path: Path) -> None:
    """In a configuration of one's own; `init`, which would not overwrite it, is not advised."""
    lay(tmp_path, "suricata")
    file = tmp_path / "asynclog.yaml"
    file.write_text(file.read_text().replace("preset: suricata", "preset: docker"))
    (warning,) = [each for each in run("check", "--json", cwd=tmp_path).result["warnings"] if "is a record" in each]
    assert "write preset: suricata into the profile" in warning
    file.write_text(file.read_text().replace("    preset: docker\n", ""))
    write_log(tmp_path / "log", {"eve.json": b'{"when":"2025-01-05T10:11:12Z"}\n', "eve-2025-01-05.json": b""})
    (warning,) = [each for each in run("check", "--json", cwd=tmp_path).result["warnings"] if "is not a record" in each]
    assert "asynclog init" not in warning
