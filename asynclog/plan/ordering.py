"""The order in which the actions of a plan are carried out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from asynclog.actions import Action, Plan
from asynclog.plan.budget_drops import newest_record
from asynclog.schemas import SchemaKey


def dominant_schema(action: Action) -> SchemaKey:
    """Return the schema key with the most expired bytes in the segment; the first by name if several have."""
    counts = action.stats.schemas if action.stats else ()
    return min(counts, key=lambda count: (-count.expired_bytes, count.schema)).schema


def execution_order(plan: Plan) -> list[Action]:
    """Return the work to do: drops first, because they free space; within each schema, the longest overdue first.

    Drops by budget follow those of what has expired, in the order in which they were chosen. Empty segments come last:
    dropping them frees nothing.
    """
    going = [action for action in plan.actions if action.deletes and not action.of_nothing]
    oldest_first = sorted(going, key=lambda action: action.overdue_since or 0)
    drops = [action for action in oldest_first if action.kind == "drop" and not action.by_budget]
    by_budget = sorted((action for action in going if action.by_budget), key=newest_record)
    rewrites = [action for action in oldest_first if action.kind == "rewrite"]
    empties = [action for action in plan.actions if action.of_nothing]
    return [*_round_robin(drops), *by_budget, *_round_robin(rewrites), *empties]


def _round_robin(actions: Iterable[Action]) -> Iterator[Action]:
    """Yield one action of each schema in turn, the smallest schema first, so that no schema starves the others."""
    lanes: defaultdict[SchemaKey, list[Action]] = defaultdict(list)
    for action in actions:
        lanes[dominant_schema(action)].append(action)
    queues = sorted(lanes.values(), key=lambda lane: sum(action.fingerprint.size for action in lane))
    turns = [(turn, place, action) for place, lane in enumerate(queues) for turn, action in enumerate(lane)]
    return (action for _, _, action in sorted(turns, key=lambda each: each[:2]))
