"""The user that this process runs as, with groups and capabilities, and the names of users and groups in messages."""

import grp
import os
import pwd
from collections.abc import Container

import msgspec

CHOWN, FOWNER, LEASE = 0, 3, 28  # bits of a set of capabilities: see Linux's uapi/linux/capability.h


class User(msgspec.Struct, frozen=True):
    """The user whose rights a process has: `capabilities` are the effective ones, as a bit set."""

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
    """Return the effective capabilities of this process, as a bit set; 0 if unknown."""
    try:
        with open("/proc/self/status", encoding="utf-8", errors="replace") as lines:
            return next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)
    except OSError:
        return 0


def user_of(uid: int) -> str:
    """Return a user's name for a sentence."""
    try:
        return f"user {pwd.getpwuid(uid).pw_name} ({uid})"
    except KeyError:
        return f"user {uid}"


def group_of(gid: int) -> str:
    """Return a group's name for a sentence."""
    try:
        return f"group {grp.getgrgid(gid).gr_name} ({gid})"
    except KeyError:
        return f"group {gid}"
