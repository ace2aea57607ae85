"""Decide who may write to a file or folder, from its owner, its mode and its access control lists. Pure."""

import stat
import struct
from collections.abc import Container, Iterator
from typing import NamedTuple

# system.posix_acl_access: see Linux's uapi/linux/posix_acl_xattr.h. Numbers are little-endian.
_VERSION = 2
_USER, _GROUP_OBJ, _GROUP, _MASK = 0x02, 0x04, 0x08, 0x10
_WRITE = 0o2
# system.nfs4_acl: RFC 7530, 6.2.1. Numbers are big-endian.
_ALLOW, _INHERIT_ONLY = 0, 0x08
_WRITES = 0x2 | 0x4 | 0x40 | 0x40000 | 0x80000  # write, append, delete a child, write the list, take ownership

_UNKNOWN = "somebody (its access control list can't be understood)"


class Permissions(NamedTuple):
    """The owner of a file or folder, its mode and its ACLs. An ACL is empty if there is none, None if unreadable.

    `own_group` is the owner's private group, in which nobody else is expected: None if there is none.
    """

    owner: int
    group: int
    mode: int
    own_group: int | None = None
    posix_acl: bytes | None = b""
    nfs4_acl: bytes | None = b""


def other_writer(found: Permissions, trusted: Container[int]) -> str:
    """Return who may write there, besides the owner, the owner's own group and the trusted users; empty if nobody.

    The result is the subject of a sentence. An ACL that can't be understood counts as somebody.
    """
    if found.mode & stat.S_IWOTH:
        return "everybody"
    if found.posix_acl is None or found.nfs4_acl is None:
        return _UNKNOWN
    try:
        groups, users, others = _writers(found)
    except (struct.error, ValueError):
        return _UNKNOWN
    for group in groups:
        if group != found.own_group:
            return f"group {group}"
    for user in users:
        if user != found.owner and user not in trusted:
            return f"user {user}"
    return others[0] if others else ""


def _writers(found: Permissions) -> tuple[list[int], list[int], list[str]]:
    """Return the groups and users by number, and others by the names that a server gives them."""
    groups, users, others = [], [], []
    if found.posix_acl:
        # With an ACL, the mode's group bits are the mask, and don't describe the group.
        for tag, number in _posix_writers(found.posix_acl):
            if tag == _USER:
                users.append(number)
            else:
                groups.append(found.group if tag == _GROUP_OBJ else number)
    elif found.mode & stat.S_IWGRP:
        groups.append(found.group)
    for name in _nfs4_writers(found.nfs4_acl) if found.nfs4_acl else ():
        if name == b"GROUP@":
            groups.append(found.group)
        elif name != b"OWNER@" and not name.startswith(b"root@"):
            others.append(name.decode(errors="replace"))
    return groups, users, others


def _posix_writers(acl: bytes) -> Iterator[tuple[int, int]]:
    if struct.unpack_from("<I", acl) != (_VERSION,):
        raise ValueError("another version")
    entries = list(struct.iter_unpack("<HHI", acl[4:]))
    mask = next((rights for tag, rights, _ in entries if tag == _MASK), ~0)
    for tag, rights, number in entries:
        if tag in {_USER, _GROUP_OBJ, _GROUP} and rights & mask & _WRITE:
            yield tag, number


def _nfs4_writers(acl: bytes) -> Iterator[bytes]:
    """Yield those who are allowed to write. Ignore earlier denials: this may name too many writers, never too few."""
    (count,), at = struct.unpack_from(">I", acl), 4
    for _ in range(count):
        kind, flags, rights, size = struct.unpack_from(">IIII", acl, at)
        at += 16
        name = acl[at : at + size]
        if len(name) < size:
            raise ValueError("cut off")
        at += (size + 3) // 4 * 4
        if kind == _ALLOW and rights & _WRITES and not flags & _INHERIT_ONLY:
            yield name
