"""Tables fit the width that there is, and lose nothing."""

from itertools import islice

import pytest

from asynclog.formatting import fold
from asynclog.tables import columns

ROWS = [
    ["schema", "keeps", "records", "size", "a day", "frees now", "rule"],
    ["app:1", "90 days", "1,000,000", "1.2 GiB", "11.0 MiB", "3.4 MiB", "kept for 90 days (/etc/asynclog/app.yaml:3)"],
    ["kubernetes/audit-of-the-cluster/reads:12", "for ever", "7", "1 byte", "0 bytes", "0 bytes", "none: kept"],
]
RIGHT = {2, 3, 4, 5}


def test_without_a_width_there_is_one_line_a_row() -> None:
    """As for a file, or a pipe."""
    assert list(columns(ROWS[:2], RIGHT)) == [
        "schema  keeps      records     size     a day  frees now  rule",
        "app:1   90 days  1,000,000  1.2 GiB  11.0 MiB    3.4 MiB  kept for 90 days (/etc/asynclog/app.yaml:3)",
    ]


@pytest.mark.parametrize("width", [*range(24, 180, 7), 80])
def test_every_line_fits(width: int) -> None:
    """And every number is there, in one piece."""
    lines = list(columns(ROWS, RIGHT, width))
    assert max(map(len, lines)) <= width
    for row in ROWS:
        for number in RIGHT:
            assert any(row[number] in line for line in lines)


def test_what_does_not_fit_becomes_a_second_table() -> None:
    """It says again which row is which."""
    rows = [["schema", "records", "size", "in 7 days"], ["app", "12", "34", "56"]]
    assert list(columns(rows, {1, 2, 3}, 24)) == [
        "schema  records  size",
        "app          12    34",
        "",
        "schema  in 7 days",
        "app            56",
    ]


def test_long_text_is_wrapped_where_words_end() -> None:
    """The place of a rule, say."""
    rows = [["schema", "rule"], ["app", "kept for 90 days (/etc/app.yaml:3)"]]
    assert list(columns(rows, (), 30)) == [
        "schema  rule",
        "app     kept for 90 days",
        "        (/etc/app.yaml:3)",
    ]
    rows = [["schema"], ["kubernetes/audit/of-the-cluster"]]
    assert list(columns(rows, (), 20)) == ["schema", "kubernetes/audit/of-", "the-cluster"]


@pytest.mark.parametrize("width", [2, 1, 0, -1])
def test_a_terminal_of_hardly_a_column_gets_all_of_it(width: int) -> None:
    """One character below the other, and an end: lines without one would fill the memory."""
    lines = islice(columns([["rule", "records"], ["kept", "12"]], {1}, width), 100)
    assert list(lines) == ["r  records", "u", "l", "e", "k       12", "e", "p", "t"]


def test_a_terminal_without_room_gets_numbers_whole() -> None:
    """A number is never cut in two."""
    assert any("1,000,000" in line for line in columns(ROWS, RIGHT, 5))


def test_many_with_the_same_reason_are_told_once() -> None:
    """With how many they are, and the first few of them; a few are told each."""
    many = [(f"logs-{number}.jsonl", "it is busy") for number in range(58)]
    assert list(fold([*many, ("a", "it has vanished"), ("b", "it has vanished")])) == [
        "58 segments: it is busy (logs-0.jsonl, logs-1.jsonl, logs-2.jsonl and 55 more)",
        "a: it has vanished",
        "b: it has vanished",
    ]
