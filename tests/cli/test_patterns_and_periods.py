"""`retention: 36h` and patterns in `schema_name`: what a policy with them means to every command."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import looks, record, write_log, write_policy
from command import NOW, cleanup, run

if TYPE_CHECKING:
    from pathlib import Path

    from command import Done

NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml")
HOUR = 1 / 24  # days
SECOND = HOUR / 3600
RULES = (
    "schema_name: api_login, retention: 6w",
    "schema_name: api_*, retention: 36h",
    "schema_name: api_*, version: 2, retention: 90d",
    "schema_name: api_secret*, retention: null",
    "schema_name: a*, retention_days: 10",
    "schema_name: debug_?, retention: 1h",
    "schema_name: audit_*, retention: 1h, active: false",
    "schema_name: '*', retention_days: 400",
)
TABLE = [  # schema, version, age in days, whether it goes
    ("api_login", 1, 42 - HOUR, False),
    ("api_login", 1, 42 + HOUR, True),
    ("api_login", 2, 42 + HOUR, True),
    ("api_ops", 1, 1.5, False),
    ("api_ops", 1, 1.5 + SECOND, True),
    ("api_ops", 2, 89, False),
    ("api_ops", 2, 91, True),
    ("api_*", 1, 2, True),
    ("api_secrets", 1, 9000, False),
    ("api_secrets", 2, 9000, False),
    ("app", 1, 9, False),
    ("app", 1, 11, True),
    ("debug_1", 1, 1, True),
    ("debug_", 1, 399, False),
    ("debug_12", 1, 399, False),
    ("audit_x", 1, 9000, False),
    ("Api_ops", 1, 399, False),
    ("Api_ops", 1, 401, True),
]


def command(name: str, folder: Path, *words: str) -> Done:
    return run(name, *NAMED, *words, "--json", cwd=folder)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a log with a record of each schema, and a policy with a rule of every kind."""
    lines = [record(name, version, days) for name, version, days, _ in TABLE]
    write_log(tmp_path / "audit", {"logs.jsonl": lines})
    write_policy(tmp_path, *RULES)
    return tmp_path


def test_each_record_goes_under_the_narrowest_rule(log: Path) -> None:
    """The key, the name, the pattern with the longest beginning, `*`; what stays stays in order."""
    dry, done = cleanup(log, "-n"), cleanup(log)
    assert (dry.code, done.code) == (0, 0)
    left = b"".join(record(name, version, days) for name, version, days, goes in TABLE if not goes)
    assert (log / "audit/logs.jsonl").read_bytes() == left
    keys = [f"{name}:{version}" for name, version, _, goes in TABLE if goes]
    assert done.result["deleted_per_schema"] == {key: keys.count(key) for key in keys}
    assert dry.result["deleted_per_schema"] == done.result["deleted_per_schema"]
    assert done.result["kept"]["no_policy"] == {"audit_x:1": 1}
    assert cleanup(log).result["deleted_per_schema"] == {}


def test_check_says_which_pattern_governs_what(log: Path) -> None:
    """With its period in days, rounded up, and exactly; a hostile name in the log is a name like any other."""
    result = command("check", log).result
    found = {
        key: (each["rule"], each["retention_days"], each["retention_s"]) for key, each in result["schemas"].items()
    }
    day = 86_400
    assert found == {
        "api_login:1": ("api_login", 42, 42 * day),
        "api_login:2": ("api_login", 42, 42 * day),
        "api_ops:1": ("api_*", 2, 36 * 3600),
        "api_ops:2": ("api_*:2", 90, 90 * day),
        "api_*:1": ("api_*", 2, 36 * 3600),
        "api_secrets:1": ("api_secret*", None, None),
        "api_secrets:2": ("api_secret*", None, None),
        "app:1": ("a*", 10, 10 * day),
        "debug_1:1": ("debug_?", 1, 3600),
        "debug_:1": ("*", 400, 400 * day),
        "debug_12:1": ("*", 400, 400 * day),
        "audit_x:1": ("audit_*", 1, 3600),
        "Api_ops:1": ("*", 400, 400 * day),
    }
    assert result["ungoverned"] == ["audit_x:1"]
    assert [(each["rule"], each["retention_days"], each["retention_s"]) for each in result["policy_rules"]] == [
        ("api_login", 42, 42 * day),
        ("api_secret*", None, None),
        ("debug_?", 1, 3600),
        ("audit_*", 1, 3600),
        ("api_*", 2, 36 * 3600),
        ("api_*:2", 90, 90 * day),
        ("a*", 10, 10 * day),
        ("*", 400, 400 * day),
    ]
    text = run("check", *NAMED, cwd=log).out
    for words in (
        "kept for 36 hours (",
        "kept for 90 days (",
        "kept for 1 hour (",
        "kept for 42 days (",
        "kept for ever",
    ):
        assert words in text


def test_explain_counts_in_hours(log: Path) -> None:
    """`--schema` takes a pattern: what it matches is told, and nothing else."""
    text = run("explain", *NAMED, "--now", NOW, cwd=log).out
    assert "kept for 36 hours (schemas.yaml:3); 1 expired" in text
    (segment,) = command("explain", log, "--now", NOW, "--schema", "api_?ps").result["segments"]
    found = {
        key: (part["rule"], part["retention_days"], part["retention_s"]) for key, part in segment["schemas"].items()
    }
    assert found == {"api_ops:1": ("api_*", 2, 129_600), "api_ops:2": ("api_*:2", 90, 7_776_000)}
    assert segment["schemas"]["api_ops:1"]["overdue_since"] == "2026-11-23T23:59:59Z"
    assert list(command("explain", log, "--schema", "api_*:2").result["segments"][0]["schemas"]) == [
        "api_login:2",
        "api_ops:2",
        "api_secrets:2",
    ]


def test_estimate_takes_hours_and_patterns(log: Path) -> None:
    """`api_*` replaces the pattern's rules of all versions, `api_*:2` that of one; the narrower ones stay."""
    words = ("--retention", "api_*=1000w", "--retention", "api_login=43d", "--retention", "*=36h", "--now", NOW)
    result = command("estimate", log, *words).result
    periods = {key: (row["retention_days"], row["retention_s"]) for key, row in result["what_if"].items()}
    assert periods["api_ops:1"] == periods["api_ops:2"] == periods["api_*:1"] == (7000, 7000 * 86_400)
    assert periods["api_login:1"] == (43, 43 * 86_400)
    assert periods["api_secrets:1"] == (None, None)
    assert periods["Api_ops:1"] == (2, 129_600)
    text = run("estimate", *NAMED, *words, cwd=log).out
    assert "36 hours" in text
    assert "7,000 days" in text
    text = run("estimate", *NAMED, "--retention", "api_*=48h", "--now", NOW, cwd=log).out
    assert len(re.findall("what if +2 days ", text)) == 3  # of 36 hours, which is 2 days rounded up, and of 90 days
    row = result["schemas"]["api_ops:1"]
    assert row["steady_bytes"] == pytest.approx(row["daily_bytes"] * 1.5, abs=1)
    assert row["steady_bytes"] > 0
    one = command("estimate", log, "--retention", "api_*:2=1h").result["what_if"]
    assert [one[f"api_ops:{version}"]["retention_s"] for version in (1, 2)] == [129_600, 3600]


def test_an_override_that_governs_nothing_says_which_rules_do(log: Path) -> None:
    """What a pattern, or `*`, matches has narrower rules: else unchanged figures look like an answer."""
    names = sorted({name for name, *_ in TABLE})
    write_policy(log, *(f"schema_name: {name}, retention_days: 90" for name in names))
    for word in ("api_op?=60", "*=60"):
        (warning,) = command("estimate", log, "--retention", word).result["warnings"]
        assert warning.startswith(f"--retention {word} changes nothing: what it matches has narrower rules")
        assert re.search(r"name those, as in --retention \w+=60$", warning)
    assert command("estimate", log, "--retention", "api_ops=60").result["warnings"] == []
    assert command("estimate", log, "--retention", "*=60", "--no-scan", "--no-catalog").result["warnings"] == []


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("api-*=7", "neither the log nor the policy has this audit schema"),
        ("app_*=7", "the nearest names are"),
        ("debug_*=7", "--retention: debug_? and debug_* have the same text before their first wildcard"),
        ("a?=36h", "a* and a? have the same text"),
        ("app=0h", "such as 36h, 90d or 6w"),
        ("app=1.5d", "such as 36h, 90d or 6w"),
        ("*:1=36h", "the rule for * has no version"),
    ],
)
def test_a_meaningless_pattern_on_the_command_line_is_refused(log: Path, word: str, words: str) -> None:
    done = command("estimate", log, "--retention", word)
    assert done.code == 2
    assert words in done.error


def test_a_pattern_that_the_log_or_the_policy_has_is_known(log: Path) -> None:
    """One that matches what is there, one that the policy has, with its version or without."""
    write_policy(log, *RULES, "schema_name: gone_*, version: 3")
    for word in ("*_ops=7", "Api?ops=7", "gone_*=7", "gone_*:3=7", "debug_?=7"):
        assert command("estimate", log, "--retention", word).code == 0, word
    assert command("estimate", log, "--retention", "gone_*:4=7").code == 2


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ("0h", "'0h': write 1h or more, or null to keep them for ever"),
        ("0", "0: write 1h or more, or null to keep them for ever"),
        ("-1d", "'-1d': write 1h or more, or null to keep them for ever"),
        ("-1", "-1: write 1h or more, or null to keep them for ever"),
        ("1.5d", "'1.5d': write a whole number and its unit (h, d or w), such as 36h, or null to keep them for ever"),
        ("1.5", "1.5: write a whole number and its unit (h, d or w), such as 36h, or null to keep them for ever"),
        ("30m", "'30m': write a whole number and its unit (h, d or w), such as 36h, or null to keep them for ever"),
        ("1d12h", "'1d12h': write a whole number and its unit (h, d or w), such as 36h, or null to keep them for ever"),
        ("none", "'none': write a whole number and its unit (h, d or w), such as 36h, or null to keep them for ever"),
        ("true", "true: write a whole number and its unit (h, d or w), such as 36h, or null to keep them for ever"),
        ("''", "'': write a whole number and its unit (h, d or w), such as 36h, or null to keep them for ever"),
        (
            "[36h]",
            "this must be one period: write a whole number and its unit (h, d or w), such as 36h, or null to keep",
        ),
        ("90", "90 has no unit: write 90h, 90d or 90w (hours, days or weeks)"),
        ("'90'", "'90' has no unit: write 90h, 90d or 90w (hours, days or weeks)"),
        ("36H", "'36H': write 36h"),
        ("36 h", "'36 h': write 36h"),
        ("' 36h '", "' 36h ': write 36h"),
        ("6 weeks", "'6 weeks': write 6w"),
        ("1 Day", "'1 Day': write 1d"),
        (f"1{'0' * 30}w", "'10000000000000000000…': write at most 9 digits, or null to keep them for ever"),
        ("9" * 99, "99999999999999999999…: write at most 9 digits, or null to keep them for ever"),
        ("36h, retention_days: 2", "retention_days is there, too: write one of the two"),
        ("null, retention_days: null", "retention_days is there, too: write one of the two"),
    ],
)
def test_a_period_that_is_none_says_what_to_write(archive: Path, period: str, words: str) -> None:
    """Exit 2, with the file, the line and the key; nothing is touched."""
    write_policy(archive, "schema_name: other", f"schema_name: app, retention: {period}")
    before = looks(archive)
    done = cleanup(archive)
    assert (done.code, looks(archive) == before) == (2, True)
    assert done.error.startswith(f"{archive}/schemas.yaml:3: schemas.retention: {words}")


@pytest.mark.parametrize(
    ("rules", "line", "words"),
    [
        (("api_*", "api_?"), 3, "api_? and api_* ({policy}:2) have the same text before their first wildcard"),
        (
            ("'*/get'", "b", "'*/list'"),
            4,
            "*/list and */get ({policy}:2) have the same text before their first wildcard",
        ),
        (("a*, version: 1", "a*b, version: 2"), 3, "a*b:2 and a*:1 ({policy}:2) have the same text"),
        (("a*", "a*"), 3, "a* is defined at {policy}:2 already"),
        (("a*, version: 1", "a*, version: 1"), 3, "a*:1 is defined at {policy}:2 already"),
    ],
)
def test_two_patterns_of_which_none_comes_first_stop_the_job(
    archive: Path, rules: tuple[str, ...], line: int, words: str
) -> None:
    """With the line of both, and a way on."""
    policy = write_policy(archive, *(f"retention_days: 30, schema_name: {rule}" for rule in rules))
    before = looks(archive)
    done = cleanup(archive)
    assert (done.code, looks(archive) == before) == (2, True)
    assert done.error.startswith(f"{policy}:{line}: schemas.schema_name: {words.format(policy=policy)}")


@pytest.mark.parametrize("name", ["*", "*_get", "*/get"])
def test_a_pattern_that_begins_with_a_star_needs_quotes(archive: Path, name: str) -> None:
    """For YAML it would be an alias."""
    policy = write_policy(archive, f"retention_days: 30, schema_name: {name} ")
    done = cleanup(archive)
    assert done.code == 2
    assert done.error.startswith(f"{policy}:2: ")
    assert "text that begins with * needs quotes" in done.error


def test_one_pattern_may_have_rules_for_versions(archive: Path) -> None:
    write_policy(archive, "schema_name: a*, version: 1, retention: 24h", "schema_name: a*, retention: null")
    assert cleanup(archive, "-n").result["deleted_per_schema"] == {"app:1": 1}


def test_a_registry_has_neither(archive: Path) -> None:
    """As for MXCP, its names are names, and `retention` is a key that means nothing."""
    entries = [
        {"schema_name": "a*", "version": 1, "retention_days": 1},
        {"schema_name": "a?p", "version": 1, "retention_days": 1},
        {"schema_name": "app", "version": 1, "retention": "1h"},
    ]
    registry = archive / "audit/logs_schemas.jsonl"
    registry.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    done = cleanup(archive, "-n", "--schemas", str(registry))
    assert (done.code, done.result["deleted_per_schema"]) == (0, {})
    write_log(archive / "audit", {"logs.jsonl": [record("a*"), record("a?p"), record("app")]})
    done = cleanup(archive, "-n", "--schemas", str(registry))
    assert done.result["deleted_per_schema"] == {"a*:1": 1, "a?p:1": 1}


def warnings(folder: Path, *rules: str) -> list[Any]:
    write_policy(folder, *rules)
    return [each for each in command("check", folder).result["warnings"] if not each.startswith("Rules that match")]


def test_a_pattern_that_matches_nothing_is_told_like_any_rule(archive: Path) -> None:
    """If a wider one deletes; and so is a name for which only a pattern does."""
    (told,) = warnings(archive, "schema_name: ap_*, retention: null", "schema_name: a*, retention: 36h")
    assert told.startswith(
        f"1 rule matches nothing here, while the rule for a* deletes after 36 hours: ap_* ({archive}/schemas.yaml:2): "
    )
    (told,) = warnings(archive, "schema_name: apps, version: 2", "schema_name: a*, retention: 6w")
    assert told.startswith("1 rule matches nothing here, while the rule for a* deletes after 42 days: apps:2 (")
    (told,) = warnings(archive, "schema_name: a*, version: 2", "schema_name: a*, retention: 6w")
    assert told.startswith("1 rule matches nothing here, while the rule for a* deletes after 42 days: a*:2 (")
    (told,) = warnings(archive, "schema_name: x*", "schema_name: '*', retention: 6w")
    assert told.startswith("1 rule matches nothing here, while the rule for * deletes after 42 days: x* (")
    assert warnings(archive, "schema_name: x*", "schema_name: a*, retention: 6w") == []
    assert warnings(archive, "schema_name: apps, version: 2", "schema_name: a*, version: 1, retention: 6w") == []
    assert warnings(archive, "schema_name: app?, retention: 1h", "schema_name: a*") == []
    assert warnings(archive, "schema_name: '?*', retention: 6w", "schema_name: '*', retention: 9w") == []
    (told,) = warnings(archive, "schema_name: a*, retention_days: 0")
    assert "retention_days 0 deletes every record of a* at once" in told


def test_the_guard_measures_hours(archive: Path) -> None:
    """`min_retention_days` refuses 36 hours as less than two days, and neither 48 hours nor 1 day where it is 1."""
    (archive / "asynclog.yaml").write_text(
        "asynclog: 1\nprofiles:\n  default:\n    audit: {path: audit/logs.jsonl, schemas: schemas.yaml}\n"
        "    guard: {min_retention_days: 2}\n"
    )
    policy = write_policy(archive, "schema_name: a*, retention: 36h")
    done = run("cleanup", "-n", "--json", "--now", NOW, cwd=archive)
    assert f"{policy}:2: retention 36h is less than guard.min_retention_days 2" in str(done.document)
    assert run("cleanup", "--json", "--now", NOW, cwd=archive).code == 5
    write_policy(archive, "schema_name: a*, retention: 48h")
    assert run("cleanup", "--json", "--now", NOW, cwd=archive).code == 0


def test_a_plan_is_bound_to_its_period_and_pattern(archive: Path) -> None:
    """However the same period is written; not for another one that is as many days when rounded up."""

    def apply(rule: str) -> int:
        write_policy(archive, rule)
        return command("apply", archive, "plan.json", "--now", NOW, "--no-catalog").code

    write_policy(archive, "schema_name: ap*, retention: 48h")
    assert cleanup(archive, "-n", "--plan-out", "plan.json").code == 0
    assert apply("schema_name: ap*, retention: 47h") == 2
    assert apply("schema_name: ap?, retention: 48h") == 2
    assert apply("schema_name: app, retention: 48h") == 2
    assert apply("schema_name: ap*, retention_days: 2") == 0


def test_debug_tells_the_rule_in_hours(archive: Path) -> None:
    policy = write_policy(archive, "schema_name: '?pp', retention: 36h")
    assert (
        f"rule for app:1: kept for 36 hours ({policy}:2)"
        in run("cleanup", "-n", *NAMED, "--now", NOW, "--debug", cwd=archive).err
    )


def test_init_makes_no_pattern_of_a_name(tmp_path: Path) -> None:
    """A schema whose name has wildcards is left out and said: a rule of that name would be for others, too."""
    write_log(tmp_path / "audit", {"logs.jsonl": [record("app"), record("a*b"), record("a*c"), record("wh?t")]})
    result = run("init", "--path", "audit/logs.jsonl", "--json", cwd=tmp_path).result
    assert (list(result["schemas"]), result["left_out"]) == (["app:1"], ["a*b:1", "a*c:1", "wh?t:1"])
    assert (tmp_path / "audit-schemas.yaml").read_text().count("a rule of its name is a pattern") == 3
    assert run("check", cwd=tmp_path).code == 0
