"""The budget of a log in words: what it is, and why a log stays over it."""

from collections import Counter
from collections.abc import Iterator, Mapping

from asynclog.actions import Plan
from asynclog.config.values.units import BYTES
from asynclog.formatting import format_size, pluralize
from asynclog.plan.budget import Budget
from asynclog.plan.budget_drops import bytes_over

_SHOWN = 3  # reasons in a sentence


def budget_in_words(max_bytes: int | None, min_free: float | None) -> str:
    """Return `max_bytes 200GB, min_free 10%`."""
    limits = [] if max_bytes is None else [f"max_bytes {_as_written(max_bytes)}"]
    if min_free is not None:
        limits.append(f"min_free {min_free:g}%")
    return ", ".join(limits)


def _as_written(size: int) -> str:
    """Return a size with the largest unit of which it is a whole number: `200GB`, `64GiB`."""
    unit, factor = max((each for each in BYTES.items() if not size % each[1]), key=lambda each: each[1])
    return f"{size // factor}{unit}B"


def budget_warnings(plan: Plan, budget: Budget, reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield what to know of a log that its plan leaves over its budget; `reasons` are why segments stay, by name."""
    if budget.min_free is not None and plan.space is None:
        yield "min_free: this file system does not tell how much of it is free, so nothing goes for that"
    over = bytes_over(plan, budget, sum(action.fingerprint.size - action.bytes_after for action in plan.actions))
    if not over or plan.refusal:
        return
    left = [action for action in plan.actions if action.segment in reasons and action.bytes_after]
    limits = budget_in_words(budget.max_bytes, budget.min_free)
    left = [action for action in plan.actions if action.segment in reasons and action.bytes_after]
    if any(action.unjudged == "not_reached" for action in left):
        yield f"what goes for the log's budget ({limits}) is decided once all segments have been read"
        return
    counts = Counter(reasons[action.segment] for action in left if reasons[action.segment])
    why = "; ".join(f"{reason} ({number:,})" for reason, number in counts.most_common(_SHOWN))
    but = f"but {pluralize(len(left), 'segment')} may go by their age only: {why}: see asynclog explain"
    yield (
        f"the log can't be kept to its budget ({limits}): {format_size(over)} more would have to go, "
        f"{but if left else 'and nothing is left of it'}"
    )
