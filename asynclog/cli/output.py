"""Write results to stdout, errors and log lines to stderr. A closed pipe is not a failure of the job.

If stderr leads to systemd's journal, write one line per event, prefixed with its priority: see sd-daemon(3).
"""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, TextIO, TypeVar

import msgspec

from asynclog.errors import AsynclogError
from asynclog.escaping import escape_control, escape_surrogates, printable_json
from asynclog.report.envelope import document


class Printable(Protocol):
    """The result of a command: `error` is a sentence, None if all went well."""

    @property
    def error(self) -> str | None: ...

    def document(self) -> dict[str, Any]:
        """Return the whole JSON document, as plain data."""


T = TypeVar("T", bound=Printable)

_LONGEST = 20_000  # characters of a sentence; paths of 4,096 fit
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 3}


def print_result(report: T, as_text: Callable[[T], str], *, as_json: bool, quiet: bool, color: str = "auto") -> None:
    """Print a result: JSON on one line, or text, which `quiet` omits if all went well; `color` is the option's."""
    if as_json:
        _result(_json(report.document()))
    elif not (quiet and report.error is None):
        text = as_text(report)
        if _may_have_color(color, sys.stdout):
            from asynclog.cli.colors import color_report, is_wanted

            text = color_report(text) if is_wanted(color, os.environ, sys.stdout) else text
        _result(text.encode())
    if report.error is not None and not as_json:
        print_error(report.error, color)


def print_document(result: msgspec.Struct) -> None:
    """Print a result as JSON, for what is no command."""
    _result(_json(document(result, None)))


def print_text(text: str) -> None:
    """Print a text that is no result of a command, such as a page of help, without its last newline."""
    _result(text.encode())


def show_fatal(sentence: str, *, as_json: bool, color: str = "auto") -> None:
    """Print why there is no result: as JSON, unless stdout is closed, else to stderr."""
    if as_json and sys.stdout is not None:
        _result(_json(document(msgspec.UNSET, escape_surrogates(_bounded(sentence)))))
    else:
        print_error(sentence, color)


def print_error(sentence: str, color: str = "auto") -> None:
    """Print a sentence to stderr."""
    text = f"asynclog: {escape_control(_bounded(sentence))}"
    if _may_have_color(color, sys.stderr) and not _leads_to_the_journal():
        from asynclog.cli.colors import color_error, is_wanted

        text = color_error(text) if is_wanted(color, os.environ, sys.stderr) else text
    _tell(text)


def _may_have_color(color: str, stream: TextIO | None) -> bool:
    """Return whether it takes a closer look to say if text for this stream is to have colours."""
    return stream is not None and (color == "always" or "FORCE_COLOR" in os.environ or stream.isatty())


def _bounded(sentence: str) -> str:
    """Return the sentence, shortened if it quotes a huge value."""
    return sentence if len(sentence) <= _LONGEST else f"{sentence[: _LONGEST // 2]} ... {sentence[-_LONGEST // 2 :]}"


def bug_in_words(error: Exception) -> str:
    """Return a sentence that describes an unforeseen error."""
    hint = "" if isinstance(error, OSError) else "; this should not happen, and --debug shows where it did"
    return f"{type(error).__name__}: {error}{hint}"


def complain_of_bug() -> None:
    """Print the traceback of the error that is being handled to stderr."""
    _tell(traceback.format_exc().rstrip("\n"))


def _tell(text: str) -> None:
    if sys.stderr is None:  # closed by whoever started us; `print` would take stdout then
        return
    with suppress(OSError):  # nobody reads it, or its disk is full: the exit code says what matters
        print(for_stderr(text, logging.ERROR), file=sys.stderr)  # noqa: T201 - the only place that prints to stderr


def _json(document: dict[str, Any]) -> bytes:
    import orjson

    try:
        text = orjson.dumps(document).decode()
    except TypeError:  # a number beyond 64 bits: a policy may say 10**60 days
        import json

        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return printable_json(text).encode()


def _result(text: bytes) -> None:
    """Write UTF-8 to stdout whatever the locale, because JSON and names are UTF-8. Ignore a closed pipe."""
    if sys.stdout is None:  # closed by whoever started us
        return
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text + b"\n")
        sys.stdout.flush()
    except BaseException as error:
        # Point stdout at /dev/null so that the interpreter does not retry the flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.stdout = None
        if isinstance(error, BrokenPipeError):
            return
        if isinstance(error, OSError):
            sentence = f"the job is over, but its result can't be written to stdout: {error.strerror}"
            raise AsynclogError(sentence) from None
        raise


def set_up_logging(level: str) -> None:
    """Log to stderr from this level on; asyncio's own messages only from WARNING on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("asynclog: %(message)s"))
    logging.basicConfig(handlers=[handler], level=level)
    logging.getLogger("asyncio").setLevel("WARNING")


def for_stderr(text: str, level: int) -> str:
    """Return the text unchanged; for the journal as one line, with the priority of this level."""
    if not _leads_to_the_journal():
        return text
    return f"<{_PRIORITIES[level]}>{escape_control(text)}"


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return for_stderr(super().format(record), record.levelno)


def _leads_to_the_journal() -> bool:
    """Return whether stderr is still the stream in JOURNAL_STREAM, by device and inode: it may be redirected."""
    stream = os.environ.get("JOURNAL_STREAM")
    if not stream or sys.stderr is None:
        return False
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return stream == f"{status.st_dev}:{status.st_ino}"
