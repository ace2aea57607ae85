"""A path that somebody has typed for a log: what to write instead if it is a segment, a folder or another file."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from asynclog.formatting import list_some
from asynclog.storage.codecs import NAME_SUFFIXES
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.rotated_names import parse_additions

_LOGS = (".jsonl", ".ndjson", ".json", ".log")
_MAY_BEGIN = "-._0123456789"  # what a rotator adds
_MOST_DOTS, _MOST_NAMES = 4, 200  # to look at, of a name and of a folder
_USUAL = "logs.jsonl"


def path_problem(path: str, log: str) -> str:
    """Say what to write instead of a path that can't be a log's; empty if it can. `log` is its absolute path."""
    folder, base = os.path.split(log)
    if not base:
        return f"the path of the log must name a file, not the folder {log!r}: {_log_in(path, log)}"
    if os.path.isdir(log):
        return f"{log} is a folder: name the log in it, {_log_in(path, log)}"
    if path.startswith("~"):
        home = os.path.expanduser(path)
        return f"the shell has not replaced the ~, which it does only outside of quotes: {_option(home)}"
    if "://" in path:
        return "this is a URL, and a log is a file of this machine: name it as in --path audit/logs.jsonl"
    if os.path.isfile(log):
        return "this is no log: name a configuration with --config, and audit schema definitions with --schemas"
    if "*" in base and not os.path.lexists(log):
        return f"name the log, not its segments: {_option(*_beside(path, logs_in(_listed(folder))))}"
    return ""


def _log_in(path: str, log: str) -> str:
    """Return how to name the log in this folder, or the first of several."""
    return f"as in {_option(*_beside(os.path.join(path, ''), logs_in(_listed(log))))}"


def segment_problem(path: str, log: str) -> str:
    """Say which log to name instead of a segment of it; empty if this is none, or the only file of that log."""
    folder, name = os.path.split(log)
    base = log_of(name)
    if not base:
        return ""
    others = [each for each in _listed(folder) if each != name]
    is_log = any(map(SegmentNaming(name).is_rotated, others))  # one with segments of its own
    if is_log or not os.path.lexists(log) or not any(map(SegmentNaming(base).match, others)):
        return ""
    return f"this is one segment of a log: name the log, which is all of them: {_option(*_beside(path, [base]))}"


def log_of(segment: str) -> str:
    """Return the path of the log that a file seems to be a rotated segment of, by its name; empty if of none."""
    folder, name = os.path.split(segment)
    found = _base_of(name)
    return os.path.join(folder, _base_of(found) or found) if found else ""


def _base_of(name: str) -> str:
    """Return a name without what one rotation, and packing, has added; empty if nothing was."""
    plain = next((name.removesuffix(packed) for packed in NAME_SUFFIXES if name.endswith(packed)), name)
    dots = [at for at in range(1, len(plain)) if plain[at] == "."][-_MOST_DOTS:]
    for begin in (at for at in range(1, len(plain)) if plain[at] in _MAY_BEGIN):
        for end in (*dots, len(plain)):
            if begin < end and parse_additions(plain[begin:end]):
                base = plain[:begin] + plain[end:]
                if SegmentNaming(base).is_rotated(name):
                    return base
    return plain if plain != name else ""


def logs_in(names: Iterable[str]) -> list[str]:
    """Return the logs that files of these names seem to belong to, by the first of them, the commonest first."""
    plain = (name for name in names if not name.startswith(".") and "_schemas.jsonl" not in name)
    some = islice(plain, _MOST_NAMES)
    logs = Counter(log_of(name) or (name if name.endswith(_LOGS) else "") for name in some)
    return [name for name, _ in logs.most_common() if name]


def _option(path: str, others: Sequence[str] = ()) -> str:
    import shlex  # noqa: PLC0415 - only for an error

    more = f" (there are also {list_some(others)})" if others else ""
    return f"--path {shlex.quote(path)}{more}"


def _beside(path: str, logs: Sequence[str]) -> tuple[str, Sequence[str]]:
    return os.path.join(os.path.dirname(path), (logs or [_USUAL])[0]), logs[1:]


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
