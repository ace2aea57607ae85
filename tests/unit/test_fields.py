"""A line's fields are those that are named, whatever that is: for the parser, the kernel and the diagnostics."""

import json
from itertools import product

import pytest
from hostile import CATALOGUE, Hostile

from asynclog.errors import ConfigurationError
from asynclog.policy.cutoffs import Cutoffs
from asynclog.policy.rules import Policy, Rule
from asynclog.records.diagnostics import why_unreadable
from asynclog.records.fields import MXCP_FIELDS, FlatFields
from asynclog.records.kernel import Kind, choose_reader
from asynclog.records.parser import LineParser
from asynclog.scan.classifiers import make_classifier
from asynclog.segments import Fingerprint
from asynclog.statistics import SegmentStats

OTHERS = [
    FlatFields("event", "v", "time"),
    FlatFields("kind", "kind_version", "@timestamp"),
    FlatFields("a/b", 'say "what"', "Zeit punkt \u00fc\U0001f600"),
]
CUTOFFS = Cutoffs(Policy(star=Rule(retention=0)), now=1_795_478_400_000_000_000)
READERS: tuple[Kind, Kind] = ("native", "python")


def stats(line: bytes, kind: Kind, fields: FlatFields) -> SegmentStats:
    try:
        choose_reader(kind)
    except ConfigurationError as error:
        pytest.skip(str(error))
    classifier = make_classifier(kind, CUTOFFS, fields)
    classifier.add_block(0, memoryview(line), None)
    return classifier.builder().build("s", Fingerprint(1, 2, 3, 4, 5))


def written(name: object, version: object, timestamp: object, fields: FlatFields, *, escaped: bool = False) -> bytes:
    """Return a line with these values, each key escaped if that is asked for."""
    keys = (json.dumps(key, ensure_ascii=False) for key in fields.as_tuple())
    if escaped:
        units = (key.encode("utf-16-be").hex(" ", 2).split() for key in fields.as_tuple())
        keys = ('"' + "".join(f"\\u{unit}" for unit in each) + '"' for each in units)
    values = map(json.dumps, (name, version, timestamp))
    return ("{" + ", ".join(map(": ".join, zip(keys, values, strict=True))) + "}\n").encode()


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("fields", OTHERS)
@pytest.mark.parametrize("escaped", [False, True])
def test_a_record_is_found_by_its_fields(kind: Kind, fields: FlatFields, escaped: bool) -> None:
    """However its keys are written."""
    line = written("api", 2, "2020-01-01T00:00:00Z", fields, escaped=escaped)
    (count,) = stats(line, kind, fields).schemas
    assert (count.schema, count.records, count.expired) == (("api", 2), 1, 1)
    assert stats(line, kind, MXCP_FIELDS).unreadable == 1


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("fields", [MXCP_FIELDS, *OTHERS])
@pytest.mark.parametrize(("first", "second"), list(product([False, True], repeat=2)))
@pytest.mark.parametrize("key", range(3))
def test_a_field_that_stands_twice_makes_a_line_unreadable(
    kind: Kind, fields: FlatFields, first: bool, second: bool, key: int
) -> None:
    """Written the same way or not, with the same value or not."""
    line = written("api", 2, "2020-01-01T00:00:00Z", fields, escaped=first)
    again = written("api", 2, "2020-01-01T00:00:00Z", fields, escaped=second)
    twice = line.rstrip(b"}\n") + b", " + again.strip(b"{}\n").split(b", ")[key] + b"}\n"
    assert stats(twice, kind, fields).unreadable == 1
    assert str(why_unreadable(twice, LineParser(fields))) == f"{fields.as_tuple()[key]} stands twice"


@pytest.mark.parametrize("case", CATALOGUE, ids=lambda case: case.name)
def test_a_line_means_the_same_under_other_names(case: Hostile) -> None:
    """Of the same length, so that no limit is crossed that counts bytes."""
    fields = FlatFields("schema_nome", "schema_versjon", "timestomp")
    line = case.line
    for key, other in zip(MXCP_FIELDS.as_tuple(), fields.as_tuple(), strict=True):
        line = line.replace(key.encode(), other.encode())
    if b"\\u" not in case.line:
        assert LineParser(fields).parse(line) == LineParser().parse(case.line)


def test_the_reasons_name_the_fields() -> None:
    """As they are called in the log."""
    parser = LineParser(FlatFields("event", "v", "time"))
    assert str(why_unreadable(b"{}", parser)) == "event and time are missing"
    assert str(why_unreadable(b'{"event": "", "v": "1", "time": 1}', parser)) == (
        "event is empty; v is no integer; time is no string"
    )
    assert str(why_unreadable(b'{"event": "a", "time": "2020-01-01T00:00:00"}', parser)) == (
        "time has no offset from UTC: '2020-01-01T00:00:00'"
    )
