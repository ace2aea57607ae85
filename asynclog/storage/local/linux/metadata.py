"""Copy a file's owner, mode, times, attributes, flags (`lsattr`) and extent hints to its replacement.

Immutable and append-only files are not replaced at all: the system itself refuses that.
"""

import errno
import fcntl
import os
import stat
import struct
from typing import NamedTuple

# Linux's uapi/linux/fs.h. The calls have these numbers on most architectures; on others, files seem to have no flags.
_FLAGS = struct.Struct(f"I{struct.calcsize('l') - 4}x")  # declared as a long, but only an int is used
_GET_FLAGS, _SET_FLAGS = 0x80006601 | _FLAGS.size << 16, 0x40006602 | _FLAGS.size << 16
_GET_HINTS, _SET_HINTS = 0x801C581F, 0x401C5820
_HINTS = struct.Struct("=5I8x")  # flags, size of an extent, number of extents, project, size of a copied extent
# secrm unrm compr sync nodump noatime nocomp journal_data notail nocow dax
_SETTABLE = 0x1 | 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x400 | 0x4000 | 0x8000 | 0x800000 | 0x2000000
_COMPARED = _SETTABLE | 0x800 | 0x100000  # encrypted, and protected by fs-verity: nobody can set these
_NOT_COMPRESSED = 0x400  # nocomp, which btrfs sets itself as it writes what can't be compressed
_HINT_FLAGS = 0x1 | 0x800 | 0x2000 | 0x4000 | 0x10000  # realtime extsize nodefrag filestream cowextsize
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20
_NONE = {errno.ENOTTY, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class _Hints(NamedTuple):
    flags: int
    extent: int
    extents: int
    project: int
    copied_extent: int

    @property
    def compared(self) -> tuple[int, int, int, int]:
        return self.flags & _HINT_FLAGS, self.extent, self.project, self.copied_extent


def copy_flags(source: int, target: int) -> None:
    """Copy flags and hints to an empty file as far as possible: `must_have_flags` checks. Raise OSError."""
    wanted, present = _flags(source), _flags(target)
    if (wanted ^ present) & _SETTABLE:
        _try(target, _SET_FLAGS, _FLAGS.pack((present & ~_SETTABLE) | (wanted & _SETTABLE)))
    hints, mine = _hints(source), _hints(target)
    if hints.compared != mine.compared:
        flags = (mine.flags & ~_HINT_FLAGS) | (hints.flags & _HINT_FLAGS)
        _try(target, _SET_HINTS, _HINTS.pack(flags, *hints[1:]))


def must_have_flags(source: int, target: int) -> None:
    """Raise OSError if the target's flags or hints differ."""
    wanted, present = _flags(source) & _COMPARED, _flags(target) & _COMPARED
    if wanted != present:
        raise OSError(
            errno.EOPNOTSUPP,
            f"Its flags (see lsattr; {wanted:#x}) can't be given to its replacement (it has {present:#x})",
        )
    if _hints(source).compared != _hints(target).compared:
        raise OSError(errno.EOPNOTSUPP, "Its project or extent size (see lsattr -p) can't be given to its replacement")


def fixed(descriptor: int) -> str:
    """Return the flag that keeps a file or folder from being changed, as `lsattr` calls it; empty without one."""
    try:
        flags = _flags(descriptor)
    except OSError:
        return ""
    return "immutable" if flags & _IMMUTABLE else "append-only" if flags & _APPEND_ONLY else ""


def _flags(descriptor: int) -> int:
    (flags,) = _FLAGS.unpack(_get(descriptor, _GET_FLAGS, _FLAGS.size))
    return int(flags)


def _hints(descriptor: int) -> _Hints:
    return _Hints(*_HINTS.unpack(_get(descriptor, _GET_HINTS, _HINTS.size)))


def _get(descriptor: int, call: int, size: int) -> bytes:
    """Return the result of an ioctl; zeros if the file system has no such flags."""
    try:
        return fcntl.ioctl(descriptor, call, bytes(size))
    except OSError as error:
        if error.errno in _NONE:
            return bytes(size)
        raise


def _try(descriptor: int, call: int, value: bytes) -> None:
    """Set flags or hints; `must_have_flags` finds what could not be set."""
    try:
        fcntl.ioctl(descriptor, call, value)
    except OSError as error:
        if error.errno not in _NONE | {errno.EPERM, errno.EACCES}:
            raise


def copy(source: int, target: int) -> None:
    """Give a new file the owner, attributes, mode and times of the one that it replaces, in this order.

    Changing the owner clears bits of the mode, and everything changes the times. Raise OSError, also if the flags
    differ.
    """
    must_have_flags(source, target)
    status = os.fstat(source)
    os.fchown(target, status.st_uid, status.st_gid)
    _copy_attributes(source, target)
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def narrow(target: int, other: int | None = None) -> None:
    """Remove every right to a file that another one does not give; all but its owner's without one, or if their ACLs
    differ. With an ACL, the bits for the group are a mask, and say nothing of the other's group.
    """
    mine = os.fstat(target)
    mode = stat.S_IMODE(mine.st_mode)
    is_other_group = False
    if other is not None:
        wanted = os.fstat(other)
        mode &= wanted.st_mode
        is_other_group = wanted.st_gid != mine.st_gid
        if is_other_group:  # to the other's group it is as to anybody
            mode &= ~stat.S_IRWXG & ~(~wanted.st_mode >> 3 & stat.S_IRWXO)
    if other is None or _acls(target) != _acls(other) or (is_other_group and _acls(other)):
        mode &= stat.S_IRWXU
    os.fchmod(target, mode)


def is_kept(target: int, source: int) -> bool:
    """Return whether a new file still has the owner, mode, flags and attributes of the one that it replaces."""
    mine, wanted = os.fstat(target), os.fstat(source)
    if (mine.st_mode, mine.st_uid, mine.st_gid) != (wanted.st_mode, wanted.st_uid, wanted.st_gid):
        return False
    if (_flags(target) ^ _flags(source)) & _COMPARED & ~_NOT_COMPRESSED:
        return False
    if _hints(target).compared != _hints(source).compared:
        return False
    have, want = attributes(target), attributes(source)
    return want.items() <= have.items() and _acls(target).keys() <= want.keys()


def _acls(descriptor: int) -> dict[str, bytes]:
    return {name: value for name, value in attributes(descriptor).items() if name.startswith("system.posix_acl")}


def _copy_attributes(source: int, target: int) -> None:
    """Copy extended attributes, including ACLs, and remove an ACL that the new file inherited from the folder."""
    wanted, present = attributes(source), attributes(target)
    for name in present.keys() - wanted.keys():
        if name.startswith("system.posix_acl"):
            os.removexattr(target, name)
    for name, value in wanted.items():
        if present.get(name) != value:
            os.setxattr(target, name, value)


def attributes(descriptor: int) -> dict[str, bytes]:
    """Return the extended attributes of a file, including ACLs."""
    try:
        return {name: os.getxattr(descriptor, name) for name in os.listxattr(descriptor)}
    except OSError as error:
        if error.errno == errno.ENOTSUP:  # a file system without them
            return {}
        raise
