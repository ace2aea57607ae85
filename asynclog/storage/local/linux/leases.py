"""File leases: while a read lease is held, nobody has the file open for writing, and an open() for writing waits.

See fcntl(2), F_SETLEASE. A lease belongs to an open file, by its descriptor.
"""

import errno
import fcntl
import signal

# No leases: NFS, some FUSE file systems, or another user's file.
_NO_LEASES = {errno.EINVAL, errno.ENOLCK, errno.EACCES, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}


def take(descriptor: int, kind: int = fcntl.F_RDLCK) -> bool:
    """Take a lease; return False if there are none. Raise BlockingIOError if somebody has the file open for writing.

    Linux announces a writer by a signal: SIGURG is ignored by default, SIGIO would kill.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, kind)
    except OSError as error:
        if error.errno in _NO_LEASES:
            return False
        raise
    return True


def is_held(descriptor: int, kind: int = fcntl.F_RDLCK) -> bool:
    """Return whether a lease of this kind is still held and nobody waits for its end."""
    return fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == kind


def release(descriptor: int) -> bool:
    """End a lease. Return False if it had ended already, because somebody waited for longer than Linux allows.

    Never fail: the close that follows ends it, too.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    return True


def may_be_written(descriptor: int) -> bool:
    """Return whether somebody has the file open for writing now, a shared mapping included, as far as can be told."""
    try:
        if take(descriptor):
            release(descriptor)
    except BlockingIOError:
        return True
    return False
