"""The user that a process runs as: groups and capabilities, and how users and groups are named in sentences."""

import grp
import os
import pwd
from collections.abc import Container

import msgspec

CHOWN, FOWNER, LEASE = 0, 3, 28  # bits of a set of capabilities: see the kernel's uapi/linux/capability.h


class User(msgspec.Struct, frozen=True):
    """Whose rights a process has: `capabilities` are the effective ones, a bit each."""

    uid: int
    name: str
    groups: Container[int]
    capabilities: int

    def has(self, capability: int) -> bool:
        return bool(self.capabilities >> capability & 1)


def this_user() -> User:
    """Return the user that this process runs as."""
    uid = os.geteuid()
    return User(uid, user_of(uid), {os.getegid(), *os.getgroups()}, capabilities())


def capabilities() -> int:
    """Return the effective capabilities of this process, a bit each; 0 if they can't be told."""
    try:
        with open("/proc/self/status", encoding="utf-8", errors="replace") as lines:
            return next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)
    except OSError:
        return 0


def user_of(uid: int) -> str:
    """Name a user, for a sentence."""
    try:
        return f"user {pwd.getpwuid(uid).pw_name} ({uid})"
    except KeyError:
        return f"user {uid}"


def group_of(gid: int) -> str:
    """Name a group, for a sentence."""
    try:
        return f"group {grp.getgrgid(gid).gr_name} ({gid})"
    except KeyError:
        return f"group {gid}"
