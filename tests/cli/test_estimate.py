"""`asynclog estimate`: its figures are those of dry runs, now, later or under another policy, or bounds around them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
import strategies
from audit_log import entries, looks, record, write_log, write_policy
from command import NO_OVERRIDE, run
from hypothesis import given
from hypothesis import strategies as st
from judge import DAY, Definition, instant
from one_run import run_once
from real_log import SAMPLE, Log

from asynclog.cancellation import StopRequest
from asynclog.config.logs import resolve_logs
from asynclog.config.settings import Options
from asynclog.runner.estimate import estimate_log
from asynclog.timestamps import format_instant
from examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from strategies import Archive

NOW = "2026-11-24T13:37:00Z"
OLD, YOUNG = record(days=400), record(days=1)
NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--state", "state", "--now", NOW)
IN_DAYS = (0, 7, 30, 90)
LONG_AGO = 1_000_000_000 * 10**9  # ns; a segment that was written to just now is not in the catalog yet

quick = examples(20)
cases = given(
    archive=strategies.archives(),
    policy=strategies.policies(),
    now=st.sampled_from((*strategies.NOWS, NOW)),
)


class Asked(Log):
    """A log with a state folder, that estimates and dry runs are asked of."""

    def __init__(self, place: str, archive: Mapping[str, bytes], policy: Sequence[Definition]) -> None:
        super().__init__(place, archive, policy)
        self.options: Options = {"path": str(self.folder / "logs.jsonl"), "schemas": str(self.policy)}
        for path in entries(self.folder):
            os.utime(path, ns=(LONG_AGO, LONG_AGO))

    def estimate(self, *retention: str, now: str, state: str = "state", scan: bool = True) -> dict[str, Any]:
        options: Options = {**self.options, "now": now, "state": str(self.folder.parent / state)}
        answer = estimate_log(resolve_logs(options, {}), retention, StopRequest(), scan=scan)
        document = answer.document()
        assert document["status"] == "ok"
        result: dict[str, Any] = document["result"]
        return result

    def dry_run(self, now: str) -> dict[str, Any]:
        options: Options = {**self.options, "now": now, "no_catalog": True}
        result: dict[str, Any] = run_once(dry_run=True, **options).document()["result"]
        return result


@contextmanager
def asked(archive: Mapping[str, bytes], policy: Sequence[Definition]) -> Iterator[Asked]:
    with TemporaryDirectory(prefix="estimate-") as place:
        yield Asked(place, archive, policy)


def later(now: str, days: int) -> str:
    return format_instant(instant(now) + days * DAY)


def figures(prospects: Mapping[str, Any], totals: Mapping[str, Any], number: int) -> tuple[dict[str, int], int, int]:
    """Return what goes at one of the times, as a dry run tells it: per schema, all records, and bytes."""
    row = totals["frees"][number]
    per_schema = {key: prospect["frees"][number]["records"] for key, prospect in prospects.items()}
    return {key: records for key, records in per_schema.items() if records}, row["records"], row["bytes"]


def told(dry: Mapping[str, Any]) -> tuple[dict[str, int], int, int]:
    return dry["deleted_per_schema"], dry["records"]["deleted"], dry["bytes"]["freed"]


@quick
@cases
def test_a_forecast_is_the_dry_run_at_that_date(archive: Archive, policy: list[Definition], now: str) -> None:
    """Today's, too; read anew, and then from the catalog."""
    with asked(archive, policy) as log:
        dry = [told(log.dry_run(later(now, days))) for days in IN_DAYS]
        for _ in range(2):
            found = log.estimate(now=now)
            assert [figures(found["schemas"], found["totals"], number) for number in range(4)] == dry
            assert [row["at"] for row in found["totals"]["frees"]] == [later(now, days) for days in IN_DAYS]


@quick
@given(
    archive=strategies.archives(),
    policy=strategies.policies(),
    now=st.sampled_from((*strategies.NOWS, NOW)),
    name=st.sampled_from((*strategies.NAMES, *strategies.PATTERNS, "*")),
    days=st.sampled_from(("none", "0", "30", "91", "36h", "13w")),
)
def test_a_what_if_is_the_dry_run_under_that_policy(
    archive: Archive, policy: list[Definition], now: str, name: str, days: str
) -> None:
    """At every date, beside what today's policy does."""
    if name != "*":
        policy = [*policy, Definition(name, 99, None)]  # a name that nobody knows is refused
    changed = [rule for rule in policy if rule.schema_name != name]
    changed.append(
        Definition(name, None, int(days) if days.isdigit() else None, retention=days if days[-1] in "hw" else None)
    )
    with asked(archive, policy) as log:
        found = log.estimate(f"{name}={days}", now=now)
        plain = log.estimate(now=now)
        assert (found["schemas"], found["totals"]) == (plain["schemas"], plain["totals"])
        assert (plain["what_if"], plain["what_if_totals"]) == (None, None)
        log.set_policy(changed)
        for number, ahead in enumerate(IN_DAYS):
            what_if = figures(found["what_if"], found["what_if_totals"], number)
            assert what_if == told(log.dry_run(later(now, ahead)))


@quick
@cases
def test_without_a_scan_every_figure_lies_within_its_bounds(
    archive: Archive, policy: list[Definition], now: str
) -> None:
    """Where nothing is known yet, where an earlier job has scanned, and where it saw only a part."""
    names = sorted(archive)
    with asked(archive, policy) as log:
        exact = log.estimate(now=now, state="other")
        assert_within(log.estimate(now=now, scan=False), exact)
        moved = log.folder / names[0]
        moved.rename(log.folder.parent / "away")
        log.estimate(now=later(now, -400))
        (log.folder.parent / "away").rename(moved)
        assert_within(log.estimate(now=now, scan=False), exact)
        log.estimate(now=now)
        assert_within(log.estimate(now=now, scan=False), exact)


def assert_within(bounds: Mapping[str, Any], exact: Mapping[str, Any]) -> None:
    pairs = [(prospect, exact["schemas"][key]) for key, prospect in bounds["schemas"].items()]
    for wide, narrow in [*pairs, (bounds["totals"], exact["totals"])]:
        for figure in ("records", "bytes", "daily_records", "daily_bytes", "steady_bytes"):
            assert_between(wide, narrow, figure)
        for one, other in zip(wide["frees"], narrow["frees"], strict=True):
            assert_between(one, other, "records")
            assert_between(one, other, "bytes")


def assert_between(wide: Mapping[str, Any], narrow: Mapping[str, Any], figure: str) -> None:
    low, high, value = wide[f"{figure}_low"], wide[f"{figure}_high"], narrow[figure]
    assert f"{figure}_low" not in narrow
    if low is None or value is None:
        return
    assert low <= value <= high
    assert wide[figure] == (value if low == high else None)


def test_only_segments_with_a_cutoff_inside_a_day_are_read(tmp_path: Path) -> None:
    """After a scan nothing else is read, and each of these once for all dates and both policies."""
    write_policy(tmp_path)
    ages = {f"logs-2026{number:04}T000000.jsonl": record(days=number) * 5 for number in range(200)}
    write_log(tmp_path / "audit", ages)
    for path in entries(tmp_path / "audit"):
        os.utime(path, ns=(LONG_AGO, LONG_AGO))
    size = sum(map(len, ages.values()))
    at_noon = [*NAMED[:-1], "2026-11-24T12:00:00Z"]
    assert run("cleanup", "--dry-run", *at_noon, cwd=tmp_path).code == 0
    first = run("estimate", *at_noon, "--json", cwd=tmp_path).result
    assert first["read"] == {"bytes": 0, "of": size}, "each segment is of one instant, midnight"
    (tmp_path / "audit" / "logs-20260029T000000.jsonl").write_bytes(record(days=29.25) + record(days=29.75))
    os.utime(tmp_path / "audit" / "logs-20260029T000000.jsonl", ns=(LONG_AGO, LONG_AGO))
    assert run("cleanup", "--dry-run", *at_noon, cwd=tmp_path).code == 0
    other = run("estimate", *at_noon, "--retention", "app=29", "--json", cwd=tmp_path).result
    assert other["read"]["bytes"] == len(record(days=29.25) + record(days=29.75))
    bounds = run("estimate", *at_noon, "--retention", "app=29", "--no-scan", "--json", cwd=tmp_path).result
    now = bounds["schemas"]["app:1"]["frees"][0]
    assert (bounds["read"]["bytes"], bounds["unknown"]["segments"]) == (0, 0)
    assert (now["records"], now["records_low"] + 2) == (None, now["records_high"])
    assert other["what_if"]["app:1"]["frees"][0]["records"] == other["schemas"]["app:1"]["frees"][0]["records"] + 1


def test_the_sample_of_a_real_product(tmp_path: Path) -> None:
    """Estimated under its own registry, the figures are the dry run's at every date."""
    log = ("--path", str(SAMPLE / "logs-default.jsonl"), "--state", str(tmp_path))
    found = run("estimate", *log, "--now", NOW, "--retention", "debug_logs=60", "--json", cwd=tmp_path).result
    for number, days in enumerate(IN_DAYS):
        dry = run("cleanup", "-n", *log, "--now", later(NOW, days), "--json", cwd=tmp_path).result
        assert figures(found["schemas"], found["totals"], number) == told(dry)
    assert found["what_if"]["debug_logs:1"]["retention_days"] == 60
    assert found["schemas"]["debug_logs:1"]["retention_days"] == 30


@pytest.fixture
def log(tmp_path: Path) -> Path:
    write_policy(tmp_path, "schema_name: app, retention_days: 30", "schema_name: legal, retention_days: null")
    write_log(
        tmp_path / "audit",
        {
            "logs-20250101T000000.jsonl": [OLD, YOUNG, record("legal", days=2), b"torn {\n"],
            "logs-20250102T000000.jsonl.gz": b"\x1f\x8b",
            "logs.jsonl": [YOUNG],
        },
    )
    return tmp_path


def test_the_document(log: Path) -> None:
    """Each schema, all together, and what is in no figure; nothing of the log is changed."""
    before = looks(log / "audit")
    done = run("estimate", *NAMED, "--json", cwd=log)
    result = done.result
    size = len(OLD)
    assert looks(log / "audit") == before
    assert (done.code, result["status"], result["now"]) == (0, "success", NOW)
    assert result["log"] == str(log / "audit/logs.jsonl")
    assert list(result["schemas"]) == ["app:1", "legal:1"]
    app = result["schemas"]["app:1"]
    assert (app["records"], app["retention_days"]) == (3, 30)
    assert (app["oldest"], app["newest"]) == ("2025-10-20T00:00:00Z", "2026-11-23T00:00:00Z")
    assert app["daily_records"] == round(2 / 30, 3)
    assert app["steady_bytes"] == round(2 * len(YOUNG))
    assert [(row["in_days"], row["records"]) for row in app["frees"]] == [(0, 1), (7, 1), (30, 3), (90, 3)]
    assert app["frees"][0] == {"in_days": 0, "at": NOW, "records": 1, "bytes": size}
    legal = result["schemas"]["legal:1"]
    assert (legal["retention_days"], legal["steady_bytes"], legal["frees"][3]["records"]) == (None, None, 0)
    assert (result["totals"]["records"], result["totals"]["steady_bytes"]) == (4, None)
    assert list(result["unread"]) == ["logs-20250102T000000.jsonl.gz"]
    assert result["errors"] == []


def test_the_text_is_a_table_with_the_what_if_beside(log: Path) -> None:
    """For people; with bounds where nothing may be read."""
    done = run("estimate", *NAMED, "--retention", "app=500", cwd=log)
    lines = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert lines[0] == f"A cleanup now would delete 1 record ({len(OLD)} bytes)"
    assert any(line.split()[:3] == ["app:1", "30", "days"] for line in lines)
    assert any(line.split()[:4] == ["what", "if", "500", "days"] for line in lines)
    assert "logs-20250102T000000.jsonl.gz" in done.out
    bounded = run("estimate", *NAMED, "--no-scan", "--no-catalog", cwd=log).out
    assert "0 to" in bounded
    assert "3 segments" in bounded


def test_what_can_not_be_read_is_an_error_and_in_no_figure(log: Path) -> None:
    """Exit 3, with the figures of the rest."""
    (log / "audit/logs.jsonl").chmod(0)
    done = run("estimate", *NAMED, "--json", cwd=log, before=NO_OVERRIDE)
    assert (done.code, done.result["status"]) == (3, "partial")
    assert "logs.jsonl" in done.document["error"]
    assert done.result["schemas"]["app:1"]["records"] == 2


@pytest.mark.parametrize("words", [("--retention", "app"), ("--retention", "app=-1"), ("--now", "noon"), ("--nope",)])
def test_usage_errors(log: Path, words: tuple[str, ...]) -> None:
    """Exit 2, with a sentence."""
    done = run("estimate", *NAMED, *words, "--json", cwd=log)
    assert done.code == 2
    assert done.error


def test_a_log_that_is_not_there_yet_has_nothing_to_estimate(tmp_path: Path) -> None:
    """From a configuration; and so has one that is switched off."""
    for audit, status in (("path: audit/logs.jsonl", "success"), ("enabled: false", "skipped")):
        (tmp_path / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles: {{default: {{audit: {{{audit}}}}}}}\n")
        done = run("estimate", "--json", cwd=tmp_path)
        assert (done.code, done.result["status"], done.result["totals"]) == (0, status, None)


@pytest.mark.parametrize("command", ["check", "estimate", "explain", "cleanup"])
def test_more_days_than_64_bits_hold_are_days_too(log: Path, command: str) -> None:
    """Whoever prints them, as JSON or as text."""
    write_policy(log, f"schema_name: app, retention_days: {10**60}")
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml")
    done = run(command, *named, "--json", cwd=log)
    assert (done.code, done.document["status"]) == (0, "ok")
    if command in {"check", "estimate"}:
        assert done.result["schemas"]["app:1"]["retention_days"] == 10**60
    assert run(command, *named, cwd=log).code == 0
