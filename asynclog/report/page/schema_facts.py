"""Each schema of a page: its rule, its cutoff, and what becomes of its records by day. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from asynclog.forecast.ages import DayFate, LogAges, SchemaAges, fates
from asynclog.formatting import format_period
from asynclog.policy.rules import Policy, match_rule
from asynclog.schemas import SchemaKey
from asynclog.timestamps import DAY, FIRST, LAST, format_instant


class SchemaFacts(msgspec.Struct, frozen=True):
    """One schema. `rule` says how long it is kept, `scope` which rule says so, `where` in which file and line.

    `cutoff` is None if nothing expires, or if it lies before the year 1; `retention` is in ns.
    """

    name: str
    rule: str
    scope: str
    where: str
    retention: int | None
    cutoff: int | None
    ages: SchemaAges
    fates: tuple[DayFate, ...]

    @property
    def bytes(self) -> int:
        return sum(each.bytes for each in self.fates) + self.ages.undated_bytes

    @property
    def oldest_left(self) -> str | None:
        """The day of the oldest record that has not expired."""
        return _text(next((each.day for each in self.fates if each.expired < each.records), None))

    @property
    def newest_left(self) -> str | None:
        """The day of the newest record that has not expired."""
        return _text(next((each.day for each in reversed(self.fates) if each.expired < each.records), None))


def schema_facts(ages: LogAges, now: int) -> dict[str, SchemaFacts]:
    """Return the facts of each schema that the log has, by its name, in order."""
    return {str(key): _facts(ages.policy, key, each, now) for key, each in ages.by_schema().items()}


def _facts(policy: Policy, key: SchemaKey, ages: SchemaAges, now: int) -> SchemaFacts:
    scope, rule = match_rule(policy, key) or ("", None)
    if rule is None:
        kept, retention = "no rule: kept", None
    elif not rule.active:
        kept, retention = "switched off: kept", None
    elif rule.retention_s is None:
        kept, retention = "for ever", None
    else:
        kept, retention = format_period(rule.retention_s), rule.retention
    cutoff = None if retention is None or now - retention < FIRST else now - retention
    where = rule.where.rpartition("/")[2] if rule else ""
    return SchemaFacts(str(key), kept, str(scope), where, retention, cutoff, ages, tuple(fates(ages, retention, now)))


def largest(facts: Mapping[str, SchemaFacts], most: int) -> list[SchemaFacts]:
    """Return the schemas with the most bytes, at most so many, in the log's order."""
    chosen = sorted(facts.values(), key=lambda each: each.bytes, reverse=True)[:most]
    return [each for each in facts.values() if each in chosen] if len(chosen) < len(facts) else list(facts.values())


def all_fates(facts: Iterable[SchemaFacts]) -> Iterable[DayFate]:
    """Return the fates of all days of all these schemas."""
    return (fate for each in facts for fate in each.fates)


def _text(number: int | None) -> str | None:
    return None if number is None or number * DAY > LAST else format_instant(number * DAY)
