"""`max_bytes` and `min_free`: what goes early, what never does, and what every command says about it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import looks, record, write_log, write_policy
from command import NOW, Done, run
from one_run import run_once
from packing import packed

from asynclog.actions import Action, Plan
from asynclog.plan.budget import Budget
from asynclog.plan.budget_drops import BudgetTerms, within_budget
from asynclog.plan.ordering import execution_order
from asynclog.policy.rules import Policy, Rule
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint, Space
from asynclog.statistics import SchemaStats, SegmentStats
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.naming import SegmentNaming
from asynclog.timestamps import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

A, B, C, D, BASE = (*(f"logs-2026110{number}T000000.jsonl" for number in range(1, 5)), "logs.jsonl")
SIZE = len(record(days=9))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make four segments of ten young records each, the first of which is the oldest, and an active one of one."""
    write_policy(tmp_path)
    names = {name: record(days=days) * 10 for name, days in zip((A, B, C, D), (9, 8, 7, 6), strict=True)}
    write_log(tmp_path / "audit", {**names, BASE: record(days=1)})
    configure(tmp_path, f"max_bytes: {25 * SIZE}B")
    return tmp_path


def put(folder: Path, segments: dict[str, bytes]) -> None:
    """Write segments, and then to the active one."""
    write_log(folder / "audit", segments)
    touch(folder, BASE)


def touch(folder: Path, name: str) -> None:
    """Have a segment changed last: later than the clock of the file system, which stands still for milliseconds."""
    os.utime(folder / "audit" / name, (time.time() + 1,) * 2)


def configure(folder: Path, *keys: str) -> None:
    """Write the configuration, with these keys of the profile."""
    audit = "audit: {path: audit/logs.jsonl, schemas: schemas.yaml}"
    text = "".join(f"    {key}\n" for key in (audit, *keys))
    (folder / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles:\n  default:\n{text}")


def cleanup(folder: Path, *words: str, **options: Any) -> Done:
    """Clean up with the configuration."""
    return run("cleanup", "--now", NOW, "--json", *words, cwd=folder, **options)


def apply(folder: Path, *words: str) -> Done:
    """Carry the plan out."""
    return run("apply", "plan.json", "--now", NOW, "--json", *words, cwd=folder)


def names(folder: Path) -> set[str]:
    """Return the segments that are there."""
    return {path.name for path in (folder / "audit").glob("logs*")}


# What goes.


@pytest.mark.parametrize("reader", ["native", "python"])
@pytest.mark.parametrize("words", [(), ("--double-check",), ("--no-catalog",)], ids=str)
def test_the_oldest_segments_go_whole_until_the_log_is_within_its_budget(
    log: Path, reader: str, words: tuple[str, ...]
) -> None:
    """A dry run says so first; the report counts them apart, and the next run is idle."""
    env = {"ASYNCLOG_READER": reader}
    before = looks(log / "audit")
    dry = cleanup(log, "-n", *words, env=env)
    assert looks(log / "audit") == before
    done = cleanup(log, *words, env=env)
    assert (done.code, names(log)) == (0, {C, D, BASE})
    for each in (dry.result, done.result):
        assert (each["deleted_per_schema"], each["deleted_by_budget"]) == ({"app:1": 20}, {"app:1": 20})
        assert each["records"] == {"scanned": 41, "deleted": 20, "kept": 21}
        assert each["budget"] == {"max_bytes": 25 * SIZE, "min_free": None, "bytes_over": 0}
        assert (each["bytes"]["freed"], each["overdue"]["records"], each["warnings"]) == (20 * SIZE, {}, [])
    assert done.actions[A]["reason"] == (
        "the log is over its budget: it goes whole, with 10 records that have not expired"
    )
    before = looks(log / "audit")
    assert cleanup(log, *words, env=env).result["records"]["deleted"] == 0
    assert looks(log / "audit") == before


def test_age_comes_first(log: Path) -> None:
    """What has expired goes by its age, and the budget asks for what is missing then, of a segment with both, too."""
    put(log, {A: record(days=40) * 10, B: record(days=40) * 5 + record(days=8) * 5})
    configure(log, f"max_bytes: {26 * SIZE}B")
    assert cleanup(log, "-n").result["deleted_by_budget"] == {}
    configure(log, f"max_bytes: {25 * SIZE}B")
    done = cleanup(log)
    assert (done.result["deleted_per_schema"], done.result["deleted_by_budget"]) == ({"app:1": 20}, {"app:1": 5})
    assert (done.actions[B]["action"], done.result["overdue"]["records"]) == ("drop", {})
    assert names(log) == {C, D, BASE}


def test_the_newest_record_of_a_segment_says_how_old_it_is(log: Path) -> None:
    """Not the segment's name."""
    put(log, {A: record(days=9) * 9 + record(days=2)})
    assert cleanup(log).code == 0
    assert names(log) == {A, D, BASE}


def test_a_segment_that_waits_for_its_rewrite_may_go(log: Path) -> None:
    """`rewrite: never` is about rewriting."""
    put(log, {A: record(days=40) + record(days=9) * 9})
    configure(log, "rewrite: never", f"max_bytes: {25 * SIZE}B")
    assert cleanup(log).result["deleted_by_budget"] == {"app:1": 19}
    assert names(log) == {C, D, BASE}


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_packed_segments_count_as_they_are_on_the_disk(log: Path, suffix: str) -> None:
    """And go as plain ones do."""
    for name in (A, B, C, D):
        content = (log / "audit" / name).read_bytes()
        (log / "audit" / name).unlink()
        (log / "audit" / (name + suffix)).write_bytes(packed(name + suffix, content * 100))
    on_disk = sum((log / "audit" / name).stat().st_size for name in names(log))
    configure(log, f"max_bytes: {on_disk}B")
    assert cleanup(log, "--allow-delete-all").result["records"]["deleted"] == 0
    configure(log, f"max_bytes: {on_disk - 1}B")
    assert cleanup(log, "--allow-delete-all").result["deleted_by_budget"] == {"app:1": 1000}
    assert names(log) == {*(name + suffix for name in (B, C, D)), BASE}


@pytest.mark.parametrize(("percent", "left"), [("0.001%", {A, B, C, D, BASE}), ("99.999%", {BASE})])
def test_min_free_asks_the_file_system(log: Path, percent: str, left: set[str]) -> None:
    """One that is never short of it, and one that always is."""
    configure(log, f"min_free: {percent}")
    result = cleanup(log).result
    assert names(log) == left
    assert (result["budget"]["bytes_over"] > 0) == (left == {BASE})
    assert any("kept to its budget (min_free 99.999%)" in each for each in result["warnings"]) == (left == {BASE})


PAGE = 4096  # bytes, of which a file on a tmpfs takes whole ones


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 100 pages."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    options = f"size={100 * PAGE},mode=755"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", tmp_path], check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.parametrize("words", [(), ("--all-profiles",)])
def test_min_free_of_many_logs_counts_what_those_before_would_free(small_disk: Path, words: tuple[str, ...]) -> None:
    """So that the dry run and the estimate say what the run does: the first log makes the room."""

    def result(*command: str) -> dict[str, Any]:
        done = run(*command, "--now", NOW, "--json", cwd=small_disk)
        assert done.code == 0
        return done.result

    write_policy(small_disk)
    for name in "xyz":
        older, old, young = (record(days=days, text="x" * 3900) for days in (9, 8, 1))  # each takes about a page
        write_log(small_disk / name, {A: older * 10, B: old * 10, BASE: young})
    paths = dict(zip("xyz", ("x", "y", "z"), strict=True)) if words else {"default": "*"}
    profiles = "".join(
        f'  {name}: {{audit: {{path: "{path}/logs.jsonl", schemas: schemas.yaml}}, min_free: 50%}}\n'
        for name, path in paths.items()
    )
    (small_disk / "asynclog.yaml").write_text(f"profiles:\n{profiles}")
    if not words:
        assert result("estimate")["budget"]["records"] == 20
    dry = result("cleanup", "--dry-run", *words)
    wet = result("cleanup", *words)
    for key in ("records", "segments", "deleted_by_budget"):
        assert dry[key] == wet[key], key
    assert wet["deleted_by_budget"] == {"app:1": 20}


# What stays.


def test_a_time_of_change_in_the_future_takes_nobodys_place(log: Path) -> None:
    """The segment that was changed last by a right clock may be the one that is written to."""
    day, now = 86_400, datetime.fromisoformat(NOW).timestamp()
    for name, days in ((A, 2), (B, -400), (C, 3), (D, 4), (BASE, 5)):
        os.utime(log / "audit" / name, (now - days * day,) * 2)
    configure(log, "max_bytes: 1B")
    cleanup(log, "--allow-delete-all")
    assert names(log) == {A, B, BASE}


def make_torn(folder: Path) -> None:
    put(folder, {A: record(days=9) * 9 + b'{"torn\n'})


def make_ungoverned(folder: Path) -> None:
    put(folder, {A: record(days=9) * 9 + record("other", days=9)})


def make_kept_for_ever(folder: Path) -> None:
    write_policy(folder, "schema_name: app, retention_days: 30", "schema_name: legal, retention_days: null")
    put(folder, {A: record(days=9) * 9 + record("legal", days=9)})


def make_switched_off(folder: Path) -> None:
    rules = ("schema_name: app, retention_days: 30", "schema_name: muted, retention_days: 30, active: false")
    write_policy(folder, *rules, 'schema_name: "*", retention_days: 30')
    put(folder, {A: record(days=9) * 9 + record("muted", days=9)})


def make_future(folder: Path) -> None:
    put(folder, {A: record(days=9) * 9 + record(days=-2)})


def test_a_record_of_tomorrow_goes_like_any_other(log: Path) -> None:
    """Up to 24 hours ahead clocks may differ: that very instant is not the future yet."""
    put(log, {A: record(days=9) * 9 + record(days=-1)})
    configure(log, "max_bytes: 1B")
    assert cleanup(log).result["deleted_by_budget"] == {"app:1": 40}
    assert names(log) == {BASE}


def make_implausible(folder: Path) -> None:
    put(folder, {A: record(days=9) * 9 + record(days=10_000)})


def make_document(folder: Path) -> None:
    put(folder, {A: b"[\n" + record(days=9) * 9})


def make_linked(folder: Path) -> None:
    (folder / "other").hardlink_to(folder / "audit" / A)


def make_damaged(folder: Path) -> None:
    (folder / "audit" / A).write_bytes(b"\x1f\x8b" + bytes(1000))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_torn, "it has unreadable lines"),
        (make_ungoverned, "it has records that are kept for ever or that no rule governs"),
        (make_kept_for_ever, "it has records that are kept for ever or that no rule governs"),
        (make_switched_off, "it has records that are kept for ever or that no rule governs"),
        (make_future, "it has records of a wrong clock"),
        (make_implausible, "it has records of a wrong clock"),
        (make_document, "it could not be judged"),
        (make_damaged, "it could not be judged"),
        (make_linked, "it has 2 hard links"),
    ],
)
def test_what_may_never_go_stays_and_the_warning_says_why(log: Path, make: Callable[[Path], None], reason: str) -> None:
    """However far the log is over its budget; nor does the active segment go."""
    make(log)
    touch(log, BASE)
    content = (log / "audit" / A).read_bytes()
    configure(log, "max_bytes: 1B")
    done = cleanup(log)
    assert (done.code, names(log), (log / "audit" / A).read_bytes()) == (0, {A, BASE}, content)
    (warning,) = (each for each in done.result["warnings"] if "kept to its budget" in each)
    assert "more would have to go, but 2 segments may go by their age only: " in warning
    assert reason in warning
    assert "it is the newest, or the one that is written to (1)" in warning


def test_the_last_that_was_written_to_counts_as_the_newest(log: Path) -> None:
    """Whatever its name says; an empty segment does not, for then nothing would be left."""
    (log / "audit" / BASE).write_bytes(b"")
    touch(log, A)
    configure(log, "max_bytes: 1B")
    cleanup(log)
    assert names(log) == {A, D, BASE}


def test_a_segment_that_a_writer_has_open_stays(log: Path) -> None:
    """It is skipped, its records are kept, and the next run takes it."""
    with (log / "audit" / A).open("ab"):
        done = cleanup(log)
    assert (done.code, done.actions[A]["outcome"], names(log)) == (0, "skipped", {A, C, D, BASE})
    assert done.result["records"] == {"scanned": 41, "deleted": 10, "kept": 31}
    assert (done.result["deleted_by_budget"], done.result["budget"]["bytes_over"]) == ({"app:1": 10}, 6 * SIZE)
    cleanup(log)
    assert names(log) == {C, D, BASE}


def test_nothing_goes_early_while_not_all_is_known(log: Path) -> None:
    """What has not been read may be older than what the catalog knows. With more time the next run goes on."""
    for name in names(log):
        os.utime(log / "audit" / name, (time.time() - 3600,) * 2)
    cleanup(log, "-n")
    write_log(log / "audit", {"logs-20261020T000000.jsonl": record(days=20) * 10})
    done = cleanup(log, "--max-runtime", "0s")
    assert (done.code, done.result["deleted_by_budget"], len(names(log))) == (0, {}, 6)
    assert done.result["catalog"]["hits"] == 5
    assert any("once all segments have been read" in each for each in done.result["warnings"])


# What is judged is what goes.


OTHER = record("zzz", days=9)
YOUNGER = record(days=3)
TORN = b"{" + record(days=9)[1:-2] + b" \n"


@pytest.mark.parametrize("line", [OTHER, YOUNGER, TORN, b"x" * (SIZE - 1) + b"\n"])
@pytest.mark.parametrize("step", ["is_free", "lease"], ids=["before it is judged again", "after"])
@pytest.mark.parametrize("double_check", [False, True])
def test_what_has_changed_in_place_since_the_plan_stays(log: Path, line: bytes, step: str, double_check: bool) -> None:
    """Even if neither size nor time tell: each line is judged again, and proven when nobody can write."""
    path = log / "audit" / A
    assert len(line) == SIZE

    class Changed(LogDirectory):
        """Change the segment once it has come so far."""

        def change(self, descriptor: int) -> None:
            if os.fstat(descriptor).st_ino == path.stat().st_ino and line not in path.read_bytes():
                status = path.stat()
                with path.open("r+b") as file:
                    file.seek(SIZE)
                    file.write(line)
                os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

        def is_free(self, descriptor: int) -> bool:
            if step == "is_free":
                self.change(descriptor)
            return super().is_free(descriptor)

        def lease(self, descriptor: int) -> bool:
            if step == "lease":
                self.change(descriptor)
            return super().lease(descriptor)

    config = str(log / "asynclog.yaml")
    result = run_once(directory=Changed, config=config, now=NOW, double_check=double_check).result
    assert {row.segment: (row.outcome, row.outcome_reason) for row in result.actions} == {
        A: ("skipped", "it has changed since it was scanned"),
        B: ("done", None),
    }
    assert result.deleted_per_schema == {"app:1": 10}
    assert path.read_bytes() == record(days=9) + line + record(days=9) * 8
    run_once(config=config, now=NOW)
    assert A in names(log), "it is known now to have what may never go, or to be the newest"


# Guards.


def test_a_budget_that_takes_most_of_the_log_is_refused(log: Path) -> None:
    """As a mistyped unit would; and the sentence says how to go on."""
    for name in (A, B, C):
        put(log, {name: record(days=9) * 500})
    configure(log, "max_bytes: 1kB")
    before = looks(log / "audit")
    done = cleanup(log)
    assert (done.code, looks(log / "audit")) == (5, before)
    assert "1,500 of the 1,511 records that a retention rule governs (99.2 %)" in done.error
    assert "1,500 would go for the budget before they expire" in done.error
    assert "are the retention days and the budget?" in done.error
    assert cleanup(log, "-n").result["refusal"] == done.error
    assert cleanup(log, "--allow-delete-percent", "100").result["records"]["deleted"] == 1500


def test_an_ordinary_night_is_not_refused(log: Path) -> None:
    """A thousand records and more, but not half of the log."""
    for name in (A, B, C):
        put(log, {name: record(days=9) * 1200})
    configure(log, f"max_bytes: {2500 * SIZE}B")
    assert cleanup(log).result["deleted_by_budget"] == {"app:1": 1200}


def test_max_delete_percent_counts_what_goes_early(log: Path) -> None:
    """From the first record on."""
    budget = f"max_bytes: {25 * SIZE}B"
    configure(log, budget, "guard: {max_delete_percent: 48}")
    assert cleanup(log).code == 5
    configure(log, budget, "guard: {max_delete_percent: 49}")
    assert cleanup(log).code == 0


def test_min_retention_days_is_a_floor(log: Path) -> None:
    """Younger records stay, and the log over its budget; the ages of others go on deleting."""
    configure(log, "max_bytes: 1B", "guard: {min_retention_days: 8}")
    put(log, {B: record(days=8, x=1)})
    done = cleanup(log)
    assert (done.code, names(log)) == (0, {B, C, D, BASE})
    assert any("it has records younger than guard.min_retention_days (3)" in each for each in done.result["warnings"])


# Plans.


def forge(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Edit the plan, and make a new checksum for it."""
    document = json.loads((folder / "plan.json").read_text())
    edit(document)
    rest = {key: value for key, value in document.items() if key != "checksum"}
    document["checksum"] = hashlib.blake2b(json.dumps(rest, sort_keys=True).encode(), digest_size=16).hexdigest()
    (folder / "plan.json").write_text(json.dumps(document))


def test_apply_takes_the_choice_of_the_plan(log: Path) -> None:
    """And no more, though the log has grown since."""
    cleanup(log, "-n", "--plan-out", "plan.json")
    put(log, {"logs-20261020T000000.jsonl": record(days=20) * 30})
    done = apply(log)
    assert (done.code, done.result["deleted_by_budget"]) == (0, {"app:1": 20})
    assert names(log) == {"logs-20261020T000000.jsonl", C, D, BASE}


def test_apply_leaves_what_need_not_go_any_more(log: Path) -> None:
    """Somebody else has made room: what was planned last stays."""
    cleanup(log, "-n", "--plan-out", "plan.json")
    (log / "audit" / C).unlink()
    done = apply(log)
    assert names(log) == {B, D, BASE}
    assert done.actions[B]["reason"] == "the log is within its budget without that, or something keeps it now"


def test_what_the_plan_does_not_name_makes_no_room(log: Path) -> None:
    """An older segment that has come since may not go, so that all goes that the plan has chosen."""
    cleanup(log, "-n", "--plan-out", "plan.json")
    (log / "audit" / C).unlink()
    put(log, {"logs-20261020T000000.jsonl": record(days=20) * 10})
    assert apply(log).result["deleted_by_budget"] == {"app:1": 20}
    assert names(log) == {"logs-20261020T000000.jsonl", D, BASE}


def test_a_forged_plan_makes_nothing_go_early(log: Path) -> None:
    """It can only leave out what the log's budget demands now."""
    cleanup(log, "-n", "--plan-out", "plan.json")

    def all_go(document: dict[str, Any]) -> None:
        for planned in document["segments"]:
            counts = {"app:1": planned["fingerprint"]["size"] // SIZE}
            planned |= {"action": "drop", "expired": counts, "unexpired": counts, "bytes_after": 0}

    forge(log, all_go)
    assert apply(log).code == 0
    assert names(log) == {C, D, BASE}


def test_a_plan_is_for_its_budget(log: Path) -> None:
    """Another one, or none, is another configuration."""
    cleanup(log, "-n", "--plan-out", "plan.json")
    for keys in ((), ("max_bytes: 1B",)):
        configure(log, *keys)
        done = apply(log)
        assert done.code == 2
        assert "the policy, the fields or the budget are not those that this plan was made under" in done.error


def test_a_plan_without_a_budget_says_nothing_of_one(log: Path) -> None:
    """Its file is as it was before there were any."""
    configure(log)
    cleanup(log, "-n", "--plan-out", "plan.json")
    assert "unexpired" not in (log / "plan.json").read_text()


# What other commands say.


def test_explain_tells_what_goes_early_whatever_it_is_asked_about(log: Path) -> None:
    """One segment or all: the same action and reason as the cleanup's."""
    rows = run("explain", "--now", NOW, "--json", cwd=log).result["segments"]
    assert [row["action"] for row in rows] == ["drop", "drop", "keep", "keep", "keep"]
    (row,) = run("explain", A, "--now", NOW, "--json", cwd=log).result["segments"]
    assert row == rows[0]
    assert row["reason"] == cleanup(log, "-n").actions[A]["reason"]


def test_estimate_tells_what_goes_early_apart(log: Path) -> None:
    """Beside the ages' figures, which stay what they are; not without reading."""
    before = run("estimate", "--now", NOW, "--json", "--no-scan", "--no-catalog", cwd=log).result
    assert before["budget"] == {
        "max_bytes": 25 * SIZE,
        "min_free": None,
        "records": None,
        "bytes": None,
        "bytes_over": None,
    }
    found = run("estimate", "--now", NOW, "--json", cwd=log).result
    assert found["budget"] == before["budget"] | {"records": 20, "bytes": 20 * SIZE, "bytes_over": 0}
    assert (
        found["message"] == "A cleanup now would delete 0 records (0 bytes), and 20 more for the log's budget (1.7 KiB)"
    )
    assert [row["records"] for row in found["totals"]["frees"]] == [0, 0, 41, 41]
    text = run("estimate", "--now", NOW, cwd=log).out
    assert f"Budget: max_bytes {25 * SIZE}B, in none of these figures: a cleanup now frees 1.7 KiB more for it" in text


def test_check_shows_the_budget(log: Path) -> None:
    """As it is meant."""
    configure(log, "max_bytes: 200GB", "min_free: 10%")
    assert run("check", "--json", cwd=log).result["budget"] == {"max_bytes": 200 * 10**9, "min_free": 10.0}
    assert "Budget: max_bytes 200GB, min_free 10%" in run("check", cwd=log).out
    configure(log)
    assert run("check", "--json", cwd=log).result["budget"] is None


def test_the_text_and_the_metrics_tell_it_apart(log: Path) -> None:
    """In a dry run, too."""
    configure(log, "max_bytes: 1B")
    text = run("cleanup", "-n", "--now", NOW, "--metrics-file", "m.prom", cwd=log).out
    assert "40 of these would go early, because of the log's budget:\n  app:1         40\n" in text
    metrics = (log / "m.prom").read_text()
    labels = f'{{log="{log}/audit/logs.jsonl",profile="default"'
    assert f'asynclog_deleted_by_budget_records{labels},schema="app:1"}} 40.0' in metrics
    assert f'asynclog_deleted_records{labels},schema="app:1"}} 40.0' in metrics
    assert f'asynclog_deleted_bytes{labels},schema="app:1"}} {40 * SIZE}.0' in metrics
    assert f'asynclog_kept_records{labels},schema="app:1"}} 1.0' in metrics
    assert f"asynclog_over_budget_bytes{labels}}} {SIZE - 1}.0" in metrics


# Values.


@pytest.mark.parametrize(
    ("key", "value", "instead"),
    [
        ("max_bytes", "0B", "nothing would be left: write 1MB or more"),
        ("max_bytes", "-1GB", "write a whole number and its unit"),
        ("max_bytes", "true", "true: write a whole number and its unit"),
        ("max_bytes", ".nan", "write a whole number and its unit"),
        ("max_bytes", "1.5", "1.5: write a whole number and its unit"),
        ("max_bytes", "0", "0: write a whole number and its unit"),
        ("max_bytes", "200", "200: it has no unit: write 200B if these are bytes, or a size such as 200GB"),
        ("max_bytes", "10%", "'10%': write a whole number and its unit"),
        ("max_bytes", "200 gb", "'200 gb': write 200GB"),
        ("max_bytes", "200G", "'200G': write 200GB"),
        ("max_bytes", "64gib", "'64gib': write 64GiB"),
        ("max_bytes", "9999999999TB", "no log is so large"),
        ("max_bytes", "[200GB]", "a list: write a whole number and its unit"),
        ("max_bytes", "\uff1200GB", "write a whole number and its unit"),
        ("min_free", "101%", "a file system with a log is never so empty"),
        ("min_free", "100%", "a file system with a log is never so empty"),
        ("min_free", "0%", "that asks for nothing: write 1% or more"),
        ("min_free", "-5%", "write how much of the file system is to be free, such as 10%"),
        ("min_free", "10", "10: it has no unit: write 10%"),
        ("min_free", "0.1", "0.1: write how much of the file system is to be free, such as 10%"),
        ("min_free", "false", "false: write how much of the file system is to be free, such as 10%"),
        ("min_free", ".inf", "write how much of the file system is to be free, such as 10%"),
        ("min_free", "10GB", "'10GB': write how much of the file system is to be free, such as 10%; a size is for"),
        ("min_free", "{a: b}", "a mapping: write how much"),
    ],
)
def test_a_bad_budget_is_told_by_file_line_and_key(log: Path, key: str, value: str, instead: str) -> None:
    """Exit 2 from every command, and what to write instead."""
    configure(log, "rewrite: always", f"{key}: {value}")
    before = looks(log / "audit")
    for command in ("cleanup", "check", "estimate", "explain"):
        done = run(command, "--json", cwd=log)
        assert (done.code, looks(log / "audit")) == (2, before)
        assert done.error.startswith(f"{log}/asynclog.yaml:6: profiles.default.{key}: ")
        assert instead in done.error


@pytest.mark.parametrize(
    ("value", "size"),
    [("1B", 1), ("3kB", 3000), ("3KB", 3000), ("1KiB", 1024), ("2MB", 2 * 10**6), ("1GiB", 2**30), ("7TB", 7 * 10**12)],
)
def test_units(log: Path, value: str, size: int) -> None:
    """GB is 10⁹, GiB 2³⁰."""
    configure(log, f"max_bytes: {value}", "min_free: null")
    assert run("check", "--json", cwd=log).result["budget"] == {"max_bytes": size, "min_free": None}


# The choice alone: sizes and free space come in as values.


def action(name: str, size: int, age: int, kind: str = "keep", expired: int = 0) -> Action:
    """Return an action on a segment of ten records, the newest of which is so many days old at day 1000."""
    newest = (1000 - age) * DAY
    count = SchemaStats(SchemaKey("app", 1), 10, size, newest - 10, newest, expired, expired * size // 10, 0, 0)
    print_ = Fingerprint(1, age, size, newest, newest)
    return Action(name, kind, "", print_, SegmentStats(name, print_, (count,)))  # type: ignore[arg-type]


TERMS = BudgetTerms(Budget(), Policy(by_name={"app": Rule(retention=30 * DAY)}), SegmentNaming(BASE))
ACTIONS = (action(A, 100, 9), action(B, 100, 8, "rewrite", 5), action(C, 100, 7), action(D, 100, 6))


def gone(budget: Budget, space: Space | None = None, actions: tuple[Action, ...] = ACTIONS) -> set[str]:
    """Return what goes for a budget."""
    terms = BudgetTerms(budget, TERMS.policy, TERMS.naming)
    plan = within_budget(Plan(1000 * DAY, actions, space=space), terms)
    return {each.segment for each in plan.actions if each.by_budget}


@pytest.mark.parametrize(
    ("most", "expected"),
    [(350, set()), (349, {A}), (250, {A}), (249, {A, B}), (200, {A, B}), (199, {A, B, C}), (1, {A, B, C})],
)
def test_max_bytes_counts_what_the_ages_leave(most: int, expected: set[str]) -> None:
    """To the byte."""
    assert gone(Budget(max_bytes=most)) == expected


@pytest.mark.parametrize(
    ("free", "expected"), [(950, set()), (949, {A}), (850, {A}), (849, {A, B}), (800, {A, B}), (799, {A, B, C})]
)
def test_min_free_counts_what_each_drop_and_the_ages_free(free: int, expected: set[str]) -> None:
    """Ten percent of 10,000 bytes: what the ages free counts first."""
    assert gone(Budget(min_free=10), Space(free, 10_000)) == expected


def test_both_limits_hold() -> None:
    """The one that asks for more decides; a file system that does not tell asks for nothing."""
    assert gone(Budget(300, 10), Space(850, 10_000)) == {A}
    assert gone(Budget(200, 10), Space(950, 10_000)) == {A, B}
    assert gone(Budget(min_free=99), None) == set()
    assert gone(Budget(1), None, ()) == set()


def test_drops_by_budget_come_after_those_by_age_and_before_rewrites() -> None:
    """The oldest first: whoever stops the job early has lost the oldest."""
    plan = Plan(1000 * DAY, (action(D, 1, 50, "drop", 10), action(A, 100, 7), action(B, 100, 9), action(C, 100, 1)))
    rewrite = action("logs-20261105T000000.jsonl", 10, 0, "rewrite", 5)
    plan = Plan(plan.now, (*plan.actions, rewrite))
    order = execution_order(within_budget(plan, BudgetTerms(Budget(1), TERMS.policy, TERMS.naming)))
    assert [each.segment for each in order][:3] == [D, B, A]
