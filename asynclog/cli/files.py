"""Files that a person names: each is written whole, or stays as it was."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping


def write_new(contents: Mapping[str, bytes]) -> None:
    """Writes the files of these paths, mode 0644, all or none. Raises OSError, FileExistsError where one is there."""
    with contextlib.ExitStack() as undo, contextlib.ExitStack() as temporaries:
        for path, content in contents.items():
            temporary = temporaries.enter_context(_written(os.path.dirname(path) or ".", content))
            os.link(temporary, path)
            undo.callback(os.unlink, path)
        undo.pop_all()


@contextlib.contextmanager
def _written(folder: str, content: bytes) -> Iterator[str]:
    """A temporary file with this content, synced, for `with`."""
    descriptor, temporary = tempfile.mkstemp(prefix=".asynclog-", suffix=".tmp", dir=folder)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
        yield temporary
    finally:
        os.unlink(temporary)
