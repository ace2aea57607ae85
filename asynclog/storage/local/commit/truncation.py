"""A whole drop where the disk is so full that the old file can't be given a second name: it is emptied first.

That frees the space that everything else needs. Under a write lease nobody else has the file open, and no name changes:
a writer who waits in open() meanwhile appends to the file that he meant.
"""

import errno
import os

from asynclog.errors import ChangedError
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.proof import Proof
from asynclog.types import Action, Fingerprint

FULL = {errno.ENOSPC, errno.EDQUOT}


def truncate_expired(disk: LogDirectory, action: Action, proof: Proof) -> tuple[Fingerprint, str]:
    """Takes everything out of a segment of which all has expired: its fingerprint then, or what the disk said.

    Raises ChangedError if it is not what was judged, or OSError if it can't be had alone: then nothing has happened.
    """
    try:
        descriptor = disk.open_alone(action.segment)
    except OSError as error:
        raise OSError(errno.ENOSPC, f"The disk is full, and it can't be had alone: {error.strerror}") from error
    try:
        if not action.fingerprint.is_but_for_names(os.fstat(descriptor)):
            raise ChangedError
        proof.check(descriptor, lambda: None)
        disk.truncate(descriptor)
        try:
            disk.sync(descriptor)
            return Fingerprint.of(os.fstat(descriptor)), ""
        except OSError as error:
            return action.fingerprint, f"{error.strerror}: it was emptied, but that may not last"
    finally:
        disk.close(descriptor)
