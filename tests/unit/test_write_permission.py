"""Who may write somewhere: what modes and access control lists say, real ones included."""

from __future__ import annotations

import os
import shutil
import stat
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from asynclog.storage.local.access.other_writers import Permissions, other_writer
from asynclog.storage.local.access.trusted_open import permissions_of

if TYPE_CHECKING:
    from pathlib import Path

ANN, BOB = 4001, 4002
PLAIN = Permissions(ANN, ANN, stat.S_IFDIR | 0o755, ANN)
USER, GROUP_OBJ, GROUP, MASK = 0x02, 0x04, 0x08, 0x10


def posix(*entries: tuple[int, int, int], version: int = 2) -> bytes:
    return struct.pack("<I", version) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def nfs4(*entries: tuple[int, int, int, bytes]) -> bytes:
    packed = [
        struct.pack(">IIII", *entry[:3], len(entry[3])) + entry[3] + b"\0" * (-len(entry[3]) % 4) for entry in entries
    ]
    return struct.pack(">I", len(packed)) + b"".join(packed)


@pytest.mark.parametrize(
    ("mode", "group", "who"),
    [
        (0o755, BOB, ""),
        (0o775, ANN, ""),
        (0o775, BOB, f"group {BOB}"),
        (0o757, ANN, "everybody"),
        (0o1777, ANN, "everybody"),
    ],
)
def test_a_mode_says_who_may_write(mode: int, group: int, who: str) -> None:
    """The owner's own group is nobody else; any other is."""
    assert other_writer(PLAIN._replace(mode=mode, group=group), {0}) == who


@pytest.mark.parametrize(
    ("entries", "who"),
    [
        ([(USER, 6, BOB)], f"user {BOB}"),
        ([(USER, 5, BOB)], ""),
        ([(USER, 7, BOB), (MASK, 5, 0)], ""),
        ([(USER, 7, BOB), (MASK, 2, 0)], f"user {BOB}"),
        ([(USER, 7, 0), (USER, 7, ANN)], ""),
        ([(GROUP, 7, BOB)], f"group {BOB}"),
        ([(GROUP, 7, ANN), (GROUP_OBJ, 7, 0)], ""),
        ([(USER, 4, BOB), (MASK, 7, 0)], ""),
    ],
)
def test_a_list_says_who_may_write(entries: list[tuple[int, int, int]], who: str) -> None:
    """As far as its mask lets them; the mode's group bits are only that mask then."""
    found = PLAIN._replace(mode=0o775, group=BOB if GROUP_OBJ not in dict.fromkeys(e[0] for e in entries) else ANN)
    assert other_writer(found._replace(posix_acl=posix(*entries)), {0}) == who


@pytest.mark.parametrize("acl", [None, b"\1", posix(version=3), posix((USER, 7, BOB))[:-1]], ids=str)
def test_a_list_that_is_not_understood_lets_somebody_write(acl: bytes | None) -> None:
    """Whatever is not understood is no permission."""
    assert other_writer(PLAIN._replace(posix_acl=acl), {0}).startswith("somebody")


@pytest.mark.parametrize(
    ("acl", "who"),
    [
        (nfs4((0, 0, 0xFFFF, b"OWNER@"), (0, 0x40, 0x81, b"GROUP@"), (0, 0, 0x81, b"EVERYONE@")), ""),
        (nfs4((0, 0, 0x2, b"bob@example.org")), "bob@example.org"),
        (nfs4((0, 0x08, 0x2, b"bob@example.org")), ""),
        (nfs4((1, 0, 0x2, b"bob@example.org")), ""),
        (nfs4((0, 0, 0x40000, b"EVERYONE@")), "EVERYONE@"),
        (nfs4((0, 0x40, 0x2, b"GROUP@")), f"group {BOB}"),
        (nfs4((0, 0, 0x2, b"bob@example.org"))[:-4], "somebody (its access control list can't be understood)"),
        (None, "somebody (its access control list can't be understood)"),
    ],
)
def test_the_list_of_an_nfs_server_says_it_too(acl: bytes | None, who: str) -> None:
    """Names stand there instead of numbers."""
    assert other_writer(PLAIN._replace(nfs4_acl=acl, group=BOB), {0}) == who


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
@pytest.mark.skipif(shutil.which("setfacl") is None, reason="setfacl is not installed")
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_PATH])
def test_real_lists_are_read(tmp_path: Path, flags: int) -> None:
    """Of what is open in either way."""
    for change, who in (
        ("u:4002:rx", ""),
        ("u:4002:rwx", "user 4002"),
        ("m::rx", ""),
        ("g:4002:w,m::rwx", "group 4002"),
    ):
        subprocess.run(["setfacl", "-b", str(tmp_path)], check=True)
        subprocess.run(["setfacl", "-m", "u:4002:rwx" if change == "m::rx" else change, str(tmp_path)], check=True)
        if change == "m::rx":
            subprocess.run(["setfacl", "-m", change, str(tmp_path)], check=True)
        descriptor = os.open(tmp_path, flags)
        assert other_writer(permissions_of(descriptor), {0}) == who
        os.close(descriptor)
