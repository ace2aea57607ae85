"""A file that an option names: it replaces only nothing, or one of our own of the same kind."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from asynclog.cli.files.user_named_file import NamedFile, OccupiedError
from asynclog.errors import ConfigurationError


class OptionFile:
    """The file of an option, open until it is closed. Its methods, and making one, raise ConfigurationError.

    `kind` says in words what is written there, `is_ours` whether a file that begins so is of that kind.
    """

    def __init__(self, option: str, path: str, kind: str, is_ours: Callable[[bytes], bool]) -> None:
        self.path = path
        self._option = option
        self._kind = kind
        if not path:
            raise ConfigurationError(f"{option} is empty: write its value, or leave it out")
        with self._told():
            self._file = NamedFile(path, lambda _, head: is_ours(head))

    def close(self) -> None:
        self._file.close()

    def check(self, folders: Iterable[str]) -> None:
        """Make sure that nothing else is there, and that it lies in none of these folders, the logs' own."""
        with self._told():
            is_inside = any(self._file.is_inside(folder) for folder in folders)
        if is_inside:
            raise ConfigurationError(
                f"{self._option} {self.path}: this lies in the log's own folder: name a file elsewhere"
            )
        with self._told():
            self._file.check()

    def write(self, content: bytes) -> None:
        """Write the whole file."""
        with self._told():
            self._file.write(content)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OccupiedError as error:
            problem = f"something other than {self._kind} of asynclog is there ({error}), and stays: name another file"
            raise ConfigurationError(f"{self._option} {self.path}: {problem}") from None
        except OSError as error:
            problem = f"{self._kind} can't be written there: {error.strerror}"
            raise ConfigurationError(f"{self._option} {self.path}: {problem}") from None
