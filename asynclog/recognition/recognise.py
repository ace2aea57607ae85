"""Recognise whose log it is: its name and some lines -> the presets that fit, and the one that is certain. Pure."""

from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec
import orjson

from asynclog.config.presets import Preset, load_presets
from asynclog.recognition.proposal import Objects, Proposal, propose, records_by
from asynclog.records.mapped.parser import value_at
from asynclog.storage.naming import SegmentNaming

MXCP = "mxcp"
_MOST = 90  # percent of the objects that a preset has to fit: some lines of a log are always odd


class Sample(msgspec.Struct, frozen=True):
    """Lines of a log with this base name: those that are JSON objects, each with its content, and how many are none.

    `names` are those of all files in its folder.
    """

    base: str
    objects: Objects
    others: int
    names: Sequence[str] = ()


class Match(msgspec.Struct, frozen=True):
    """How well a preset fits: so many lines have its marks, and so many are records by its fields.

    `is_named` is whether the base name is the usual one of that product.
    """

    preset: str
    marked: int
    read: int
    is_named: bool


class Recognition(msgspec.Struct, frozen=True):
    """What a sample of so many `lines`, of which `objects` are JSON objects, tells.

    `matches` are the presets that fit, the best first; `preset` is the one that is certain, empty if none is. If none
    fits, there is a proposal. `named` are the presets whose usual name the base name is, whatever the lines are.
    `further` are files that are segments by the best preset's patterns alone.
    """

    lines: int
    objects: int
    named: tuple[str, ...] = ()
    matches: tuple[Match, ...] = ()
    preset: str = ""
    further: tuple[str, ...] = ()
    proposal: Proposal | None = None


def sample_of(base: str, lines: Iterable[bytes], names: Sequence[str] = ()) -> Sample:
    """Return these lines of a log, in whose folder are files of these names, as a sample."""
    found = [(line, _object(line)) for line in lines]
    objects = [(line, content) for line, content in found if content is not None]
    return Sample(base, objects, len(found) - len(objects), names)


def recognise(sample: Sample, wide: Collection[str] = ()) -> Recognition:
    """Return what the sample tells, of which the `wide` presets are none. Without an object there is no telling."""
    objects, lines = len(sample.objects), len(sample.objects) + sample.others
    named = presets_named(sample.base)
    if not objects:
        return Recognition(lines, objects, named)
    fitting = (match for match in _matches(sample, named) if match.preset not in wide)
    matches = tuple(sorted(fitting, key=lambda match: (-match.marked, not match.is_named)))
    if matches:
        preset = _certain(matches)
        further = _further(sample, preset or matches[0].preset)
        # A name that is not the product's may be that of one log among others of its folder.
        return Recognition(lines, objects, named, matches, "" if further and preset not in named else preset, further)
    is_partly_mxcps = records_by(load_presets()[MXCP].fields(), sample.objects) > 0  # which the default reads
    return Recognition(
        lines, objects, named, proposal=None if is_partly_mxcps else propose(sample.objects, sample.base)
    )


def presets_named(base: str) -> tuple[str, ...]:
    """Return the presets of products that usually give their log this name, or whose preset does."""
    return tuple(
        name
        for name, preset in load_presets().items()
        if base == preset.path.rpartition("/")[2] or (preset.base and fnmatchcase(base, preset.base))
    )


def _matches(sample: Sample, named: Sequence[str]) -> Iterable[Match]:
    for name, preset in load_presets().items():
        # Without a schema of their own, lines tell too little, and the other files are claimed by a wide pattern.
        if not preset.marks or (preset.constant and name not in named):
            continue
        marked = sum(_has_marks(content, preset) for _, content in sample.objects)
        if _is_most(marked, sample):
            read = records_by(preset.fields(), sample.objects)
            if _is_most(read, sample):
                yield Match(name, marked, read, name in named)


def _is_most(lines: int, sample: Sample) -> bool:
    return lines * 100 >= _MOST * len(sample.objects)


def _certain(matches: Sequence[Match]) -> str:
    """Return the only preset that fits; of several MXCP's, which is the default, or the only one of the log's name."""
    for certain in (
        matches,
        [match for match in matches if match.preset == MXCP],
        [match for match in matches if match.is_named],
    ):
        if len(certain) == 1:
            return certain[0].preset
    return ""


def _further(sample: Sample, preset: str) -> tuple[str, ...]:
    """Return the files that are segments by the preset's patterns, and by no name that a rotator gives."""
    patterns = load_presets()[preset].segments
    usual, wide = SegmentNaming(sample.base), SegmentNaming(sample.base, more_names=patterns)
    return tuple(sorted(name for name in sample.names if wide.match(name) and not usual.match(name)))


def _has_marks(content: dict[str, Any], preset: Preset) -> bool:
    return all(any(_has(content, mark) for mark in marks) for marks in preset.marks)


def _has(content: dict[str, Any], mark: str) -> bool:
    path, has_pattern, pattern = mark.partition("=")
    value = value_at(content, path)
    if not has_pattern:
        return value is not None
    return isinstance(value, str) and fnmatchcase(value, pattern)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        content = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return content if isinstance(content, dict) else None
