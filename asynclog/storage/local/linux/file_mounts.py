"""Find the segments that are mounted as files, such as `-v /var/log/audit.jsonl:/log/audit.jsonl` does for a container.

Who opens such a file by that mount gets this one whatever becomes of its names: what he writes after it was replaced is
lost. No lease tells of him while he has it closed.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress

from asynclog.storage.local.linux.lease_trust import UNKNOWN, in_file_system, located, parse_mount


def mounted_files(folder: int, proc: str = "/proc") -> Mapping[str, str]:
    """Return where files of the folder with this descriptor are mounted for writing, by their names.

    Look at the mounts of every process that may be examined. Those that only let their users read are none, nor are
    those of users who may not write to the file: anybody may mount what he sees, where only he sees it.
    """
    try:
        path, own, _ = located(folder, proc)
    except UNKNOWN:
        return {}
    device, inside = in_file_system(path, own)
    found = {}
    for user, line in _lines_about(device.encode(), proc):
        mount = parse_mount(line)
        above, name = os.path.split(mount.root)
        if mount.device == device and above == inside and mount.may_write and _may_write(user, name, folder):
            found[name] = mount.point
    return found


def _lines_about(device: bytes, proc: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines about this device of each list of mounts, with a user who has a process there.

    Read a list once for each of its users where it can be told from others.
    """
    seen = set()
    for process in filter(str.isdigit, os.listdir(proc)):
        with suppress(OSError):
            path = os.path.join(proc, process)
            user = os.stat(path).st_uid
            found = (user, _namespace(path))
            if found not in seen:
                with open(os.path.join(path, "mountinfo"), "rb") as file:
                    yield from ((user, line) for line in file if b" %b " % device in line)
                seen.add(found)


def _namespace(process: str) -> str:
    """Return what all processes with the same mounts have in common; the process itself if it is another user's."""
    try:
        return os.readlink(os.path.join(process, "ns/mnt"))
    except OSError:
        return process


def _may_write(user: int, name: str, folder: int) -> bool:
    """Return whether this user may be able to write to a file; of members of groups nobody knows here."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return user in {0, status.st_uid} or bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
