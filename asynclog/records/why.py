"""The reason why a line is not a record, in words."""

from typing import NamedTuple

NO_OFFSET = "has no offset from UTC"  # behind the name of the field

_SHOWN = 40  # characters of a value


class Why(NamedTuple):
    """The reason why a line is not a record: in words that it shares with all such lines, and in some of its own."""

    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return self.kind + self.detail


def shown(text: str) -> str:
    """Return a value as a reason shows it: in ASCII, and not all of a long one."""
    return ascii(str(text) if len(text) <= _SHOWN else text[:_SHOWN] + "...")
