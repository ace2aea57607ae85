"""Records that name others: a chain of hashes is not cut in silence. And timestamps without an offset are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from audit_log import record, write_log, write_policy
from command import NOW, Done, cleanup, run
from packing import packed

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO, THREE = (f"logs-2026010{day}T000000.jsonl" for day in range(1, 4))
OLD, YOUNG = record(days=400, prev_hash=None), record(days=1, prev_hash=None)
NAMED = record(days=1, prev_hash="1f")
SUFFIXES = ("", ".gz", ".zst")
CUT, BARE = "a chain of hashes is cut", "without an offset from UTC"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_policy(tmp_path)
    return tmp_path


def told(done: Done, what: str) -> list[str]:
    assert done.code == 0
    return [each for each in done.result["warnings"] if what in each]


CUTS = {
    "inside a segment": ({ONE: YOUNG + OLD + NAMED}, ONE),
    "behind blank and torn lines": ({ONE: YOUNG + OLD + b"\n" + OLD[:40] + b"\n" + NAMED}, ONE),
    "before an unreadable object": ({ONE: OLD + b'{"prev_hash":"1f"}\n' + YOUNG}, ONE),
    "at the beginning of a segment": ({ONE: OLD, TWO: NAMED + YOUNG}, TWO),
    "across an empty one": ({ONE: OLD, TWO: b"", THREE: NAMED}, THREE),
    "across a blank one": ({ONE: OLD, TWO: b"\n \n", THREE: NAMED}, THREE),
    "behind a rewritten one": ({ONE: YOUNG + OLD, TWO: NAMED}, None),
    "behind a chained, rewritten one": ({ONE: NAMED + record(days=400, prev_hash="2e"), TWO: NAMED}, TWO),
    "late in the first MiB": ({ONE: YOUNG * 5_000 + OLD + NAMED}, ONE),
    "behind the first block": ({ONE: NAMED * 12_000 + OLD + NAMED}, ONE),
    "a longer way of writing": ({ONE: OLD + NAMED.replace(b'"prev_hash": ', b'"prev_hash"\t :\r ')}, ONE),
}
WHOLE = {
    "nobody is named": {ONE: OLD + YOUNG, TWO: OLD, THREE: YOUNG},
    "what is named stays": {ONE: OLD + YOUNG + NAMED},
    "what names goes, too": {ONE: OLD + record(days=400, prev_hash="1f") + YOUNG},
    "the name lies deeper": {ONE: OLD + record(days=1, input_data={"prev_hash": "1f"}, prev_hash=None)},
    "the segment between stays": {ONE: OLD, TWO: YOUNG, THREE: NAMED},
    "nothing goes": {ONE: NAMED + NAMED},
}


def write_packed(folder: Path, segments: dict[str, bytes], suffix: str) -> None:
    write_log(folder / "audit", {name + suffix: packed(suffix, lines) for name, lines in segments.items()})


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("case", CUTS)
def test_a_cut_is_told_once_before_and_when_it_is_made(folder: Path, case: str, suffix: str) -> None:
    """With the segment of the record that names what went; but not from a segment that shows no chain."""
    segments, where = CUTS[case]
    for words in (("-n",), ()):
        write_packed(folder, segments, suffix)
        found = told(cleanup(folder, *words, "--allow-delete-all"), CUT)
        assert [f"a record of {where}{suffix} that stays" in each for each in found] == ([True] if where else [])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("case", WHOLE)
def test_no_cut_is_told_if_there_is_none(folder: Path, case: str, suffix: str) -> None:
    """Logs that are not chained, as MXCP's with a null in each record, have no such warning on any night."""
    for words in (("-n",), ()):
        write_packed(folder, WHOLE[case], suffix)
        assert told(cleanup(folder, *words), CUT) == []


def test_expired_records_that_stay_cut_nothing(folder: Path) -> None:
    """A segment that is not worth a rewrite yet keeps its chain."""
    write_log(folder / "audit", {ONE: YOUNG * 9 + OLD + NAMED})
    (folder / "asynclog.yaml").write_text(
        "asynclog: 1\nprofiles: {default: {audit: {path: audit/logs.jsonl, schemas: schemas.yaml}, rewrite: never}}\n"
    )
    done = run("cleanup", "--now", NOW, "--json", cwd=folder)
    assert told(done, CUT) == []
    assert done.actions[ONE]["outcome"] == "skipped"


def stamped(text: str, number: int = 0) -> bytes:
    return b'{"schema_name": "app", "timestamp": "%s", "id": %d}\n' % (text.encode(), number)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("words", [("cleanup", "-n"), ("cleanup",), ("explain",), ("estimate",), ("check",)])
def test_lines_without_an_offset_are_counted(folder: Path, words: tuple[str, ...], suffix: str) -> None:
    """In every command, also where the segment is rewritten meanwhile; other faults of a timestamp are none."""
    bare = ("2026-01-01T00:00:00", "2026-01-01 00:00:00.123456")
    other = ("2026-01-01 00:00:00,123", "2026-01-01T00:00Z", "1767225600", "2026-02-30T00:00:00")
    deeper = record(days=1, input_data={"timestamp": bare[0]})
    write_packed(folder, {ONE: b"".join([*map(stamped, bare), *map(stamped, other), deeper, OLD])}, suffix)
    now = ("--now", NOW) if words[0] != "check" else ()
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--json")
    (warning,) = told(run(*words, *named, *now, cwd=folder), BARE)
    assert warning.startswith("2 lines have a timestamp without an offset from UTC")


def test_of_large_segments_the_beginning_is_looked_at(folder: Path) -> None:
    """Then it says `at least`; one line is one."""
    write_log(folder / "audit", {ONE: stamped("2026-01-01T00:00:00") + YOUNG})
    (one,) = told(cleanup(folder), BARE)
    assert one.startswith("1 line has a timestamp without an offset from UTC: which instant it means")
    lines = b"".join(stamped("2026-01-01T00:00:00", number) for number in range(20_000))
    write_log(folder / "audit", {ONE: YOUNG + lines})
    (many,) = told(cleanup(folder), BARE)
    assert many.startswith("at least 1")
    assert "lines have" in many
