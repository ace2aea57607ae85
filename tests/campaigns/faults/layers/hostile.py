"""Archives of hostile lines: torn, odd, at the edge of their retention. What stays has to be what the judge leaves.

A point is `SEED`, which makes an archive and a policy; in the table each line that is not blank is one. Every tenth
archive is read by the Python reader, the others by the one that the package chooses.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from functools import partial
from random import Random
from typing import TYPE_CHECKING
from unittest.mock import patch

import hostile
import judge
import strategies
import yaml
from fuzz.lines import NAMES, block, ordinary
from judge import DAY, SECOND, Definition

from faults.archive import NOW, Archive
from faults.oracle import Finding, read
from faults.victim import Ended, Victim

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from faults.campaign import Campaign, LayerResult

NAME = "hostile"
ARCHIVES, QUICK = 54, 3
SEGMENTS, LINES, FEW = 6, 500, 20  # of an archive; of a segment, at least; of one that goes as a whole
GONE = {"expired", "blank"}  # of these a segment that goes whole consists
INSTANT = judge.instant(NOW)

Segments = dict[str, bytes]


def run(campaign: Campaign) -> LayerResult:
    """Clean so many archives."""
    seen: Counter[str] = Counter()
    points = [f"{campaign.seed}.{number}" for number in range(QUICK if campaign.quick else ARCHIVES)]
    result = campaign.explore(NAME, points, partial(_check, campaign, seen))
    fates = ", ".join(f"{number:,} {fate}" for fate, number in seen.most_common())
    result.notes.append(f"{result.points} archives: {fates}")
    result.points = seen.total() - seen["blank"]
    return result


def _check(campaign: Campaign, seen: Counter[str], point: str) -> list[Finding]:
    random = Random(point)  # noqa: S311 - the same lines have to come again
    policy = random.choice((hostile.POLICY, _policy(random)))
    segments = {name: _segment(random, policy) for name in random.sample(strategies.SEGMENTS, SEGMENTS)}
    seen.update(judge.fate(line, policy, INSTANT) for content in segments.values() for line in judge.lines(content))
    archive = _laid(campaign, segments, policy)
    victim = Victim(archive, campaign.variant, random.choice((1, 4)), options=("--allow-delete-all",))
    with patch.dict(os.environ, {"ASYNCLOG_READER": "python"} if point.endswith("0") else {}):
        ended = victim.run()
    cleaned = read(archive.folder)
    left = {name: file.data for name, file in (cleaned.visible | cleaned.hidden).items()}
    found = [*_compared(left, segments, policy), *_counted(ended, segments, policy)]
    victim.run()
    if read(archive.folder) != cleaned:
        found.append(Finding("unfinished", "a second job changed the folder again"))
    return found


def _policy(random: Random) -> list[Definition]:
    """Rules for some versions, for names, for all others: any period, for ever, inactive."""
    names = [random.choice((*NAMES, "*")) for _ in range(8)]
    keys = {(name, None if name == "*" else random.choice((None, None, 1, 2, 17))) for name in names}
    days = (*strategies.DAYS, None)
    return [Definition(*key, random.choice(days), random.random() < 0.8) for key in sorted(keys, key=str)]


def _segment(random: Random, policy: Sequence[Definition]) -> bytes:
    """Lines of all kinds; in every third segment only such as go, so that it goes as a whole."""
    whole = random.random() < 1 / 3
    lines: list[bytes] = []
    while len(lines) < (FEW if whole else LINES):
        near = [_near_a_cutoff(random) for _ in range(random.randrange(40))]
        lines += [
            line + random.choice(strategies.ENDINGS)
            for line in (*near, *(line.text for line in block(random)))
            if not whole or judge.fate(line, policy, INSTANT) in GONE
        ]
    content = b"".join(lines)
    return content if random.random() < 0.5 else content.removesuffix(b"\n")


def _near_a_cutoff(random: Random) -> bytes:
    """Return a record that has expired just now, does so soon, or did long ago."""
    off = random.choice((0, 1, -1, SECOND, -SECOND, DAY, -DAY, random.randrange(-400 * DAY, 400 * DAY)))
    moment = INSTANT - random.choice(strategies.DAYS[:-1]) * DAY + off
    offset, digits = random.randrange(-1439, 1440), random.choice((9, 9, 9, 6, 3, 1, 0))
    timestamp = strategies.written(moment, offset, digits, random.choice(("Z", "z", "±:", "±")))
    return ordinary(random, timestamp=f'"{timestamp}"')


def _laid(campaign: Campaign, segments: Segments, policy: Sequence[Definition]) -> Archive:
    archive = Archive(campaign.folder(NAME) / "log")
    shutil.rmtree(archive.root, ignore_errors=True)
    archive.folder.mkdir(parents=True)
    for name, content in segments.items():
        (archive.folder / name).write_bytes(content)
    rules = [{key: value for key, value in rule._asdict().items() if value is not None} for rule in policy]
    archive.policy.write_text(yaml.safe_dump({"schemas": rules}))
    return archive


def _compared(left: Segments, segments: Segments, policy: Sequence[Definition]) -> Iterator[Finding]:
    """Compare the folder with what the judge leaves of it."""
    for name, content in segments.items():
        wanted, found = judge.left_of(content, policy, INSTANT), left.pop(name, None)
        if wanted == found:
            continue
        lost = Counter(judge.lines(wanted or b"")) - Counter(judge.lines(found or b""))
        more = Counter(judge.lines(found or b"")) - Counter(judge.lines(wanted or b""))
        yield from (Finding("lost", f"{name}: {line[:200]!r}") for line in lost)
        yield from (Finding("unfinished", f"{name}: {line[:200]!r}") for line in more)
        if not lost and not more:
            yield Finding("altered", f"{name} has other bytes")
    yield from (Finding("leftover", name) for name in left)


def _counted(ended: Ended, segments: Segments, policy: Sequence[Definition]) -> Iterator[Finding]:
    """Compare the report with the judge's counts."""
    if ended.status or ended.document is None:
        yield Finding("misreported", f"it ended with {ended.status}: {ended.errors[-300:]}")
        return
    result, wanted = ended.document["result"], judge.expected(segments.values(), policy, INSTANT)
    told = {**result["records"], **result["kept"], "deleted_per_schema": result["deleted_per_schema"]}
    for key, value in {**vars(wanted), "deleted": wanted.deleted_per_schema.total()}.items():
        if told[key] != value:
            yield Finding("misreported", f"{key} is {value}, and told is {told[key]}")
