"""Durations, rates and percentages as people write them: `90s`, `1h`, `200MB/s`, `20%`."""

import re

from asynclog.errors import ConfigurationError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
BYTES = {
    "": 1,
    "k": 1000,
    "M": 1000**2,
    "G": 1000**3,
    "T": 1000**4,
    "Ki": 1024,
    "Mi": 1024**2,
    "Gi": 1024**3,
    "Ti": 1024**4,
}


def seconds(option: str, text: str) -> float:
    """Return a duration in seconds. Raise ConfigurationError."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if match is None:
        raise ConfigurationError(f"{option} {text!r}: write a number and its unit (s, m, h or d), such as 1h")
    return int(match[1]) * _SECONDS[match[2]]


def bytes_per_second(option: str, text: str) -> float:
    """Return a rate, of 1 byte a second or more. Raise ConfigurationError."""
    match = re.fullmatch(r"([0-9]{1,9})([kKMG]|[KMG]i)?B/s", text)
    if match is None or not int(match[1]):
        raise ConfigurationError(f"{option} {text!r}: write a rate such as 200MB/s (B, kB, MB, GB, KiB, MiB, GiB)")
    unit = match[2] or ""
    return int(match[1]) * BYTES["k" if unit == "K" else unit]


def percent(text: str) -> float | None:
    """Parse the rewrite threshold: `always` is 0, `never` None, `20%` 20. Raise ValueError."""
    if text == "never":
        return None
    match = re.fullmatch(r"([0-9]{1,2}(?:\.[0-9]{1,3})?|100) ?%", text)
    if match is None and text != "always":
        raise ValueError("write always, never, or a percentage such as 20%")
    return float(match[1]) if match else 0.0
