"""Files that a person names: each is written whole, or stays as it was."""

import contextlib
import os
import secrets


def write_whole(path: str, content: bytes) -> None:
    """Puts a file with this content there, mode 0644: whoever looks sees the old one or the new one. Raises OSError."""
    temporary = os.path.join(os.path.dirname(path), f".asynclog-{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
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
