"""Deliberately broken variants of the package: a campaign that misses one of them proves nothing.

Each is a small change to the disk or to one function, and names the layers that must catch it, each with a pattern for
the points to look at: a layer has thousands, and one violation is enough.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from asynclog.apply.disk import Disk
from faults.layers import layer
from faults.victim import Variant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asynclog.apply.backlog import Backlog
    from asynclog.names import Built, Hidden, Names
    from faults.campaign import Campaign


class UnsyncedReplacement(Disk):
    """The replacement is renamed into place before its bytes are safe."""

    def sync(self, descriptor: int) -> None:
        pass


class UnsyncedFolder(Disk):
    """Names are changed in an order that only the memory knows."""

    def sync_folder(self, ticket: int | None = None) -> None:
        pass


class SwallowedSync(Disk):
    """What fsync says is not heard."""

    def sync(self, descriptor: int) -> None:
        with contextlib.suppress(OSError):
            super().sync(descriptor)


class RetriedSync(Disk):
    """A failed fsync is tried again: that succeeds, and the bytes are gone all the same."""

    def sync(self, descriptor: int) -> None:
        try:
            super().sync(descriptor)
        except OSError:
            super().sync(descriptor)


class NoLease(Disk):
    """Nobody is kept from opening the segment meanwhile."""

    def lease(self, descriptor: int) -> bool:
        return True

    def leased(self, descriptor: int) -> bool:
        return True

    def release(self, descriptor: int) -> bool:
        return True


class InPlace(NoLease):
    """The segment itself is cut off and written anew."""

    def exchange(self, name: str, other: str) -> None:
        target = os.open(other, os.O_WRONLY | os.O_TRUNC | os.O_CREAT, 0o600, dir_fd=self.folder)
        source = self.open(name)
        os.write(target, os.read(source, 1 << 20))
        os.fsync(target)
        os.close(target)
        os.close(source)
        self.unlink(name)
        self.link(other, name)


class PlainRename(Disk):
    """Whatever has the segment's name is replaced, or removed."""

    def _renameat2(self, name: str, new: str, flags: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


class AnybodysFile(Disk):
    """A segment is emptied though others have it open."""

    def open_alone(self, name: str) -> int:
        return os.open(name, os.O_RDWR | os.O_CLOEXEC, dir_fd=self.folder)


class LeaseAlwaysHeld(Disk):
    """A writer who waits in open() is not noticed."""

    def leased(self, descriptor: int) -> bool:
        return True


class ShortWritesIgnored(Disk):
    """A write is taken for whole, whatever it says."""

    def write(self, descriptor: int, parts: Sequence[memoryview]) -> int:
        super().write(descriptor, parts)
        return sum(map(len, parts))


class AnyReplacement(Disk):
    """The replacement may be there already, or be a link to anywhere."""

    def create(self, name: str) -> int:
        return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600, dir_fd=self.folder)


class Undressed(Disk):
    """The new file belongs to us, and nobody else may read it."""

    def dress(self, descriptor: int, source: int) -> None:
        pass


def undrained(disk: Disk, names: Names, hidden: Hidden) -> tuple[Hidden, list[str], bool]:
    """Instead of `drain`: the old file goes, whatever was appended to it."""
    del names
    disk.unlink(str(hidden))
    return hidden, [], True


def unrecovered(disk: Disk, names: Names, backlog: Backlog, hidden: Hidden) -> None:
    """Instead of `recover._finish`: what a killed job left is worthless."""
    del names, backlog
    disk.unlink(str(hidden))


def unlooked(disk: Disk, built: Built, replaced: object) -> bool:
    """Instead of `let_go`: the file that was displaced is always the one that was meant."""
    del replaced
    disk.unlink(str(built))
    return True


def ungiven(backlog: Backlog, built: Built, grace: float = 0) -> None:
    """Instead of `give_back`: a name that was not meant to be taken is lost."""
    del grace
    backlog.disk.unlink(str(built))


def thrown_away(backlog: Backlog, built: Built, old: object) -> None:
    """Instead of `recover._settle`: whatever has the hidden name of a replacement is worthless."""
    del old
    backlog.disk.unlink(str(built))


def unmoved(disk: Disk, hidden: Hidden, accounted: int) -> Hidden:
    """Instead of `forward`: the old file goes on counting the length that it had."""
    del disk, accounted
    return hidden


def unchecked(*_: object, **__: object) -> None:
    """Instead of a check, or of a lock: all is well."""


@dataclass(frozen=True)
class Mutant:
    """A variant and, for each layer that must catch it, the pattern of the points that are looked at."""

    name: str
    variant: Variant
    layers: Mapping[str, str] = field(default_factory=dict)


class Caught(NamedTuple):
    """Whether a mutant was caught, and how, or why not."""

    caught: bool
    how: str


def _on(disk: type[Disk]) -> Variant:
    return Variant(disk)


def _in(**patches: object) -> Variant:
    return Variant(patches={f"asynclog.{name.replace('__', '.')}": value for name, value in patches.items()})


_UNCHECKED = {"apply__commit___must_be": unchecked, "apply__commit___must_be_alone": unchecked}

_ROTATED = "^(logrotate|follower),.*,0$"

MUTANTS = (
    Mutant("the replacement is not synced", _on(UnsyncedReplacement), {"model": "rewrite", "power": "rewrite"}),
    Mutant("the folder is not synced", _on(UnsyncedFolder), {"model": ""}),
    Mutant("a failed sync is swallowed", _on(SwallowedSync), {"errno": "rewrite,.*EIO$"}),
    Mutant("a failed sync is tried again", _on(RetriedSync), {"errno": "rewrite,.*EIO$"}),
    Mutant("the segment is rewritten in place", _on(InPlace), {"kill": "rewrite,1,", "interleave": "reader,rewrite"}),
    Mutant("no lease is taken", _on(NoLease), {"interleave": "append,.*,0$"}),
    Mutant("the lease is always said to be held", _on(LeaseAlwaysHeld), {"interleave": "latecomer"}),
    Mutant("short writes are ignored", _on(ShortWritesIgnored), {"errno": "SHORT"}),
    Mutant("the replacement may be there already", _on(AnyReplacement), {"interleave": "planter,rewrite"}),
    Mutant("owner, mode and attributes are not kept", _on(Undressed), {"kill": "mixed"}),
    Mutant("nothing is drained", _in(apply__drain__drain=undrained), {"kill": "crashed", "interleave": "append"}),
    Mutant("recovery drains nothing", _in(apply__recover___finish=unrecovered), {"kill": "crashed"}),
    Mutant("a drain does not move its source forward", _in(apply__drain__forward=unmoved), {"interleave": "latecomer"}),
    Mutant("nobody looks whether a segment has changed", _in(**_UNCHECKED), {"interleave": "copytruncate,drop"}),
    Mutant("whatever has the segment's name is replaced", _on(PlainRename), {"interleave": _ROTATED}),
    Mutant("nobody looks what was displaced", _in(apply__commit__let_go=unlooked), {"interleave": _ROTATED}),
    Mutant("a displaced file is thrown away", _in(apply__swap__give_back=ungiven), {"interleave": _ROTATED}),
    Mutant("recovery throws replacements away", _in(apply__recover___settle=thrown_away), {"kill": "swapped,.*,0$"}),
    Mutant("a full disk is emptied without a lease", _on(AnybodysFile), {"interleave": "append,full,.*,0$"}),
    Mutant("the folder is not locked", _in(job__lock=unchecked), {"interleave": "job"}),
)


def caught(campaign: Campaign, mutant: Mutant) -> Caught:
    """Runs the layers that must catch a mutant; those that cannot run here don't count, but one has to.

    That the package as it is does nothing wrong at the same points is for the campaign's other half to show.
    """
    said = []
    for name, only in mutant.layers.items():
        answer = layer(name)(replace(campaign, quick=False, variant=mutant.variant, first_only=True, only=only))
        if answer.violations:
            _, point, finding = answer.violations[0]
            said.append(f"{finding.kind} at {name}:{point}")
        elif answer.points:
            return Caught(False, f"{name} found nothing wrong at {answer.points:,} points")
    return Caught(bool(said), "; ".join(said) or "none of its layers can run here")
