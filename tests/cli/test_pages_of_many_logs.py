"""`--html` and `--csv` of several logs: a part for each, with the figures that the JSON has of it."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import held, record, write_log, write_policy
from command import NOW, finish, is_open, run, start, until
from page import Page, read_page
from test_pages import kind_of, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from page import Row

OLD, YOUNG = record(days=400), record(days=1)
DROP, REWRITE, DAMAGED = "logs-20250101T000000.jsonl", "logs-20250102T000000.jsonl", "logs-20250103T000000.jsonl.gz"
EVIL = "<b onclick=x>'&amp;"
FILES = ("--html", "page.html", "--csv", "table.csv", "--json")
ALWAYS = ("--no-catalog", "--now", NOW, *FILES)
MANY = ("--path", "logs/*/logs.jsonl", "--schemas", "schemas.yaml", *ALWAYS)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Write logs of which something goes, nothing does, a segment is damaged, and one whose name is hostile."""
    write_policy(tmp_path, "schema_name: app, retention_days: 30", "schema_name: web, retention_days: null")
    segments = {DROP: OLD * 3, REWRITE: OLD + YOUNG + record("web") + b"torn\n"}
    write_log(tmp_path / "logs/busy", segments)
    write_log(tmp_path / "logs/quiet", {DROP: YOUNG * 2})
    write_log(tmp_path / "logs/damaged", {**segments, DAMAGED: b"\x1f\x8b"})
    write_log(tmp_path / "logs" / EVIL, {DROP: OLD * 2 + record("nobody", days=9)})
    return tmp_path


def of_logs(page: Page) -> dict[str, Row]:
    """Return the rows of the table of logs by what they are called, and `all`."""
    return {row[""].text: row for row in page.tables["log-table"]}


def agree(page: Page, rows: list[dict[str, str]], result: dict[str, Any], parts: dict[str, dict[str, Any]]) -> None:
    """Assert that page and table have the figures of each of these parts of a result, by its name, and their sums."""
    goes = "would go" if result["message"].startswith("Would") else "went"
    shown, listed = of_logs(page), kind_of(rows, "log", "log")
    assert shown.keys() == {*parts, "all"}
    assert len([row for row in rows if row["asynclog_row"] == "log"]) == len(parts)
    for name, each in {**parts, "all": result}.items():
        cells = shown[name]
        overdue = sum(each["overdue"]["records"].values())
        assert cells[f"records {goes}"].numbers == [each["records"]["deleted"]]
        assert cells["size"].numbers == [each["bytes"]["freed"]]
        assert cells["records kept"].numbers == [each["records"]["kept"]]
        assert cells["overdue"].numbers == [overdue]
        assert cells["unjudged"].numbers == [each["unjudged"]["segments"]]
        dates = [each[key][:10] for key in ("deleted_oldest", "deleted_newest") if each[key]]
        assert cells["dated"].text == (" to ".join(dict.fromkeys(dates)) or "-")
        row = kind_of(rows, "total", "asynclog_row")["total"] if name == "all" else listed[each["log"]]
        assert [int(row[key]) for key in ("deleted", "kept", "overdue", "freed")] == [
            each["records"]["deleted"],
            each["records"]["kept"],
            overdue,
            each["bytes"]["freed"],
        ]
        assert [row["deleted_oldest"], row["deleted_newest"]] == [
            each["deleted_oldest"] or "",
            each["deleted_newest"] or "",
        ]
    listed_of = [(row["log"], row["segment"]) for row in rows if row["asynclog_row"] == "segment"]
    of_page = [(log, cells[0].text) for log, cells in zip(page.logs, page.segments, strict=True)]
    assert sorted(listed_of) == sorted(of_page)
    assert len(of_page) == result["segments"]["total"]


def part_tables(page: Page) -> list[dict[str, Row]]:
    """Return the tables of the parts by schema, each by the name of its rows."""
    found = {name: rows for name, rows in page.tables.items() if name.startswith("log-") and name[4:].isdigit()}
    return [{row[""].text: row for row in rows} for rows in found.values()]


@pytest.mark.parametrize("dry", [("-n",), ()])
def test_each_log_of_a_pattern_has_its_figures(many: Path, dry: tuple[str, ...]) -> None:
    """In the table of logs, in its own part, and in the table for spreadsheets; hostile names are words."""
    done = run("cleanup", *dry, *MANY, cwd=many)
    assert done.code == 0
    page, rows = read_page(many / "page.html"), rows_of(many / "table.csv")
    folder = f"{many}/logs/"
    logs = done.result["logs"]
    agree(page, rows, done.result, {path.removeprefix(folder): each for path, each in logs.items()})
    assert f"Their paths are below {folder}." in page.text
    goes = "would go" if dry else "went"
    loud = [each for each in logs.values() if each["records"]["deleted"] or each["unjudged"]["segments"]]
    parts = part_tables(page)
    assert len(parts) == len(loud) == 3
    for part in parts:
        deleted = {
            name: row[f"records {goes}"].numbers[0] for name, row in part.items() if row[f"records {goes}"].numbers[0]
        }
        deleted.pop("all", None)
        assert any(deleted == each["deleted_per_schema"] for each in loud)
    assert "1 log from which nothing" in page.text
    due = [row["in 90 days"].numbers[0] for row in page.tables["due-table"]]
    assert page.numbers["expires in the next 90 days"] == [sum(due), 4]
    assert sum(due) == 4 * len(YOUNG)
    assert not {"b", "script"} & {tag for tag, _ in page.elements}
    text = run("cleanup", "-n", *MANY[:-1], cwd=many).out
    if dry:
        assert f"Would delete {done.result['records']['deleted']} records in 4 logs" in text


def test_a_log_that_a_guard_refuses_says_what_would_have_gone(many: Path) -> None:
    """In its part; the totals are of what was done, as in the JSON."""
    write_log(many / "logs/guarded", {DROP: OLD * 2000, REWRITE: YOUNG})
    done = run("cleanup", *MANY, cwd=many)
    assert done.code == 5
    page, rows = read_page(many / "page.html"), rows_of(many / "table.csv")
    shown = of_logs(page)
    assert next(iter(shown)) == "guarded/logs.jsonl"
    assert shown["guarded/logs.jsonl"]["outcome"].text == "refused by a guard (exit 5)"
    assert shown["guarded/logs.jsonl"]["records went"].numbers == [0]
    assert shown["all"]["records went"].numbers == [done.result["records"]["deleted"]]
    assert "1 log refused by a guard (exit 5)" in page.text
    assert "From them 2,000 records would have gone" in page.text
    assert part_tables(page)[0]["app:1"]["records would go"].numbers == [2000]
    assert done.result["logs"][f"{many}/logs/guarded/logs.jsonl"]["message"] in page.text
    (row,) = [row for row in rows if row["asynclog_row"] == "log" and row["log"].endswith("guarded/logs.jsonl")]
    assert (row["status"], row["deleted"]) == ("error", "0")
    assert row["reason"] == done.result["logs"][row["log"]]["message"]
    assert page.numbers["went"] == [done.result["bytes"]["freed"], done.result["records"]["deleted"]]


def test_a_log_that_can_not_be_cleaned_up_comes_first(many: Path) -> None:
    """With the reason, in the table and in its part."""
    with held(many / "logs" / EVIL):
        done = run("cleanup", *MANY, cwd=many)
    assert done.code == 4
    page = read_page(many / "page.html")
    first, *_ = page.tables["log-table"]
    assert first[""].text == f"{EVIL}/logs.jsonl"
    assert done.document["error"] in page.text
    assert "b" not in {tag for tag, _ in page.elements}
    assert "another job is at work" in first["outcome"].text
    assert "another job is at work" in page.text.split("Each log")[1]


def test_logs_with_registries_of_their_own_have_a_page(tmp_path: Path) -> None:
    """Each part has its own rules; a schema with one rule here and another there is told so."""
    for place, days in (("a", 30), ("b", 500)):
        write_log(tmp_path / "logs" / place, {DROP: OLD + YOUNG})
        registry = {"schema_name": "app", "schema_version": 1, "retention_days": days, "active": True}
        (tmp_path / "logs" / place / "logs_schemas.jsonl").write_text(json.dumps(registry) + "\n")
    done = run("cleanup", "-n", "--path", "logs/*/logs.jsonl", *ALWAYS, cwd=tmp_path)
    assert done.code == 0
    page = read_page(tmp_path / "page.html")
    logs = {path.removeprefix(f"{tmp_path}/logs/"): each for path, each in done.result["logs"].items()}
    agree(page, rows_of(tmp_path / "table.csv"), done.result, logs)
    assert [logs["a/logs.jsonl"]["records"]["deleted"], logs["b/logs.jsonl"]["records"]["deleted"]] == [1, 0]
    (row,) = page.tables["schema-table"]
    assert row["keeps"].text == "as each log's own rule says"
    assert "Rules: app:1 30 days" in page.text
    assert [tag for tag, _ in page.elements].count("figure") == 3


def profiles(place: Path, **others: Any) -> None:
    """Write a policy, a log and a profile for each of `one`, `two` and others."""
    found: dict[str, Any] = {}
    for name, days in (("one", 30), ("two", 500)):
        (place / name).mkdir()
        write_policy(place / name, f"schema_name: app, retention_days: {days}")
        write_log(place / name / "audit", {DROP: OLD, REWRITE: OLD + YOUNG})
        found[name] = {"audit": {"path": f"{name}/audit/logs.jsonl", "schemas": f"{name}/schemas.yaml"}}
    (place / "asynclog.yaml").write_text(json.dumps({"asynclog": 1, "profile": "one", "profiles": found | others}))


@pytest.mark.parametrize("dry", [("-n",), ()])
def test_all_profiles_have_one_page(tmp_path: Path, dry: tuple[str, ...]) -> None:
    """With a part for each log of each profile, and for one that can't begin."""
    fleet = {"audit": {"path": "fleet/*/logs.jsonl", "schemas": "one/schemas.yaml"}}
    broken = {"audit": {"path": "none/logs.jsonl", "schemas": "none.yaml"}}
    profiles(tmp_path, fleet=fleet, broken=broken)
    for name in "xy":
        write_log(tmp_path / "fleet" / name, {DROP: OLD * 2 + YOUNG})
    done = run("cleanup", "--all-profiles", *dry, *ALWAYS, cwd=tmp_path)
    assert done.code == 2
    page, rows = read_page(tmp_path / "page.html"), rows_of(tmp_path / "table.csv")
    goes = "would go" if dry else "went"
    shown = [(row[""].text, row[f"records {goes}"].numbers[0]) for row in page.tables["log-table"]]
    of = done.result["profiles"]
    expected = [("broken", 0), ("one", 2), ("fleet", 2), ("fleet", 2), ("two", 0)]
    assert shown == [*expected, ("all", done.result["records"]["deleted"])]
    assert [each["records"]["deleted"] for each in of.values()] == [2, 0, 4, 0]
    listed = [(row["profile"], int(row["deleted"])) for row in rows if row["asynclog_row"] == "log"]
    assert sorted(listed) == sorted(expected)
    assert page.numbers[f"{goes} now" if dry else goes] == [
        done.result["bytes"]["freed"],
        done.result["records"]["deleted"],
    ]
    assert "none.yaml" in page.tables["log-table"][0]["outcome"].text
    assert {log.split("/")[-2] for log in page.logs} == {"audit", "x", "y"}
    assert len(page.segments) == done.result["segments"]["total"] == 6
    assert ("Rules: app 30 days" in page.text, "Rules: app 500 days" in page.text) == (True, False)
    assert not any(action["action"] == "keep" for each in of.values() for action in each["actions"])


def test_a_page_of_all_profiles_is_not_written_into_a_log(tmp_path: Path) -> None:
    """Of whichever profile: exit 2 before anything is done."""
    profiles(tmp_path)
    done = run("cleanup", "--all-profiles", "--html", "two/audit/page.html", "--json", cwd=tmp_path)
    assert (done.code, "this lies in the log's own folder" in done.error) == (2, True)
    assert (tmp_path / "one/audit" / DROP).read_bytes() == OLD


def test_ten_thousand_segments_of_many_logs_fit_a_page(tmp_path: Path) -> None:
    """Under 2 MiB, and what there is no room for is counted."""
    write_policy(tmp_path)
    for log in range(1000):
        segments = {f"logs-202501{day:02}T000000.jsonl": (OLD, YOUNG)[day % 2] for day in range(1, 11)}
        write_log(tmp_path / f"logs/log-{log:04}-of-a-service-with-a-long-name", segments)
    done = run("cleanup", "-n", *MANY, cwd=tmp_path)
    assert done.result["segments"]["total"] == 10_000
    assert (tmp_path / "page.html").stat().st_size < 2 << 20
    page = read_page(tmp_path / "page.html")
    assert of_logs(page)["all"]["records would go"].numbers == [5000]
    rows = page.tables["log-table"]
    assert f"And {1001 - len(rows)} more logs (" in page.text
    assert f"And {1000 - len(part_tables(page))} more logs, for which there is no room" in page.text
    assert len(page.segments) > 5000
    assert len(rows_of(tmp_path / "table.csv")) == 10_000 + 1000 + 2


def test_a_stopped_job_has_a_page_of_what_it_has_done(many: Path) -> None:
    """The log that it had reached, and how many it had not begun."""
    (many / "logs/damaged/logs.jsonl").write_bytes(OLD)
    with held(many / "logs/damaged"):
        process = start("cleanup", "--lock-wait", "60s", *MANY, cwd=many)
        until(lambda: is_open(process.pid, many / "logs/damaged/.logs.jsonl.al-lock"))
        process.send_signal(signal.SIGTERM)
        done = finish(process)
    assert done.code == 143
    page = read_page(many / "page.html")
    assert "Stopped by SIGTERM (exit 143)" in page.text
    assert of_logs(page)["all"]["records went"].numbers == [done.result["records"]["deleted"]]
    assert "did not begin 1 other log" in page.text
