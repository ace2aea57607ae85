"""Errors in a sentence: the first few, and what holds for many names once."""

import pytest

from asynclog.formatting import summarize_errors


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ([], None),
        (["a: no"], "a: no"),
        (["a: no", "b: no", "c: no"], "a: no; b: no; c: no"),
        ([f"{name}: no" for name in "abcdef"], "a, b, c and 3 more: no"),
        (["x: yes", *(f"{name}: no" for name in "abcd")], "x: yes; a, b, c and 1 more: no"),
        (["1", "2", "3", "4", "5"], "1; 2; 3; and 2 more"),
        ([f"{name}: {name}" for name in "abcde"], "a: a; b: b; c: c; and 2 more"),
        (
            [f"{name}: {n}" for n in "1234" for name in "abcd"],
            "; ".join(f"a, b, c and 1 more: {n}" for n in "123") + "; and 4 more",
        ),
    ],
)
def test_what_holds_for_many_is_told_once(errors: list[str], told: str | None) -> None:
    """With the first three names, and how many there are."""
    assert summarize_errors(errors) == told
