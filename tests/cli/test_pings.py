"""URLs that a profile has called: at the start of a run, after a success, after a failure."""

from __future__ import annotations

import base64
import json
import socket
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import held, record, write_log, write_policy
from command import NOW, Done, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD, YOUNG = record(days=400), record(days=1)


class Monitor:
    """A local server that notes what is called; it answers with these statuses, one after the other, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self.called: list[str] = []
        self.logins: list[str | None] = []
        self.leads_to = ""
        self.statuses = list(statuses)
        self.url = ""


@contextmanager
def monitor(*statuses: int) -> Iterator[Monitor]:
    noted = Monitor(*statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            noted.called.append(f"{self.path} {self.headers['User-Agent'].partition('/')[0]}")
            noted.logins.append(self.headers["Authorization"])
            self.send_response(noted.statuses.pop(0) if noted.statuses else 200)
            if noted.leads_to:
                self.send_header("Location", noted.leads_to)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    noted.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield noted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a log of which one record has expired."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {"logs-20250101T000000.jsonl": OLD + YOUNG})
    return tmp_path


def cleanup(folder: Path, url: str, *words: str, **ping: Any) -> Done:
    pings = {"start": f"{url}/id/start", "success": f"{url}/id", "failure": f"{url}/id/fail"} | ping
    profile = {"audit": {"path": "audit/logs.jsonl", "schemas": "schemas.yaml"}, "ping": pings}
    (folder / "asynclog.yaml").write_text(json.dumps({"state": "state", "profiles": {"default": profile}}))
    return run("cleanup", "--now", NOW, "--json", *words, cwd=folder)


def test_start_and_success(log: Path) -> None:
    """Once each, in this order."""
    with monitor() as there:
        done = cleanup(log, there.url)
    assert (done.code, done.result["warnings"], there.called) == (0, [], ["/id/start asynclog", "/id asynclog"])


def test_start_and_failure(log: Path) -> None:
    """For every exit but 0."""
    with monitor() as there, held(log / "audit"):
        done = cleanup(log, there.url)
    assert (done.code, there.called) == (4, ["/id/start asynclog", "/id/fail asynclog"])


def test_a_dry_run_calls_nobody(log: Path) -> None:
    """It is no run that anybody waits for."""
    with monitor() as there:
        assert cleanup(log, there.url, "-n").code == 0
    assert there.called == []


@pytest.mark.parametrize(("statuses", "warnings"), [((500,), 0), ((503, 404), 1)])
def test_a_ping_is_tried_twice(log: Path, statuses: tuple[int, ...], warnings: int) -> None:
    """And then told, without the path of the URL, which is a secret; the run goes on, and its outcome is its own."""
    with monitor(*statuses) as there:
        done = cleanup(log, there.url)
    assert (done.code, done.result["records"]["deleted"]) == (0, 1)
    assert there.called == ["/id/start asynclog", "/id/start asynclog", "/id asynclog"]
    assert done.result["warnings"] == ["ping.start: 127.0.0.1 was called 2 times: HTTP status 404"] * warnings
    assert "/id" not in done.out + done.err


def test_a_name_and_a_password_in_the_url_are_those_of_http(log: Path) -> None:
    """And are told to nobody else."""
    with monitor(500, 500) as there:
        done = cleanup(log, there.url.replace("//", "//me:p%40ss@"), success=None)
    assert there.logins == [f"Basic {base64.b64encode(b'me:p@ss').decode()}"] * 2
    assert done.result["warnings"] == ["ping.start: 127.0.0.1 was called 2 times: HTTP status 500"]
    assert "p@ss" not in done.out + done.err


def test_a_password_is_not_led_to_another_server(log: Path) -> None:
    """Who is called may send us on, with what is no secret."""
    with monitor(302) as there, monitor() as elsewhere:
        there.leads_to = f"{elsewhere.url}/on"
        assert cleanup(log, there.url.replace("//", "//me:secret@"), success=None).code == 0
    assert (len(there.logins), elsewhere.logins) == (1, [None])


def test_nobody_there(log: Path) -> None:
    """Connections are refused: told, and nothing else."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    done = cleanup(log, f"http://127.0.0.1:{port}")
    assert done.code == 0
    why = "127.0.0.1 was called 2 times: Connection refused"
    assert done.result["warnings"] == [f"ping.start: {why}", f"ping.success: {why}"]


def test_a_failure_that_can_not_be_told_is_on_stderr(log: Path) -> None:
    """The exit code is the run's."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with held(log / "audit"):
        done = cleanup(log, f"http://127.0.0.1:{port}")
    assert (done.code, "ping.failure: 127.0.0.1 was called 2 times" in done.err) == (4, True)


def test_a_server_that_never_ends_its_answer_has_a_time_limit(log: Path) -> None:
    """It accepts, and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = cleanup(log, url, timeout="1s", success=None)
    assert (done.code, done.result["warnings"]) == (
        0,
        ["ping.start: 127.0.0.1 was called 2 times: no answer within 1 s"],
    )


@pytest.mark.parametrize(
    "url", ["hc-ping.com/x", "ftp://a/b", "file:///etc/passwd", "http://", "http://a b/", "http://[x"]
)
def test_what_is_no_url_is_a_sentence(log: Path, url: str) -> None:
    """Exit 2, with file, line and key."""
    done = cleanup(log, "http://localhost", success=url)
    assert (done.code, "asynclog.yaml:1: profiles.default.ping.success: write a whole URL" in done.error) == (2, True)
