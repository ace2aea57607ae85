"""Say what is wrong with a retention period in a policy, and what to write instead."""

import re

from asynclog.policy.periods import parse_period

_FOR_EVER = {"forever", "for ever", "ever", "never", "always", "unlimited", "infinite", "none"}


def days_problem(value: object) -> str:
    """Say what is wrong with a value of `retention_days`, and what to write; empty if it is null or an integer >= 0."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return ""
    if isinstance(value, bool | float | int):
        shown = str(value).lower()
        instead = "0 or more, or null to keep them for ever" if shown[:1] == "-" else "such as 90"
        return f"{shown}: write whole days (24 hours each), {instead}"
    if not isinstance(value, str):
        return "this must be one number: write whole days (24 hours each), such as 90"
    number = re.fullmatch(r"\s*([0-9]{1,9})\s*(?:d|days?)?\s*", value, re.IGNORECASE)
    if value.strip().casefold() in _FOR_EVER:
        return f"{value!r}: write null to keep them for ever"
    if number is None:
        return f"{_shortened(value)!r}: write whole days (24 hours each), such as 90"
    plain = int(number[1])
    if value.strip().isdigit():
        return f"{value!r} is text: write the number of days without quotes: {plain}"
    return f"{value!r}: write the number of days without a unit: {plain}"


def period_problem(value: object) -> str:
    """Say what is wrong with a value of `retention`, and what to write; empty if it is null or a period."""
    if value is None or (isinstance(value, str) and parse_period(value)):
        return ""
    how = "write a whole number and its unit (h, d or w), such as 36h, or null to keep them for ever"
    if isinstance(value, bool | float):
        return f"{str(value).lower()}: {how}"
    if not isinstance(value, str | int):
        return f"this must be one period: {how}"
    text = str(value)
    shown = repr(_shortened(text)) if isinstance(value, str) else _shortened(text)
    if re.fullmatch(r"\s*(?:-.*|0+\s*[a-z]*)", text, re.IGNORECASE | re.DOTALL):
        return f"{shown}: write 1h or more, or null to keep them for ever"
    found = re.fullmatch(r"\s*0*([1-9][0-9]*)\s*(|h|hours?|d|days?|w|weeks?)\s*", text, re.IGNORECASE)
    if found is None:
        return f"{shown}: {how}"
    if len(found[1]) > 9:
        return f"{shown}: write at most 9 digits, or null to keep them for ever"
    if not found[2]:
        return f"{shown} has no unit: write {found[1]}h, {found[1]}d or {found[1]}w (hours, days or weeks)"
    return f"{shown}: write {found[1]}{found[2][0].lower()}"


def _shortened(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:20]}…"
