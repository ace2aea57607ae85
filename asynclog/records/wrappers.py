"""Known wrappers of a record, put around it on its way: for people who look for the cause. Pure."""

import json
import re
from typing import NamedTuple

from asynclog.records.fields import Fields, MappedFields, keys_of
from asynclog.records.parser import LONG

_TIME = rb"\d\d:\d\d:\d\d"
_DATE = rb"\d{4}-\d\d-\d\d"
# Prefixes of a line, in front of its object; the first that fits counts.
_PREFIXES = (
    ("a byte order mark", re.compile(rb"(?:\xef\xbb\xbf)+")),
    ("a syslog header (RFC 5424)", re.compile(rb"<\d{1,3}>\d{1,2} [^{]*")),
    ("a syslog header (RFC 3164)", re.compile(rb"<\d{1,3}>[^{]*")),
    ("a syslog header", re.compile(rb"[A-Z][a-z]{2} [ \d]\d " + _TIME + rb" [^{]*")),
    ("a container runtime's prefix (CRI)", re.compile(_DATE + rb"T" + _TIME + rb"\S* std(?:out|err) [FP]\S* ?")),
    ("a syslog header", re.compile(_DATE + rb"T" + _TIME + rb"[^ {]* [^ {]+ [^ {]+: [^{]*")),
    ("a time", re.compile(_DATE + rb"[T ]" + _TIME + rb"[^ {]* (?={)")),
    ("a prefix in brackets", re.compile(rb'(?:\[[^]["{}]++\][^]["{}]*+)++(?={)')),
    ("Docker Compose's prefix", re.compile(rb"[\w.-]+ +\| (?={)")),
)
_DOCKER = "it is wrapped by Docker's json-file driver, as text in `log`"
_DOCKER_KEYS = {"log", "stream", "time", "attrs"}


class Wrapped(NamedTuple):
    """The wrapper of a record, in words, and what is inside."""

    what: str
    inside: bytes


def unwrapped(line: bytes, fields: Fields) -> Wrapped | None:
    """Return what a line holds behind a known prefix or in a known wrapper; None if there is none.

    No record begins with one. Lines of which Docker's own keys are the fields are not unwrapped.
    """
    if line.startswith(b"{"):
        is_wrapper = b'"log"' in line and len(line) <= LONG and not _are_dockers(fields)
        return _of_docker(line) if is_wrapper else None
    for what, prefix in _PREFIXES:
        found = prefix.match(line)
        if found:
            return Wrapped(f"{what} stands before it", line[found.end() :])
    return None


def _are_dockers(fields: Fields) -> bool:
    return isinstance(fields, MappedFields) and any(keys_of(path)[0] in _DOCKER_KEYS for path in fields.paths())


def _of_docker(line: bytes) -> Wrapped | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if found.keys() <= _DOCKER_KEYS and isinstance(found.get("log"), str):
        return Wrapped(_DOCKER, found["log"].encode("utf-8", "replace"))
    return None
