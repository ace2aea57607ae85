"""Files that a person names: each is written whole, or stays as it was."""

import contextlib
import os
from collections.abc import Iterator, Mapping


def is_inside(path: str, folder: str) -> bool:
    """Whether a file at this path would lie in the folder, or in one of its own."""
    place, around = os.path.realpath(os.path.dirname(path) or "."), os.path.realpath(folder)
    return place == around or place.startswith(around.rstrip(os.sep) + os.sep)


def write_new(contents: Mapping[str, bytes]) -> None:
    """Writes the files of these paths, mode 0644, all or none. Raises OSError, FileExistsError where one is there."""
    with contextlib.ExitStack() as undo, contextlib.ExitStack() as temporaries:
        for path, content in contents.items():
            os.link(temporaries.enter_context(_written(path, content)), path)
            undo.callback(os.unlink, path)
        undo.pop_all()


def write_whole(path: str, content: bytes) -> None:
    """Puts a file with this content there, mode 0644: whoever looks sees the old one or the new one. Raises OSError."""
    with _written(path, content) as temporary:
        os.rename(temporary, path)


@contextlib.contextmanager
def _written(path: str, content: bytes) -> Iterator[str]:
    """A temporary file with this content, synced, beside the path that it is meant for, for `with`."""
    temporary = os.path.join(os.path.dirname(path), f".asynclog-{os.urandom(8).hex()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
        yield temporary
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
