"""Patterns in the names of a policy's rules: `*` for any characters, or none, and `?` for one. Pure.

The names of a log's records are only ever matched against patterns, whatever characters they have.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from asynclog.schemas import SchemaKey

# The fault of rivals, in words that follow their names.
RIVALRY = (
    "have the same text before their first wildcard, so nothing says which of them comes first: write whole names "
    "instead of one of them, or more text before the wildcard"
)


class Pattern(msgspec.Struct, frozen=True):
    """The scope of a rule for all names that match `name`, in one version, or in all if `version` is None."""

    name: str
    version: int | None = None

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}:{self.version}"


def has_wildcard(name: str) -> bool:
    """Return whether a name in a policy is a pattern, or `*`."""
    return "*" in name or "?" in name


def fixed_part(name: str) -> str:
    """Return what stands before the first wildcard: the longer it is, the narrower is the pattern."""
    return re.split(r"[*?]", name, maxsplit=1)[0]


def first_rivals(patterns: Iterable[Pattern]) -> tuple[Pattern, Pattern] | None:
    """Return the first two patterns of different names whose fixed parts are the same; None without any."""
    known: dict[str, Pattern] = {}
    for pattern in patterns:
        other = known.setdefault(fixed_part(pattern.name), pattern)
        if other.name != pattern.name:
            return other, pattern
    return None


def matches(pattern: Pattern, key: SchemaKey) -> bool:
    """Return whether a pattern is for this schema key."""
    return pattern.version in {None, key.version} and name_matches(pattern.name, key.name)


def name_matches(pattern: str, name: str) -> bool:
    """Return whether all of a name fits a pattern, in time that grows with the product of their lengths."""
    return _expression(pattern).fullmatch(name) is not None


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str]:
    """Return the expression for a pattern.

    What stands between two `*` is taken where it is found first, and never looked for again: another place would leave
    less for what follows. So a hostile name costs no more than any other.
    """
    first, *others = (re.escape(part).replace(r"\?", ".") for part in pattern.split("*"))
    if not others:
        return re.compile(first, re.DOTALL)
    *between, last = others
    return re.compile(first + "".join(f"(?>.*?{part})" for part in between) + ".*" + last, re.DOTALL)
