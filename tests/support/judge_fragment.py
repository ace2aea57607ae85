"""The slow judge's notion of a fragment: a line that is a piece of a document, straight from the definition.

It tries every way to strip punctuation from both ends of a line's tokens, and checks whether a value or a member is
left. It shares no code with the package.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from judge_json import SCALARS, Unreadable, tokens


@lru_cache(maxsize=4096)
def is_fragment(line: bytes) -> bool:
    """Return whether a line that is neither blank nor a record is a piece of a document."""
    try:
        kinds = [token.kind for token in tokens(line)]
    except Unreadable:
        return False
    if all(kind in ("[", "]", "{", "}", ",") for kind in kinds):
        return True
    if kinds[0] in (",", "]", "}") and goes_on(kinds):
        return True
    return any(is_piece(kinds, start) for start in range(run(kinds, ("[", ",")) + 1))


def goes_on(kinds: list[str]) -> bool:
    """Return whether each value and each closing bracket is followed by punctuation that may follow it."""
    openings = ("[", "{", ",", ":")
    return all(kind in openings or after in (",", ":", "]", "}") for kind, after in pairwise(kinds))


def run(kinds: list[str], signs: tuple[str, ...]) -> int:
    """Return how many tokens at the beginning are among these signs."""
    count = 0
    while count < len(kinds) and kinds[count] in signs:
        count += 1
    return count


def is_piece(kinds: list[str], start: int) -> bool:
    """Return whether a member begins here, or a value with more around it, and only punctuation follows it."""
    signs = len(kinds) - run(kinds[::-1], (",", "]", "}"))
    done: list[str] = []
    for end in range(start, len(kinds)):
        try:
            put(done, kinds[end])
        except Unreadable:
            return False
        if end + 1 >= signs:
            match done:
                case [("string" | "value")] if start > 0 or end + 1 < len(kinds):
                    return True
                case ["string", ":", ("string" | "value" | "[" | "{")]:
                    return True
    return False


def put(done: list[str], kind: str) -> None:
    """Append a token, reducing a whole container or scalar to `value`, but not strings, which may be keys."""
    if kind in ("]", "}"):
        inside: list[str] = []
        while done and done[-1] not in ("[", "{"):
            inside.insert(0, done.pop())
        if not done or done.pop() + kind not in ("[]", "{}"):
            raise Unreadable("a bracket without its other one")
        if inside and not all(is_item(item, kind) for item in items(inside)):
            raise Unreadable("no items")
        kind = "value"
    done.append("value" if kind in SCALARS and kind != "string" else kind)


def items(inside: list[str]) -> list[list[str]]:
    """Split at the commas."""
    cut: list[list[str]] = [[]]
    for kind in inside:
        if kind == ",":
            cut.append([])
        else:
            cut[-1].append(kind)
    return cut


def is_item(item: list[str], closing: str) -> bool:
    """Return whether this is an item of an array, or of an object."""
    if closing == "}":
        return item[:2] == ["string", ":"] and item[2:] in (["string"], ["value"])
    return item in (["string"], ["value"])
