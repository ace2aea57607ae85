"""A budget beside the age: what goes early, on real folders, is what the slow judge says, and never anything else."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import strategies
from hostile import NOW
from hypothesis import example, given
from hypothesis import strategies as st
from judge import Definition, expected, instant, left_of
from judge_budget import early, gone_early, keeps, records
from real_log import Log

from examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from strategies import Archive

# In their order.
NAMES = (
    "logs-20251231T235959.jsonl",
    "logs-20260101T000000.jsonl",
    "logs-20260101T000000-2.jsonl",
    "logs-20260101T000000-10.jsonl",
    "logs-20260105T000000.jsonl",
    "logs-late-0123abcd-512.jsonl",
    "logs.jsonl",
)


@st.composite
def archives(draw: st.DrawFn) -> Archive:
    """Draw segments, in their order, most of which have nothing but records."""
    kinds = st.one_of(*[strategies.segments(strategies.ordinary())] * 3, strategies.segments())
    found = draw(st.dictionaries(st.sampled_from(NAMES), kinds, min_size=2, max_size=6))
    return {name: found[name] for name in NAMES if name in found}


@st.composite
def policies(draw: st.DrawFn) -> list[Definition]:
    """Draw rules, the widest of which has a period, as a rule."""
    rules = [rule for rule in draw(strategies.policies()) if rule.schema_name != "*"]
    return [*rules, Definition("*", None, draw(st.sampled_from((30, 90, 365, 40_000, 40_000, None))))]


runs = given(archive=archives(), policy=policies(), max_bytes=st.integers(1, 1200))


@contextmanager
def log(archive: Archive, policy: Sequence[Definition], max_bytes: int) -> Iterator[Log]:
    """Lend a log with a budget, whose segments changed last in their order."""
    with TemporaryDirectory(prefix="budget-") as place:
        lent = Log(place, archive, policy, {"max_bytes": f"{max_bytes}B"})
        begun = int(time.time()) - 60
        for number, name in enumerate(archive):
            os.utime(lent.folder / name, (begun + number,) * 2)
        yield lent


def left(archive: Archive, policy: Sequence[Definition], max_bytes: int) -> Archive:
    """Return what the judge leaves of an archive."""
    gone = gone_early(archive, policy, instant(NOW), max_bytes)
    rest = {name: left_of(content, policy, instant(NOW)) for name, content in archive.items() if name not in gone}
    return {name: content for name, content in rest.items() if content is not None}


@examples(60)
@runs
async def test_a_run_leaves_exactly_what_the_judge_leaves(
    archive: Archive, policy: list[Definition], max_bytes: int
) -> None:
    """Byte for byte; and what goes early is told by schema, within what goes at all."""
    with log(archive, policy, max_bytes) as folder:
        result = await folder.clean()
        assert folder.contents() == left(archive, policy, max_bytes)
        by_budget = early(archive, policy, instant(NOW), max_bytes)
        assert result["deleted_by_budget"] == by_budget
        by_age = expected(archive.values(), policy, instant(NOW)).deleted_per_schema
        assert result["deleted_per_schema"] == by_age + by_budget
        size = sum(map(len, folder.contents().values()))
        assert result["budget"]["bytes_over"] == max(0, size - max_bytes)


@examples(40)
@runs
@example(
    {NAMES[0]: b"", NAMES[1]: b'{"schema_name":\r"app","schema_version":1,"timestamp":"2024-02-29T12:00:00Z"}'},
    [Definition("app", None, 0), Definition("*", None, 30)],
    1,
).via("a carriage return within a record ends no line")
async def test_nothing_goes_early_that_is_kept_for_ever(
    archive: Archive, policy: list[Definition], max_bytes: int
) -> None:
    """Every record that is gone had a rule with a period, and every line that is gone was a record or blank."""
    with log(archive, policy, max_bytes) as folder:
        await folder.clean()
        after = folder.contents()
    lost: Counter[bytes] = Counter()
    for name, content in archive.items():
        lost += Counter(content.split(b"\n")) - Counter(after.get(name, b"").split(b"\n"))
    for line in filter(bytes.strip, lost):
        assert [keeps(record, policy) is not None for record in records(line)] == [True], line


@examples(40)
@runs
@example(dict.fromkeys(NAMES, b""), [Definition("*", None, 30)], 1).via("nothing but empty segments")
async def test_a_dry_run_says_what_the_run_does_and_the_next_one_is_idle(
    archive: Archive, policy: list[Definition], max_bytes: int
) -> None:
    """A dry run touches nothing, and all of its figures are the run's; a second run touches nothing, either."""
    with log(archive, policy, max_bytes) as folder:
        before = folder.looks()
        dry = await folder.clean(dry_run=True)
        assert folder.looks() == before
        real = await folder.clean()
        for key in ("deleted_per_schema", "deleted_by_budget", "budget", "records", "kept", "segments"):
            assert dry[key] == real[key], key
        assert dry["bytes"]["freed"] == real["bytes"]["freed"]
        before = folder.looks()
        again = await folder.clean()
        assert folder.looks() == before
        assert (again["deleted_per_schema"], again["deleted_by_budget"]) == ({}, {})
