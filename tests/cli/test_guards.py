"""The guard against a wrong clock and a mistyped period: what it refuses, what it lets pass, and what it says."""

from __future__ import annotations

import json
import os
import re
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import judge
import pytest
from audit_log import looks, record, write_log, write_policy
from command import NOW, Done, cleanup, run
from one_run import plan_once

from asynclog.plan.decide import decide, make_plan
from asynclog.plan.guards import Guard, guard_violation
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy, Rule
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint
from asynclog.statistics import DayStats, SchemaStats, SegmentStats
from asynclog.timestamps import DAY, FIRST_PLAUSIBLE, format_instant, parse_instant
from examples import share

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MIDNIGHT = FIRST_PLAUSIBLE + 10_000 * DAY
NOON = MIDNIGHT + DAY // 2
DAYS = 30
POLICY = Policy(
    {SchemaKey(name, 1): Rule(retention=DAYS * DAY, where="policy:1") for name in ("app", "web")}
    | {SchemaKey("legal", 1): Rule(retention=None)}
)
FIRST = "logs-20250101T000000.jsonl"


class Held(NamedTuple):
    """So many records of a schema that expire, or expired, so many days ago; negative where they have yet to."""

    days: float
    records: int
    schema: str = "app"


def census(*held: Held, now: int, name: str = "s", future: int = 0, dated: bool = True) -> SegmentStats:
    """Return what a scan at `now` would find of a segment that holds this."""
    counts = []
    for schema in sorted({each.schema for each in held}):
        records = [(now - int((each.days + DAYS) * DAY), each.records) for each in held if each.schema == schema]
        expired = 0 if schema == "legal" else sum(many for at, many in records if at < now - DAYS * DAY)
        days = [
            DayStats(day, sum(many for at, many in records if at // DAY == day), 1)
            for day in sorted({at // DAY for at, _ in records})
        ]
        total = sum(many for _, many in records) + future
        oldest, newest = min(records)[0], max(records)[0]
        counts.append(
            SchemaStats(
                SchemaKey(schema, 1),
                total,
                total,
                oldest,
                newest,
                expired,
                expired,
                future,
                0,
                None,
                tuple(days) if dated else None,
            )
        )
    return SegmentStats(name, Fingerprint(1, 2, sum(count.bytes for count in counts), 3, 4), tuple(counts))


def asked(
    *segments: SegmentStats,
    now: int = MIDNIGHT,
    guard: Guard | None = None,
    allowed: float | None = None,
    complete: bool = True,
) -> str:
    """Return the guard's sentence about a cleanup of these segments."""
    cutoffs = Cutoffs(POLICY, now)
    plan = make_plan([decide(each, cutoffs) for each in segments], cutoffs)
    return guard_violation(plan, POLICY, guard or Guard(), allowed=allowed, complete=complete)


FRESH = Held(-20, 3)
A_MONTH = [Held(-day, 100) for day in range(1, 31)]


@pytest.mark.parametrize(
    ("held", "refused"),
    [
        pytest.param([Held(20, 2000), FRESH], True, id="a clock that is ahead"),
        pytest.param([Held(day, 100) for day in range(300)] + A_MONTH, True, id="the first cleanup of an old archive"),
        pytest.param([Held(0.5, 100), *A_MONTH], False, id="an ordinary night"),
        pytest.param([Held(0.5, 5000), FRESH], False, id="a night of a period of hours"),
        pytest.param([Held(0.5, 2000, "web"), *A_MONTH], False, id="a retired schema's last day"),
        pytest.param([Held(2.9, 5000), FRESH], False, id="the night after a long weekend"),
        pytest.param([Held(3, 5000), FRESH], False, id="three days and not more"),
        pytest.param([Held(3.001, 5000), FRESH], True, id="more than three days"),
        pytest.param([Held(9, 1001), Held(-1, 1001)], False, id="just half of it"),
        pytest.param([Held(9, 1001), Held(-1, 1000)], True, id="more than half of it"),
        pytest.param([Held(9, 999), FRESH], False, id="not a thousand"),
        pytest.param([Held(9, 1000), FRESH], True, id="a thousand"),
        pytest.param([Held(9, 1000, "web"), FRESH, Held(-1, 9000)], True, id="most of one schema"),
        pytest.param([Held(9, 999, "web"), FRESH, Held(-1, 9000)], False, id="most of a small schema"),
        pytest.param([Held(9, 600, "web"), Held(9, 600), FRESH], True, id="a thousand of the log, not of a schema"),
        pytest.param([Held(9, 2000), FRESH, Held(9, 9000, "legal")], True, id="what no period governs does not count"),
        pytest.param([Held(0.5, 1000)], True, id="all that there is, since last night"),
        pytest.param([Held(0.5, 999)], False, id="all of less than a thousand"),
    ],
)
def test_the_default_guard_asks_about_what_expired_long_ago(held: list[Held], refused: bool) -> None:
    """It refuses a wrong clock and an old archive, and no night that the job has worked towards."""
    assert bool(asked(census(*held, now=MIDNIGHT))) == refused
    assert bool(asked(*(census(each, now=MIDNIGHT, name=f"s{n}") for n, each in enumerate(held)))) == refused


def test_records_of_the_future_hide_nothing() -> None:
    """They are not governed, neither for the share nor for all that there is."""
    assert asked(census(Held(9, 2000), FRESH, now=MIDNIGHT, future=5000))
    assert asked(census(Held(0.5, 1000), now=MIDNIGHT, future=5000))


@pytest.mark.parametrize(
    ("held", "dated", "refused"),
    [
        pytest.param([Held(3.2, 5000), FRESH], True, False, id="the day that three days ago falls into is not counted"),
        pytest.param([Held(3.2, 5000)], True, True, id="but where all of it is older"),
        pytest.param([Held(4, 5000), FRESH], True, True, id="the day before it is"),
        pytest.param([Held(3.2, 5000), FRESH], False, True, id="of days that are not known all counts"),
        pytest.param([Held(3, 5000), FRESH], False, False, id="unless none is so old"),
    ],
)
def test_a_day_that_cannot_be_split_decides_for_the_night(held: list[Held], dated: bool, refused: bool) -> None:
    """At noon; a census knows its records by the day."""
    more = census(*A_MONTH, now=NOON, name="young")
    assert bool(asked(census(*held, now=NOON, dated=dated), more, now=NOON)) == refused


def test_the_sentence_says_all_that_there_is_to_decide_by() -> None:
    """Share, schema, since when, the clock, and both ways on; the limit that it names is just enough."""
    held = census(Held(9, 2000, "web"), Held(-1, 700, "web"), Held(-1, 9000), now=MIDNIGHT)
    said = asked(held)
    clock, since = format_instant(MIDNIGHT), format_instant(MIDNIGHT - 9 * DAY)
    for words in (
        "2,000 of the 2,700 records of web:1 (74.0 %)",
        since,
        clock,
        "--allow-delete-percent 75,",
        "--allow-delete-all",
    ):
        assert words in said
    assert asked(held, allowed=75) == ""
    assert asked(held, allowed=74)
    many = asked(census(Held(9, 900, "web"), Held(9, 1100), FRESH, now=MIDNIGHT))
    assert "2,000 of the 2,003 records that a retention rule governs (99.8 %)" in many
    assert "most of them app:1" in many


def test_max_delete_percent_replaces_the_default() -> None:
    """It asks about all that would go, from the first record on, and about no single schema; 100 switches it off."""
    assert asked(census(Held(0.5, 6), Held(-1, 5), now=MIDNIGHT), guard=Guard(max_delete_percent=50))
    assert asked(census(Held(0.5, 5), Held(-1, 5), now=MIDNIGHT), guard=Guard(max_delete_percent=50)) == ""
    assert asked(census(Held(9, 2000, "web"), Held(-1, 9000), now=MIDNIGHT), guard=Guard(max_delete_percent=50)) == ""
    assert asked(census(Held(9, 2000), now=MIDNIGHT), guard=Guard(max_delete_percent=100)) == ""
    said = asked(census(Held(9, 1), Held(-1, 1), now=MIDNIGHT), guard=Guard(max_delete_percent=49))
    assert "1 of the 2 records that a retention rule governs (50.0 %)" in said
    assert "guard.max_delete_percent is 49" in said
    assert "--allow-delete-percent 50," in said


def test_a_short_period_is_refused_by_its_rule() -> None:
    """Where there is something to delete; no permission to delete much is one to delete early."""
    guard = Guard(min_retention_days=31)
    assert asked(census(Held(9, 1), FRESH, now=MIDNIGHT), guard=guard, allowed=100).startswith(
        "policy:1: retention_days 30 is less"
    )
    assert asked(census(Held(9, 1), FRESH, now=MIDNIGHT), guard=Guard(min_retention_days=30)) == ""
    assert asked(census(FRESH, now=MIDNIGHT), guard=guard) == ""


def test_what_is_not_known_in_full_is_never_to_be_forced() -> None:
    """A job that was cut short suggests no flag."""
    for guard in (None, Guard(max_delete_percent=10)):
        said = asked(census(Held(9, 2000), FRESH, now=MIDNIGHT), guard=guard, complete=False)
        assert "so far" in said
        assert "--" not in said


# ---- the slow judge


@pytest.mark.parametrize("seed", range(share(12)))
async def test_the_guard_asks_where_the_slow_judge_would(tmp_path: Path, seed: int) -> None:
    """To the record where the time is midnight; else the judge has asked, and would for those of a day longer ago."""
    chance = Random(seed)  # noqa: S311 - the same archives every time
    now = (parse_instant(NOW) or 0) + (0 if seed % 2 else chance.randrange(DAY))
    rules = [judge.Definition(name, None, days) for name, days in (("app", 30), ("web", 7), ("legal", None))]
    write_policy(
        tmp_path,
        *(f"schema_name: {rule.schema_name}, retention_days: {json.dumps(rule.retention_days)}" for rule in rules),
    )
    segments = [b"".join(_lines(chance, now)) for _ in range(3)]
    names = (FIRST, "logs-20250102T000000.jsonl", "logs.jsonl")
    log = write_log(tmp_path / "audit", dict(zip(names, segments, strict=True)))
    plan = await plan_once(
        path=str(log), schemas=str(tmp_path / "schemas.yaml"), now=format_instant(now), no_catalog=True
    )
    if now % DAY == 0:
        assert bool(plan.refusal) == judge.needs_asking(segments, rules, now)
    else:
        assert (
            judge.needs_asking(segments, rules, now, 4)
            <= bool(plan.refusal)
            <= judge.needs_asking(segments, rules, now)
        )


def _lines(chance: Random, now: int) -> Iterable[bytes]:
    """Yield records around the moments that decide, mostly of one schema."""
    busy = chance.choice(("app", "web"))
    least, most = chance.choice((1, 2, 5)), chance.choice((4, 7, 9, 30))
    for _ in range(chance.choice((300, 700, 1500))):
        name = busy if chance.random() < 0.8 else chance.choice(("app", "web", "legal", "nobody"))
        days = {"app": 30, "web": 7}.get(name, 30) + chance.uniform(-least, most)
        line = {"schema_name": name, "timestamp": format_instant(now - int(days * DAY))}
        yield json.dumps(line).encode() + b"\n"


# ---- the command


def old_archive(folder: Path) -> Path:
    """2,000 records that expired long ago, and three of today: what a jump of the clock looks like."""
    write_policy(folder)
    write_log(
        folder / "audit", {FIRST: [record(days=40 + n / 1000) for n in range(2000)], "logs.jsonl": [record(days=1)] * 3}
    )
    return folder


def test_one_fresh_record_does_not_defeat_the_guard(tmp_path: Path) -> None:
    """Exit 5, and nothing is touched; the limit that the sentence names is enough, and less is not."""
    before = looks(old_archive(tmp_path))
    dry, real = cleanup(tmp_path, "-n"), cleanup(tmp_path)
    assert (dry.code, dry.result["records"]["deleted"], real.code) == (0, 2000, 5)
    assert real.error == dry.result["refusal"]
    assert "2,000 of the 2,003 records" in real.error
    assert looks(tmp_path) == before
    (percent,) = re.findall(r"--allow-delete-percent (\d+)", real.error)
    assert cleanup(tmp_path, "--allow-delete-percent", str(int(percent) - 1)).code == 5
    assert looks(tmp_path) == before
    assert cleanup(tmp_path, "--allow-delete-percent", percent).result["records"]["deleted"] == 2000


def test_a_dry_run_in_words_says_what_would_be_refused(tmp_path: Path) -> None:
    """For people, with the exit code; the conditional all through."""
    said = run(
        "cleanup",
        "-n",
        "--path",
        "audit/logs.jsonl",
        "--schemas",
        "schemas.yaml",
        "--now",
        NOW,
        cwd=old_archive(tmp_path),
    )
    assert said.code == 0
    assert said.out.startswith("Would delete 2,000 records (would free ")
    assert "\nRefused: a real run would end with exit 5: 2,000 of the 2,003 records" in said.out


def test_a_plan_is_weighed_when_it_is_carried_out(tmp_path: Path) -> None:
    """`apply` refuses what a cleanup would, and has the same way on."""
    old_archive(tmp_path)
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW, "--json")
    assert run("cleanup", "-n", *named, "--plan-out", "plan.json", cwd=tmp_path).code == 0
    refused = run("apply", "plan.json", *named, cwd=tmp_path)
    assert (refused.code, "--allow-delete-percent 100," in refused.error) == (5, True)
    assert (
        run("apply", "plan.json", *named, "--allow-delete-percent", "100", cwd=tmp_path).result["records"]["deleted"]
        == 2000
    )


def cut_short(folder: Path, *words: str) -> Done:
    """Run a cleanup whose time is up at once: it knows what the catalog knows, which is the old archive."""
    old_archive(folder)
    for path in (folder / "audit").iterdir():
        os.utime(path, (1e9, 1e9))
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW, "--state", "state")
    assert run("cleanup", "-n", *named, cwd=folder).code == 0
    write_log(folder / "audit", {f"logs-2026010{n}T000000.jsonl": record(days=1) for n in range(1, 5)})
    before = looks(folder / "audit")
    done = run("cleanup", *named, "--max-runtime", "0s", *words, cwd=folder)
    assert looks(folder / "audit") == before
    return done


def test_a_run_that_was_cut_short_suggests_no_flag(tmp_path: Path) -> None:
    """It deletes nothing, says once how far it came, and is no failure; the next one goes on."""
    said = cut_short(tmp_path)
    assert said.code == 0
    assert re.search(r"^Stopped after [0-9.]+s: 2 of 6 segments read; the next job goes on$", said.out, re.MULTILINE)
    assert re.search(r"^Refused: of what is known so far, 2,000 of the 2,003 records", said.out, re.MULTILINE)
    assert said.out.count("the next job goes on") == 1
    assert "Skipped" not in said.out
    assert "--allow" not in said.out + said.err
    assert "exit 5" not in said.out
    assert cleanup(tmp_path).code == 5


def test_the_document_of_a_run_that_was_cut_short(tmp_path: Path) -> None:
    """Each segment has its reason there, and the refusal is told."""
    done = cut_short(tmp_path, "--json")
    assert (done.code, done.result["stopped"], done.result["records"]["deleted"]) == (0, "max-runtime", 0)
    assert done.result["refusal"].startswith("of what is known so far, ")
    assert [row["reason"] for row in done.actions.values()].count("the job was stopped before it was read") == 4


def test_a_run_without_time_that_knows_everything_is_refused(tmp_path: Path) -> None:
    """There is nothing that the next one could know better: exit 5, with the way on."""
    old_archive(tmp_path)
    for path in (tmp_path / "audit").iterdir():
        os.utime(path, (1e9, 1e9))
    assert cleanup(tmp_path, "-n", "--state", "state").code == 0
    assert "--allow-delete-percent 100," in cleanup(tmp_path, "--state", "state", "--max-runtime", "0s").error
