"""Patterns in a policy: which names they match, and which rule governs a record of such a name."""

from __future__ import annotations

import pytest
from definitions import policy_of
from hypothesis import given
from hypothesis import strategies as st
from judge import DAY, Definition, Record, fits, fixed, governing

from asynclog.policy.patterns import Pattern, first_rivals, name_matches
from asynclog.policy.periods import parse_period
from asynclog.policy.rules import Policy, Rule, Scope, all_rules, make_policy, match_rule, retention_for, scope_for
from asynclog.schemas import SchemaKey
from examples import examples

HOUR = DAY // 24
LETTERS = st.sampled_from("ab*?\n.")


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("api_*", ["api_", "api_x", "api_*", "api_\n"], ["api", "Api_x", "xapi_x", ""]),
        ("a?c", ["abc", "a?c", "a*c", "a\nc", "a😀c"], ["ac", "abbc", "abc "]),
        ("*/get", ["/get", "pods/get", "a/get/get"], ["get", "pods/get/", "pods/GET"]),
        ("a*b*b", ["abb", "a*b*b", "axbxb", "abbb"], ["ab", "abbx"]),
        ("?*", ["a", "ab"], [""]),
        ("**", ["", "a"], []),
        ("a.+[b]*\\", ["a.+[b]\\", "a.+[b]x\\"], ["aa+b\\", "a.+b\\", "a.+[b]"]),
        ("\\?", ["\\a", "\\?"], ["?", "\\", "a"]),
    ],
)
def test_a_pattern_matches_whole_names(pattern: str, matching: list[str], others: list[str]) -> None:
    """`*` any characters or none, `?` one; all others are themselves, and no letter is another's capital."""
    assert [name for name in (*matching, *others) if name_matches(pattern, name)] == matching


@examples(500)
@given(pattern=st.text(LETTERS, max_size=7), name=st.text(LETTERS, max_size=9))
def test_a_pattern_matches_what_the_judge_says(pattern: str, name: str) -> None:
    """Whatever the name has in it: its characters are never wildcards."""
    assert name_matches(pattern, name) == fits(pattern, name)


def test_no_name_takes_longer_than_its_length() -> None:
    """Not with many wildcards neither, where a matcher that goes back would never end."""
    pattern = "*" + "a*" * 30 + "?b"
    assert not name_matches(pattern, "a" * 20_000)
    assert name_matches(pattern, "a" * 20_000 + "b")


@st.composite
def policies(draw: st.DrawFn) -> list[Definition]:
    """Draw rules for names, patterns and everything else; no two patterns are the same up to their first wildcard."""
    names = draw(st.lists(st.text("ab*?", min_size=1, max_size=3), max_size=6))
    patterns = {name[: fixed(name)]: name for name in names if fixed(name) < len(name) and name != "*"}
    literal = {name for name in names if fixed(name) == len(name)}
    keys = [(name, draw(st.sampled_from((None, 1, 2)))) for name in (*literal, *patterns.values(), *patterns.values())]
    keys += [("*", None)] * draw(st.integers(0, 1))
    return [Definition(*key, number, draw(st.booleans())) for number, key in enumerate(sorted(set(keys), key=str))]


@examples(500)
@given(definitions=policies(), name=st.text("ab*?", min_size=1, max_size=4), version=st.sampled_from((1, 2, 3)))
def test_the_rule_is_the_one_that_the_judge_finds(definitions: list[Definition], name: str, version: int) -> None:
    """The exact key, the name, the pattern with the longest beginning, `*`: each first with its version."""
    policy, rule = policy_of(definitions), governing(Record(name, version, 0), definitions)
    found = match_rule(policy, SchemaKey(name, version))
    if rule is None:
        assert found is None
        return
    assert found == (scope_for(rule.schema_name, rule.version), policy_rule(rule))
    keeps = None if not rule.active else (rule.retention_days or 0) * DAY
    assert retention_for(policy, SchemaKey(name, version)) == keeps


def policy_rule(rule: Definition) -> Rule:
    return Rule(retention=(rule.retention_days or 0) * DAY, active=rule.active)


@examples(100)
@given(definitions=policies())
def test_a_policy_has_all_the_rules_that_it_is_made_of(definitions: list[Definition]) -> None:
    policy = policy_of(definitions)
    assert len(all_rules(policy)) == len(definitions)
    assert make_policy(all_rules(policy)) == policy


def test_the_longest_beginning_goes_first_and_then_the_version() -> None:
    """A pattern with only a rule for another version lets the next one have the record; a rule that is off does not."""
    one, two, off, wide = Rule(retention=1), Rule(retention=2), Rule(retention=3, active=False), Rule(retention=4)
    rules: dict[Scope, Rule] = {Pattern("api_x*", 7): two, Pattern("app?"): off, "api_v": wide}
    policy = make_policy(rules | {Pattern("a*"): wide, Pattern("api_*", 2): two, Pattern("api_*"): one})
    found = {
        str(key): match_rule(policy, key)
        for key in (SchemaKey(*each) for each in (("api_y", 2), ("api_y", 1), ("api_x1", 7), ("api_x1", 1), ("b", 1)))
    }
    assert found == {
        "api_y:2": (Pattern("api_*", 2), two),
        "api_y:1": (Pattern("api_*"), one),
        "api_x1:7": (Pattern("api_x*", 7), two),
        "api_x1:1": (Pattern("api_*"), one),
        "b:1": None,
    }
    assert match_rule(policy, SchemaKey("api_v", 2)) == ("api_v", wide)
    assert match_rule(policy, SchemaKey("apps", 1)) == (Pattern("app?"), off)
    assert retention_for(policy, SchemaKey("apps", 1)) is None


def test_a_literal_rule_for_a_name_with_wildcards_is_no_pattern() -> None:
    """As MXCP's registry has them: its names are names."""
    policy = Policy({SchemaKey("a*", 1): Rule(retention=1)})
    assert retention_for(policy, SchemaKey("a*", 1)) == 1
    assert match_rule(policy, SchemaKey("ab", 1)) is None
    both = make_policy(all_rules(policy) | {Pattern("a*", 1): Rule(retention=2)})
    assert [retention_for(both, SchemaKey(name, 1)) for name in ("a*", "ab")] == [1, 2]


def test_rivals_have_the_same_beginning_and_other_names() -> None:
    patterns = [Pattern("a*"), Pattern("a*", 1), Pattern("ab*"), Pattern("*a"), Pattern("a?"), Pattern("*b")]
    assert first_rivals(patterns[:4]) is None
    assert first_rivals(patterns) == (Pattern("a*"), Pattern("a?"))


@pytest.mark.parametrize(
    ("text", "hours"),
    [("1h", 1), ("36h", 36), ("90d", 2160), ("6w", 1008), ("007d", 168), ("999999999w", 999_999_999 * 168)]
    + [(text, None) for text in ("0h", "00w", "1", "h", "", "1.5d", "-1d", "+1d", "1H", "1 h", " 1h", "1h ", "1h\n")]
    + [(text, None) for text in ("1m", "1s", "1y", "1dd", "1h30", "٣h", "9999999999h", "1e3h", "1_0h")],
)
def test_a_period_is_a_whole_number_and_its_unit(text: str, hours: int | None) -> None:
    """Of hours, days of 24 hours, or weeks of 7 days; nothing shorter than an hour."""
    assert parse_period(text) == (None if hours is None else hours * HOUR)
