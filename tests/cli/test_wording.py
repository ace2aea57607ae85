"""Words for people: no names of types, one record and two records, thousands separated, and what only would be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from audit_log import record, write_log, write_policy
from command import NOW, cleanup, run

from asynclog.formatting import format_size, percentage, pluralize
from asynclog.report.cleanup.result import NOT_BEGUN, NOT_READ, ActionRow, CleanupResult, Segments
from asynclog.report.cleanup.text import duration, progress

if TYPE_CHECKING:
    from pathlib import Path

NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW)
TYPES = re.compile(r"\b(int|str|bool|float|dict|array|object|NoneType|enum|[Vv]alidation)\b|`")


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ("30d", "'30d': write the number of days without a unit: 30"),
        ("1 day", "'1 day': write the number of days without a unit: 1"),
        ("'90'", "'90' is text: write the number of days without quotes: 90"),
        ("6h", "'6h': write whole days (24 hours each), such as 90"),
        ("0.25", "0.25: write whole days (24 hours each), such as 90"),
        ("90.0", "90.0: write whole days (24 hours each), such as 90"),
        ("-1", "-1: write whole days (24 hours each), 0 or more, or null to keep them for ever"),
        ("true", "true: write whole days (24 hours each), such as 90"),
        ("[90]", "this must be one number: write whole days (24 hours each), such as 90"),
        ("ninety", "'ninety': write whole days (24 hours each), such as 90"),
    ],
)
def test_days_that_are_none_say_what_to_write(archive: Path, days: str, words: str) -> None:
    """In YAML, which has another key for hours, and in a registry, where what YAML takes for text is text."""
    write_policy(archive, f"schema_name: app, retention_days: {days}")
    other = f", or retention: {days}" if days in {"30d", "6h"} else ""
    assert cleanup(archive).error == f"{archive}/schemas.yaml:2: schemas.retention_days: {words}{other}"
    value = (
        days.replace("'", '"') if days[0] in "'-0123456789t[" and days not in {"30d", "1 day", "6h"} else f'"{days}"'
    )
    (archive / "audit/logs_schemas.jsonl").write_text(f'{{"schema_name": "app", "retention_days": {value}}}\n')
    registry = archive / "audit/logs_schemas.jsonl"
    assert cleanup(archive, "--schemas", str(registry)).error == f"{registry}:1: retention_days: {words}"


@pytest.mark.parametrize("days", ["30m", "0h", "'90'", "0.5", "-1", "1.5d", "6H", "6 h", ""])
def test_retention_that_is_no_number_of_days_says_what_to_write(archive: Path, days: str) -> None:
    """The option's own forms, and whole days."""
    done = run("estimate", *NAMED, "--retention", f"app={days}", "--json", cwd=archive)
    assert (done.code, "NAME=DAYS" in done.error, "whole days (24 hours each)" in done.error) == (2, True, True)


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("audit: 5", "this must be a mapping (key: value), and is a whole number"),
        ("audit: {path: [1]}", "this must be text or null, and is a list"),
        ("audit: {path: a/l.jsonl, enabled: maybe}", "this must be true or false, and is text"),
        ("audit: {path: a/l.jsonl, segments: 5}", "this must be text or a list, and is a whole number"),
        ("audit: {path: a/l.jsonl}, guard: {max_delete_percent: 500}", "this must be a number, 100 or less"),
        ("audit: {path: a/l.jsonl}, guard: {max_delete_percent: x}", "this must be a number or null, and is text"),
        ("audit: {path: a/l.jsonl}, guard: {min_retention_days: -1}", "this must be a whole number, 0 or more"),
        ("audit: {path: a/l.jsonl, retention: 30}", "this key is not known here: write retention_days, in whole days"),
    ],
)
def test_a_configuration_is_told_without_the_names_of_types(tmp_path: Path, profile: str, words: str) -> None:
    """What must be there, and what is, as a person would say it."""
    (tmp_path / "asynclog.yaml").write_text(f"profiles: {{default: {{{profile}}}}}\n")
    said = run("cleanup", "--json", cwd=tmp_path).error
    assert words in said
    assert not TYPES.search(said)


@pytest.mark.parametrize(
    "rule", ["schema_name: ''", "schema_name: 5", "schema_name: a, version: x", "schema_name: a, active: 1"]
)
def test_a_policy_is_told_without_the_names_of_types(archive: Path, rule: str) -> None:
    """The same for audit schema definitions."""
    write_policy(archive, rule)
    said = cleanup(archive).error
    assert "this must " in said
    assert not TYPES.search(said)


@pytest.mark.parametrize("key", ["retention_hours", "retention_day"])
def test_a_key_for_a_period_that_is_none_says_which_there_are(archive: Path, key: str) -> None:
    """Days, and for what is shorter or longer the key that takes a unit."""
    write_policy(archive, f"schema_name: app, {key}: 6")
    said = cleanup(archive).error
    assert f"schemas.{key}: this key is not known here: write retention_days, in whole days" in said
    assert said.endswith(", or retention, such as 36h, for a schema")


def test_a_pattern_with_a_folder_says_where_folders_go(tmp_path: Path) -> None:
    """A name has none; the path of the log may have wildcards in its folders."""
    profile = "{audit: {path: a/l.jsonl, segments: '2026/*/l-*.jsonl'}}"
    (tmp_path / "asynclog.yaml").write_text(f"profiles: {{default: {profile}}}\n")
    said = run("cleanup", "--json", cwd=tmp_path).error
    assert "'2026/*/l-*.jsonl' matches nothing: a name has no /" in said
    assert said.endswith("write folders into `path`, which may have * and ** there")


@pytest.mark.parametrize("option", ["--jobs=x", "--allow-delete-percent=most", "--lock-wait=soon"])
def test_an_option_is_told_without_the_names_of_types(archive: Path, option: str) -> None:
    """What was written, and what to write."""
    said = cleanup(archive, option).error
    assert "write " in said
    assert not TYPES.search(said)


def text(folder: Path, *words: str) -> str:
    """Return what a cleanup says to people."""
    return run("cleanup", *NAMED, *words, cwd=folder).out


@pytest.mark.parametrize("words", [(), ("-n",), ("-n", "--debug")])
def test_one_is_one(tmp_path: Path, words: tuple[str, ...]) -> None:
    """One record, one line, one segment, one day, one rule, in every command."""
    write_policy(tmp_path, "schema_name: app, retention_days: 1")
    write_log(tmp_path / "audit", {"logs.jsonl": [record(), b"torn\n", record("nobody"), record(days=-3)]})
    said = [
        text(tmp_path, *words),
        *(run(each, *NAMED[:4], cwd=tmp_path).out for each in ("check", "estimate", "explain")),
    ]
    for each in said:
        assert not re.search(r"(?<![\d.,])1 (more )?\w+s\b(?<!has)", each), each
    assert "1 record" in said[0]


def test_thousands_are_separated_in_text_and_plain_in_json(tmp_path: Path) -> None:
    """All through the text; in the document numbers are numbers, and the message is what it has always been."""
    write_policy(tmp_path)
    lines = [record() * 1500, record(days=1) * 3000, b"torn\n" * 1200, record("nobody") * 1100, record(days=-3) * 1300]
    write_log(tmp_path / "audit", {"logs.jsonl": [*lines, record(days=40_000) * 1400]})
    document = cleanup(tmp_path, "-n").result
    assert (document["message"], document["deleted_per_schema"]) == ("Would delete 1500 records", {"app:1": 1500})
    said = text(tmp_path, "-n", "--debug")
    for number in ("1,500", "1,200", "1,100", "1,300", "1,400", "8,300"):
        assert number in said
    named = said[: said.index("Log: ")].replace("before 2000", "")
    assert not re.search(r"(?<![\d.:-])\d{4,}(?![\d-])", named), named


def test_a_dry_run_speaks_of_what_would_be(archive: Path) -> None:
    """And the run of what has been."""
    write_log(archive / "audit", {"logs-20250101T000000.jsonl.gz": b"\x1f\x8b"})
    dry, real = text(archive, "-n"), text(archive)
    for would in (
        "Would delete 1 record (would free ",
        "(would be: 1 rewritten, 1 kept, 1 skipped)",
        "2 would be kept",
        "Would be skipped: ",
    ):
        assert would in dry
    assert "would" not in real.lower()
    assert real.startswith("Deleted 1 record (freed ")


def test_read_for_this_is_never_more_than_there_is(tmp_path: Path) -> None:
    """Though a segment was read a second time, which the document counts."""
    write_policy(tmp_path, "schema_name: app, retention_days: 30")
    write_log(tmp_path / "audit", {"logs.jsonl": [record(days=30 + n / 10) for n in range(-100, 100)]})
    words = ("estimate", *NAMED[:4], "--now", "2026-11-24T12:00:00Z", "--no-catalog")
    read = run(*words, "--json", cwd=tmp_path).result["read"]
    assert read["bytes"] > read["of"]
    size = format_size(read["of"])
    assert f"\nRead for this: {size} of {size}, some of it twice\n" in run(*words, cwd=tmp_path).out


@pytest.mark.parametrize("command", ["cleanup", "check", "estimate", "explain", "init"])
def test_a_linked_log_folder_says_what_to_write_instead(archive: Path, command: str) -> None:
    """The path that the link leads to; a link further up is none of our business."""
    (archive / "elsewhere").mkdir()
    (archive / "audit").rename(archive / "elsewhere/real")
    (archive / "audit").symlink_to("elsewhere/real")
    words = NAMED[:2] if command == "init" else NAMED[:4]
    done = run(command, *words, "--json", cwd=archive)
    assert (done.code, f"write {archive / 'elsewhere/real'} instead" in done.error) == (2, True)
    (archive / "up").symlink_to("elsewhere")
    assert run("cleanup", "-n", "--path", "up/real/logs.jsonl", *NAMED[2:], cwd=archive).code == 0


@pytest.mark.parametrize(
    ("reasons", "segments", "stopped", "said"),
    [
        (
            [NOT_READ] * 58,
            Segments(total=64),
            "max-runtime",
            "Stopped after 30m: 6 of 64 segments read; the next job goes on",
        ),
        (
            [NOT_READ],
            Segments(total=1),
            "SIGTERM",
            "Stopped by SIGTERM after 30m: 0 of 1 segment read; the next job goes on",
        ),
        (
            [NOT_BEGUN] * 3,
            Segments(total=9, dropped=1, rewritten=2),
            "max-runtime",
            "Stopped after 30m: all read, 3 of 6 segments dropped or rewritten; the next job goes on",
        ),
        (["it is compressed"], Segments(total=9), None, None),
    ],
)
def test_a_stopped_job_says_once_how_far_it_came(
    reasons: list[str], segments: Segments, stopped: str | None, said: str | None
) -> None:
    """However many segments it has left."""
    rows = [ActionRow(f"s{n}", "skip", reason, {}, 1, 1, "skipped") for n, reason in enumerate(reasons)]
    result = CleanupResult("success", "", stopped=stopped, segments=segments, actions=rows, duration_s=1801.2)
    assert progress(result) == said


def test_numbers_are_told_as_people_say_them() -> None:
    """Rounded down where it is a share: only all of it is 100 %."""
    assert [pluralize(number, "record") for number in (0, 1, 2, 1000)] == [
        "0 records",
        "1 record",
        "2 records",
        "1,000 records",
    ]
    assert [percentage(*each) for each in ((1, 3), (2000, 2003), (9999, 10_000), (5, 5))] == [
        "33.3 %",
        "99.8 %",
        "99.9 %",
        "100.0 %",
    ]
    assert [duration(each) for each in (0.04, 45.2, 90, 3600, 3900)] == ["0.0s", "45s", "1m", "1h 0m", "1h 5m"]
    assert [format_size(each) for each in (0, 1, 2, 1023, 1024)] == [
        "0 bytes",
        "1 byte",
        "2 bytes",
        "1,023 bytes",
        "1.0 KiB",
    ]
