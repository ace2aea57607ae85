"""The hooks and pings of a profile, `hooks` and `ping`: as people write them -> their values."""

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from asynclog.config.values.units import seconds
from asynclog.errors import ConfigurationError

if TYPE_CHECKING:
    from asynclog.config.reading.msgspec_errors import KeyPath
    from asynclog.config.reading.yaml_document import Document

_MOMENTS = ("before", "after", "error")
_CALLS = ("start", "success", "failure")


class Hooks(msgspec.Struct, frozen=True):
    """The programs to run, each as a list of words, empty for none, for at most `timeout` seconds, in this `folder`."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    error: tuple[str, ...]
    timeout: float
    folder: str


class Pings(msgspec.Struct, frozen=True):
    """The URLs to call, empty for none; each is given `timeout` seconds, twice."""

    start: str
    success: str
    failure: str
    timeout: float


class _HookKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    before: Any = None
    after: Any = None
    error: Any = None
    timeout: str = "60s"


class _PingKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    start: str | None = None
    success: str | None = None
    failure: str | None = None
    timeout: str = "10s"


def has_hooks(document: "Document") -> bool:
    """Return whether any profile of this file has programs to run."""
    profiles = document.data.get("profiles") if isinstance(document.data, dict) else None
    each = profiles.values() if isinstance(profiles, dict) else ()
    return any(isinstance(profile, dict) and profile.get("hooks") is not None for profile in each)


def hooks_from(document: "Document", profile: str, value: object) -> Hooks | None:
    """Return the hooks that this value of a profile means; None for none. Raise ConfigurationError."""
    place = ("profiles", profile, "hooks")
    keys = document.convert({} if value is None else value, place, _HookKeys)
    words = {name: _words(document, (*place, name), getattr(keys, name)) for name in _MOMENTS}
    if not any(words.values()):
        return None
    timeout = _timeout(document, (*place, "timeout"), keys.timeout)
    return Hooks(**words, timeout=timeout, folder=os.path.dirname(document.path))


def pings_from(document: "Document", profile: str, value: object) -> Pings | None:
    """Return the pings that this value of a profile means; None for none. Raise ConfigurationError."""
    place = ("profiles", profile, "ping")
    keys = document.convert({} if value is None else value, place, _PingKeys)
    urls = {name: getattr(keys, name) or "" for name in _CALLS}
    for name, url in urls.items():
        if url and not _is_url(url):
            raise document.error((*place, name), "write a whole URL, such as https://hc-ping.com/your-uuid")
    if not any(urls.values()):
        return None
    return Pings(**urls, timeout=_timeout(document, (*place, "timeout"), keys.timeout))


def _words(document: "Document", place: "KeyPath", value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value) or not value[0]:
        problem = "write a program and its arguments as a list of texts, such as [notify, --log]: no shell reads it"
        raise document.error(place, problem)
    return tuple(value)


def _timeout(document: "Document", place: "KeyPath", text: str) -> float:
    try:
        found = seconds("", text)
    except ConfigurationError as error:
        raise document.error(place, str(error).strip()) from None
    if not found:
        raise document.error(place, "that is no time at all: write 1s or more")
    return found


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and parts.port != 0
            and url.isprintable()
            and " " not in url
        )
    except ValueError:
        return False
