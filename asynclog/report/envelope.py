"""The envelope of every JSON document: a result, an error, or both."""

from typing import Any, Final, Generic, Self, TypeVar

import msgspec

FORMAT: Final = 1

R = TypeVar("R")


class Succeeded(msgspec.Struct, Generic[R], frozen=True, tag_field="status", tag="ok"):
    """All went well: the exit status is 0."""

    result: R


class Failed(msgspec.Struct, Generic[R], frozen=True, tag_field="status", tag="error"):
    """The exit status is not 0, and `error` says in a sentence why. `result` is present if the job had begun."""

    error: str
    result: R | msgspec.UnsetType = msgspec.UNSET


class CommandResult(msgspec.Struct, Generic[R], frozen=True):
    """The result of a command. `exit_code` is the process's; `error` is a sentence, None if all went well."""

    result: R
    exit_code: int = 0
    error: str | None = None

    def marred(self, sentence: str) -> Self:
        """Return this with an error after the work: the exit code is 3, unless it has failed already."""
        error = f"{self.error}; {sentence}" if self.error else sentence
        return msgspec.structs.replace(self, exit_code=self.exit_code or 3, error=error)

    def document(self) -> dict[str, Any]:
        """Return the whole JSON document, as plain data."""
        return document(self.result, self.error)


def document(result: object, error: str | None) -> dict[str, Any]:
    """Return the whole JSON document, as plain data; a `result` of UNSET is left out."""
    found: dict[str, Any] = msgspec.to_builtins(Succeeded(result) if error is None else Failed(error, result))
    return found
