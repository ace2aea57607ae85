"""Say what would hinder a run, by its rights: one sentence for each kind of hindrance. Pure."""

import stat
from collections.abc import Iterator, Sequence

from asynclog.escaping import escape_surrogates
from asynclog.formatting import pluralize
from asynclog.storage.local.access.rights import Owned, Rights
from asynclog.storage.local.access.user import CHOWN, FOWNER, LEASE, User
from asynclog.storage.local.open_folder import fixed_folder

_SHOWN = 3  # names in a sentence


def hindrances(rights: Rights) -> Iterator[str]:
    """Yield a sentence for each kind of hindrance, whatever the number of segments; only one if it stops the run."""
    stopped = _stopped(rights)
    if stopped:
        yield escape_surrogates(f"{stopped}: a run would end with exit 2, and nothing would be deleted")
        return
    if rights.holder:
        yield escape_surrogates(
            f"{rights.folder}: another job is at work on this log now ({rights.holder}): a run would end with exit 4, "
            "or wait for it with --lock-wait 1h"
        )
    yield from map(escape_surrogates, _of_segments(rights))


def _stopped(rights: Rights) -> str:
    """Return what would stop the whole run; empty if nothing would."""
    if rights.is_read_only:
        return f"{rights.folder} is mounted read-only"
    if rights.fixed:
        return fixed_folder(rights.folder, rights.fixed)
    if rights.lock:
        return f"{rights.folder}: {rights.lock}"
    if not rights.may_write and not rights.has_lock:
        return f"{_no_write(rights)}, and can't make its lock file there"
    return ""


def _no_write(rights: Rights) -> str:
    mode = stat.S_IMODE(rights.mode)
    return f"we are {rights.user.name}, and may not write to {rights.folder} of {rights.owner} (mode {mode:o})"


def _of_segments(rights: Rights) -> Iterator[str]:
    """Yield the hindrances in the order in which a run meets them: it takes a lease only once all else is prepared."""
    if rights.weak and not rights.by_quiet:
        return  # the whole run is refused, which another warning says
    user, left = rights.user, list(rights.segments)
    if left and not rights.may_write:
        yield f"{_no_write(rights)}: {pluralize(len(left), 'segment')} would fail"
        return
    unreadable = [each for each in left if not each.may_read]
    if unreadable:
        yield f"{_whose(unreadable, user)} would fail: we may not read {'it' if len(unreadable) == 1 else 'them'}"
    left = [each for each in left if each.may_read]
    mounted = [each for each in left if each.mounted]
    if mounted:
        where = ", ".join(sorted({each.mounted for each in mounted})[:_SHOWN])
        yield (
            f"{pluralize(len(mounted), 'segment')} ({_names(mounted)}) would be skipped: who writes to a mount of one "
            f"file ({where}) would go on writing to what was replaced. Mount the log's folder instead"
        )
    left = [each for each in left if not each.mounted]
    busy = [each for each in left if each.is_busy]
    if busy:
        them = "it" if len(busy) == 1 else "them"
        many = pluralize(len(busy), "segment")
        yield f"{many} ({_names(busy)}) would be skipped: somebody has {them} open for writing now"
    left = [each for each in left if not each.is_busy]
    held = [each for each in left if each.fixed]
    if held:
        flags = " or ".join(sorted({each.fixed for each in held}))
        yield f"{_whose(held, user)} would fail: nobody can change what is {flags} (see lsattr)"
    left = [each for each in left if each not in held]
    stuck = [each for each in left if _is_stuck(each, rights)]
    if stuck:
        yield f"{_whose(stuck, user)} would fail: only their owner may give these files other names"
    left = [each for each in left if each not in stuck]
    foreign = [each for each in left if not _can_be_given(each, user)]
    if foreign:
        yield (
            f"{_whose(foreign, user)} would fail: a rewritten file can't be given to its owner and group. Run it as "
            "their owner, or with CAP_CHOWN and CAP_FOWNER"
        )
    unleased = [each for each in left if each not in foreign and (rights.weak or not _can_be_leased(each, user))]
    if unleased:
        why = rights.weak or "only their owner, or CAP_LEASE, can have a file lease on them"
        yield f"{_whose(unleased, user)} would be {'judged by quiet alone' if rights.by_quiet else 'skipped'}: {why}"


def _whose(segments: Sequence[Owned], user: User) -> str:
    owners = sorted({each.owner for each in segments})
    shown = ", ".join(owners[:_SHOWN]) + (" and others" if len(owners) > _SHOWN else "")
    return f"we are {user.name}, and {pluralize(len(segments), 'segment')} of {shown} ({_names(segments)})"


def _names(segments: Sequence[Owned]) -> str:
    more = len(segments) - _SHOWN
    return ", ".join(each.name for each in segments[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _is_stuck(segment: Owned, rights: Rights) -> bool:
    """Return whether Linux refuses to link it, or to take it out of a sticky folder."""
    user = rights.user
    if segment.uid == user.uid or user.has(FOWNER):
        return False
    if rights.links_are_protected and not segment.may_open:
        return True
    return bool(rights.mode & stat.S_ISVTX) and rights.uid != user.uid


def _can_be_given(segment: Owned, user: User) -> bool:
    """Return whether a new file can be given its owner; a drop makes no new file."""
    if not segment.is_rewritten:
        return True
    if segment.uid != user.uid:
        return user.has(CHOWN) and user.has(FOWNER)
    return segment.gid in user.groups or user.has(CHOWN)


def _can_be_leased(segment: Owned, user: User) -> bool:
    return segment.uid == user.uid or user.has(LEASE)
