"""What goes to stderr, in the form that systemd's journal takes where stderr leads there: one line an event, with its
priority before it, as sd-daemon(3) has it.
"""

import logging
import os
import sys

from asynclog.formatting import escape_control

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 3}


def set_up_logging(level: str) -> None:
    """Log lines from this level on go to stderr; asyncio's own only from WARNING on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("asynclog: %(message)s"))
    logging.basicConfig(handlers=[handler], level=level)
    logging.getLogger("asyncio").setLevel("WARNING")


def for_stderr(text: str, level: int) -> str:
    """Return the text as it is; for the journal as one line, with the priority of this level."""
    if not _leads_to_the_journal():
        return text
    return f"<{_PRIORITIES[level]}>{escape_control(text)}"


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return for_stderr(super().format(record), record.levelno)


def _leads_to_the_journal() -> bool:
    """Whether stderr is the stream that systemd says leads there, by its device and inode: it may be redirected."""
    stream = os.environ.get("JOURNAL_STREAM")
    if not stream or sys.stderr is None:
        return False
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return stream == f"{status.st_dev}:{status.st_ino}"
