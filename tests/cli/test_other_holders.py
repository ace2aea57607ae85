"""What others hold on a log and its folder: leases, locks, and descriptors that were not to be waited for."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

from audit_log import record, write_log, write_policy
from command import cleanup

WRITER = """
import os, sys, time
path, ledger = sys.argv[1:]
line = b'{"schema_name": "app", "schema_version": 1, "timestamp": "2026-11-23T00:00:00Z", "serial": %d}\\n'
refused = serial = 0
last = -1
print("ready", flush=True)
while os.getppid() != 1 and not os.path.exists(ledger):
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o644)
    except BlockingIOError:
        refused += last != serial
        last = serial
        continue
    os.write(descriptor, line % serial)
    os.close(descriptor)
    serial += 1
    time.sleep(0.0005)
print(refused, serial)
"""


def log_of(archive: Path) -> bytes:
    """All lines that readers see."""
    paths = sorted((archive / "audit").iterdir())
    return b"".join(path.read_bytes() for path in paths if not path.name.startswith("."))


LEASE = """
import fcntl, os, signal, sys, time
descriptor = os.open(sys.argv[1], os.O_RDWR)
signal.signal(signal.SIGIO, lambda *_: fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK))
fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("ready", flush=True)
time.sleep(600)
"""


def test_a_write_lease_on_the_policy_is_waited_for(archive: Path) -> None:
    """Its holder is asked to let go, which a file server does at once."""
    command = [sys.executable, "-c", LEASE, str(archive / "schemas.yaml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout
            assert holder.stdout.readline() == "ready\n"
            assert cleanup(archive).code == 0
        finally:
            holder.kill()


def test_a_segment_under_a_write_lease_is_busy(archive: Path) -> None:
    """As file servers hold them for their clients: it is skipped, which is no failure, and the others are done."""
    log = archive / "audit" / "logs-20250101T000000.jsonl"
    other = archive / "audit" / "logs-20250102T000000.jsonl"
    other.write_bytes(record(days=400))
    before = log.read_bytes()
    descriptor = os.open(log, os.O_RDWR)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        done = cleanup(archive)
    finally:
        os.close(descriptor)
    assert (done.code, done.document["status"]) == (0, "ok")
    told = done.actions[log.name]
    assert "busy" in (told.get("outcome_reason") or told["reason"])
    assert (log.read_bytes(), other.exists()) == (before, False)
    assert cleanup(archive).code == 0
    assert log_of(archive) == record(days=1) * 2


def test_whoever_may_list_the_folder_keeps_no_job_out(archive: Path) -> None:
    """A lock on the folder itself can be taken by everybody who may read it."""
    folder = os.open(archive / "audit", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        assert cleanup(archive).code == 0
    finally:
        os.close(folder)
    assert log_of(archive) == record(days=1) * 2


def test_writers_who_do_not_wait_are_seldom_refused(tmp_path: Path) -> None:
    """One beside jobs back to back loses no record, and gets EAGAIN for few of them; the docs tell of it."""
    write_policy(tmp_path)
    log = write_log(tmp_path / "audit", {"logs.jsonl": record(days=1)})
    end = tmp_path / "end"
    command = [sys.executable, "-c", WRITER, str(log), str(end)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="ascii") as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
        for _ in range(8):
            (tmp_path / "audit" / "logs-20250101T000000.jsonl").write_bytes(record(days=400) + record(days=1))
            assert cleanup(tmp_path, "--allow-delete-all").code == 0
        end.touch()
        refused, written = map(int, writer.stdout.readline().split())
    lines = b"".join(path.read_bytes() for path in log.parent.glob("*.jsonl")).splitlines()
    serials = [line for line in lines if b'"serial"' in line]
    assert (len(serials), len(set(serials))) == (written, written)
    assert refused <= written / 20
    docs = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text()
    assert "O_NONBLOCK" in docs
