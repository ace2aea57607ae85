"""What could not be judged: told as that, in no other figure, and never called clean."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from pathlib import Path
from typing import TYPE_CHECKING

import judge
import pytest
from audit_log import entries, is_clean, looks, of_many_schemas, record, write_log, write_policy
from command import NO_OVERRIDE, NOW, cleanup, run
from prometheus_client.parser import text_string_to_metric_families

from asynclog.report.cleanup.overdue_limit import too_old
from asynclog.report.unjudged_segments import Left, sum_unjudged
from asynclog.segments import Fingerprint
from asynclog.storage.naming import SegmentNaming

if TYPE_CHECKING:
    from collections.abc import Callable

OLD, YOUNG, TORN = record(days=400), record(days=1), b"torn {\n"
DOCUMENT = b"[\n" + OLD[:-1] + b",\n" + OLD + b"]\n"
SEGMENT = "logs-20240101T120000.jsonl"
LONG_AGO = 1_740_000_000  # seconds since 1970: 2025-02-19T21:20:00Z
NOTHING: dict[str, object] = {"segments": 0, "bytes": 0, "oldest": None, "reasons": {}}
COMMANDS = {
    "init": ("init",),
    "check": ("check",),
    "estimate": ("estimate", "--now", NOW),
    "explain": ("explain", "--now", NOW),
    "dry run": ("cleanup", "-n", "--now", NOW),
    "cleanup": ("cleanup", "--now", NOW),
}


def metrics(file: Path) -> dict[str, float]:
    """Return the values of the metrics that have no label of their own."""
    families = text_string_to_metric_families(file.read_text())
    samples = [sample for family in families for sample in family.samples]
    return {sample.name.removeprefix("asynclog_"): sample.value for sample in samples if len(sample.labels) == 2}


def too_many_keys() -> bytes:
    return b"".join(of_many_schemas(16_385))


def make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


# By the reason: what makes a segment that can't be judged of the one that is there, and the bytes that count.
KINDS: dict[str, tuple[Callable[[Path], object], int]] = {
    "packed": (lambda path: path.write_bytes(bz2.compress(OLD)), len(bz2.compress(OLD))),
    "damaged": (lambda path: path.rename(f"{path}.gz"), len(OLD)),
    "special": (make_fifo, 0),
    "no_record": (lambda path: path.write_bytes(TORN * 3 + b"\n"), 3 * len(TORN) + 1),
    "not_json_lines": (lambda path: path.write_bytes(DOCUMENT), len(DOCUMENT)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_can_not_be_judged_is_in_its_own_figures_only(archive: Path, kind: str) -> None:
    """Its action is a skip with the word, its lines are not kept ones, no byte of it changes, and the rest is done."""
    path = archive / "audit" / SEGMENT
    path.write_bytes(OLD)
    make, size = KINDS[kind]
    make(path)
    name = next(each.name for each in entries(archive / "audit") if each.name.startswith(SEGMENT))
    before = looks(archive / "audit")[name]
    done = cleanup(archive, "--metrics-file", "m.prom")
    assert (done.code, done.result["status"]) == (0, "success")
    told = {"segments": 1, "bytes": size, "oldest": "2024-01-01T12:00:00Z", "reasons": {kind: 1}}
    if kind == "damaged":  # with that ending the name is one, too
        assert name == f"{SEGMENT}.gz"
    assert done.result["unjudged"] == told
    assert (done.actions[name]["action"], done.actions[name]["unjudged"]) == ("skip", kind)
    assert done.actions[name]["bytes_before"] == done.actions[name]["bytes_after"] == size
    assert done.result["records"] == {"scanned": 3, "deleted": 1, "kept": 2}
    assert done.result["kept"] == {"unreadable": 0, "future": 0, "implausible": 0, "no_policy": {}}
    assert done.result["overdue"] == {"records": {}, "oldest": None}
    assert looks(archive / "audit")[name] == before
    found = metrics(archive / "m.prom")
    assert (found["unjudged_segments"], found["unjudged_bytes"], found["unreadable_lines"]) == (1, size, 0)
    assert found["unjudged_oldest_seconds"] == judge.instant(NOW) / 1e9 - judge.instant("2024-01-01T12:00:00Z") / 1e9
    assert found["last_success_timestamp_seconds"] == found["last_run_timestamp_seconds"], "it knew the others"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_segment_of_any_name_is_packed(archive: Path, pack: Callable[[bytes], bytes]) -> None:
    """It is known by its first bytes, whatever stands behind them: its lines are not judged, and no byte goes."""
    content = pack(OLD * 3) + b"\n" + OLD
    (archive / "audit" / SEGMENT).write_bytes(content)
    done = cleanup(archive)
    assert done.result["unjudged"]["reasons"] == {"packed": 1}
    assert (archive / "audit" / SEGMENT).read_bytes() == content


def test_a_log_in_order_has_nothing_unjudged(archive: Path) -> None:
    """No age is told of nothing; blank lines are known to mean nothing, and so is an empty segment."""
    write_log(archive / "audit", {SEGMENT: b"\n \n", "logs-20240102T000000.jsonl": b""})
    done = cleanup(archive, "--metrics-file", "m.prom", "--max-overdue", "1d", "--debug")
    assert (done.code, done.result["unjudged"]) == (0, NOTHING)
    assert all(action["unjudged"] is None for action in done.actions.values())
    found = metrics(archive / "m.prom")
    assert (found["unjudged_segments"], found["unjudged_bytes"]) == (0, 0)
    assert "unjudged_oldest_seconds" not in found


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_it(archive: Path, command: str) -> None:
    """The same sum in the JSON, and in the text how many, and why."""
    os.mkfifo(archive / "audit/logs-20240103T000000.jsonl")
    write_log(archive / "audit", {f"{SEGMENT}.gz": b"x" * 9, "logs-20240102T000000.jsonl": TORN})
    words = (*COMMANDS[command], "--path", "audit/logs.jsonl", *(["--schemas", "schemas.yaml"] * (command != "init")))
    done = run(*words, "--json", cwd=archive)
    told = {
        "segments": 3,
        "bytes": 9 + len(TORN),
        "oldest": "2024-01-01T12:00:00Z",
        "reasons": {"damaged": 1, "no_record": 1, "special": 1},
    }
    assert (done.code, done.result["unjudged"]) == (0, told)
    if command == "explain":
        words_told = {each["segment"]: each["unjudged"] for each in done.result["segments"]}
        assert [words_told[name] for name in sorted(words_told)] == ["damaged", "no_record", "special", None, None]
    (archive / "asynclog.yaml").unlink(missing_ok=True)
    (archive / "audit-schemas.yaml").unlink(missing_ok=True)
    text = run(*words, cwd=archive).out
    assert "Warning: 3 segments could not be judged and stay" in text
    line = (
        "Unjudged: 3 segments (16 bytes), the oldest of 2024-01-01T12:00:00Z: 1 damaged, 1 without a record, 1 special"
    )
    assert (line in text) == (command not in {"init", "explain"})


def test_all_profiles_have_it_in_their_totals(archive: Path) -> None:
    """Summed up, with the oldest of all."""
    audit = "audit: {path: %s/logs.jsonl, schemas: schemas.yaml}"
    (archive / "asynclog.yaml").write_text(
        f"asynclog: 1\nprofiles:\n  a: {{{audit % 'audit'}}}\n  b: {{{audit % 'more'}}}\n"
    )
    write_log(archive / "audit", {f"{SEGMENT}.gz": b"x"})
    write_log(archive / "more", {"logs-20230101.jsonl.gz": b"xx", "logs-20230102.jsonl": TORN})
    result = run("cleanup", "--all-profiles", "--json", "--now", NOW, cwd=archive).result
    reasons = {"damaged": 2, "no_record": 1}
    bytes_ = 3 + len(TORN)
    assert result["unjudged"] == {"segments": 3, "bytes": bytes_, "oldest": "2023-01-01T00:00:00Z", "reasons": reasons}


@pytest.mark.parametrize(
    ("name", "oldest"),
    [
        ("logs-20240101T120000-7.jsonl.gz", "2024-01-01T12:00:00Z"),
        ("logs-20240101.jsonl.gz", "2024-01-01T00:00:00Z"),
        ("logs.jsonl-20240101-13.gz", "2024-01-01T13:00:00Z"),
        ("logs.jsonl.3.gz", "2025-02-19T21:20:00Z"),
        ("logs-20241301T000000.jsonl.gz", "2025-02-19T21:20:00Z"),
        ("logs.jsonl-2024-02.xz", "2024-02-01T00:00:00Z"),
        ("logs-late-20240101-5.jsonl.gz", "2025-02-19T21:20:00Z"),
    ],
)
def test_how_old_it_is_its_name_says_or_else_its_mtime(archive: Path, name: str, oldest: str) -> None:
    """A name says it in UTC, as far as it goes; eight digits that are a token or no day are none."""
    path = archive / "audit" / name
    path.write_bytes(b"x")
    os.utime(path, (LONG_AGO, LONG_AGO))
    assert cleanup(archive).result["unjudged"]["oldest"] == oldest


@pytest.mark.parametrize("mtime", [-(2**70), -1, 2**70])
def test_an_mtime_may_be_any_number(mtime: int) -> None:
    """It is told as the nearest instant that can be."""
    left = [Left("logs.jsonl", Fingerprint(1, 2, 3, mtime, 5), "packed", "it is compressed")]
    oldest = sum_unjudged(left, SegmentNaming("logs.jsonl")).oldest
    assert oldest == ("1970-01-01T00:00:00Z" if mtime < 0 else "9999-12-31T23:59:59.999999999Z")


@pytest.mark.parametrize(("longest", "code"), [("643d", 0), ("642d", 3), ("1d", 3)])
@pytest.mark.parametrize("words", [(), ("-n",)])
def test_what_is_unjudged_and_too_old_is_exit_3(archive: Path, longest: str, code: int, words: tuple[str, ...]) -> None:
    """In a dry run, too; the sentence names it with its day and its reason. The rest is done all the same."""
    path = archive / "audit/logs.jsonl.1.gz"
    path.write_bytes(b"x")
    os.utime(path, (LONG_AGO, LONG_AGO))
    done = cleanup(archive, "--max-overdue", longest, *words)
    assert done.code == code
    assert done.result["records"]["deleted"] == 1
    if code:
        assert "1 segment older than --max-overdue allows could not be judged and stays" in done.document["error"]
        assert "logs.jsonl.1.gz of 2025-02-19 (it can't be read: its compressed data is " in done.document["error"]
    assert is_clean(archive) or words or path.exists()


def test_the_sentence_about_old_ones_stays_short() -> None:
    """Three are named, the oldest first, and the others counted; exactly as old as allowed is not older."""
    day = 86_400 * 10**9
    left = [Left(f"s{n}", Fingerprint(1, 2, 3, (9 - n) * day, 5), "changed", "it has vanished") for n in range(6)]
    (sentence,) = too_old(left, None, 10 * day, 2 * 86_400)
    assert sentence.startswith(
        "4 segments older than --max-overdue allows could not be judged and stay: s5 of 1970-01-05"
    )
    assert sentence.endswith("s3 of 1970-01-07 (it has vanished), and 1 more")
    assert too_old(left, None, 10 * day, None) == too_old(left, None, 10 * day, 6 * 86_400) == []


KNOWN: dict[str, tuple[dict[str, bytes], bool]] = {
    "no segment": ({}, False),
    "all packed": ({"logs.jsonl.1.gz": b"x"}, False),
    "packed, and the next one begun": ({"logs.jsonl.1.gz": b"x", "logs.jsonl": b""}, False),
    "foreign": ({"logs.jsonl": TORN}, False),
    "a document": ({"logs.jsonl": DOCUMENT, "logs.jsonl.1": b""}, False),
    "empty": ({"logs.jsonl": b""}, True),
    "packed but for one": ({"logs.jsonl.1.gz": b"x", "logs.jsonl": YOUNG}, True),
}


@pytest.mark.parametrize("case", KNOWN)
def test_a_run_that_knew_nothing_is_no_success_for_the_alert(tmp_path: Path, case: str) -> None:
    """It is exit 0, and the time of the last success stays what it was: without one 0."""
    write_policy(tmp_path)
    segments, renews = KNOWN[case]
    write_log(tmp_path / "audit", {"logs.jsonl": YOUNG})
    assert cleanup(tmp_path, "--metrics-file", "m.prom").code == 0
    before = metrics(tmp_path / "m.prom")["last_success_timestamp_seconds"]
    (tmp_path / "audit/logs.jsonl").unlink()
    write_log(tmp_path / "audit", segments)
    for file in ("m.prom", "new.prom"):
        assert cleanup(tmp_path, "--metrics-file", file).code == 0
        found = metrics(tmp_path / file)
        last = found["last_run_timestamp_seconds"] if renews else before if file == "m.prom" else 0
        assert found["last_success_timestamp_seconds"] == last


def test_what_the_time_was_too_short_for_is_not_reached(archive: Path) -> None:
    """By its age it counts for --max-overdue, and such a run is no success for the alert."""
    words = ("--max-runtime", "0s", "--metrics-file", "m.prom")
    done = cleanup(archive, *words)
    assert (done.code, done.result["stopped"], done.result["records"]["scanned"]) == (0, "max-runtime", 0)
    assert (done.result["unjudged"]["reasons"], done.result["unjudged"]["segments"]) == ({"not_reached": 2}, 2)
    assert done.result["unjudged"]["oldest"] == "2025-01-01T00:00:00Z"
    assert metrics(archive / "m.prom")["last_success_timestamp_seconds"] == 0
    assert cleanup(archive, *words, "--max-overdue", "7d").code == 3


def test_a_segment_that_failed_is_unjudged_too(archive: Path) -> None:
    """Exit 3 as ever: one that has too much in it, and one that nobody may open."""
    write_log(archive / "audit", {SEGMENT: too_many_keys(), "logs-20240102T000000.jsonl": OLD})
    (archive / "audit/logs-20240102T000000.jsonl").chmod(0)
    done = cleanup(archive, before=NO_OVERRIDE)
    assert (done.code, done.result["segments"]["failed"]) == (3, 2)
    assert done.result["unjudged"]["reasons"] == {"damaged": 1, "not_reached": 1}
    assert done.result["records"] == {"scanned": 3, "deleted": 1, "kept": 2}


@pytest.mark.parametrize("reader", ["native", "python"])
def test_a_segment_of_several_names_is_read_and_stays(tmp_path: Path, reader: str) -> None:
    """What has expired in it is overdue, from the catalog as well; it is never called unjudged, and never changed."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {SEGMENT: OLD + YOUNG + TORN, "logs-20240102T000000.jsonl": YOUNG})
    for name in (SEGMENT, "logs-20240102T000000.jsonl"):
        (tmp_path / f"copy-{name}").hardlink_to(tmp_path / "audit" / name)
        os.utime(tmp_path / "audit" / name, (LONG_AGO, LONG_AGO))
    before = looks(tmp_path / "audit")
    for words in ((), (), ("--no-catalog",), ("-n",)):
        done = cleanup(tmp_path, *words, env={"ASYNCLOG_READER": reader})
        assert (done.code, done.result["unjudged"]) == (0, NOTHING)
        assert done.result["records"] == {"scanned": 3, "deleted": 0, "kept": 2}
        assert done.result["overdue"] == {"records": {"app:1": 1}, "oldest": "2025-10-20T00:00:00Z"}
        assert (done.result["segments"]["skipped"], done.result["segments"]["kept"]) == (1, 1)
        assert done.actions[SEGMENT]["reason"] == "it has 2 hard links, and a rewrite would part them"
        assert done.result["kept"]["unreadable"] == 1
        assert "2 segments stay whatever has expired there" in done.result["warnings"][0]
    assert cleanup(tmp_path, "--max-overdue", "7d").code == 3
    assert looks(tmp_path / "audit") == before
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW, "--json")
    found = run("estimate", *named, cwd=tmp_path).result
    assert (found["schemas"]["app:1"]["records"], found["totals"]["frees"][0]["records"]) == (3, 0), "nothing goes"
    (first, _) = run("explain", *named, cwd=tmp_path).result["segments"]
    assert (first["action"], first["schemas"]["app:1"]["expired"], first["unjudged"]) == ("skip", 1, None)
    (tmp_path / f"copy-{SEGMENT}").unlink()
    assert cleanup(tmp_path).result["records"] == {"scanned": 3, "deleted": 1, "kept": 2}, "it goes once it is alone"
