"""A file that is not lines stays whole: what a fragment is, and that no byte of a document goes."""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, get_args

import anyio
import pytest
import strategies
from audit_log import record, write_log, write_policy
from command import NOW, cleanup, run
from hypothesis import given
from hypothesis import strategies as st
from judge import DAY, Definition, first_fragment, instant, left_of
from judge import verdict as judged
from judge_fragment import is_fragment as judged_fragment
from one_run import run_once_async

from asynclog.actions import Action
from asynclog.errors import ChangedError
from asynclog.executors.rate_limit import RateLimiter
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy, Rule
from asynclog.records.document_fragments import is_fragment
from asynclog.records.fields import MXCP_FIELDS
from asynclog.records.kernel import Kind
from asynclog.records.parser import LineParser
from asynclog.scan.chunks import ChunkResult, split
from asynclog.scan.context import ScanContext
from asynclog.scan.reading.read_chunk import read_chunk
from asynclog.scan.survivors import SurvivorReader
from asynclog.schemas import SchemaKey
from asynclog.segments import Fingerprint, Segment
from asynclog.statistics import SchemaStats, SegmentStats, merge
from asynclog.storage.local.reading.segment_reader import LocalReader, LocalReadStore
from examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD, YOUNG = record(days=400), record(days=1)
PLAIN = OLD.strip()
ALL_GO = [Definition("*", None, 0)]
FIRST, SECOND = "logs-20250101T000000.jsonl", "logs-20250102T000000.jsonl"
MEBI = 1 << 20
KINDS: tuple[Kind, ...] = get_args(Kind)

quick = examples(60)

FRAGMENTS = {
    "brackets": b"[",
    "all signs": b" } ] , { [\r\n",
    "an element": PLAIN + b",",
    "an element with a comma before": b"  ," + PLAIN,
    "the first element": b"[" + PLAIN + b",",
    "the last element": PLAIN + b"]}",
    "an array around one element": b"[" + PLAIN + b"]",
    "a scalar element": b'  "text",\r\n',
    "a number element": b"-1.5e3 ]",
    "null behind a bracket": b"[null",
    "a member": b'"key": "value"',
    "a member and its comma": b'\t"key" : [1, {"a": "}"}] ,',
    "the last member": b'"key":null}',
    "a member that opens an object": b'"key": {',
    "a member that opens an array": b', "key": [',
    "a member that opens and closes": b'"key": {},',
    "an array of two as an element": b"[1, 2],",
    "an array of two in an array": b"[[1, 2]]",
    "an array that begins with an empty one": b"[[], 1],",
    "an array inside two": b", [[1, [2, 3]], 4]",
    "the members behind an array": b'], "count": 1, "page": {"a": 2}}',
    "an opening member behind an object": b'}, "b": [',
    "a key behind an array": b'], "b":',
    "the elements behind one": b", 3, 4]",
    "a value deeper than a record may be": b"[" * 600 + b'{"a": 1}, 2' + b"]" * 599,
}
NONE = {
    "a torn record": PLAIN[:30],
    "a torn record that opens an array": b'{"events": [',
    "a torn record that ends with a comma": b'{"events": 1,',
    "the tail of a torn record": PLAIN[20:],
    "two records": PLAIN + PLAIN,
    "two records with a comma": PLAIN + b", " + PLAIN,
    "two records in an array": b"[" + PLAIN + b", " + PLAIN + b"]",
    "two members": b'"a": 1, "b": 2',
    "a key alone": b'"key":',
    "a string": b'"key"',
    "a number": b"42",
    "true": b" true \r",
    "an array of two": b"[1, 2]",
    "an array of two, one of them empty": b"[[], 1]",
    "text": b"Traceback (most recent call last):",
    "text with a comma": b"error,",
    "text in brackets": b"[error]",
    "a time": b"2026-01-01 00:00:00,123 [main]",
    "CSV": b'"a","b"',
    "NULs": b"\0" * 20,
    "NULs before brackets": b"\0\0[",
    "NULs before a record": b"\0" * 20 + PLAIN,
    "a byte order mark before brackets": b"\xef\xbb\xbf[",
    "a string that is not UTF-8": b'"\xff",',
    "a value behind an opening brace": b"{1,",
    "a closing bracket before text": b'], "a" is 1',
    "a closing brace before a torn string": b'}, "a": "b',
}


@pytest.mark.parametrize("line", FRAGMENTS.values(), ids=FRAGMENTS)
def test_a_piece_of_a_document_is_a_fragment(line: bytes) -> None:
    """By the definition, with and without a newline, for the judge too."""
    assert LineParser().parse(line) is None
    assert [is_fragment(line), is_fragment(line.strip() + b"\n"), judged_fragment(line)] == [True] * 3


@pytest.mark.parametrize("line", NONE.values(), ids=NONE)
def test_other_unreadable_lines_are_no_fragments(line: bytes) -> None:
    """Torn and glued records, NULs, text and lone values block nothing."""
    assert [is_fragment(line), is_fragment(line.strip() + b"\n"), judged_fragment(line)] == [False] * 3


@pytest.mark.parametrize("end", [b"", b"\n", b" \r\n", b",\n", b"]],\n"])
def test_a_torn_object_is_told_by_its_end(end: bytes) -> None:
    """However deep it is nested: its 50 MiB are not walked bracket by bracket, which would take minutes."""
    line = b'{"a": ' + b"[" * (50 * MEBI) + b"1" + end
    begun = time.process_time()
    assert not is_fragment(line)
    assert not is_fragment(memoryview(line))
    assert time.process_time() - begun < 10


@st.composite
def bits(draw: st.DrawFn) -> bytes:
    """Draw a value, a member or something broken, with any signs around it."""
    signs = st.lists(st.sampled_from(["[", "]", "{", "}", ",", ":", " "]), max_size=4).map("".join)
    middle = draw(st.sampled_from(['"k": ', '"k": [', "", "1", "null", "[1, 2]", "[]", '{"a": []}', "x", "\0"]))
    return (draw(signs) + middle + draw(signs) + draw(st.sampled_from(["", "1", "{}"])) + draw(signs)).encode()


@examples(500)
@given(line=bits() | strategies.lines())
def test_reader_and_judge_agree_on_any_line(line: bytes) -> None:
    """On signs and values in any order, and on lines of every kind, damaged ones too."""
    for each in line.split(b"\n"):
        if judged(each) == "unreadable":
            assert is_fragment(each) == judged_fragment(each)


# Documents, printed over several lines.


def values() -> st.SearchStrategy[Any]:
    """Anything that JSON can say, with records of any age anywhere in it."""
    some: st.SearchStrategy[Any] = st.sampled_from(
        [None, True, -1.5, 10**30, "", "text, [with] {signs}", "é\u2028", [], {}, [[]]]
    )
    records = strategies.ordinary().map(json.loads)
    keys = st.sampled_from(["schema_name", "timestamp", "events", "", "é"])
    inner = st.recursive(
        some | records | records,
        lambda each: st.lists(each, min_size=1, max_size=4) | st.dictionaries(keys, each, min_size=1, max_size=3),
        max_leaves=8,
    )
    return st.lists(inner, min_size=2, max_size=4) | st.dictionaries(keys, inner, min_size=2, max_size=3)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """Draw a document of at least two lines in one of the usual prints."""
    value, ascii_only = draw(values()), draw(st.booleans())
    indent: int | str = draw(st.sampled_from([*range(9), "\t"]))
    if draw(st.booleans()):
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    else:
        comma = draw(st.sampled_from([",\n", " ,\n", "\n, ", "\n"]))
        margin = indent if isinstance(indent, str) else " " * indent
        edge = draw(st.sampled_from(["\n", "\n", "" if "," in comma else "\n"]))
        text = printed(value, comma, margin, edge, draw(st.integers(1, 3)))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return (text + draw(st.sampled_from(["", "\n"]))).replace("\n", end).encode()


def printed(value: Any, comma: str, margin: str, edge: str, levels: int) -> str:
    """Print a container with an item a line, down to so many levels; what is deeper is on one line."""
    if not levels or not isinstance(value, list | dict) or not value:
        return json.dumps(value)
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {printed(each, comma, margin, edge, levels - 1)}" for key, each in value.items()]
    else:
        items = [printed(each, comma, margin, edge, levels - 1) for each in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return f"{first}{edge}{margin}{comma.join(items)}{edge}{last}"


def cleaned(content: bytes) -> tuple[bytes | None, dict[str, Any]]:
    """Return what a job leaves of a segment if all records have expired, and its report's result."""
    with TemporaryDirectory(prefix="fragments-") as place:
        (Path(place) / FIRST).write_bytes(content)
        (Path(place) / "logs_schemas.jsonl").write_bytes(b'{"schema_name": "*", "retention_days": 0}\n')
        policy = Path(place) / "policy.yaml"
        policy.write_text('schemas: [{schema_name: "*", retention_days: 0}]')

        async def job() -> Any:
            path = str(Path(place) / "logs.jsonl")
            return await run_once_async(path=path, schemas=str(policy), now=NOW, allow_delete_all=True)

        result: dict[str, Any] = anyio.run(job).document()["result"]
        left = Path(place) / FIRST
        return left.read_bytes() if left.exists() else None, result


@quick
@given(document=documents(), before=st.sampled_from([b"", OLD, b"\n", OLD + YOUNG]))
def test_no_byte_of_a_document_goes(document: bytes, before: bytes) -> None:
    """However it is printed, with records anywhere in it and in front of it."""
    left, result = cleaned(before + document)
    assert left == before + document
    (action,) = result["actions"]
    assert (action["action"], result["records"]) == ("skip", {"scanned": 0, "deleted": 0, "kept": 0})
    assert f"line {first_fragment(before + document)} " in action["reason"]


@st.composite
def broken_documents(draw: st.DrawFn) -> bytes:
    """Draw a document with a record in it, broken into lines anywhere between its tokens, but not inside the record."""
    inner = draw(strategies.ordinary()).strip().decode()
    text = json.dumps(draw(values() | st.just([])))
    tokens = re.findall(r'"(?:[^"\\]|\\.)*"|[^"\s\[\]{},:]+|[\[\]{},:]', text)
    members = ['"n"', ":", "1", ",", '"x"', ":", "[", "]", ","]
    head, tail = draw(
        st.sampled_from(
            [
                (["[", *tokens, ",", "["], ["]", ",", *tokens, "]"]),
                (["{", *members, '"a"', ":"], [",", *members[:-1], "}"]),
                (["{", *members, '"a"', ":", "["], ["]", ",", '"n"', ":", "1", "}"]),
                (["[", "{", '"a"', ":", "["], ["]", "}", "]"]),
            ]
        )
    )
    whole = [*head, inner, *tail]
    gaps = [draw(st.sampled_from(["", " ", "\n"])) for _ in whole]
    gaps[len(head) - 1] = gaps[len(head)] = "\n"
    return "".join(token + gap for token, gap in zip(whole, gaps, strict=True)).encode()


@quick
@given(document=broken_documents())
def test_no_byte_of_a_document_goes_wherever_it_is_broken(document: bytes) -> None:
    """Whatever stands on the line of its brackets, a record alone on a line of it stays."""
    left, _ = cleaned(document)
    assert left == document


@st.composite
def odd_lines(draw: st.DrawFn) -> bytes:
    """Draw what a file of lines has beside its records."""
    one, other = draw(strategies.ordinary()), draw(strategies.ordinary())
    torn = one[: draw(st.integers(min_value=2, max_value=len(one) - 1))]
    return draw(
        st.sampled_from(
            [
                torn,
                torn + other,
                one + other,
                one + b"," + other,
                b"\0" * 8 + one,
                b"\0" * 8,
                b"Error: no such file [2]",
                b"42",
                b'"text"',
                b"null",
                b"<34>Oct 11 22:14:15 host app: " + one,
            ]
        )
    )


@quick
@given(content=strategies.segments(strategies.ordinary() | odd_lines()))
def test_a_file_of_lines_loses_just_its_expired_records(content: bytes) -> None:
    """Lines that are torn, glued, of NULs or text stay, and block nothing."""
    left, result = cleaned(content)
    assert first_fragment(content) is None
    assert left == left_of(content, ALL_GO, instant(NOW))
    assert "not_json_lines" not in result["unjudged"]["reasons"]


# The readers, over whole segments and pieces of them.


class Counting(RateLimiter):
    """A rate limit that is none, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.spent = 0

    def acquire(self, size: int) -> None:
        self.spent += size


def census(path: Path, kind: Kind, size: int, rate_limit: RateLimiter | None = None) -> SegmentStats:
    """Return what a scan in chunks of this size learns, merged in some order."""
    segment = Segment(path.name, Fingerprint.of(path.stat()))
    view = ScanContext(
        LocalReadStore(str(path.parent)), Cutoffs(Policy(star=Rule(retention=0)), instant(NOW)), kind, MXCP_FIELDS
    )
    readings = [read_chunk(view, rate_limit or RateLimiter(), piece) for piece in split(segment, size)]
    Random(size).shuffle(readings)  # noqa: S311 - the same order every time
    assert all(isinstance(each, ChunkResult) for each in readings)
    first, *others = (each.builders[0] for each in readings if isinstance(each, ChunkResult))
    for other in others:
        first.merge(other)
    return first.build(segment.name, segment.fingerprint)


@quick
@given(content=strategies.segments(bits() | strategies.lines() | odd_lines()).filter(bool), size=st.integers(1, 300))
@pytest.mark.parametrize("kind", KINDS)
def test_the_first_fragment_is_found_in_any_pieces(kind: Kind, content: bytes, size: int) -> None:
    """Its number is that of the whole segment, by both readers, and of such a segment nothing is counted."""
    with TemporaryDirectory(prefix="fragments-") as place:
        path = Path(place) / "s"
        path.write_bytes(content)
        for found in (census(path, kind, len(content)), census(path, kind, size)):
            assert found.fragment == first_fragment(content)
            if found.fragment:
                assert (found.schemas, found.unreadable, found.blank) == ((), 0, 0)
            else:
                assert found.lines == content.count(b"\n") + (not content.endswith(b"\n"))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_read_behind_a_fragment(tmp_path: Path, kind: Kind) -> None:
    """Of a document of many millions of lines one block is enough, and what is before the first one is counted."""
    path = tmp_path / "s"
    path.write_bytes(YOUNG * 20_000 + b'{\n  "a": [\n' + b"    1,\n" * 2_000_000)
    rate_limit = Counting()
    assert census(path, kind, 1 << 30, rate_limit).fragment == 20_001
    assert rate_limit.spent < 20_000 * len(YOUNG) + 2 * MEBI


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_line_is_judged_as_a_whole(tmp_path: Path, kind: Kind) -> None:
    """Longer than any block: an element is a fragment, an array of many is none."""
    long = b"[" + b", ".join([PLAIN] * (2 * MEBI // len(PLAIN))) + b"]"
    for line, fragment in ((long, None), (long + b",", 2), (b"," + PLAIN[:-1] + b" " * MEBI + b"}", 2)):
        (tmp_path / "s").write_bytes(OLD + line + b"\n" + OLD)
        assert census(tmp_path / "s", kind, 1 << 30).fragment == fragment


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_huge_line_a_byte_is_enough_to_keep_a_document(tmp_path: Path, kind: Kind) -> None:
    """Beyond 16 MiB what begins with a sign is taken for a fragment; text, NULs and torn objects are none."""
    huge = b" " * 17 * MEBI
    for first, last, fragment in (
        (b"[1,", b"2]", 2),
        (b", 1", b"]", 2),
        (b"]", b"", 2),
        (b"text", b"", None),
        (b'"key', b'": 1', None),
        (b"[", b"\0", 2),
        (b"[\0", b"", None),
        (b"{1", b"", None),
        (b'{"a": 1}', b",", 2),
        (b"", b"", None),
    ):
        (tmp_path / "s").write_bytes(OLD + first + huge + last + b"\n" + OLD)
        found = census(tmp_path / "s", kind, 1 << 30)
        assert (found.fragment, fragment or found.lines) == (fragment, fragment or 3)


# The commands.


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a log of a document, of records in an array, and of lines."""
    write_policy(tmp_path, "schema_name: app, retention_days: 30")
    document = b'{\n  "schema_name": "session",\n  "events": [\n    ' + PLAIN + b",\n    " + PLAIN + b"\n  ]\n}\n"
    lines = OLD + b"torn\n" + PLAIN + PLAIN + b"\n" + YOUNG
    write_log(tmp_path / "audit", {FIRST: document, SECOND: OLD + PLAIN + b",\n" + OLD, "logs.jsonl": lines})
    for path in (tmp_path / "audit").iterdir():
        os.utime(path, (1_600_000_000, 1_600_000_000))  # the catalog doubts what has just changed
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "audit").iterdir() if path.name[0] != "."}


@pytest.mark.parametrize("reader", KINDS)
def test_it_is_skipped_and_its_records_are_counted_nowhere(log: Path, reader: Kind) -> None:
    """The reason names the line; other segments are cleaned; the sum of the records is still right."""
    before = content(log)
    for words in (["--dry-run", "--debug"], ["--debug"], ["--debug", "--double-check"]):
        done = cleanup(log, *words, env={"ASYNCLOG_READER": reader})
        assert done.code == 0
        for name, line in ((FIRST, 1), (SECOND, 2)):
            assert (done.actions[name]["action"], done.actions[name]["outcome"]) == ("skip", "skipped")
            assert done.actions[name]["reason"].startswith(f"it is not JSON Lines: line {line} ")
        deleted = 0 if "--double-check" in words else 1
        assert done.result["records"] == {"scanned": 1 + deleted, "deleted": deleted, "kept": 1}
        assert done.result["kept"]["unreadable"] == 2
        assert (done.result["overdue"]["records"], done.result["segments"]["skipped"]) == ({}, 2)
    assert content(log) == before | {"logs.jsonl": before["logs.jsonl"].removeprefix(OLD)}


def test_estimate_and_explain_say_the_same(log: Path) -> None:
    """Nothing of it is counted as what goes, with a catalog and without one."""
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW, "--json", "--state", "state")
    for words in ([], ["--no-catalog"], [], ["--no-scan"]):
        found = run("estimate", *named, *words, cwd=log).result
        assert set(found["unread"]) == {FIRST, SECOND}
        assert found["totals"]["frees"][0]["records"] == 1
    for row in run("explain", *named, cwd=log).result["segments"][:2]:
        assert (row["action"], row["schemas"], row["unreadable"]) == ("skip", {}, 0)
        assert "it is not JSON Lines" in row["reason"]
    (row,) = run("explain", SECOND, *named, "--no-catalog", cwd=log).result["segments"]
    assert row["reason"].startswith("it is not JSON Lines: line 2 ")


def test_a_plan_leaves_it_alone(log: Path) -> None:
    """Written as skipped, and applied so."""
    before = content(log)
    assert cleanup(log, "--dry-run", "--plan-out", "plan.json").code == 0
    done = run("apply", "plan.json", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--json", cwd=log)
    assert (done.code, done.result["records"]["deleted"]) == (0, 1)
    assert {name: content(log)[name] for name in (FIRST, SECOND)} == {name: before[name] for name in (FIRST, SECOND)}


def test_the_catalog_keeps_the_line_number_of_a_fragment(tmp_path: Path) -> None:
    """Line numbers are those of the whole segment; what was found once is not looked for again."""
    write_policy(tmp_path)
    path = write_log(tmp_path / "audit", {"logs.jsonl": b""})
    for added, line, known in (
        (YOUNG + b"torn\n\n" + YOUNG, None, "misses"),
        (YOUNG + b"[\n", 6, "partial"),
        (OLD, 6, "partial"),
        (b"", 6, "hits"),
    ):
        if added:
            with path.open("ab") as file:
                file.write(added)
            os.utime(path, (1_600_000_000, 1_600_000_000))
        done = cleanup(tmp_path, "--debug", "--state", "state")
        assert done.result["catalog"] == {"hits": 0, "partial": 0, "misses": 0, "rebuilt": False} | {known: 1}
        action = done.actions["logs.jsonl"]
        assert (action["action"] == "skip") == (line is not None)
        assert line is None or f"line {line} " in action["reason"]


def test_a_head_and_a_tail_are_joined() -> None:
    """The head's fragment is the first; else the tail's counts on from the head's lines."""
    place = Fingerprint(1, 2, 3, 4, 5)
    count = SchemaStats(SchemaKey("app", 1), 3, 30, 1, 2, 0, 0, 0, 0)
    lines, document = SegmentStats("s", place, (count,), unreadable=2, blank=1), SegmentStats("s", place, fragment=4)
    assert merge(lines, document, place).fragment == 10
    assert merge(document, lines, place) == document
    assert merge(lines, lines, place).fragment is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_segment_that_turns_out_to_have_one_is_not_rewritten(tmp_path: Path, kind: Kind) -> None:
    """Even where its lines are read again for the rewrite only."""
    path = tmp_path / "s"
    path.write_bytes(OLD + YOUNG + b"]\n")
    place = Fingerprint.of(path.stat())
    counts = (SchemaStats(SchemaKey("app", 1), 2, len(OLD + YOUNG), 1, 2, 1, len(OLD), 0, 0),)
    action = Action("s", "rewrite", "", place, SegmentStats("s", place, counts, unreadable=1))
    cutoffs = Cutoffs(Policy(star=Rule(retention=30 * DAY)), instant(NOW))
    context = ScanContext(LocalReadStore(str(tmp_path)), cutoffs, kind, MXCP_FIELDS)
    survivors = SurvivorReader(context, RateLimiter(), workers=1, double_check=False)
    proof = survivors.proof()
    with opened(path) as descriptor, pytest.raises(ChangedError):
        list(survivors.iter_survivors(action, LocalReader(descriptor), proof, place.size))
    assert proof.reread is not None
    assert proof.reread.fragment == 3


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
