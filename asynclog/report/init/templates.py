"""The text of a first configuration and policy for a log, which delete nothing but what a registry's rules do."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from asynclog.escaping import escape_control
from asynclog.formatting import format_size, pluralize
from asynclog.policy.patterns import has_wildcard
from asynclog.policy.rules import WILDCARD, Rule
from asynclog.report.holdings import Holding
from asynclog.report.init.yaml_text import scalar
from asynclog.schemas import SchemaKey

_LONGEST_VERSION = 10**100  # exclusive limit of a number in a policy
_KEPT = Rule(retention=None)

_CONFIGURATION = """\
# Which log asynclog looks after: written by `asynclog init`. Relative paths are relative to this file.
asynclog: 1
profile: {profile} # else --profile, else ASYNCLOG_PROFILE
profiles:
  {profile}:
    audit:
      path: {log}
      schemas: {policy} # left out: the registry beside the log, logs_schemas.jsonl for logs.jsonl
{preset_or_fields}\
    # A run is refused, unless it is forced, if most of the log, or of one schema, expired long ago and would go.
    # So is one that violates one of these: uncomment them once the periods are settled.
    # guard:
    #   max_delete_percent: 50 # of everything that a run would delete, in place of the usual guard; 100: no guard
    #   min_retention_days: 7 # a period that is shorter than this looks like a slip
"""

# The profiles that a configuration of MXCP has besides.
_OTHER_PROFILE = """\
  {profile}:
    audit:
      enabled: {enabled}
      path: {log} # with the rules of the registry beside it
"""

_REGISTRY = """\
# The rules are those of MXCP's registry as it was then: what changes there later has to be changed here, too.
#   {registry}
"""

_POLICY = """\
# How long the records of each audit schema are kept: written by `asynclog init`, with every schema that it found.
{registry}#
# Nothing is deleted while `retention_days` is null. Decide for each schema, write the number, and look first:
#
#   asynclog check              which rule governs what
#   asynclog cleanup --dry-run  what would be deleted
#
# The usual periods, in days of 24 hours; not legal advice:
#
#   retention_days: 30    debugging and traces: useful while a fault is being investigated
#   retention_days: 90    API access, tool calls: how far back most questions go
#   retention_days: 365   logins and permissions: PCI DSS asks for a year of audit history
#   retention_days: 2555  seven years: business records, where tax or commercial law asks for them
#   retention_days: null  for ever: a legal hold, or not decided yet
#
# Instead of `retention_days`, `retention: 36h` says hours; 90d days, 6w weeks. Without `version`, a rule is for all
# versions that have none of their own; one for a pattern, such as "api_*", for all such names that have none; the rule
# for "*" is for everything else. Without a rule, records are kept.

"""


class Starter(NamedTuple):
    """A profile of a first configuration: the base path of its log, and its policy, empty for the registry."""

    profile: str
    log: str
    policy: str
    enabled: bool = True


def starter_configuration(starters: Sequence[Starter], preset_or_fields: str) -> str:
    """Return an `asynclog.yaml` for these, the usual one first.

    `preset_or_fields` has the lines that say how that one's log is read. Raise ConfigurationError if YAML can't hold a
    path.
    """
    first, *others = starters
    log, policy = scalar(first.log), scalar(first.policy)
    text = _CONFIGURATION.format(
        profile=_name(first.profile), log=log, policy=policy, preset_or_fields=preset_or_fields
    )
    for each in others:
        enabled = str(each.enabled).lower()
        text += _OTHER_PROFILE.format(profile=_name(each.profile), enabled=enabled, log=scalar(each.log))
    return text


def starter_policy(holdings: Mapping[SchemaKey, Holding], rules: Mapping[SchemaKey, Rule], registry: str | None) -> str:
    """Return audit schema definitions with one entry for each key that a policy can name.

    A key that has no rule is kept for ever. `registry` is the file that the rules are from, if any.
    """
    entries = [_entry(key, holding, rules.get(key, _KEPT)) for key, holding in holdings.items() if can_be_named(key)]
    left_out = [key for key in holdings if not can_be_named(key)]
    source = _REGISTRY.format(registry=escape_control(registry)) if registry else ""
    return (
        _POLICY.format(registry=source)
        + ("schemas:\n" if entries else "schemas: []\n")
        + "".join([*entries, *_notes(left_out)])
    )


def can_be_named(key: SchemaKey) -> bool:
    """Return whether a YAML policy can have a rule for exactly this key."""
    return not has_wildcard(key.name) and abs(key.version) < _LONGEST_VERSION


def _entry(key: SchemaKey, holding: Holding, rule: Rule) -> str:
    span = f", {holding.oldest[:10]} to {holding.newest[:10]}" if holding.oldest and holding.newest else ""
    return (
        f"  # {pluralize(holding.records, 'record')}, {format_size(holding.bytes)}{span}\n"
        f"  - schema_name: {scalar(key.name)}\n"
        f"    version: {key.version}\n"
        f"    retention_days: {'null' if rule.retention_days is None else rule.retention_days}\n"
        + ("" if rule.active else "    active: false # switched off in the registry: its records are kept\n")
    )


def _notes(left_out: Iterable[SchemaKey]) -> Iterable[str]:
    for key in left_out:
        yield f"  # Left out: {escape_control(key.name)}, version {_shortened(key.version)}: {_why_unnamed(key)}.\n"


def _why_unnamed(key: SchemaKey) -> str:
    if key.name == WILDCARD:
        return 'the rule for "*" is for everything else'
    return "a rule of its name is a pattern, for others, too" if has_wildcard(key.name) else "its version is too long"


def _shortened(version: int) -> str:
    return str(version) if abs(version) < _LONGEST_VERSION else f"of {len(str(version))} digits"


def _name(profile: str) -> str:
    return profile if profile == "default" else scalar(profile)
