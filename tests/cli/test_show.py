"""A plan, or a saved report, for people."""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import record, write_log, write_policy
from command import NOW, Done, run

if TYPE_CHECKING:
    from pathlib import Path

OLD, YOUNG = record(days=400), record(days=1)
DROP, REWRITE, KEEP = (f"logs-2025010{n}T000000.jsonl" for n in range(1, 4))
NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--no-catalog")
DAY = "2025-10-20T00:00:00Z"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a segment to drop, one to rewrite, one to keep, one to skip."""
    write_policy(
        tmp_path, "schema_name: app, retention_days: 30", "schema_name: web, retention: 36h", "schema_name: '*'"
    )
    write_log(tmp_path / "audit", {DROP: OLD * 2, REWRITE: OLD + record("web", days=2) + YOUNG, KEEP: YOUNG})
    write_log(tmp_path / "audit", {"logs-20250104T000000.jsonl.gz": b"\x1f\x8b"})
    return tmp_path


def test_a_plan_for_people(log: Path) -> None:
    """Rules by name and period, dates, sizes, each segment that goes or is skipped, and where it comes from."""
    run("cleanup", "-n", *NAMED, "--now", NOW, "--plan-out", "plan.json", cwd=log)
    plan = json.loads((log / "plan.json").read_text())
    done = run("show", "plan.json", cwd=log)
    assert (done.code, done.err) == (0, "")
    head = f"Plan for {NOW}, made at {plan['created']}, checksum {plan['checksum']}\nLog: {log}/audit/logs.jsonl\n"
    assert done.out.startswith(head)
    assert f"\nPolicy: {log}/schemas.yaml, sha256 {plan['policy_sha256']}\n" in done.out
    assert f"\nMade by {plan['user']} on {plan['host']}: asynclog {plan['version']}, " in done.out
    assert "\nRules:\n  app  30 days\n  web  36 hours\n  *    for ever\n" in done.out
    freed = 3 * len(OLD) + len(record("web", days=2))
    oldest, newest = DAY[:10], "2026-11-22"
    assert f"\nWould delete 4 records ({freed} bytes), from {oldest} to {newest}\n  app:1  3\n  web:1  1\n" in done.out
    assert "\nSegments: 4 (1 drop, 1 keep, 1 rewrite, 1 skip)\n" in done.out
    sizes = f"{2 * len(OLD)} bytes", f"{freed - 2 * len(OLD) + len(YOUNG)} bytes -> {len(YOUNG)} bytes"
    rows = [line.split(None, 2) for line in done.out.splitlines() if line.startswith(("  drop", "  rewrite", "  skip"))]
    assert [row[:2] for row in rows] == [
        ["drop", DROP],
        ["rewrite", REWRITE],
        ["skip", "logs-20250104T000000.jsonl.gz:"],
    ]
    assert re.fullmatch(rf" *{sizes[0]}  {oldest} to {oldest}  all 2 records have expired", rows[0][2])
    assert sizes[1] in rows[1][2]
    assert f"{oldest} to {newest}  2 of 3 records have expired" in rows[1][2]


def test_a_plan_of_a_configuration_names_it(log: Path) -> None:
    """With its profile."""
    (log / "asynclog.yaml").write_text("profiles: {mine: {audit: {path: audit/logs.jsonl, schemas: schemas.yaml}}}\n")
    run("cleanup", "-n", "--profile", "mine", "--now", NOW, "--plan-out", "plan.json", "--no-catalog", cwd=log)
    assert f"\nConfiguration: {log}/asynclog.yaml, profile mine\n" in run("show", "plan.json", cwd=log).out


def saved(log: Path, *words: str) -> Done:
    (log / "report.json").write_text(run(*words, "--json", cwd=log).out)
    return run("show", "report.json", cwd=log)


@pytest.mark.parametrize(
    "words",
    [
        ("cleanup", "-n", *NAMED, "--now", NOW, "--debug"),
        ("estimate", *NAMED, "--now", NOW, "--retention", "app=5"),
        ("estimate", *NAMED, "--now", NOW, "--no-scan"),
        ("check", *NAMED),
        ("explain", *NAMED, "--now", NOW),
        ("presets",),
        ("history", *NAMED[:4]),
    ],
    ids=lambda words: words[0],
)
def test_a_saved_report_is_the_text_that_it_would_have_been(log: Path, words: tuple[str, ...]) -> None:
    """Line for line, below what it is; a report that is laid out otherwise, too."""
    words = tuple(word for word in words if word not in (["--no-catalog"] if words[0] == "check" else []))
    text = [line for line in run(*words, cwd=log).out.splitlines() if not line.startswith("Stopped")]
    done = saved(log, *words)
    head, blank, *rest = done.out.splitlines()
    assert (done.code, head, blank) == (0, f"The report of asynclog {words[0]}: {log}/report.json", "")
    assert rest == text
    document = json.loads((log / "report.json").read_text())
    (log / "report.json").write_text(json.dumps(document, indent=2))
    assert run("show", "report.json", cwd=log).out == done.out


def test_a_report_with_more_keys_is_shown(log: Path) -> None:
    """As a later version may print."""
    document = run("cleanup", "-n", *NAMED, "--json", cwd=log).document
    document["result"]["new"] = 1
    (log / "report.json").write_text(json.dumps(document))
    assert run("show", "report.json", cwd=log).code == 0


def test_an_error_is_shown(log: Path) -> None:
    """Of a command that could not begin."""
    done = saved(log, "cleanup", "--path", "nowhere/logs.jsonl", "--schemas", "schemas.yaml")
    assert (done.code, "Error: " in done.out, "there is no such folder" in done.out) == (0, True, True)


def test_the_document_has_the_files_own(log: Path) -> None:
    """Beside what it is."""
    run("cleanup", "-n", *NAMED, "--now", NOW, "--plan-out", "plan.json", cwd=log)
    result = run("show", "plan.json", "--json", cwd=log).result
    assert (result["kind"], result["file"]) == ("plan", str(log / "plan.json"))
    assert result["content"] == json.loads((log / "plan.json").read_text())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"status": "ok"}',
        '{"status": "ok", "result": {"runs": 3}}',
        '{"status": "ok", "result": {"deleted_per_schema": {}}}',
        '{"checksum": "", "format": 1}',
        '{"segments": []}',
        "[" * 100_000,
        "\x00",
    ],
    ids=range(11),
)
def test_what_is_neither_is_a_sentence(log: Path, text: str) -> None:
    """Exit 2, and no traceback."""
    (log / "odd.json").write_text(text)
    for words in ((), ("--json",)):
        done = run("show", "odd.json", *words, cwd=log)
        assert (done.code, "odd.json" in done.out + done.err) == (2, True)


def test_hostile_names_are_escaped(log: Path) -> None:
    """No terminal obeys a file's name or a schema's."""
    write_log(log / "audit", {"logs.jsonl": [record("\x1b[2J")]})
    write_policy(log, 'schema_name: "\\x1b[2J", retention_days: 1')
    run("cleanup", "-n", *NAMED, "--now", NOW, "--plan-out", "plan.json", cwd=log)
    for done in (run("show", "plan.json", cwd=log), saved(log, "cleanup", "-n", *NAMED, "--now", NOW)):
        assert "\x1b" not in done.out
        assert r"\x1b[2J" in done.out


ODD = "\x1b[2J\n"


@pytest.mark.parametrize(
    "edit",
    [
        {"deleted_oldest": ODD, "deleted_newest": ODD},
        {"unjudged": {"segments": 1, "oldest": ODD, "reasons": {ODD: 1}}},
        {"log": ODD, "host": ODD, "user": ODD},
    ],
    ids=["dates", "reasons", "names"],
)
def test_no_text_of_a_hostile_report_is_obeyed(log: Path, edit: dict[str, Any]) -> None:
    """Where a report of ours has a time or a word, too; and none becomes a line of its own."""
    document = run("cleanup", "-n", *NAMED, "--now", NOW, "--json", cwd=log).document
    document["result"] |= edit
    (log / "report.json").write_text(json.dumps(document))
    done = run("show", "report.json", cwd=log)
    assert (done.code, done.err, "\x1b" in done.out) == (0, "", False)
    assert r"\x1b[2J\n" in done.out


@pytest.mark.parametrize("status", [[], {}, 10**400, "\ud800"])
def test_a_report_whose_status_is_none_is_a_sentence(log: Path, status: object) -> None:
    """Whatever it is."""
    document = run("cleanup", "-n", *NAMED, "--json", cwd=log).document | {"status": status}
    (log / "report.json").write_text(json.dumps(document))
    done = run("show", "report.json", cwd=log)
    assert (done.code, "this is no plan and no report" in done.err) == (2, True)


@pytest.mark.parametrize(
    "edit",
    [
        {"bytes": 10**400},
        {"bytes": "\ud800"},
        {"daily_bytes": float("nan")},
        {"daily_bytes": float("inf")},
        {"frees": []},
    ],
    ids=["huge", "a text", "no number", "infinite", "too few"],
)
def test_a_report_with_absurd_figures_is_a_sentence(log: Path, edit: dict[str, Any]) -> None:
    """Exit 2: none is a bug of ours."""
    document = run("estimate", *NAMED, "--now", NOW, "--json", cwd=log).document
    document["result"]["totals"] |= edit
    (log / "report.json").write_text(json.dumps(document))
    for words in ((), ("--json",)):
        done = run("show", "report.json", *words, cwd=log)
        assert (done.code, "report.json: this is not a whole report" in done.out + done.err) == (2, True), done


@pytest.mark.parametrize(
    ("edit", "code"),
    [({"now": ODD, "created": ODD}, 0), ({"oldest": ODD}, 0), ({"size": 10**400}, 2), ({"size": -1}, 2)],
    ids=["times", "dates", "huge", "negative"],
)
def test_a_forged_plan_is_not_obeyed_and_no_bug(log: Path, edit: dict[str, Any], code: int) -> None:
    """Anybody can give it a checksum."""
    run("cleanup", "-n", *NAMED, "--now", NOW, "--plan-out", "plan.json", cwd=log)
    plan = json.loads((log / "plan.json").read_text())
    first = plan["segments"][0]
    for place in (plan, first, first["fingerprint"]):
        place |= {key: value for key, value in edit.items() if key in place}
    del plan["checksum"]
    plan["checksum"] = blake2b(json.dumps(plan, sort_keys=True).encode(), digest_size=16).hexdigest()
    (log / "plan.json").write_text(json.dumps(plan))
    done = run("show", "plan.json", cwd=log)
    assert (done.code, "\x1b" in done.out + done.err, "should not happen" in done.err) == (code, False, False)
