"""Keywords of a caller in Python -> settings: paths, instants and durations instead of words."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from asynclog.config.resolve import resolve
from asynclog.config.settings import Options, Settings
from asynclog.errors import ConfigurationError

_PATHS = ("config", "path", "schemas", "state")
_TYPED = ("now", "lock_wait", "max_runtime", "max_overdue", "io_limit")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def settings_from(keywords: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Return the settings that these keywords of a function mean. Raise ConfigurationError."""
    paths = {name: os.fspath(keywords[name]) for name in _PATHS if keywords.get(name) is not None}
    plain = {name: keywords[name] for name in Options.__annotations__ if name in keywords and name not in _TYPED}
    options: Options = {**plain, **paths}  # type: ignore[typeddict-item]
    return msgspec.structs.replace(
        resolve(options, environment),
        now=_instant(keywords.get("now")),
        lock_wait=_seconds("lock_wait", keywords.get("lock_wait")) or 0,
        max_runtime=_seconds("max_runtime", keywords.get("max_runtime")),
        max_overdue=_seconds("max_overdue", keywords.get("max_overdue")),
        io_limit=_rate(keywords.get("io_limit")),
    )


def _instant(moment: datetime | None) -> int | None:
    """Return nanoseconds since 1970."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ConfigurationError(f"now={moment.isoformat()}: name its time zone, as in datetime(..., tzinfo=UTC)")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _seconds(keyword: str, duration: timedelta | None) -> float | None:
    if duration is not None and duration < timedelta(0):
        raise ConfigurationError(f"{keyword}={duration}: a duration is not negative")
    return None if duration is None else duration.total_seconds()


def _rate(rate: int | None) -> float | None:
    if rate is not None and rate < 1:
        raise ConfigurationError(f"io_limit={rate}: write a number of bytes a second, 1 or more")
    return rate
