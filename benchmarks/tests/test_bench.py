"""The benchmark: its arithmetic, its table and chart, that a wrong answer ends it, that it leaves nothing behind."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import page
from benchmarks.answers import same_census, same_dry_run, same_files
from benchmarks.chart import chart
from benchmarks.environments import Peer, find
from benchmarks.generate import Spec, generate
from benchmarks.nightly import page as nights
from benchmarks.nightly.measure import Change, Nights
from benchmarks.own_archive import find_logs
from benchmarks.results import Entry, Ratio, Run, Section, ratio
from benchmarks.sections import QUIET, amount
from benchmarks.table import line, table
from benchmarks.timing import BenchmarkError, Contestant, in_turn
from benchmarks.trial import same_job

ROOT = Path(__file__).resolve().parents[2]
GIGABYTE = 10**9
SVG = "{http://www.w3.org/2000/svg}"


def bench(*words: object, module: str = "benchmarks") -> "subprocess.CompletedProcess[str]":
    """Run the command with these words."""
    command = [sys.executable, "-m", module, *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def entry(name: str, threads: int, *walls: float, size: int = GIGABYTE) -> Entry:
    """Return an entry with runs that took so long."""
    return Entry(name, threads, size, tuple(Run(wall, wall, 64 << 20) for wall in walls))


def figures() -> Section:
    """Return a comparison whose figures are easy to work out."""
    entries = [
        *(entry("asynclog", 1, 1.0, 2.0, 1.0), entry("DuckDB", 1, 2.0, 5.0, 1.5)),
        *(entry("asynclog", 2, 0.5, 0.5, 0.5), entry("DuckDB", 2, 1.0, 2.0, 1.0)),
    ]
    return Section("dry run, 860", "Dry run & more", "asynclog", tuple(entries))


def shutter(folder: Path) -> dict[str, tuple[bytes, int, int, int]]:
    """Everything in a folder that a job could change."""
    found = {path.name: (path.read_bytes(), path.stat()) for path in folder.iterdir()}
    return {name: (data, it.st_mtime_ns, it.st_ctime_ns, it.st_ino) for name, (data, it) in found.items()}


def test_ratios_are_taken_run_by_run_and_by_the_byte() -> None:
    """A slow moment of the machine strikes both of a pair, and an archive twice as large may take twice as long."""
    assert ratio(entry("b", 1, 2.0, 30.0, 5.0), entry("a", 1, 1.0, 10.0, 1.0)) == Ratio(3.0, 2.0, 5.0)
    assert ratio(entry("b", 1, 4.0, size=2 * GIGABYTE), entry("a", 1, 1.0)) == Ratio(2.0, 2.0, 2.0)


def test_the_table_shows_medians_and_ratios() -> None:
    """The row that the others are set against has no ratio; speed and memory are those of the most threads."""
    lines = table([figures()]).splitlines()
    assert lines[0] == "| | 1 thread | ratio | 2 threads | ratio | GB/s | peak MiB |"
    assert lines[2:] == [
        "| **Dry run & more** | | | | | | |",
        "| asynclog | 1 s | | 0.500 s | | 2.00 | 64 |",
        "| DuckDB | 2 s | 2.00 (1.50 to 2.50) | 1 s | 2.00 (2.00 to 4.00) | 1.00 | 64 |",
    ]


def test_a_bar_in_a_name_does_not_end_its_cell() -> None:
    assert line(["zcat | wc -l", "1 s"]) == r"| zcat \| wc -l | 1 s |"


def test_the_charts_bars_are_as_long_as_the_times() -> None:
    """The chart is well-formed, and its bars are in the proportion of the medians."""
    image = ElementTree.fromstring(chart([figures()]))  # noqa: S314 - we have just made it
    bars = [float(bar.attrib["width"]) for bar in image.iter(f"{SVG}rect") if bar.attrib["fill"] != "#fff"]
    assert [bar / max(bars) for bar in bars] == pytest.approx([0.5, 0.25, 1.0, 0.5], abs=0.01)
    texts = [text.text for text in image.iter(f"{SVG}text")]
    assert {"Dry run & more", "asynclog", "DuckDB", "2 s"} <= set(texts)


def test_the_page_keeps_its_prose(tmp_path: Path) -> None:
    """Only what stands between the markers is replaced, and the chart is written beside the page."""
    text = f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n"
    (tmp_path / "performance.md").write_text(text, encoding="utf-8")
    page.write("new", [figures()], tmp_path / "performance.md")
    expected = f"before\n{page.BEGIN}\n\nnew\n\n{page.IMAGE}\n\n{page.END}\nafter\n"
    assert (tmp_path / "performance.md").read_text(encoding="utf-8") == expected
    assert (tmp_path / "performance.svg").read_text(encoding="utf-8") == chart([figures()])


@pytest.mark.parametrize(("begin", "end"), [(page.BEGIN, page.END), (nights.BEGIN, nights.END)], ids=["all", "nightly"])
def test_the_projects_own_page_has_a_place_for_the_figures(begin: str, end: str) -> None:
    """`make bench` and `make bench-nightly` find their markers in docs/performance.md, once each and in order."""
    text = page.PAGE.read_text(encoding="utf-8")
    assert text.count(begin) == text.count(end) == 1
    assert text.index(begin) < text.index(end)


def test_contestants_run_in_turn_after_a_round_that_warms_up() -> None:
    """A B A B A B: the first round is not counted, and each run is prepared and checked."""
    told: list[str] = []

    def contestant(name: str) -> Contestant:
        command = (sys.executable, "-I", "-S", "-c", f"print('{name}')")
        prepare, check = partial(told.append, f"prepare {name}"), lambda output: told.append(output.decode().strip())
        return Contestant(name, 1, command, prepare=prepare, check=check)

    entries = in_turn(map(contestant, "AB"), 2)
    assert told == ["prepare A", "A", "prepare B", "B"] * 3
    assert [(each.name, len(each.runs)) for each in entries] == [("A", 2), ("B", 2)]
    assert all(0 < run.wall < 10 for each in entries for run in each.runs)


def test_a_contestant_that_fails_ends_the_comparison() -> None:
    """What it said on stderr is in the error."""
    failing = Contestant("DuckDB", 2, (sys.executable, "-I", "-S", "-c", "raise SystemExit('no such file')"))
    with pytest.raises(BenchmarkError, match="DuckDB with 2 threads failed: no such file"):
        in_turn([failing], 1)


def test_a_wrong_answer_is_an_error(tmp_path: Path) -> None:
    """A census, a dry run's counts and a segment's bytes each have to be the right ones, to the last microsecond."""
    right = b'{"a:1": [2, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z", 1]}'
    same_census(right, {"a:1": (2, 1_767_225_600_000_000, 1_767_225_600_000_001, 1)})
    with pytest.raises(BenchmarkError):
        same_census(right, {"a:1": (2, 1_767_225_600_000_000, 1_767_225_600_000_002, 1)})
    summary = generate(tmp_path / "archive", Spec(50_000, segments=2))
    with pytest.raises(BenchmarkError):
        same_dry_run(b'{"result": {"status": "dry_run", "records": {"scanned": 1}, "deleted_per_schema": {}}}', summary)
    for folder, last in (("one", b"y"), ("same", b"y"), ("other", b"z")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "logs-20260101T000000.jsonl").write_bytes(b"x" * 9999 + last)
    same_files(tmp_path / "one", tmp_path / "same")
    with pytest.raises(BenchmarkError):
        same_files(tmp_path / "one", tmp_path / "other")


def test_a_peer_has_to_do_the_same_job(tmp_path: Path) -> None:
    """One that leaves what has to go is found out, after asynclog itself has passed; no trace of the trial is left."""
    idle = tmp_path / "idle"
    idle.write_text("#!/bin/sh\n", encoding="utf-8")
    idle.chmod(0o755)
    with pytest.raises(BenchmarkError, match="/trial/theirs"):
        same_job(Peer("duckdb", "1.0", idle), tmp_path / "trial")
    assert not (tmp_path / "trial").exists()


def test_logs_are_found_by_their_segments_names(tmp_path: Path) -> None:
    """Each log of a folder once, whoever rotated it; registries, late segments and other files are none."""
    for name in (
        *("logs-20260101T000000.jsonl", "logs-20260101T000000-1.jsonl", "logs-late-0123abcd-10.jsonl", "logs.jsonl"),
        *("logs_schemas.jsonl", "logs-prod-20260101T000000.jsonl", "app.log.1", "app.log.2.gz", "web.jsonl-20260102"),
        *("notes.txt", "old.jsonl.1.gz"),
    ):
        (tmp_path / name).touch()
    assert [log.name for log in find_logs(tmp_path)] == ["app.log", "logs-prod.jsonl", "logs.jsonl", "web.jsonl"]
    assert find_logs(tmp_path / "logs.jsonl") == [tmp_path / "logs.jsonl"]
    with pytest.raises(BenchmarkError):
        find_logs(tmp_path / "none.jsonl")


@pytest.mark.parametrize("registry", [True, False], ids=["with a registry", "without a registry"])
def test_a_readers_own_archive_is_timed_and_not_touched(tmp_path: Path, registry: bool) -> None:
    """`--archive` shows asynclog and `readinto` on every log there, and not a byte or a time of it changes."""
    folder = tmp_path / "log"
    size = generate(folder, Spec(200_000, segments=3)).bytes
    if not registry:
        (folder / "logs_schemas.jsonl").unlink()
    before = shutter(folder)
    done = bench("--archive", folder, "--rounds", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"dry run of 3 segments, {amount(size)}" in done.stdout
    assert "| asynclog |" in done.stdout
    assert "| readinto |" in done.stdout
    assert ("every schema was given 90 days" in done.stdout) is not registry
    assert shutter(folder) == before


@pytest.mark.parametrize(
    ("only", "rows"),
    [
        (("cold", "cleanup"), ("asynclog", "readinto", "cp + fsync of what stays")),
        pytest.param(("readers",), ("asynclog, Python reader", "asynclog, double-check"), marks=pytest.mark.thorough),
        pytest.param(("start-up",), ("python -c pass", "asynclog --help", QUIET), marks=pytest.mark.thorough),
    ],
)
def test_asynclog_alone_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, only: tuple[str, ...], rows: tuple[str, ...]
) -> None:
    """Without peers the comparisons run from archive to table, and remove everything they made; no state at home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ("--quick", "--size", "1MiB", "--rounds", 1, "--peers", "--folder", tmp_path)
    done = bench(*words, "--only", *only)
    assert done.returncode == 0, done.stderr
    for row in rows:
        assert f"\n| {row} |" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_peer_that_cannot_be_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is skipped with the reason, and nothing half made is left of its environment."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    found = find("duckdb", tmp_path)
    assert isinstance(found, str)
    assert found.startswith("DuckDB was skipped: it can't be installed: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("segments", "columns"),
    [
        ((200,), "200 segments"),
        pytest.param((200, 300), "200 segments | 300 segments | growth", marks=pytest.mark.thorough),
    ],
)
def test_nights_are_measured_and_nothing_is_left_of_them(
    tmp_path: Path, segments: tuple[int, ...], columns: str
) -> None:
    """Cold, warm, a new day and another policy, each checked for what it read, on tiny logs; no state at home."""
    words = ("--segments", *segments, "--rounds", 1, "--folder", tmp_path / "logs")
    done = bench(*words, module="benchmarks.nightly")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert f"| | {columns} |" in lines
    for row in ("cold : warm", "warm run, peak memory", "one new day: a cleanup"):
        assert any(line.startswith(f"| {row} |") for line in lines)
    ratios = [line.split("|")[2 : 2 + len(segments)] for line in lines if line.startswith("| bytes read : ")]
    assert [[cell.strip() for cell in row] for row in ratios] == [["1.00"] * len(segments)] * 2
    assert list((tmp_path / "logs").iterdir()) == []


def a_log(segments: int, scale: float) -> Nights:
    """Return a log whose warm run takes 20 µs a segment, and `scale` times that of the processor; start-up is 0.1 s."""
    warm = Run(0.1 + segments * 20e-6, 0.1 + segments * 20e-6 * scale, (20 << 20) + 1024 * segments)
    change = Change(warm, 1000, 200, 1320)
    return Nights(segments, segments << 20, 0.5, (Run(10, 10, 40 << 20),), (warm,), (Run(0.1, 0.1, 0),), change, change)


def test_nights_are_held_to_their_goals() -> None:
    """Each figure is by the segment and beyond start-up; what misses its goal is marked."""
    found = [a_log(1000, 1.0), a_log(10_000, 1.2), a_log(100_000, 1.4)]
    missed = [line for line in nights.goals(found) if line.endswith("; **missed**)")]
    assert [line.split("**")[1] for line in nights.goals(found)] == [
        "33.3",
        "24 µs",
        "2.1 s",
        "1.40",
        "1.00 KiB",
        "1.10",
    ]
    assert [line.split("**")[1] for line in missed] == ["33.3", "1.40"]
    cells = next(line for line in nights.table(found).splitlines() if "warm run, of the processor" in line).split("|")
    assert [cell.strip() for cell in cells[2:-1]] == ["20 µs", "24 µs", "x 1.20", "28 µs", "x 1.17"]


def test_estimates_from_samples_are_compared_with_the_truth(tmp_path: Path) -> None:
    """Each figure has a row; without the size that they are for, no goal can be missed."""
    done = bench("--size", "20MiB", "--trials", 3, "--folder", tmp_path, module="benchmarks.sampling")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [row.split(" | ") for row in done.stdout.splitlines() if row.startswith("| ")]
    assert [row[0] for row in rows[2:]] == [
        "| the log",
        "| auth.events:1",
        "| debug_logs:1",
        "| mxcp.endpoints:1",
        "| mxcp.endpoints:2",
    ]
    assert {row[-1] for row in rows[2:]} <= {"2 of 3 |", "3 of 3 |"}
    assert list(tmp_path.iterdir()) == []
