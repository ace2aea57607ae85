"""Logs of other products, in the layout that each documents, of records as large as MXCP's, with known answers.

`python -m benchmarks.layouts FOLDER PRESET BYTES RECORD` writes one, and prints what is in it.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

DAYS, PERIOD = 400, 90  # of the log, and until a record has expired
UNTIL = datetime(2026, 11, 24, tzinfo=UTC)
SEGMENTS = 8
TEXT = "select name, total from orders where region = 'north' and total > 100 order by name limit 50; "

# In each line stand TIME, the seconds of its time without a zone, and TEXT, which makes it as long as it is to be.
LINES = {
    "mxcp": (
        '{"schema_name": "mxcp.endpoints", "schema_version": 2, "record_id": "5f1c8a10-1c1b-4b0e-9c39-0a51e8f4c5d1", '
        '"timestamp": "TIME.123456Z", "operation_type": "tool", "input_data": {"q": "TEXT"}, "error": null}'
    ),
    "kubernetes": (
        '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"0a6e5ba9","stage":"ResponseComplete",'
        '"requestURI":"/api/v1/namespaces/a/pods?limit=500","verb":"list","user":{"username":"system:node:n1","groups":'
        '["system:nodes","system:authenticated"]},"sourceIPs":["192.0.2.7"],"objectRef":{"resource":"pods","namespace":'
        '"a","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"requestObject":{"spec":"TEXT"},'
        '"requestReceivedTimestamp":"TIME.123456Z","stageTimestamp":"TIME.124456Z"}'
    ),
    "vault": (
        '{"time":"TIME.12345678Z","type":"response","auth":{"client_token":"hmac-sha256:1","accessor":"hmac-sha256:2",'
        '"display_name":"token","policies":["default"],"token_type":"service"},"request":{"id":"27a0","operation":'
        '"read","mount_type":"kv","path":"secret/data/a","data":{"note":"TEXT"},"remote_address":"192.0.2.9"},'
        '"response":{"mount_type":"kv"}}'
    ),
    "suricata": (
        '{"timestamp":"TIME.123456+0000","flow_id":1676750115612680,"in_iface":"eth0","event_type":"http","src_ip":'
        '"192.0.2.1","src_port":49412,"dest_ip":"198.51.100.7","dest_port":80,"proto":"TCP","http":{"hostname":'
        '"example.com","url":"/?q=TEXT","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":1270}}'
    ),
    "caddy": (
        '{"level":"info","ts":UNIX.123,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":'
        '"192.0.2.3","proto":"HTTP/2.0","method":"GET","host":"example.com","uri":"/?q=TEXT","headers":{"Accept":'
        '["*/*"]}},"user_id":"","duration":0.000929675,"size":10900,"status":200}'
    ),
    "elasticsearch": (
        '{"type":"audit", "timestamp":"TIME,123+0000", "node.id":"0RMNyghkQYCc_gVd1G6tZQ", "event.type":"rest", '
        '"event.action":"authentication_success", "user.name":"elastic", "origin.address":"[::1]:52434", "url.path":'
        '"/_search", "request.method":"POST", "request.body":"TEXT", "request.id":"qo04VI2qRzKrE1dlrsjYgw"}'
    ),
    "docker": '{"log":"TEXT\\n","stream":"stdout","time":"TIME.123456789Z"}',
    "teleport": (
        '{"addr.local":"192.0.2.4:3022","cluster_name":"a.example","code":"T2002I","ei":0,"event":"session.data",'
        '"login":"root","sid":"7b1e8d7c","time":"TIME.123Z","uid":"f2c0","user":"alice","command":"TEXT"}'
    ),
    "falco": (
        '{"hostname":"n1","output":"TEXT","output_fields":{"container.id":"host","evt.time":1764000000000000000,'
        '"proc.name":"sh","user.name":"root"},"priority":"Notice","rule":"Terminal shell in container","source":'
        '"syscall","tags":["shell"],"time":"TIME.123456789Z"}'
    ),
    "wazuh": (
        '{"timestamp":"TIME.123+0000","rule":{"level":5,"description":"sshd: authentication failed.","id":"5716",'
        '"firedtimes":2,"groups":["syslog","sshd"]},"agent":{"id":"001","name":"n1"},"manager":{"name":"m"},"id":'
        '"1764000000.1","full_log":"TEXT","location":"/var/log/auth.log"}'
    ),
    "auditbeat": (
        '{"@timestamp":"TIME.123Z","@metadata":{"beat":"auditbeat","type":"_doc","version":"8.11.0"},"event":{"module":'
        '"auditd","dataset":"auditd","category":["process"],"outcome":"success"},"process":{"pid":4242,"title":"TEXT"},'
        '"host":{"name":"n1"}}'
    ),
    "gitlab": (
        '{"severity":"INFO","time":"TIME.123Z","author_id":3,"entity_id":4,"entity_type":"Project","change":"visibility",'
        '"from":"private","to":"public","author_name":"alice","target_details":"TEXT"}'
    ),
    "mongodb": (
        '{"atype":"authenticate","ts":{"$date":"TIME.123+00:00"},"local":{"ip":"127.0.0.1","port":27017},"remote":'
        '{"ip":"192.0.2.5","port":51036},"users":[{"user":"alice","db":"admin"}],"roles":[],"param":{"note":"TEXT"},'
        '"result":0}'
    ),
    "zeek": (
        '{"_path":"http","ts":UNIX.123456,"uid":"CHhAvVGS1DHFjwGM9","id.orig_h":"192.0.2.6","id.orig_p":49152,'
        '"id.resp_h":"198.51.100.9","id.resp_p":80,"proto":"tcp","method":"GET","uri":"/?q=TEXT","status_code":200}'
    ),
}


@dataclass(frozen=True)
class Contents:
    """How many bytes and records are in a log, and how many of the records have expired at `UNTIL`."""

    bytes: int
    records: int
    expired: int


def write(folder: Path, preset: str, size: int, record: int) -> Contents:
    """Write about `size` bytes of records of about `record` bytes, with a configuration that reads them."""
    folder.mkdir(parents=True)
    count = max(SEGMENTS, size // record)
    step, cutoff = timedelta(days=DAYS) / count, UNTIL - timedelta(days=PERIOD)
    begun, written, expired = UNTIL - timedelta(days=DAYS), 0, 0
    for number in range(SEGMENTS):
        first, last = count * number // SEGMENTS, count * (number + 1) // SEGMENTS
        moments = (begun + step * each for each in range(first, last))
        with (folder / f"log.jsonl.{SEGMENTS - number}").open("wb") as file:
            for moment, line in _lines(preset, record, moments):
                written += file.write(line)
                expired += moment.replace(microsecond=0) < cutoff
    (folder / "schemas.yaml").write_text(f'schemas: [{{schema_name: "*", retention_days: {PERIOD}}}]\n')
    profile = {"audit": {"path": "log.jsonl", "schemas": "schemas.yaml"}, "preset": preset}
    (folder / "asynclog.yaml").write_text(json.dumps({"profiles": {"default": profile}}))
    return Contents(written, count, expired)


def _lines(preset: str, record: int, moments: Iterator[datetime]) -> Iterator[tuple[datetime, bytes]]:
    layout = LINES[preset]
    missing = max(0, record - len(layout))
    parts = layout.replace("TEXT", (TEXT * (missing // len(TEXT) + 1))[:missing])
    for moment in moments:
        line = parts.replace("TIME", moment.strftime("%Y-%m-%dT%H:%M:%S")).replace("UNIX", str(int(moment.timestamp())))
        yield moment, line.encode() + b"\n"


if __name__ == "__main__":
    print(json.dumps(asdict(write(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))))
