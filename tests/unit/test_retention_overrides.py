"""`--retention`: the words, and which rules they replace."""

import pytest

from asynclog.errors import ConfigurationError
from asynclog.policy.retention_overrides import with_retention
from asynclog.policy.rules import Policy, Rule, rule_for
from asynclog.schemas import SchemaKey
from asynclog.timestamps import DAY

POLICY = Policy(
    exact={
        SchemaKey("app", 1): Rule(retention=10 * DAY),
        SchemaKey("app", 2): Rule(retention=20 * DAY, active=False),
        SchemaKey("web", 1): Rule(retention=30 * DAY),
    },
    by_name={"app": Rule(retention=40 * DAY), "web": Rule(retention=50 * DAY)},
    star=Rule(retention=60 * DAY),
)


def days(policy: Policy, *keys: tuple[str, int]) -> list[int | str | None]:
    rules = [rule_for(policy, SchemaKey(*key)) for key in keys]
    return ["no rule" if rule is None else rule.retention_days for rule in rules]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), [10, "no rule", 40, 30, 50, 60]),
        (("app=7",), [7, 7, 7, 30, 50, 60]),
        (("app:1=7",), [7, "no rule", 40, 30, 50, 60]),
        (("app:3=none",), [10, "no rule", None, 30, 50, 60]),
        (("*=0",), [10, "no rule", 40, 30, 50, 0]),
        (("app:2=7", "app=none", "web:2=8"), [None, 7, None, 30, 8, 60]),
    ],
)
def test_a_word_replaces_the_rules_of_its_scope(words: tuple[str, ...], expected: list[int | str | None]) -> None:
    """All versions of a name, those that are switched off too; one version; or everything without a rule of its own."""
    policy = with_retention(POLICY, words)
    assert days(policy, ("app", 1), ("app", 2), ("app", 3), ("web", 1), ("web", 2), ("other", 1)) == expected


def test_a_schema_named_like_the_wildcard_keeps_its_rule() -> None:
    """A registry can have one, and it is not replaced by `*=`."""
    policy = with_retention(Policy({SchemaKey("*", 1): Rule(retention=10 * DAY)}), ["*=7"])
    assert days(policy, ("*", 1), ("*", 2), ("a", 1)) == [10, 7, 7]


@pytest.mark.parametrize(
    ("word", "key", "value"),
    [
        ("a=b=7", ("a=b", 1), 7),
        ("a=7=none", ("a=7", 5), None),
        ("a:b=7", ("a:b", 1), 7),
        ("a:b:2=7", ("a:b", 2), 7),
        ("a:=7", ("a:", 1), 7),
        ("a:-1=7", ("a:-1", 1), 7),
        ("a\n:3=007", ("a\n", 3), 7),
    ],
)
def test_a_word_is_split_from_behind(word: str, key: tuple[str, int], value: int | None) -> None:
    """At the last `=`, and the name at the last `:` if digits follow: names may have both."""
    assert days(with_retention(Policy(), [word]), key) == [value]


@pytest.mark.parametrize(
    "words",
    [
        *((word,) for word in ("", "app", "=7", "app=", "app=-1", "app=1.5", "app=ten", "app=None", "app= 7", "app=٣")),
        ("*:1=7",),
        ("app=" + "9" * 5000,),
        ("app=7", "app=8"),
        ("app:1=7", "app:01=7"),
    ],
)
def test_other_words_are_errors(words: tuple[str, ...]) -> None:
    """One sentence that shows the word."""
    with pytest.raises(ConfigurationError) as caught:
        with_retention(POLICY, words)
    assert "--retention" in str(caught.value)
    assert "\n" not in str(caught.value)
