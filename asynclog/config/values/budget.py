"""A log's budget as people write it, `max_bytes: 200GB` and `min_free: 10%`: its value, or what to write instead."""

import re
from typing import TYPE_CHECKING

from asynclog.config.values.units import BYTES
from asynclog.plan.budget import Budget

if TYPE_CHECKING:
    from asynclog.config.reading.yaml_document import Document

_LARGEST = 2**63 - 1  # bytes that a file may have
_SIZE = re.compile(r"([0-9]{1,19})([kKMGT]|[KMGT]i)?B")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?) ?%")
_WRITE_SIZE = "write a whole number and its unit (kB, MB, GB, TB, KiB, MiB, GiB or TiB), such as 200GB"
_WRITE_PERCENT = "write how much of the file system is to be free, such as 10%"
_SHOWN = 40  # characters of a value


def budget_from(document: "Document", profile: str, max_bytes: object, min_free: object) -> Budget:
    """Return the budget that these two values of a profile mean; null is no limit. Raise ConfigurationError."""
    for key, value, problem in (
        ("max_bytes", max_bytes, size_problem(max_bytes)),
        ("min_free", min_free, percent_problem(min_free)),
    ):
        if problem:
            raise document.error(("profiles", profile, key), f"{_shown(value)}: {problem}")
    return Budget(_bytes(max_bytes), _percent(min_free))


def size_problem(value: object) -> str:
    """Say what to write instead of a value of `max_bytes`; empty if it is null or a size of a byte or more."""
    if value is None:
        return ""
    size = _bytes(value)
    if size is not None:
        if not size:
            return "nothing would be left: write 1MB or more, such as 200GB, or leave the key out for no limit"
        return "" if size <= _LARGEST else "no log is so large: write less, such as 200GB, or leave the key out"
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return f"it has no unit: write {_shown(value)}B if these are bytes, or a size such as 200GB"
    if _percent(value) is not None:
        return f"{_WRITE_SIZE}; a percentage is for min_free"
    spelled = re.fullmatch(r"\s*0*([1-9][0-9]{0,14})\s*([kmgt])(i?)b?\s*", str(value), re.IGNORECASE)
    if isinstance(value, str) and spelled:
        prefix = spelled[2].upper() if spelled[3] or spelled[2] not in "kK" else "k"
        return f"write {spelled[1]}{prefix}{'i' if spelled[3] else ''}B"
    return _WRITE_SIZE


def percent_problem(value: object) -> str:
    """Say what to write instead of a value of `min_free`; empty if it is null or more than 0 % and less than 100 %."""
    if value is None:
        return ""
    percent = _percent(value)
    if percent is not None:
        if not percent:
            return "that asks for nothing: write 1% or more, such as 10%, or leave the key out"
        return "" if percent < 100 else "a file system with a log is never so empty: write less, such as 10%"
    if _bytes(value) is not None:
        return f"{_WRITE_PERCENT}; a size is for max_bytes"
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 100:
        return f"it has no unit: write {value}%"
    return _WRITE_PERCENT


def _bytes(value: object) -> int | None:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    unit = match[2] or ""
    return int(match[1]) * BYTES["k" if unit == "K" else unit]


def _percent(value: object) -> float | None:
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    return float(match[1]) if match else None


def _shown(value: object) -> str:
    """Return a value as it may be told: text in quotes, and not all of a long one."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return repr(text) if isinstance(value, str) else text
