"""Signs of life: on a terminal a line that is drawn again, elsewhere nothing unless asked; SIGUSR1 asks once."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from audit_log import record, write_log, write_policy
from command import CALM, COMMAND, NOW, finish, run, start
from terminal import at_terminal

from asynclog.cancellation import StopRequest
from asynclog.cli.progress_display import Display
from asynclog.cli.progress_line import progress_line
from asynclog.progress import Progress, Reached

NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW, "--no-catalog")
SLOWLY = ("--io-limit", "2MB/s", "--jobs", "1")
MORE_SLOWLY = ("--io-limit", "600kB/s", "--jobs", "1")  # a busy machine may take a second to send a signal


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a log of which half has expired: 4 segments of 1 MB, which take 2 s to read at 2 MB/s."""
    folder = tmp_path_factory.mktemp("log")
    write_policy(folder, "schema_name: app, retention_days: 90", "schema_name: '*', retention_days: 900")
    lines = b"".join(record(schema, text="x" * 900) for _ in range(500) for schema in ("app", "web"))
    write_log(folder / "audit", {f"logs-2025010{number}T000000.jsonl": lines for number in range(1, 5)})
    return folder


def test_a_terminal_sees_how_far_it_is(log: Path) -> None:
    """Step, share, bytes, segments, rate and time left, on one line that is gone in the end. stdout has the result."""
    shown = at_terminal("cleanup", "-n", *NAMED, *SLOWLY, "--json", cwd=log, columns=120)
    assert shown.code == 0
    assert shown.out.startswith('{"status":"ok"')
    steps = [line for line in shown.drawn if line.startswith("scan: ")]
    assert re.fullmatch(
        r"scan: \d+ %, [\d.]+ \w+ of [\d.]+ MiB, \d of 4 segments, [\d.]+ [MK]iB/s, \ds left", steps[0]
    ), steps
    shares = [int(line.split()[1]) for line in steps]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 100
    assert "\n" not in shown.screen
    assert shown.left == []


def test_a_rewrite_is_a_step_of_its_own(tmp_path: Path, log: Path) -> None:
    """Its share is of all that is to be read and written."""
    folder = copied(log, tmp_path)
    allowed = ("--allow-delete-percent", "100")
    shown = at_terminal("cleanup", *NAMED, "--io-limit", "3MB/s", *allowed, cwd=folder, columns=120)
    shares = [int(line.split()[1]) for line in shown.drawn if line.startswith("rewrite: ")]
    assert len(set(shares)) > 2, shown.drawn
    assert 0 <= shares[0] < 60 <= shares[-1] <= 100
    assert shown.code == 0


def test_the_line_fits_the_terminal(log: Path) -> None:
    """However narrow that is: of most use are the share and the time left."""
    shown = at_terminal("cleanup", "-n", *NAMED, *SLOWLY, cwd=log, columns=24)
    assert shown.drawn
    assert all(re.fullmatch(r"scan: \d+ %(, \ds left)?", line) for line in shown.drawn), shown.drawn


@pytest.mark.parametrize("words", [("--progress", "never"), ("--quiet",)], ids=" ".join)
def test_nobody_sees_what_was_declined(log: Path, words: tuple[str, ...]) -> None:
    """`never` and --quiet show nothing on a terminal."""
    assert at_terminal("cleanup", "-n", *NAMED, *SLOWLY, *words, cwd=log).screen == ""


def test_always_comes_before_quiet(log: Path) -> None:
    """Who asks for it gets it."""
    shown = at_terminal("cleanup", "-n", *NAMED, *SLOWLY, "--quiet", "--progress", "always", cwd=log)
    assert any(line.startswith("scan: ") for line in shown.drawn)


@pytest.mark.parametrize(("shell", "is_shown"), [('"$@"', True), ('set -m; "$@" & wait', False)], ids=["fore", "back"])
def test_a_job_in_the_background_does_not_draw(log: Path, shell: str, *, is_shown: bool) -> None:
    """The terminal belongs to what is in its foreground."""
    before = ("setsid", "--ctty", "--wait", "sh", "-c", shell, "sh")
    shown = at_terminal("cleanup", "-n", *NAMED, *SLOWLY, cwd=log, before=before)
    assert any("scan: " in line for line in shown.drawn) == is_shown
    assert "Would delete" in shown.out


def test_what_is_over_in_a_moment_shows_nothing(log: Path) -> None:
    """Below a second nobody has to be told to wait."""
    assert at_terminal("cleanup", "-n", *NAMED, cwd=log).screen == ""


@pytest.mark.parametrize("words", [(), ("--progress", "always")], ids=["auto", "always"])
def test_a_dumb_terminal_gets_no_control_characters(log: Path, words: tuple[str, ...]) -> None:
    """It would get a line every 30 seconds."""
    shown = at_terminal("cleanup", "-n", *NAMED, *SLOWLY, *words, cwd=log, env={"TERM": "dumb"})
    assert shown.screen == ""


@pytest.mark.parametrize("words", [(), ("--progress", "always")], ids=["auto", "always"])
def test_a_pipe_gets_nothing_in_the_first_30_seconds(log: Path, words: tuple[str, ...]) -> None:
    """Nor do cron and the journal."""
    assert run("cleanup", "-n", *NAMED, *SLOWLY, *words, cwd=log).err == ""


def test_an_unknown_choice_is_refused(log: Path) -> None:
    """The sentence names the three."""
    done = run("cleanup", "-n", *NAMED, "--progress", "sometimes", cwd=log)
    assert done.code == 2
    assert all(word in done.err for word in ("auto", "always", "never"))


def test_log_messages_do_not_stick_to_the_line(log: Path) -> None:
    """Each begins on a line of its own, and stays."""
    shown = at_terminal("cleanup", "-n", *NAMED, *SLOWLY, "--debug", cwd=log, columns=120)
    assert any(line.startswith("scan: ") for line in shown.drawn)
    assert all(line.startswith("asynclog: ") for line in shown.left), shown.left


@pytest.mark.parametrize("words", [(), ("--quiet",), ("--progress", "never")], ids=["plain", "quiet", "never"])
def test_sigusr1_asks_once(log: Path, words: tuple[str, ...]) -> None:
    """One line on stderr, whatever the setting, and the job goes on as if nothing had happened."""
    process = start("cleanup", "-n", *NAMED, *MORE_SLOWLY, *words, cwd=log)
    wait_until_reading(process, log)
    process.send_signal(signal.SIGUSR1)
    done = finish(process)
    assert done.code == 0
    assert re.fullmatch(r"asynclog: scan: \d+ %, .* of 4 segments.*\n", done.err), done.err


def test_sigusr1_is_one_line_for_the_journal(tmp_path: Path, log: Path) -> None:
    """With the priority of information."""
    with (tmp_path / "journal").open("w+b") as journal:
        status = os.fstat(journal.fileno())
        env = CALM | {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        words = [*COMMAND, "cleanup", "-n", *NAMED, *SLOWLY]
        with subprocess.Popen(words, cwd=log, env=env, stdout=subprocess.DEVNULL, stderr=journal) as process:
            wait_until_reading(process, log)
            process.send_signal(signal.SIGUSR1)
        journal.seek(0)
        assert re.fullmatch(rb"<6>asynclog: scan: .*\n", journal.read())


def test_sigusr1_to_all_processes_of_a_unit_ends_none(log: Path) -> None:
    """`systemctl kill` sends it to those that read for us, too."""
    words = [*COMMAND, "cleanup", "-n", *NAMED, "--jobs", "2", "--io-limit", "20MB/s", "--json"]
    env = CALM | {"ASYNCLOG_READER": "python"}
    many = write_log(log.parent / "many/audit", {"logs.jsonl": record(text="x" * 1000) * 20_000}).parents[1]
    write_policy(many, "schema_name: app, retention_days: 90")
    with subprocess.Popen(
        words, cwd=many, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        wait_until_reading(process, many, processes=2)
        os.killpg(process.pid, signal.SIGUSR1)
        out, err = process.communicate()
    assert process.returncode == 0
    assert b'"deleted":20000' in out
    assert re.fullmatch(rb"asynclog: scan: .*\n", err), err


def test_without_a_terminal_there_is_a_line_each_time() -> None:
    """Plain ones, each of them whole; nothing is cleared."""
    receive, send = os.pipe()
    stop = StopRequest()
    display = Display(stop, send, live=False, first=0.01, every=0.01)
    with stop.progress.during("scan", segments=7, size=1000, count=lambda: 250):
        display.start()
        lines = b""
        while lines.count(b"\n") < 3:
            lines += os.read(receive, 1 << 16)
    display.close()
    os.close(send)
    os.close(receive)
    assert set(lines.splitlines()) == {b"asynclog: scan: 0 %, 0 bytes of 1,000 bytes, 0 of 7 segments"}


# ---- The line.


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_line_says_what_limits_the_time() -> None:
    """A limit ahead, one that is over, and a signal."""
    clock = Clock()
    stop = StopRequest(clock)
    stop.limit(60)
    total = 0
    with stop.progress.during("scan", segments=4, size=4 << 20, count=lambda: total) as step:
        total, clock.now, step.done = 1 << 20, 102.0, 1
        far = "scan: 25 %, 1.0 MiB of 4.0 MiB, 1 of 4 segments, 512.0 KiB/s, 6s left"
        assert progress_line(stop.progress.reached(), stop) == f"{far}, time is up in 58s"
        clock.now = 162.0
        assert progress_line(stop.progress.reached(), stop).endswith(", 2s over its time: finishing what was begun")
        stop.signal = signal.SIGTERM
        assert progress_line(stop.progress.reached(), stop).endswith(", SIGTERM: finishing what was begun")
    assert progress_line(stop.progress.reached(), stop) == "between two steps"


@pytest.mark.parametrize(
    ("room", "line"),
    [
        (80, "scan: 25 %, 1.0 MiB of 4.0 MiB, 1 of 4 segments, 512.0 KiB/s, 6s left"),
        (60, "scan: 25 %, 1.0 MiB of 4.0 MiB, 512.0 KiB/s, 6s left"),
        (40, "scan: 25 %, 1.0 MiB of 4.0 MiB, 6s left"),
        (20, "scan: 25 %, 6s left"),
        (10, "scan: 25 %"),
        (8, "scan:..."),
        (2, ".."),
        (0, ""),
    ],
)
def test_a_narrow_line_says_what_matters_most(room: int, line: str) -> None:
    """The share, then the time left, the bytes, the rate and the segments."""
    reached, stop = Reached("scan", "", 1, 4, 1 << 20, 4 << 20, 2), StopRequest()
    stop.limit(100)
    assert progress_line(reached, stop, room=room) == line


def test_a_step_never_passes_its_end() -> None:
    """Even if something had to be read twice; and work is counted in the bytes of the segments."""
    progress, total = Progress(), 0
    step = progress.begin("rewrite", segments=1, size=1000, work=1500, count=lambda: total)
    total = 750
    assert step.reached(0).bytes_done == 500
    total = 9000
    assert step.reached(0).bytes_done == 1000


def test_the_line_says_at_which_log_it_is() -> None:
    """Of a path with a *, and of all profiles."""
    stop = StopRequest()
    stop.progress.part = "profile web"
    lines = []
    for _ in stop.progress.each(["a", "b"]):
        with stop.progress.during("scan", size=100):
            lines.append(progress_line(stop.progress.reached(), stop))
    assert [line.partition(": 0 %")[0] for line in lines] == [
        "profile web, log 1 of 2: scan",
        "profile web, log 2 of 2: scan",
    ]
    assert stop.progress.part == "profile web"


def test_an_idle_night_loads_nothing_of_it(tmp_path: Path) -> None:
    """Neither the display nor the line, in a pipe."""
    write_log(tmp_path, {"logs.jsonl": b""})
    write_policy(tmp_path, "schema_name: app, retention_days: 90")
    program = "import sys; from asynclog.cli import main; assert not main(sys.argv[1:]); print(*sys.modules, sep='\\n')"
    words = ("cleanup", "--path", "logs.jsonl", "--schemas", "schemas.yaml", "--quiet")
    done = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "asynclog.progress" in done.stdout.split()
    assert {"asynclog.cli.progress_display", "asynclog.cli.progress_line"} & set(done.stdout.split()) == set()


def copied(log: Path, folder: Path) -> Path:
    """Copy the log."""
    subprocess.run(["cp", "-a", f"{log}/audit", f"{log}/schemas.yaml", folder], check=True)
    return folder


def wait_until_reading(
    process: "subprocess.Popen[str] | subprocess.Popen[bytes]", log: Path, processes: int = 1
) -> None:
    """Wait until so many processes of the command have a segment of the log open."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        group = [process.pid, *children(process.pid)]
        if len(group) >= processes and any(has_open(each, log / "audit") for each in group):
            return
        time.sleep(0.01)
    raise AssertionError("it does not read")


def children(parent: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def has_open(process: int, folder: Path) -> bool:
    for link in Path(f"/proc/{process}/fd").iterdir():
        try:
            target = link.readlink()
        except OSError:
            continue
        if target.parent == folder and target.suffix == ".jsonl":
            return True
    return False
