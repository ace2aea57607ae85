"""Say what `--max-overdue` does not allow: records that expired too long ago, and segments too old to stay unjudged."""

from collections.abc import Iterable, Mapping

from asynclog.escaping import escape_surrogates
from asynclog.formatting import pluralize
from asynclog.report.cleanup.result import SchemaTotals
from asynclog.report.unjudged_segments import Left, begun_at
from asynclog.schemas import SchemaKey
from asynclog.storage.naming import SegmentNaming
from asynclog.timestamps import SECOND, format_instant

_SHOWN = 3  # schemas, or segments, in a sentence


def overdue_errors(schemas: Mapping[SchemaKey, SchemaTotals], now: int, max_overdue: float | None) -> list[str]:
    """Return a sentence if something that expired more than `max_overdue` seconds ago is still there."""
    if max_overdue is None:
        return []
    limit = now - int(max_overdue * SECOND)
    overdue = sorted(
        (each.since, key) for key, each in schemas.items() if each.since is not None and each.since < limit
    )
    if not overdue:
        return []
    shown = ", ".join(f"{key} since {format_instant(since)}" for since, key in overdue[:_SHOWN])
    more = f", and {pluralize(len(overdue) - _SHOWN, 'more schema')}" if len(overdue) > _SHOWN else ""
    return [f"what expired longer ago than --max-overdue allows is still there: {shown}{more}"]


def too_old(left: Iterable[Left], names: SegmentNaming | None, now: int, max_overdue: float | None) -> list[str]:
    """Return a sentence if one of these segments is older than `max_overdue` seconds."""
    if max_overdue is None:
        return []
    limit = now - int(max_overdue * SECOND)
    old = sorted((begun, each) for each in left if (begun := begun_at(each, names)) < limit)
    if not old:
        return []
    shown = ", ".join(
        f"{escape_surrogates(each.segment)} of {format_instant(at)[:10]} ({each.reason})" for at, each in old[:_SHOWN]
    )
    more = f", and {len(old) - _SHOWN:,} more" if len(old) > _SHOWN else ""
    many = f"{pluralize(len(old), 'segment')} older than --max-overdue allows could not be judged"
    return [f"{many} and {'stays' if len(old) == 1 else 'stay'}: {shown}{more}"]
