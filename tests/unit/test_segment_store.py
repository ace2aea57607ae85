"""What every store promises: one suite, for a folder and for a store that has nothing of a file system."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from memory_store import MemoryStore

from asynclog.actions import Action
from asynclog.cancellation import StopRequest
from asynclog.cli import main
from asynclog.config.settings import Settings
from asynclog.executors.rate_limit import RateLimiter
from asynclog.executors.threads import Threads
from asynclog.plan.decide import decide
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy, Rule
from asynclog.records.fields import MXCP_FIELDS
from asynclog.records.kernel import choose_digest
from asynclog.runner.cleanup import clean_up
from asynclog.runner.steps.begin_cleanup import begin_run
from asynclog.runner.wiring import Wiring
from asynclog.scan.chunks import Chunk, ChunkResult
from asynclog.scan.context import ScanContext
from asynclog.scan.reading.read_chunk import read_chunk
from asynclog.scan.survivors import SurvivorReader
from asynclog.segments import Segment
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.local_store import LocalStore
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.proof import Proof
from asynclog.timestamps import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import ExitStack

    from asynclog.storage.segment_store import SegmentSource, SegmentStore

Unit = TypeVar("Unit")
Result = TypeVar("Result")

NAMING = SegmentNaming("logs.jsonl")
CUTOFFS = Cutoffs(Policy(by_name={"api": Rule(retention=30 * DAY)}), 1_795_478_400_000_000_000)  # 2026-11-24T00:00:00Z
OLD = b'{"schema_name": "api", "timestamp": "2020-01-01T00:00:00Z"}\n'
NEW = b'{"schema_name": "api", "timestamp": "2026-11-23T00:00:00Z"}\n'


class Stored:
    """A store, how something is written there, and what is there."""

    def __init__(
        self, store: SegmentStore, put: Callable[[str, bytes], None], contents: Callable[[], dict[str, bytes]]
    ) -> None:
        self.store = store
        self.put = put
        self.contents = contents
        self.context = ScanContext(store, CUTOFFS, "python", MXCP_FIELDS)

    def action(self, name: str) -> Action:
        """Return what a plan says of a segment, by its lines as they are now."""
        segment = next(each for each in self.store.list().segments if each.name == name)
        read = read_chunk(self.context, RateLimiter(), Chunk(segment, 0, segment.fingerprint.size, mark=False))
        assert isinstance(read, ChunkResult)
        return decide(read.builders[0].build(name, segment.fingerprint), CUTOFFS)

    def apply(self, action: Action) -> str:
        """Carry it out; what has become of it."""
        survivors = SurvivorReader(self.context, RateLimiter(), workers=1, double_check=False)
        change = self.store.drop if action.kind == "drop" else self.store.replace
        with self.store.lock(wait=0, breaks=False):
            outcome = change(action, survivors, frozenset())
            self.store.finish()
        return outcome.status


@pytest.fixture(params=["local", "memory"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stored]:
    if request.param == "memory":
        memory = MemoryStore(NAMING)
        yield Stored(memory, memory.put, memory.contents)
        return

    def put(name: str, lines: bytes) -> None:
        (tmp_path / name).write_bytes(lines)

    def contents() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.startswith(".")}

    folder = os.open(tmp_path, os.O_RDONLY)
    proof = Proof(choose_digest("python"))
    yield Stored(LocalStore(str(tmp_path), LogDirectory(folder), NAMING, proof, by_quiet=False), put, contents)
    os.close(folder)


def test_segments_are_listed_in_order_with_neighbours(stored: Stored) -> None:
    """Each with its size; what only begins like one is a neighbour."""
    for name in ("logs.jsonl", "logs.jsonl.1", "logs-20260101.jsonl", "logs.txt", "other.jsonl"):
        stored.put(name, NEW * len(name))
    listing = stored.store.list()
    assert [segment.name for segment in listing.segments] == ["logs-20260101.jsonl", "logs.jsonl.1", "logs.jsonl"]
    assert listing.segments[0].fingerprint.size == len(NEW) * len("logs-20260101.jsonl")
    assert (set(listing.names) >= {"other.jsonl"}, listing.neighbours) == (True, ("logs.txt",))


def test_a_segment_is_read_by_byte_ranges(stored: Stored) -> None:
    """As much as is there, from anywhere."""
    stored.put("logs.jsonl", OLD + NEW)
    (segment,) = stored.store.list().segments
    buffer = bytearray(8)
    with stored.store.open(segment) as reader:
        assert reader.as_listed(segment.fingerprint) == reader.current() == segment.fingerprint
        assert reader.read(1, 5) == OLD[1:5]
        assert reader.read_into(memoryview(buffer), len(OLD)) == 8
        assert reader.read_into(memoryview(buffer), len(OLD + NEW)) == 0
        parts = reader.parts(3, len(OLD + NEW))
        assert b"".join(bytes(part) for part in parts if isinstance(part, memoryview)) == (OLD + NEW)[3:]
        assert (reader.next_data(2, 9), reader.data_bytes(2, 9)) == (2, 7)
        with reader.preserving_cache(0, 9):
            assert reader.read(0, 9) == OLD[:9]
    assert bytes(buffer) == NEW[:8]


def test_what_survives_takes_the_segments_place(stored: Stored) -> None:
    """A rewrite leaves the other lines, a drop nothing; other segments stay."""
    stored.put("logs.jsonl.1", OLD + NEW + OLD)
    stored.put("logs.jsonl.2", OLD)
    stored.put("logs.jsonl", NEW)
    assert [stored.apply(stored.action(name)) for name in ("logs.jsonl.1", "logs.jsonl.2")] == ["done", "done"]
    assert stored.contents() == {"logs.jsonl": NEW, "logs.jsonl.1": NEW}
    assert stored.store.leftovers().pending == {}


def test_what_has_changed_or_vanished_since_stays_as_it_is(stored: Stored) -> None:
    """An action is about the lines that were read."""
    stored.put("logs.jsonl.1", OLD + NEW)
    rewrite = stored.action("logs.jsonl.1")
    stored.put("logs.jsonl.1", NEW)
    stored.put("logs.jsonl.2", OLD)
    drop = stored.action("logs.jsonl.2")
    assert stored.apply(rewrite) == "skipped"
    gone = Action("logs.jsonl.3", "drop", "", drop.fingerprint, drop.stats)
    assert stored.apply(gone) == "skipped"
    assert stored.contents() == {"logs.jsonl.1": NEW, "logs.jsonl.2": OLD}


def test_a_vanished_segment_is_told(stored: Stored) -> None:
    """By the error that Python has for it."""
    stored.put("logs.jsonl", NEW)
    (segment,) = stored.store.list().segments
    with pytest.raises(FileNotFoundError):
        stored.store.current("logs.jsonl.1")
    with pytest.raises(FileNotFoundError), stored.store.open(Segment("logs.jsonl.1", segment.fingerprint)):
        pass


class Remote(Wiring, frozen=True, kw_only=True):
    """A run whose log is in memory."""

    store: MemoryStore

    @contextmanager
    def opened_store(self, settings: Settings, rate: RateLimiter) -> Iterator[SegmentStore]:
        del settings, rate
        yield self.store

    @contextmanager
    def opened_source(self, settings: Settings, rate: RateLimiter) -> Iterator[SegmentSource]:
        del settings, rate
        yield self.store


class Noted(Threads):
    """Threads that note for how many workers they were asked."""

    def __init__(self) -> None:
        self.started: list[int] = []

    def start(
        self, work: Callable[[Unit], Result], workers: int, resources: ExitStack
    ) -> Sequence[Callable[[Unit], Result]]:
        self.started.append(workers)
        return super().start(work, workers, resources)


def test_a_whole_cleanup_knows_nothing_of_files(tmp_path: Path) -> None:
    """Scan, plan, apply and report go through the store alone: no folder of the log is there."""
    store = MemoryStore(NAMING)
    store.put("logs.jsonl.1", OLD * 3)
    store.put("logs.jsonl", NEW + OLD + b"torn\n")
    (tmp_path / "schemas.yaml").write_text("schemas: [{schema_name: api, retention_days: 30}]")
    folder, schemas = str(tmp_path / "nowhere"), str(tmp_path / "schemas.yaml")
    settings = Settings("here", None, enabled=True, folder=folder, base="logs.jsonl", schemas=schemas, now=CUTOFFS.now)
    run = partial(begin_run, settings, wiring=Remote(store=store))
    assert clean_up(run(dry_run=True), StopRequest()).report.result.deleted_per_schema == {"api:1": 4}
    assert store.contents()["logs.jsonl.1"] == OLD * 3
    report = clean_up(run(), StopRequest()).report
    assert (report.exit_code, report.result.deleted_per_schema) == (0, {"api:1": 4})
    assert store.contents() == {"logs.jsonl": NEW + b"torn\n"}


@pytest.mark.parametrize(
    "words",
    [["check"], ["estimate"], ["estimate", "--sample"], ["explain"], ["cleanup", "--dry-run"], ["init"]],
    ids=" ".join,
)
def test_every_command_reads_the_store_and_the_executor_that_it_is_given(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No folder of the log is there, and nobody looks for one."""
    monkeypatch.chdir(tmp_path)
    store, executor = MemoryStore(NAMING), Noted()
    store.put("logs.jsonl.1", OLD * 3)
    store.put("logs.jsonl", NEW + OLD)
    Path("schemas.yaml").write_text("schemas: [{schema_name: api, retention_days: 30}]")
    named = [] if words == ["init"] else ["--schemas", "schemas.yaml", "--no-catalog"]
    assert main([*words, "--path", "nowhere/logs.jsonl", *named, "--json"], Remote(store=store, executor=executor)) == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert "api:1" in json.dumps(result)
    assert executor.started
    assert store.contents() == {"logs.jsonl.1": OLD * 3, "logs.jsonl": NEW + OLD}


def test_a_run_is_recorded_wherever_its_log_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The store says whether there is a log to have a history: no folder of this machine does."""
    monkeypatch.chdir(tmp_path)
    store = MemoryStore(NAMING)
    store.put("logs.jsonl.1", OLD * 3)
    store.put("logs.jsonl", NEW)
    Path("schemas.yaml").write_text("schemas: [{schema_name: api, retention_days: 30}]")
    named = ["--path", "nowhere/logs.jsonl", "--state", "state"]
    assert main(["cleanup", *named, "--schemas", "schemas.yaml", "--dry-run"], Remote(store=store)) == 0
    capsys.readouterr()
    assert main(["history", *named, "--json"], Remote(store=store)) == 0
    assert [run["records"] for run in json.loads(capsys.readouterr().out)["result"]["runs"]] == [3]


@pytest.mark.parametrize("command", ["check", "estimate"])
def test_so_do_those_that_read_many_logs(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One start of the workers for each of them."""
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        Path(name).mkdir()
        Path(name, "logs.jsonl").write_bytes(NEW + OLD)
    Path("schemas.yaml").write_text("schemas: [{schema_name: api, retention_days: 30}]")
    executor = Noted()
    words = [command, "--path", "*/logs.jsonl", "--schemas", "schemas.yaml", "--no-catalog", "--json"]
    assert main(words, Wiring(executor=executor)) == 0
    assert "api:1" in json.dumps(json.loads(capsys.readouterr().out)["result"])
    assert len(executor.started) >= 2
