"""The comparison with MXCP's cleanup: what it counts, what it shows; MXCP itself is not needed."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.mxcp import page
from benchmarks.mxcp.cases import Definition, Record, cases, over_the_days
from benchmarks.mxcp.compare import Comparison, Job
from benchmarks.mxcp.judge import Damage, damage, expired

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def line(name: str, version: int, days: float) -> bytes:
    time = (NOW - timedelta(days=days)).isoformat()
    return json.dumps({"schema_name": name, "schema_version": version, "timestamp": time}).encode()


def test_only_what_an_active_definition_has_given_days_has_to_go() -> None:
    """By exactly its schema and version; a torn line, one that is kept for ever or unknown never."""
    definitions = [Definition("a", 1, 30), Definition("b", 1, None), Definition("c", 1, 30, active=False)]
    old = [line(name, version, 31) for name, version in (("a", 1), ("a", 2), ("b", 1), ("c", 1), ("d", 1))]
    found = [*old, line("a", 1, 30), line("a", 1, 29), old[0][:-1]]
    assert expired(found, definitions, NOW) == {old[0]}


def test_damage_is_what_went_and_stayed_wrongly() -> None:
    """Whatever was announced."""
    assert damage([b"1", b"2", b"3"], {b"1", b"2"}, [b"3"]) == Damage(0, 0)
    assert damage([b"1", b"2", b"3"], {b"1", b"2"}, [b"2"]) == Damage(1, 1)


def test_an_archive_covers_the_days_and_no_period_ends_meanwhile() -> None:
    """From the oldest record to the newest, each half a day away from the end of any period."""
    segments = over_the_days((("a", 1), ("b", 2)), 10)
    ages = [record.age for segment in segments for record in segment]
    assert ages == sorted(ages, reverse=True)
    assert {age % 24 for age in ages} == {12}
    assert (ages[0] // 24, ages[-1] // 24) == (400, 0)
    assert segments[0][:2] == (Record("a", 1, ages[0]), Record("b", 2, ages[1]))
    assert len({case.title for case in cases()}) == len(list(cases()))


def test_the_table_has_a_row_for_each_of_the_two() -> None:
    """Below what had to go."""
    theirs, ours = Job(1200, 200, Damage(16, 1800), 7.5, 0.5), Job(1800, 1800, Damage(0, 0), 0.05, 0.1)
    rows = page.table([Comparison("mixed", 1 << 20, 3000, 1800, theirs, ours)], "0.12.3").splitlines()[2:]
    assert rows == [
        "| **mixed**: 1,800 of 3,000 records have expired, 1 MiB | | | | | | |",
        "| MXCP 0.12.3 | 1,200 | 200 | 16 | 1,800 | 7.5 s | 0.500 s |",
        "| asynclog | 1,800 | 1,800 | 0 | 0 | 50 ms | 0.100 s |",
    ]


def test_the_page_has_a_place_for_the_table() -> None:
    """`make bench-mxcp ARGS=--write` finds its markers once each and in order."""
    text = page.PAGE.read_text(encoding="utf-8")
    assert text.count(page.BEGIN) == text.count(page.END) == 1
    assert text.index(page.BEGIN) < text.index(page.END)


def test_without_mxcp_there_is_no_comparison(tmp_path: Path) -> None:
    """It says why, and leaves nothing behind."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.mxcp", "--environments", tmp_path / "env", "--folder", tmp_path / "work"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("benchmarks: mxcp was skipped: it can't be installed: ")
    assert list((tmp_path / "env").iterdir()) == []
