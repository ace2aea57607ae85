"""The states that a power cut may leave, if a file system promises no more than POSIX does.

Until the folder is synced each change of names may have reached the disk or not, whatever came before or after it;
a rename, or an exchange, is one change. Until a file is synced its new bytes may be missing, or half of them, or be
zeros, and its new looks may be missing.
"""

from __future__ import annotations

import os
from collections import defaultdict
from itertools import product
from math import prod
from random import Random
from typing import TYPE_CHECKING, NamedTuple, Self

from faults.recorder import FOLDER, Appended, Dressed, Emptied, Looks, Named, Operation, Synced, Written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CREATED = Looks(os.geteuid(), os.getegid(), 0o600, 0, ())  # of a file that has been made and nothing more
MANY = 256


class State(NamedTuple):
    """A folder: its names, the files that they mean (a file may have several), and what is in these."""

    names: dict[str, str]
    data: dict[str, bytes]
    looks: dict[str, Looks]


class Crash(NamedTuple):
    """A power cut behind the first `done` operations, and what became of each change that was not safe by then.

    Of names, and of an emptied file: `1` it was made, `0` it was not. Of a file otherwise, two letters: `a` all its
    new bytes, `h` the first half, `n` none, `z` zeros; then `+` for its new looks, `-` for the old.
    """

    done: int
    ways: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse what `str` made a text of."""
        done, _, ways = text.partition("/")
        return cls(int(done), tuple(filter(None, ways.split("."))))

    def __str__(self) -> str:
        return f"{self.done}/{'.'.join(self.ways)}"


def crashes(operations: Sequence[Operation]) -> Iterator[Crash]:
    """Every power cut that may happen to this run.

    But for a job that hardly syncs: where one moment has more than `MANY` of them, it is so many, taken at random.
    """
    for done in range(len(operations) + 1):
        choices = _choices(operations[:done])
        random = Random(done)  # noqa: S311 - the same ones every time
        if prod(map(len, choices)) > MANY:
            yield from (Crash(done, tuple(map(random.choice, choices))) for _ in range(MANY))
        else:
            yield from (Crash(done, ways) for ways in product(*choices))


def any_crash(operations: Sequence[Operation], random: Random) -> Crash:
    """One of them."""
    done = random.randint(0, len(operations))
    return Crash(done, tuple(map(random.choice, _choices(operations[:done]))))


def after(crash: Crash, before: State, operations: Sequence[Operation]) -> State:
    """Return the folder as this power cut leaves it, without files that have no name any more.

    Raises ValueError where it is not one of this run.
    """
    done = operations[: crash.done]
    changes = list(zip(_unsafe(done), crash.ways, strict=True))
    way = {index: way for indices, way in changes for index in indices}
    names, data, looks = dict(before.names), defaultdict(bytes, before.data), dict(before.looks)
    new: defaultdict[str, bytes] = defaultdict(bytes)
    for index, operation in enumerate(done):
        match operation:
            case Named(entries=entries) if way.get(index) != "0":
                names = {name: file for name, file in {**names, **entries}.items() if file}
            case Emptied(file=file) if way.get(index) != "0":
                data[file] = b""
            case Written(file=file) if index in way:
                new[file] += operation.data
            case Written(file=file) | Appended(file=file):
                data[file] += operation.data
            case Dressed(file=file) if not way.get(index, "").endswith("-"):
                looks[file] = operation.looks
    for indices, how in changes:
        file = done[indices[0]].file
        data[file] += _arrived(new[file], how[0])
    there = set(names.values())
    return State(names, {file: data[file] for file in there}, {file: looks.get(file, _CREATED) for file in there})


def _arrived(new: bytes, how: str) -> bytes:
    match how:
        case "h":
            return new[: len(new) // 2]
        case "n":
            return b""
        case "z":
            return bytes(len(new))
    return new


def _choices(done: Sequence[Operation]) -> list[list[str]]:
    """Return what may become of each change that is not safe."""
    return [_ways([done[index] for index in indices]) for indices in _unsafe(done)]


def _ways(changes: Sequence[Operation]) -> list[str]:
    if isinstance(changes[0], Named | Emptied):
        return ["1", "0"]
    written = any(isinstance(change, Written) for change in changes)
    dressed = any(isinstance(change, Dressed) for change in changes)
    return [much + looks for much in ("ahnz" if written else "a") for looks in ("+-" if dressed else "+")]


def _unsafe(done: Sequence[Operation]) -> list[list[int]]:
    """Return the indices of what has not been synced: each change of names for itself, those of one file together."""
    unsafe: dict[str, list[int]] = {}
    for index, operation in enumerate(done):
        match operation:
            case Synced(file=file, before=before):
                unsafe[file] = [each for each in unsafe.get(file, []) if each >= before]
            case Appended(file=file):
                unsafe[file] = []
            case _:
                unsafe.setdefault(operation.file, []).append(index)
    names = [[index] for index in unsafe.pop(FOLDER, [])]
    return names + [indices for indices in unsafe.values() if indices]
