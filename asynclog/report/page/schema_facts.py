"""Each schema of a page: its rule, its cutoff, and what becomes of its records by day. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from asynclog.forecast.ages import DayFate, LogAges, SchemaAges, fates
from asynclog.formatting import format_period
from asynclog.policy.rules import Policy, match_rule
from asynclog.schemas import SchemaKey
from asynclog.timestamps import DAY, FIRST, LAST, earliest_text, format_instant, latest_text

OWN_RULES = "as each log's own rule says"


class SchemaSummary(msgspec.Struct, frozen=True):
    """One schema. `rule` says how long it is kept, `scope` which rule says so, `where` in which file and line.

    `cutoff` is None if nothing expires, or if it lies before the year 1; `retention` is in ns. `oldest_left` and
    `newest_left` are the days of the records that have not expired.
    """

    name: str
    rule: str
    scope: str
    where: str
    retention: int | None
    cutoff: int | None
    oldest_left: str | None
    newest_left: str | None


class SchemaFacts(SchemaSummary, frozen=True, kw_only=True):
    """One schema with all its days."""

    ages: SchemaAges
    fates: tuple[DayFate, ...]

    @property
    def bytes(self) -> int:
        return sum(each.bytes for each in self.fates) + self.ages.undated_bytes

    @property
    def summary(self) -> SchemaSummary:
        """The same without the days, for a page that has many of them."""
        return SchemaSummary(*(getattr(self, name) for name in SchemaSummary.__struct_fields__))


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
    days = tuple(fates(ages, retention, now))
    left = [each.day for each in days if each.expired < each.records]
    return SchemaFacts(
        name=str(key),
        rule=kept,
        scope=str(scope),
        where=where,
        retention=retention,
        cutoff=cutoff,
        oldest_left=_text(left[0] if left else None),
        newest_left=_text(left[-1] if left else None),
        ages=ages,
        fates=days,
    )


def largest(facts: Mapping[str, SchemaFacts], most: int) -> list[SchemaFacts]:
    """Return the schemas with the most bytes, at most so many, in the log's order."""
    chosen = sorted(facts.values(), key=lambda each: each.bytes, reverse=True)[:most]
    return [each for each in facts.values() if each in chosen] if len(chosen) < len(facts) else list(facts.values())


def all_fates(facts: Iterable[SchemaFacts]) -> Iterable[DayFate]:
    """Return the fates of all days of all these schemas."""
    return (fate for each in facts for fate in each.fates)


def merged(parts: Iterable[Mapping[str, SchemaSummary]]) -> dict[str, SchemaSummary]:
    """Return the schemas of several logs; the rule of one is only told if it is the same in all of them."""
    total: dict[str, SchemaSummary] = {}
    for part in parts:
        for name, each in part.items():
            total[name] = _both(total[name], each) if name in total else each
    return dict(sorted(total.items()))


def _both(one: SchemaSummary, other: SchemaSummary) -> SchemaSummary:
    dates = {
        "oldest_left": earliest_text((one.oldest_left, other.oldest_left)),
        "newest_left": latest_text((one.newest_left, other.newest_left)),
    }
    same = (one.rule, one.retention, one.cutoff) == (other.rule, other.retention, other.cutoff)
    if same and (one.scope, one.where) == (other.scope, other.where):
        return msgspec.structs.replace(one, **dates)
    if same:
        return msgspec.structs.replace(one, **dates, scope="", where="")
    return SchemaSummary(one.name, OWN_RULES, "", "", None, None, **dates)


def _text(number: int | None) -> str | None:
    return None if number is None or number * DAY > LAST else format_instant(number * DAY)
