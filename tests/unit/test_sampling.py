"""A sample is spread over all blocks fairly, and its intervals hold the truth as often as they say."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest

from asynclog.forecast.bounds import Bounds
from asynclog.forecast.sample_allocation import FROM, allocate
from asynclog.forecast.sample_design import BLOCK, FEWEST_WHOLE, budget, draw_blocks, draw_whole
from asynclog.forecast.sample_estimator import Density, Estimator, Moments, Sampled, interval, weighted_sum
from asynclog.forecast.sampled_forecast import Observations, Sample
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint
from asynclog.statistics import SchemaStats, SegmentStats

if TYPE_CHECKING:
    from collections.abc import Callable

    from asynclog.forecast.bounds import Bounds
from asynclog.forecast.sample_design import Block

MIB, GIB = 1 << 20, 1 << 30
TRIALS = 200
BLOCKS, DRAWN = 20_000, 200
BYTES = Density(1.0, 1.0)


def draw(seed: int) -> Callable[[int], int]:
    return Random(seed).randrange  # noqa: S311 - the same each time


def drawn(sizes: list[int], most: int, seed: int = 1) -> list[Block]:
    return draw_blocks(sizes, most, 0, draw(seed))


def test_the_budget_is_under_a_percent_of_a_large_log() -> None:
    """A small one is read in full, as that costs nothing, and a huge one needs no more than a large one."""
    assert budget(10 * GIB) <= 0.01 * 10 * GIB
    assert budget(15 * MIB) == 15 * MIB
    assert budget(10_000 * GIB) == GIB
    assert budget(5 * MIB, 0.01) < MIB


@pytest.mark.parametrize("sizes", [[50 * MIB, 1, 7 * MIB + 5, BLOCK, BLOCK + 1], [100] * 5000])
def test_strata_cover_each_block_once(sizes: list[int]) -> None:
    """What the blocks stand for adds up to all of them; they are in order, inside of their segments, and no larger."""
    found = drawn(sizes, 2 * MIB if len(sizes) < 10 else 300_000)
    assert sum(block.weight for block in found) == sum(-(-size // BLOCK) for size in sizes)
    assert all(0 <= block.start < block.end <= sizes[block.segment] for block in found)
    assert all(block.end - block.start <= BLOCK for block in found)
    assert all((one.segment, one.start) < (other.segment, other.start) for one, other in pairwise(found))
    assert sum(block.end - block.start for block in found) <= 2 * MIB


def test_each_block_is_as_likely_as_the_others_of_its_stratum() -> None:
    """From one seed to the next; and one seed draws the same again."""
    sizes = [10 * BLOCK, 10 * BLOCK]
    seen = Counter((block.segment, block.start) for seed in range(2000) for block in drawn(sizes, 4 * BLOCK, seed))
    assert len(seen) == 20
    assert all(300 < many < 500 for many in seen.values())
    assert drawn(sizes, 4 * BLOCK) == drawn(sizes, 4 * BLOCK)


def test_enough_bytes_for_all_are_all_blocks() -> None:
    sizes = [3 * BLOCK + 1, 5]
    blocks = drawn(sizes, sum(sizes))
    assert sum(block.end - block.start for block in blocks) == sum(sizes)
    assert {block.weight for block in blocks} == {1}


def test_whole_segments_are_drawn_if_that_gives_enough_of_them() -> None:
    """Else none: a figure from a few would say nothing."""
    draws = draw(1)
    many = draw_whole([MIB] * 1000, 50 * MIB, draws)
    assert len(many) == 50
    assert sum(block.weight for block in many) == 1000
    assert draw_whole([MIB] * 1000, (FEWEST_WHOLE - 1) * MIB, draws) == []
    assert len(draw_whole([MIB] * 5, 5 * MIB, draws)) == 5
    assert draw_whole([], 0, draws) == []


def in_order(number: int, _: Random) -> float:
    """Return what a log in the order of time has that expires up to a cutoff: all of a block, or nothing."""
    return BLOCK if number < 7_777 else 0


def in_patches(number: int, _: Random) -> float:
    """Return bursts of a schema, each of some blocks."""
    return BLOCK if number // 37 % 5 == 0 else BLOCK / 50


def mixed(_: int, random: Random) -> float:
    """Return lines of a schema among others."""
    return sum(random.random() < 0.05 for _ in range(75)) * 800


def rare(number: int, _: Random) -> float:
    """Return a schema that one block in 150 has."""
    return 800 if number * 7919 % 150 == 0 else 0


def long_lines(_: int, random: Random) -> float:
    """Return lines of which a few are far longer than a block."""
    return 40 * BLOCK if random.random() < 0.02 else BLOCK / 2


@pytest.mark.parametrize(
    ("shares", "many"), [((1.0,), DRAWN), ((0.4, 0.2, 0.2, 0.2), FROM)], ids=["evenly", "unevenly"]
)
@pytest.mark.parametrize("contents", [in_order, in_patches, mixed, rare, long_lines])
def test_intervals_hold_the_truth(
    contents: Callable[[int, Random], float], shares: tuple[float, ...], many: int
) -> None:
    """At least 90 of 100 do, as 95 % ones should; and the estimates are not off to one side."""
    random = Random(7)  # noqa: S311
    population = [contents(number, random) for number in range(BLOCKS)]
    lines = [max(BLOCK, round(each)) for each in population]
    truth, held, values = sum(population), 0, []
    for seed in range(TRIALS):
        blocks = draw_blocks([BLOCK * BLOCKS], many * BLOCK, 0, draw(seed), shares)
        numbers = [block.start // BLOCK for block in blocks]
        sampled = Sampled([each.weight for each in blocks], [lines[each] for each in numbers], BLOCKS, sum(lines))
        seen = {place: population[number] for place, number in enumerate(numbers) if population[number]}
        low, value, high = Estimator.of(sampled).moments(seen, BYTES).interval()
        held += low <= truth <= high
        values.append(value)
    assert held >= 0.9 * TRIALS
    spread = (sum((value - truth) ** 2 for value in values) / TRIALS) ** 0.5
    assert abs(sum(values) / TRIALS - truth) <= 4 * spread / TRIALS**0.5


def test_more_is_read_where_what_has_expired_varies_most() -> None:
    """Of a schema that is kept long only the oldest part of the log tells something; but each part gets some."""
    old, new = SchemaKey("kept long", 1), SchemaKey("other", 1)
    observed, random = Observations(0), Random(3)  # noqa: S311
    for number in range(240):
        sizes = {old: random.randrange(4000), new: random.randrange(4000)}
        gone = {old: sizes[old] if number < 20 else 0, new: sizes[new]}
        schemas = tuple(SchemaStats(key, 9, size, 0, 0, 0, 0, 0, 0) for key, size in sizes.items())
        stats = SegmentStats("logs.jsonl", Fingerprint(1, 1, BLOCK, 0, 0), schemas, unreadable=1)
        observed.add(number, stats, [[Bounds.exactly(9 if size else 0, size) for size in gone.values()]])
    shares = allocate(Sample(Sampled([100] * 240, [BLOCK] * 240, 24_000, BLOCK * 24_000), observed))
    assert sum(shares) == pytest.approx(1)
    assert sum(shares[:2]) > 3 * 2 / len(shares)
    assert min(shares) > 0.25 / len(shares)


def test_an_order_of_time_makes_estimates_sharp() -> None:
    """A cutoff is found to within a stratum: blocks anywhere would leave a third of the amount in doubt."""
    blocks = draw_blocks([BLOCK * BLOCKS], DRAWN * BLOCK, 0, draw(1))
    sampled = Sampled([each.weight for each in blocks], [BLOCK] * DRAWN, BLOCKS, BLOCK * BLOCKS)
    seen = {place: float(BLOCK) for place, each in enumerate(blocks) if each.start < 7_777 * BLOCK}
    low, _, high = Estimator.of(sampled).moments(seen, BYTES).interval()
    assert 0 < high - low < 0.05 * 7_777 * BLOCK


def test_what_was_not_seen_may_be_there() -> None:
    """Nothing in a sample is not nothing in the log; of all blocks it is."""
    part = Estimator.of(Sampled([100] * DRAWN, [BLOCK] * DRAWN, BLOCKS, BLOCK * BLOCKS))
    low, value, high = part.moments({}, BYTES).interval()
    assert (low, value) == (0, 0)
    assert 2 * BLOCK * BLOCKS / DRAWN < high < 5 * BLOCK * BLOCKS / DRAWN
    whole = Estimator.of(Sampled([1] * DRAWN, [BLOCK] * DRAWN, DRAWN, BLOCK * DRAWN))
    assert whole.moments({}, BYTES).interval() == (0, 0, 0)
    assert whole.moments({3: 70.0, 5: 7.0}, BYTES).interval() == (77, 77, 77)


def test_an_interval_has_what_was_seen_and_no_more_than_there_is() -> None:
    """Neither end is impossible."""
    almost = Estimator.of(Sampled([2] * 10, [BLOCK] * 10, 20, BLOCK * 20))
    low, _, high = almost.moments({0: BLOCK}, BYTES).interval()
    assert (low, high <= 11 * BLOCK) == (BLOCK, True)
    low, _, high = almost.moments(dict.fromkeys(range(9), float(BLOCK)), BYTES).interval()
    assert (low >= 9 * BLOCK, high) == (True, 19 * BLOCK)


def test_samples_of_their_own_add_up() -> None:
    """Their variances do, too; and so do figures of one sample, each times its factor."""
    one, other = Moments(10.0, 9.0, 1.0, 1.0, 99.0), Moments(20.0, 16.0, 1.0, 2.0, 99.0)
    assert one.plus(other) == Moments(30.0, 25.0, 2.0, 3.0, 198.0)
    assert weighted_sum([({1: 2.0, 2: 1.0}, 10.0), ({2: 5.0}, 1.0)]) == {1: 20.0, 2: 15.0}
    both = interval(one, other)
    assert (both.records, both.bytes, both.is_exact) == (10.0, 20.0, False)
