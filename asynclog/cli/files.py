"""Files that a person names: each is written whole, or stays as it was."""

import contextlib
import os
import tempfile


def write_whole(path: str, content: bytes) -> None:
    """Puts a file with this content there, mode 0644: whoever looks sees the old one or the new one. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(prefix=".asynclog-", suffix=".tmp", dir=os.path.dirname(path) or ".")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
