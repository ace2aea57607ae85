"""Find what rotations have made of a registry: the files beside it that were one."""

import os

from asynclog.errors import ConfigurationError
from asynclog.storage.codecs import is_packed
from asynclog.storage.naming import SegmentNaming


def is_registry(path: str) -> bool:
    """Return whether audit schema definitions at this path are a registry, and not YAML."""
    return path.endswith(".jsonl")


def rotations(registry: str) -> list[str]:
    """Return the names of the files beside a registry that were one before a rotation, from the oldest on."""
    folder, base = os.path.split(registry)
    naming = SegmentNaming(base)
    try:
        return sorted(filter(naming.is_rotated, os.listdir(folder)), key=naming.sort_key)
    except OSError:
        return []


def readable_rotations(registry: str) -> list[str]:
    """Return the paths of those that can be read, from the oldest on, but none that is older than a packed one.

    A later definition counts, and what may be in a packed file is not known. Raise ConfigurationError where the order
    is not known: a number counts from the newest file, and does not say whether that is newer than one with a date.
    """
    names, naming = rotations(registry), SegmentNaming(os.path.basename(registry))
    numbered = [name for name in names if naming.is_renamed_later(name)]
    others = [name for name in names if name not in numbered]
    if numbered and others:
        raise ConfigurationError(
            f"{registry} has no rule, and of what seems to be left of it after rotations nothing says whether "
            f"{numbered[-1]} or {others[-1]} is newer: put the lines that count back into the registry"
        )
    packed = [number for number, name in enumerate(names, start=1) if is_packed(name)]
    return [os.path.join(os.path.dirname(registry), name) for name in names[max(packed, default=0) :]]
