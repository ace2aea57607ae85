"""Exactness: what the library leaves, counts and streams is what the slow judge says, on real folders."""

from __future__ import annotations

import json
from contextlib import contextmanager
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import strategies
from hostile import CATALOGUE, NOW, PLAIN, POLICY, Hostile, at, record
from hypothesis import given
from hypothesis import strategies as st
from judge import Definition, Record, expected, fate, first_fragment, instant, left_of, lines, verdict, why_unjudged
from real_log import SAMPLE, Log
from strategies import NOWS, Archive, judged

import asynclog
from examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FRESH = at("2026-11-23T12:00:00Z") + b"\n"
MEBI = 1 << 20

quick = examples(25)
runs = given(archive=strategies.archives(), policy=strategies.policies(), now=st.sampled_from(NOWS))


@contextmanager
def log(archive: Mapping[str, bytes], policy: Sequence[Definition]) -> Iterator[Log]:
    """Lend a log that is gone afterwards."""
    with TemporaryDirectory(prefix="exactness-") as place:
        yield Log(place, archive, policy)


def left(archive: Archive, policy: Sequence[Definition], now: str) -> Archive:
    """Return what the judge leaves of an archive: strangers as they are."""
    rest = {
        name: left_of(content, policy, instant(now)) for name, content in archive.items() if name in strategies.SEGMENTS
    }
    strangers = {name: content for name, content in archive.items() if name not in strategies.SEGMENTS}
    return strangers | {name: content for name, content in rest.items() if content is not None}


def assert_counts(result: dict[str, Any], archive: Archive, policy: Sequence[Definition], now: str) -> None:
    """Every figure of a report is the judge's, and what it freed is what is gone."""
    counts = expected(judged(archive), policy, instant(now))
    deleted = sum(counts.deleted_per_schema.values())
    assert result["deleted_per_schema"] == counts.deleted_per_schema
    assert result["records"] == {"scanned": counts.scanned, "deleted": deleted, "kept": counts.kept}
    assert result["kept"] == {
        "unreadable": counts.unreadable,
        "future": counts.future,
        "implausible": counts.implausible,
        "no_policy": counts.no_policy,
    }
    assert result["overdue"]["records"] == {}
    size, rest = sum(map(len, judged(archive))), sum(map(len, judged(left(archive, policy, now))))
    assert result["bytes"] == {"scanned": size, "freed": size - rest}


def assert_segments(result: dict[str, Any], archive: Archive, policy: Sequence[Definition], now: str) -> None:
    """Check that what is dropped would have kept nothing but blank lines, and that what is untouched is no rewrite."""
    before = {name: content for name, content in archive.items() if name in strategies.SEGMENTS}
    after = left(before, policy, now)
    dropped = len(before) - len(after)
    rewritten = sum(content != before[name] for name, content in after.items())
    unjudged = {name: why for name, content in before.items() if (why := why_unjudged(content))}
    skipped = [action for action in result["actions"] if action["action"] == "skip"]
    assert {action["segment"]: action["unjudged"] for action in skipped} == unjudged
    assert result["segments"]["total"] == len(before)
    assert (result["segments"]["dropped"], result["segments"]["rewritten"]) == (dropped, rewritten)


@quick
@runs
async def test_a_run_leaves_exactly_what_the_judge_leaves(archive: Archive, policy: list[Definition], now: str) -> None:
    """Byte for byte and in order; nothing else is changed, made or left behind."""
    with log(archive, policy) as folder:
        await folder.clean(now)
        assert folder.contents() == left(archive, policy, now)


@quick
@runs
async def test_the_report_counts_what_the_judge_counts(archive: Archive, policy: list[Definition], now: str) -> None:
    """Records by schema, what was kept and why, bytes and segments."""
    with log(archive, policy) as folder:
        result = await folder.clean(now)
        assert_counts(result, archive, policy, now)
        assert_segments(result, archive, policy, now)


@quick
@runs
async def test_a_dry_run_says_what_the_run_does(archive: Archive, policy: list[Definition], now: str) -> None:
    """A dry run touches nothing, and all of its figures are the run's."""
    with log(archive, policy) as folder:
        before = folder.looks()
        dry = await folder.clean(now, dry_run=True)
        assert folder.looks() == before
        real = await folder.clean(now)
        assert (dry["status"], real["status"]) == ("dry_run", "success")
        for key in ("deleted_per_schema", "records", "kept", "overdue", "bytes", "segments"):
            assert dry[key] == real[key], key
        assert (real["records"]["deleted"] == 0) == (folder.looks() == before)


@quick
@runs
async def test_a_second_run_is_idle(archive: Archive, policy: list[Definition], now: str) -> None:
    """No inode, time or byte changes, in the folder neither, and nothing is deleted."""
    with log(archive, policy) as folder:
        await folder.clean(now)
        before = folder.looks()
        result = await folder.clean(now)
        assert folder.looks() == before
        assert (result["records"]["deleted"], result["deleted_per_schema"], result["bytes"]["freed"]) == (0, {}, 0)


@quick
@given(archive=strategies.archives(), pair=strategies.pairs_of_policies(), now=st.sampled_from(NOWS))
async def test_a_longer_retention_never_deletes_more(
    archive: Archive, pair: tuple[list[Definition], list[Definition]], now: str
) -> None:
    """What the longer one deletes the shorter one deletes too: running the shorter one behind it ends the same way."""
    shorter, longer = pair
    with log(archive, shorter) as one, log(archive, longer) as other:
        most, least = await one.clean(now), await other.clean(now)
        for key, count in least["deleted_per_schema"].items():
            assert count <= most["deleted_per_schema"].get(key, 0)
        other.set_policy(shorter)
        rest = await other.clean(now)
        assert least["records"]["deleted"] + rest["records"]["deleted"] == most["records"]["deleted"]
        assert other.contents() == one.contents()


@quick
@given(content=strategies.segments(strategies.hostile() | strategies.mutated()))
async def test_hostile_lines_stay_unless_they_are_proven_expired(content: bytes) -> None:
    """Under a policy that lets all records go but those of the future, what is no record stays."""
    policy = [Definition("*", None, 0)]
    with log({"logs.jsonl": content}, policy) as folder:
        result = await folder.clean()
        stayed = folder.contents().get("logs.jsonl", b"")
        if why_unjudged(content):
            assert (stayed, result["segments"]["skipped"], result["kept"]["unreadable"]) == (content, 1, 0)
            return
        fates = [(line, fate(line, policy, instant(NOW))) for line in lines(content)]
        assert stayed or {its for _, its in fates} <= {"expired", "blank"}
        assert [line for line, its in fates if its not in ("expired", "blank")] == [
            line for line in lines(stayed) if verdict(line) != "blank"
        ]
        assert result["kept"]["unreadable"] == sum(its == "unreadable" for _, its in fates)


@quick
@given(content=strategies.segments())
async def test_the_stream_gives_every_record_and_no_other_line(content: bytes) -> None:
    """In order, with its bytes, its schema key and its instant."""
    with log({"logs.jsonl": content}, POLICY) as folder:
        assert await streamed(folder) == readable(content)


async def streamed(folder: Log) -> list[tuple[bytes, str, int]]:
    """Return what the library streams of a log."""
    return [
        (found.line, str(found.schema), found.timestamp)
        async for found in asynclog.read_records(str(folder.folder / "logs.jsonl"))
    ]


def readable(content: bytes) -> list[tuple[bytes, str, int]]:
    """Return what the judge takes for records."""
    verdicts = [(line, verdict(line)) for line in lines(content)]
    return [(line, its.key, its.instant) for line, its in verdicts if isinstance(its, Record)]


# The catalogue: each line in the middle of one segment and alone, without a newline, in another; one job over all.


def between(case: Hostile) -> str:
    """Return the name of the segment where a line has neighbours."""
    return f"logs-20260101T000000-{CATALOGUE.index(case) + 1}.jsonl"


def alone(case: Hostile) -> str:
    """Return the name of the segment that a line has to itself."""
    return f"logs-20260102T000000-{CATALOGUE.index(case) + 1}.jsonl"


@pytest.fixture(scope="module")
def cleaned() -> Iterator[dict[str, bytes]]:
    """Clean the whole catalogue once and return what lies in the folder afterwards."""
    archive = {between(case): PLAIN + b"\n" + case.line + b"\n" + FRESH for case in CATALOGUE}
    archive |= {alone(case): case.line for case in CATALOGUE}
    with log(archive, POLICY) as folder:
        anyio.run(folder.clean)
        yield folder.contents()


@pytest.mark.parametrize("case", CATALOGUE, ids=lambda case: case.name)
def test_each_hostile_line_meets_its_known_fate(case: Hostile, cleaned: dict[str, bytes]) -> None:
    """Among others and alone as a tail: an expired record goes, whatever else it is stays as it was.

    So does all that is around a fragment.
    """
    gone = case.fate == "expired"
    document = first_fragment(case.line) is not None
    before = PLAIN + b"\n" if document else b""
    assert cleaned[between(case)] == before + (FRESH if gone else case.line + b"\n" + FRESH)
    assert cleaned.get(alone(case)) == (None if gone else case.line)


async def test_the_whole_catalogue_is_counted_and_streamed() -> None:
    """One segment of all lines but fragments, some with CRLF: counts of a dry run and stream are the judge's."""
    cases = [case for case in CATALOGUE if first_fragment(case.line) is None]
    content = b"".join(case.line + (b"\r\n" if number % 3 else b"\n") for number, case in enumerate(cases))
    with log({"logs.jsonl": content}, POLICY) as folder:
        assert_counts(await folder.clean(dry_run=True), {"logs.jsonl": content}, POLICY, NOW)
        assert await streamed(folder) == readable(content)


@pytest.mark.parametrize("size", [MEBI - 1, MEBI, MEBI + 1, 2 * MEBI + 1, 5 * MEBI])
async def test_a_huge_line_is_a_line_like_any_other(size: int) -> None:
    """A record about as long as a block, or longer, goes with its small neighbours, and one that is torn stays."""
    huge = PLAIN.replace(b"0}", b'"%b"}' % (b"x" * (size - len(PLAIN) - 2)))
    torn = huge[:-1] + b" "
    with log({"logs.jsonl": b"\n".join((PLAIN, huge, PLAIN, torn, PLAIN, FRESH.strip(), PLAIN))}, POLICY) as folder:
        result = await folder.clean()
        assert (len(huge + b"\n"), result["records"]["deleted"], result["kept"]["unreadable"]) == (size, 5, 1)
        assert folder.contents() == {"logs.jsonl": torn + b"\n" + FRESH}


async def test_a_segment_of_many_blocks_is_read_exactly() -> None:
    """Seeded lines of all kinds, some longer than any block, so that block edges fall everywhere."""
    chance = Random(20261124)  # noqa: S311 - the same lines every time
    long = [record(rest='"' + "x" * (3 * MEBI // 2) + '"'), record(rest='"' + "[" * MEBI), FRESH.strip()]
    small = [line for line in strategies.SMALL.values() if first_fragment(line) is None]
    many = [chance.choice(small) + chance.choice(strategies.ENDINGS) for _ in range(15_000)]
    content = b"".join([*many[:5_000], *(line + b"\n" for line in long), *many[5_000:], PLAIN])
    assert len(content) > 5 * MEBI
    archive = {"logs.jsonl": content}
    with log(archive, POLICY) as folder:
        assert_counts(await folder.clean(), archive, POLICY, NOW)
        assert folder.contents() == left(archive, POLICY, NOW)


async def test_what_stays_of_the_sample_is_what_the_judge_leaves() -> None:
    """The archive that a real product wrote, under its own registry."""
    registry = [json.loads(line) for line in (SAMPLE / "logs-default_schemas.jsonl").read_bytes().splitlines()]
    rules = {(rule["schema_name"], rule["version"]): Definition(*key_and_days(rule)) for rule in registry}
    segments = {
        path.name.replace("logs-default", "logs"): path.read_bytes() for path in SAMPLE.glob("logs-default-*.jsonl")
    }
    policy = list(rules.values())
    rest = {name: left_of(content, policy, instant(NOW)) for name, content in segments.items()}
    with log(segments, policy) as folder:
        result = await folder.clean()
        assert result["records"] == {"scanned": 3000, "deleted": 1954, "kept": 1046}
        assert result["deleted_per_schema"] == expected(segments.values(), policy, instant(NOW)).deleted_per_schema
        assert folder.contents() == {name: content for name, content in rest.items() if content is not None}


def key_and_days(rule: dict[str, Any]) -> tuple[str, int, int | None, bool]:
    """Return a registry's line as the judge wants it."""
    return rule["schema_name"], rule["version"], rule["retention_days"], rule["active"]
