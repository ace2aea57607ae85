"""Deliberately broken variants of the package: a campaign that misses one of them proves nothing.

Each is a small change to the disk or to one function, and names the layers that must catch it, each with a pattern for
the points to look at: a layer has thousands, and one violation is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from asynclog.runner.wiring import Wiring
from faults import broken
from faults.layers import layer
from faults.victim import Variant

if TYPE_CHECKING:
    from asynclog.storage.local.directory import LogDirectory
    from faults.campaign import Campaign


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


def _on(disk: type[LogDirectory]) -> Variant:
    return Variant(Wiring(disk))


def _in(**patches: object) -> Variant:
    return Variant(patches={f"asynclog.{name.replace('__', '.')}": value for name, value in patches.items()})


def _on_lock(held_lock: object) -> Variant:
    return _in(storage__local__local_store__held_lock=held_lock)


_UNCHECKED = {
    "storage__local__commit__replace__must_hold": broken.unchecked,
    "storage__local__commit__precommit__must_hold": broken.unchecked,
    "storage__proof__Proof__check": broken.unproven,
}
_UNLOOKED = {
    "storage__local__commit__precommit__Pinned__is_still": broken.always,
    "storage__local__commit__replace__unlink_displaced": broken.unlooked,
}
_SHORTER = {"storage__local__commit__drain___accounted": broken.shorter}
_GROWN = {"storage__local__commit__drain___accounted": broken.grown_again}
_UNCOMPARED = {"storage__proof__Proof__follow": broken.uncompared}
_UNLEASED = {
    "storage__local__commit__replace__must_have_no_late_writer": broken.unchecked,
    "storage__local__commit__replace__confirm": broken.unleased,
}
_AT_ONCE = {
    "storage__local__commit__replace__CommitResult": broken.as_if_leased,
    "storage__local__commit__drain___is_idle": broken.always,
}

_ROTATED = "^(logrotate|follower),.*,0$"

MUTANTS = (
    Mutant("the replacement is not synced", _on(broken.UnsyncedReplacement), {"model": "rewrite", "power": "rewrite"}),
    Mutant("the folder is not synced", _on(broken.UnsyncedFolder), {"model": ""}),
    Mutant("a failed sync is swallowed", _on(broken.SwallowedSync), {"errno": "rewrite,.*EIO$"}),
    Mutant("a failed sync is tried again", _on(broken.RetriedSync), {"errno": "rewrite,.*EIO$"}),
    Mutant(
        "the segment is rewritten in place", _on(broken.InPlace), {"kill": "rewrite,1,", "interleave": "reader,rewrite"}
    ),
    Mutant("no lease is taken", _on(broken.NoLease), {"interleave": "append,.*,0$"}),
    Mutant("the lease is always said to be held", _on(broken.LeaseAlwaysHeld), {"interleave": "latecomer"}),
    Mutant("short writes are ignored", _on(broken.ShortWritesIgnored), {"errno": "SHORT"}),
    Mutant("the replacement may be there already", _on(broken.AnyReplacement), {"interleave": "planter,rewrite"}),
    Mutant("owner, mode and attributes are not kept", _on(broken.Undressed), {"kill": "mixed"}),
    Mutant(
        "nothing is drained",
        _in(storage__local__commit__drain__drain=broken.undrained),
        {"kill": "crashed", "interleave": "append"},
    ),
    Mutant(
        "recovery drains nothing",
        _in(storage__local__commit__recovery___finish=broken.unrecovered),
        {"kill": "crashed"},
    ),
    Mutant(
        "a drain does not move its source forward",
        _in(storage__local__commit__drain___advanced=broken.unmoved),
        {"interleave": "latecomer"},
    ),
    Mutant("nobody looks whether a segment has changed", _in(**_UNCHECKED), {"interleave": "copytruncate,drop"}),
    Mutant("whatever has the segment's name is replaced", _on(broken.PlainRename), {"interleave": _ROTATED}),
    Mutant("nobody looks what was displaced", _in(**_UNLOOKED), {"interleave": _ROTATED}),
    Mutant(
        "a displaced file is thrown away",
        _in(storage__local__commit__undo__restore_displaced=broken.ungiven),
        {"interleave": _ROTATED},
    ),
    Mutant(
        "recovery throws replacements away",
        _in(storage__local__commit__recovery___resolve=broken.thrown_away),
        {"kill": "swapped,.*,0$"},
    ),
    Mutant("a full disk is emptied without a lease", _on(broken.AnybodysFile), {"interleave": "append,full,.*,0$"}),
    Mutant("the log is not locked", _on_lock(broken.unlocked), {"interleave": "job"}),
    Mutant(
        "the folder is locked",
        _on_lock(broken.folder_locked),
        {"interleave": "folderlock"},
    ),
    Mutant(
        "only the flock counts",
        _in(storage__local__lock__lock__keeps_out=broken.never),
        {"other_mount": "^job"},
    ),
    Mutant(
        "leases are believed on every mount",
        Variant(Wiring(file_system=broken.local)),
        {"other_mount": "held,above"},
    ),
    Mutant("a drain trusts a shorter file", _in(**_SHORTER), {"interleave": "^(truncate|latetruncate),"}),
    Mutant("a drain trusts a length that grew again", _in(**_GROWN), {"interleave": "^refill,(rewrite|drop),.*,[1-9]"}),
    Mutant(
        "a job does not tell the next one what it has judged",
        _in(storage__local__commit__replace___with_digest=broken.untold),
        {"interleave": "^overwrite,.*,[1-9]"},
    ),
    Mutant(
        "a drop trusts a fingerprint",
        _in(storage__proof__Proof__check=broken.unproven),
        {"interleave": "^mapping,drop"},
    ),
    Mutant(
        "what a packed segment holds by now is not compared",
        _in(storage__proof__Proof__check=broken.unproven),
        {"interleave": "^repack,(repacked|packeddrop)"},
    ),
    Mutant(
        "a stream that is cut off ends there",
        _in(storage__codecs__Gzip__decode=broken.lenient),
        {"kill": "^packed,1,"},
    ),
    Mutant(
        "what comes to a packed file gets a plain name",
        _in(storage__naming__SegmentNaming__late_name=broken.plainly_named),
        {"model": "^packed"},
    ),
    Mutant("what a rewrite leaves out is unchecked", _in(**_UNCOMPARED), {"interleave": "^mapping,rewrite"}),
    Mutant(
        "nobody looks at the lease after the exchange",
        Variant(Wiring(broken.LeaseAlwaysStood), _in(**_UNLEASED).patches),
        {"stopped": "^overwrite,(rewrite|drop)"},
    ),
    Mutant("an old file goes at once without leases", _in(**_AT_ONCE), {"other_mount": "held,above"}),
)


def caught(campaign: Campaign, mutant: Mutant) -> Caught:
    """Run the layers that must catch a mutant; those that cannot run here don't count, but one has to.

    It does not count either where the variant breaks down, or where the package as it is does something wrong, too.
    """
    said = []
    for name, only in mutant.layers.items():
        answer = layer(name)(replace(campaign, quick=False, variant=mutant.variant, first_only=True, only=only))
        if answer.violations:
            _, point, finding = answer.violations[0]
            said.append(f"{finding.kind} at {name}:{point}")
            if "it broke down" in finding.detail:
                return Caught(False, f"{said[-1]}: {finding.detail}")
            if layer(name)(replace(campaign, quick=False, point=point)).violations:
                return Caught(False, f"{said[-1]}, where the package as it is does something wrong, too")
        elif answer.points:
            return Caught(False, f"{name} found nothing wrong at {answer.points:,} points")
    return Caught(bool(said), "; ".join(said) or "none of its layers can run here")
