"""The judge of figures: every byte of a log and its neighbours is in exactly one figure, and in the right one.

Random archives have files of every kind. What has to be said of each follows from how it was made and from its bytes,
as the slow judge reads them: it is deleted, kept, overdue, unjudged, or a neighbour's.
"""

from __future__ import annotations

import bz2
import fcntl
import gzip
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import judge
import pytest
from audit_log import entries, looks, of_many_schemas, record, write_log, write_policy
from command import NOW, cleanup, run
from prometheus_client.parser import text_string_to_metric_families

from asynclog.cancellation import StopRequest
from asynclog.config.resolve import resolve
from asynclog.runner.cleanup import clean_up
from asynclog.runner.steps.begin_cleanup import begin_run
from examples import share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from asynclog.report.cleanup.result import Report

INSTANT = judge.instant(NOW)
POLICY = [
    judge.Definition("app", None, 30),
    judge.Definition("auth", 1, 365),
    judge.Definition("auth", 2, None),
    judge.Definition("off", None, 30, active=False),
]
RULES = (
    "schema_name: app, retention_days: 30",
    "schema_name: auth, version: 1, retention_days: 365",
    "schema_name: auth, version: 2, retention_days: null",
    "schema_name: 'off', retention_days: 30, active: false",
)
OLD, YOUNG = record(days=400), record(days=1)
LINES = [
    *[OLD, YOUNG, record(days=30.5, version=7), record("auth"), record("auth", days=364), record("auth", 2)] * 2,
    *(record("off"), record("other"), record(days=-3), record("auth", days=12_000), record(version=None)),
    *(b"torn {\n", b" \t\n", b"\n", b"\0\0\0" + OLD, OLD[:-1] + YOUNG, OLD.replace(b'Z"', b'"'), OLD[:40] + b"\n"),
]
PIECES = [b"[\n", b"  },\n", b'  "rows": [\n', b"  " + OLD[:-1] + b",\n"]
HUGE = record(days=400, text="x" * 1_100_000)
TOO_MANY_KEYS = b"".join(of_many_schemas(16_385))
HOLE = 1 << 20  # bytes
LONG_AGO = 1_740_000_000  # seconds since 1970, and the same as text
THEN = "2025-02-19T21:20:00Z"
SPECIAL: list[Callable[[Path], None]] = [os.mkfifo, os.mkdir, lambda path: path.symlink_to("../schemas.yaml")]
KINDS = (
    *("plain",) * 6,
    *("linked", "busy", "empty", "new and empty", "sparse", "huge"),
    *("packed", "document", "special", "leased", "neighbour"),
)
BLIND = {"packed": "packed", "special": "special", "leased": "not_reached", "damaged": "damaged"}


class Made(NamedTuple):
    """One file of an archive: what kind it was made, when it was begun as is to be told, and its bytes.

    `fate` is what has to be said of it: `goes` or `stays` (whatever has expired), `neighbour`, or why it is unjudged.
    """

    name: str
    kind: str
    begun: str
    content: bytes
    fate: str


# The archives.


def some_lines(chance: random.Random) -> bytes:
    """One line or more, now and then of a document, and at times the last one without a newline."""
    lines = chance.choices(LINES, k=chance.randrange(1, 9))
    if chance.random() < 0.1:
        lines.insert(chance.randrange(len(lines) + 1), chance.choice(PIECES))
    content = b"".join(lines)
    return content[:-1] if chance.random() < 0.2 and len(content) > 1 else content


def document(chance: random.Random) -> bytes:
    """Return records in an array, on lines of their own."""
    space = b" " * chance.randrange(3)
    return b"[\n" + b",\n".join(space + line[:-1] for line in (OLD, YOUNG, OLD)) + b"\n]\n"


def content_of(kind: str, chance: random.Random) -> bytes:
    match kind:
        case "special" | "empty" | "new and empty":
            return b""
        case "packed":
            lines = some_lines(chance)
            return chance.choice([gzip.compress(lines), bz2.compress(lines)])
        case "document":
            return document(chance)
        case "damaged":
            return TOO_MANY_KEYS
        case "huge":
            return some_lines(chance).rstrip(b"\n") + b"\n" + HUGE + some_lines(chance)
        case "sparse":
            return bytes(HOLE) + some_lines(chance)
        case _:
            return some_lines(chance)


def name_of(kind: str, number: int, chance: random.Random) -> tuple[str, str]:
    """Return a name of its own, and when it was begun."""
    if kind == "neighbour":
        return chance.choice([f"logs.{number}.copy", f"logs-2024-{number:02}.copy"]), THEN
    name, begun = chance.choice(
        [
            (f"logs-202401{number:02}T120000.jsonl", f"2024-01-{number:02}T12:00:00Z"),
            (f"logs-202402{number:02}.jsonl", f"2024-02-{number:02}T00:00:00Z"),
            (f"logs.jsonl-202403{number:02}", f"2024-03-{number:02}T00:00:00Z"),
            (f"logs.jsonl.{number}", THEN),
            (f"logs-late-{number:08x}-{number}.jsonl", THEN),
        ]
    )
    return name, begun


def fate_of(kind: str, content: bytes) -> str:
    """Return what has to be said of a file: see `Made`."""
    if kind == "neighbour":
        return kind
    stays = kind in {"linked", "busy", "changing", "new and empty"}
    return BLIND.get(kind) or judge.why_unjudged(content) or ("stays" if stays else "goes")


def make_archive(chance: random.Random, folder: Path, *more: str) -> list[Made]:
    """Make a log with its base file, in the order of the names, and files that have nothing to do with it.

    It has one segment of each kind that is named.
    """
    kinds = [*more, *chance.choices(KINDS, k=chance.randrange(1, 16))]
    named = [(kind, *name_of(kind, number, chance)) for number, kind in enumerate(kinds, 1)]
    named.append((chance.choice(["plain", "busy", "linked"]), "logs.jsonl", THEN))
    write_log(folder, {"other.jsonl": OLD, ".logs-hidden.jsonl": OLD, "logs_schemas.jsonl": b""})
    files = []
    for kind, name, begun in named:
        content = content_of(kind, chance)
        files.append(Made(name, kind, begun, content, fate_of(kind, content)))
        write(chance, folder / name, kind, content)
    return sorted(files)


def write(chance: random.Random, path: Path, kind: str, content: bytes) -> None:
    if kind == "special":
        chance.choice(SPECIAL)(path)
    elif kind == "sparse":
        with path.open("wb") as file:
            file.seek(HOLE)
            file.write(content[HOLE:])
    else:
        path.write_bytes(content)
    if kind != "new and empty":
        os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)
    if kind == "linked":
        (path.parent.parent / f"link-{path.name}").hardlink_to(path)


@contextmanager
def in_use(folder: Path, files: Iterable[Made]) -> Iterator[None]:
    """Busy files are open for writing, and leased ones are such that Samba or knfsd works on."""
    with ExitStack() as holding:
        for file in files:
            if file.kind in {"busy", "leased"}:
                descriptor = os.open(folder / file.name, os.O_RDWR | os.O_CLOEXEC)
                holding.callback(os.close, descriptor)
                if file.kind == "leased":
                    fcntl.fcntl(descriptor, 10, signal.SIGURG)  # F_SETSIG: the default signal would end the tests
                    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield


def change(chance: random.Random, folder: Path, files: Iterable[Made]) -> None:
    """As somebody does who removes, truncates, or puts something else there."""
    for path in (folder / file.name for file in files if file.kind == "changing"):
        match chance.randrange(3):
            case 0:
                path.unlink()
            case 1:
                os.truncate(path, path.stat().st_size - 1)
            case _:
                (folder / ".new").write_bytes(some_lines(chance))
                (folder / ".new").rename(path)


# What the judge says, and what was told.


class Sums(NamedTuple):
    """Records, or bytes of them, per schema key."""

    records: Counter[str]
    bytes: Counter[str]


def sums(files: Iterable[Made], *fates: str) -> Sums:
    """Over the records of these files that have one of these fates; all of them if none is named."""
    found = Sums(Counter(), Counter())
    for line in (line for file in files for line in judge.lines(file.content)):
        its = judge.verdict(line)
        if isinstance(its, judge.Record) and (not fates or judge.fate(line, POLICY, INSTANT) in fates):
            found.records[its.key] += 1
            found.bytes[its.key] += len(line)
    return found


def is_judged(file: Made) -> bool:
    return file.fate in {"goes", "stays"}


def is_left(file: Made, *, dry_run: bool) -> bool:
    """Whether all of it stays: a dry run can't know who will be writing."""
    return file.fate != "goes" and not (dry_run and file.kind == "busy" and is_judged(file))


def left_of(file: Made, *, dry_run: bool) -> bytes | None:
    """Return what is there afterwards; None if it is gone."""
    if is_left(file, dry_run=dry_run):
        return file.content
    return judge.left_of(file.content, POLICY, INSTANT) if file.content else None


def rest_of(files: Iterable[Made]) -> Iterator[Made]:
    """Yield what a run leaves for the next one. If only unreadable lines are left, nobody knows what they are of."""
    for file in files:
        left = left_of(file, dry_run=False)
        if left is not None:
            yield file if left == file.content else file._replace(content=left, fate=fate_of(file.kind, left))


def check_figures(result: dict[str, Any], files: list[Made], *, dry_run: bool) -> None:
    """Every figure of a cleanup that has all its actions; with one look at the files, a run's and a dry run's agree."""
    rows = {row["segment"]: row for row in result["actions"]}
    judged = [file for file in files if is_judged(file)]
    check_unjudged(result, files)
    assert {name: row["unjudged"] for name, row in rows.items()} == {
        file.name: None if is_judged(file) else file.fate for file in files if file.fate != "neighbour"
    }, "every file is a neighbour, judged, or unjudged, and nothing else is told"

    stays = [file for file in judged if is_left(file, dry_run=dry_run)]
    deleted = sums((file for file in judged if file not in stays), "expired").records
    overdue = sums(stays, "expired").records
    assert result["deleted_per_schema"] == deleted
    assert result["overdue"]["records"] == overdue
    records, all_of_it = result["records"], judge.expected((file.content for file in judged), POLICY, INSTANT)
    assert records == {"scanned": all_of_it.scanned, "deleted": deleted.total(), "kept": all_of_it.kept}
    assert records["scanned"] == deleted.total() + overdue.total() + records["kept"]
    assert result["kept"] == {
        "unreadable": all_of_it.unreadable,
        "future": all_of_it.future,
        "implausible": all_of_it.implausible,
        "no_policy": all_of_it.no_policy,
    }

    for file in files:
        if file.fate != "neighbour":
            left = left_of(file, dry_run=dry_run) or b""
            assert (rows[file.name]["bytes_before"], rows[file.name]["bytes_after"]) == (len(file.content), len(left))
    assert result["bytes"]["freed"] == sum(row["bytes_before"] - row["bytes_after"] for row in rows.values())
    check_segments(result["segments"], files, dry_run=dry_run)


def check_unjudged(result: dict[str, Any], files: list[Made]) -> None:
    """Check what every command says of what it can't judge, and of the neighbours."""
    unjudged = [file for file in files if not is_judged(file) and file.fate != "neighbour"]
    assert result["unjudged"] == {
        "segments": len(unjudged),
        "bytes": sum(len(file.content) for file in unjudged),
        "oldest": min((file.begun for file in unjudged), default=None),
        "reasons": Counter(file.fate for file in unjudged),
    }
    neighbours = [file.name for file in files if file.fate == "neighbour"]
    assert result["neighbours"] == {"count": len(neighbours), "names": neighbours}


def check_segments(told: dict[str, int], files: list[Made], *, dry_run: bool) -> None:
    segments = [file for file in files if file.fate != "neighbour"]
    gone = [file for file in segments if left_of(file, dry_run=dry_run) is None]
    changed = [file for file in segments if left_of(file, dry_run=dry_run) not in {None, file.content}]
    kept = [file for file in segments if is_judged(file) and file not in gone and not sums([file], "expired").records]
    failed = [file for file in segments if file.fate == "damaged"]
    assert told == {
        "total": len(segments),
        "dropped": len(gone),
        "rewritten": len(changed),
        "kept": len(kept),
        "skipped": len(segments) - len(gone) - len(changed) - len(kept) - len(failed),
        "failed": len(failed),
        "emptied": sum(not file.content for file in gone),
    }


def check_bytes(told: Counter[str], files: list[Made], *, dry_run: bool) -> None:
    """Of the judged segments each byte is deleted, overdue, kept, or of a line that is no record."""
    judged = [file for file in files if is_judged(file)]
    stays = [file for file in judged if is_left(file, dry_run=dry_run)]
    goes = [file for file in judged if file not in stays]
    assert told["deleted"] == sums(goes, "expired").bytes.total()
    assert told["overdue"] == sums(stays, "expired").bytes.total()
    lines = [line for file in judged for line in judge.lines(file.content)]
    others = sum(len(line) for line in lines if not isinstance(judge.verdict(line), judge.Record))
    assert told.total() + others == sum(len(file.content) for file in judged)


def check_folder(folder: Path, files: list[Made], before: dict[str, Any]) -> None:
    """Check that what should stay is there, byte for byte and in the same file, and that nothing else is."""
    left = {file.name: left_of(file, dry_run=False) for file in files}
    expected = {name: before[name][-1] for name in before if name not in left}
    expected |= {file.name: before[file.name][-1] for file in files if file.kind == "special"}
    expected |= {file.name: left[file.name] for file in files if file.kind != "special" and left[file.name] is not None}
    after = looks(folder)
    assert {name: look[-1] for name, look in after.items()} == expected
    assert all(after[file.name] == before[file.name] for file in files if file.fate != "goes")


# Commands.


def bytes_in(file: Path) -> Counter[str]:
    """Bytes of records that the metrics have, by what becomes of them."""
    found = Counter[str]()
    for family in text_string_to_metric_families(file.read_text()):
        if family.name in {f"asynclog_{what}_bytes" for what in ("deleted", "kept", "overdue")}:
            found[family.name.split("_")[1]] += int(sum(sample.value for sample in family.samples))
    return found


@pytest.mark.parametrize("seed", range(share(4)))
def test_every_figure_of_every_command_is_the_judges(tmp_path: Path, seed: int) -> None:
    """A dry run, check, estimate and explain say the same, and the run does it; the next one has nothing left to do."""
    chance = random.Random(seed)  # noqa: S311 - the archives are to be the same each time
    write_policy(tmp_path, *RULES)
    audit = tmp_path / "audit"
    files = make_archive(chance, audit, *sorted({*KINDS}), *["damaged"] * (seed == 0))
    code = 3 if any(file.fate == "damaged" for file in files) else 0
    before = looks(audit)
    with in_use(audit, files):
        dry = cleanup(tmp_path, "-n", "--debug", "--metrics-file", "dry.prom")
        assert dry.code == code
        check_figures(dry.result, files, dry_run=True)
        check_bytes(bytes_in(tmp_path / "dry.prom"), files, dry_run=True)
        check_the_others(tmp_path, files, dry.result)
    assert looks(audit) == before

    with in_use(audit, files):
        done = cleanup(tmp_path, "--debug", "--metrics-file", "run.prom")
        assert done.code == code
        check_figures(done.result, files, dry_run=False)
        check_bytes(bytes_in(tmp_path / "run.prom"), files, dry_run=False)
        check_figures(cleanup(tmp_path, "--debug").result, [*rest_of(files)], dry_run=False)
    check_folder(audit, files, before)


def check_the_others(folder: Path, files: list[Made], dry: dict[str, Any]) -> None:
    """Check that the commands that only look say what the dry run said."""
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--json")
    check = run("check", *named, cwd=folder).result
    estimate = run("estimate", *named, "--now", NOW, cwd=folder).result
    explain = run("explain", *named, "--now", NOW, cwd=folder).result
    judged = [file for file in files if is_judged(file)]
    held = sums(judged)
    for result in (check, estimate, explain):
        check_unjudged(result, files)
    for result in (check, estimate):
        assert {key: each["records"] for key, each in result["schemas"].items()} == held.records
        assert {key: each["bytes"] for key, each in result["schemas"].items()} == held.bytes
    unreadable = judge.expected((file.content for file in judged), POLICY, INSTANT).unreadable
    assert check["unreadable"] == dry["kept"]["unreadable"] == unreadable
    now = estimate["totals"]["frees"][0]
    assert (now["records"], now["bytes"]) == (dry["records"]["deleted"], dry["bytes"]["freed"])
    assert estimate["read"]["of"] == sum(len(file.content) for file in files if file.fate != "neighbour")
    expired = {file.name: sums([file], "expired").records.total() if is_judged(file) else 0 for file in files}
    assert [(row["segment"], row["action"], row["unjudged"], row["bytes"]) for row in explain["segments"]] == [
        (row["segment"], row["action"], row["unjudged"], row["bytes_before"]) for row in dry["actions"]
    ]
    for row in explain["segments"]:
        assert sum(part["expired"] for part in row["schemas"].values()) == expired[row["segment"]]


# Segments that change under a job.


def job_of(folder: Path, *, read: bool, dry_run: bool = False, at: str = "", then: Callable[[], object]) -> Report:
    """Return the report of a job, which reads all or asks the catalog.

    Something happens once it has `listed` the folder, or once it has `planned`.
    """
    words: dict[str, Any] = {"path": str(folder / "audit/logs.jsonl"), "schemas": str(folder / "schemas.yaml")}
    settings = resolve({**words, "now": NOW, "no_catalog": read}, os.environ)  # type: ignore[typeddict-item]

    moments = iter(["listed", "planned"])

    class Moments(StopRequest):
        """What has to come to its end begins: the scan, where there is anything to read, and then what was planned."""

        def defer(self) -> None:
            if next(moments) == at:
                then()

    return clean_up(begin_run(settings, dry_run=dry_run, verbose=True), Moments()).report


@pytest.mark.parametrize("seed", range(share(25)))
@pytest.mark.parametrize("case", ["before it is read", "known already", "planned already"])
def test_what_changes_meanwhile_is_in_one_figure_too(tmp_path: Path, seed: int, case: str) -> None:
    """Before it is read it is unjudged; from then on it is judged as it was read or known, and what expired overdue."""
    chance = random.Random(seed)  # noqa: S311
    write_policy(tmp_path, *RULES)
    audit = tmp_path / "audit"
    files = make_archive(chance, audit, *["changing"] * 3)
    if case == "before it is read":
        files = [file._replace(fate="changed") if file.kind == "changing" else file for file in files]
    at = "planned" if case == "planned already" else "listed"
    with in_use(audit, files):
        if case == "known already":
            job_of(tmp_path, read=False, dry_run=True, then=lambda: None)
        report = job_of(tmp_path, read=case != "known already", at=at, then=lambda: change(chance, audit, files))
    check_figures(report.document()["result"], files, dry_run=False)
    told = Counter[str]()
    for each in report.schemas.values():
        told.update(deleted=each.deleted_bytes, kept=each.kept_bytes, overdue=each.overdue_bytes)
    check_bytes(told, files, dry_run=False)
    for file in files:
        if file.kind not in {"changing", "special"}:
            path, left = audit / file.name, left_of(file, dry_run=False)
            assert (path.read_bytes() if path.exists() else None) == left


WRITER = """
import itertools, json, os, sys
lines = [line.encode() for line in json.load(open("lines.json"))]
for number in itertools.count():
    log = os.open("audit/logs.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for each in range(40):
        os.write(log, lines[each % len(lines)])
    os.close(log)
    os.rename("audit/logs.jsonl", f"audit/logs-20250101T000000-{number}.jsonl")
    print(number + 1, flush=True)
    if not sys.stdin.readline():
        break
"""


def test_a_log_that_is_written_to_and_rotated_adds_up(tmp_path: Path) -> None:
    """Beside another process each job's figures add up, and what all of them deleted and what is left are all lines."""
    write_policy(tmp_path, *RULES)
    write_log(tmp_path / "audit", {})
    lines = [line for line in LINES if line.endswith(b"\n") and line.strip()]
    (tmp_path / "lines.json").write_text(json.dumps([line.decode() for line in lines]))
    results = []
    with subprocess.Popen(
        [sys.executable, "-c", WRITER], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdin
        assert writer.stdout
        for _ in range(4):
            writer.stdin.write("\n" * 30)
            writer.stdin.flush()
            results.append(cleanup(tmp_path, "--allow-delete-all").result)
        writer.stdin.close()
        rounds = int(writer.stdout.read().split()[-1])
    results.append(cleanup(tmp_path, "--allow-delete-all").result)
    assert (results[-1]["overdue"]["records"], results[-1]["recovery_pending"]) == ({}, [])
    for result in results:
        records, segments = result["records"], result["segments"]
        late = sum(result["overdue"]["records"].values())
        assert records["scanned"] == records["deleted"] + late + records["kept"]
        assert segments["total"] == sum(
            segments[fate] for fate in ("dropped", "rewritten", "kept", "skipped", "failed")
        )
        assert segments["failed"] == 0
        assert result["unjudged"]["segments"] <= segments["skipped"]
    written = Counter([lines[number % len(lines)] for number in range(40)] * rounds)
    left = Counter(line for path in entries(tmp_path / "audit") for line in judge.lines(path.read_bytes()))
    expired = {line for line in written if judge.fate(line, POLICY, INSTANT) == "expired"}
    assert left == Counter({line: number for line, number in written.items() if line not in expired})
    assert sum(result["records"]["deleted"] for result in results) == sum(written[line] for line in expired)
