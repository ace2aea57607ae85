"""`--html` and `--csv`: one page and one table that say what the text and the JSON of the same run say."""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import json
import os
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import held, looks, record, write_log, write_policy
from command import NO_OVERRIDE, NOW, Done, finish, is_open, run, start, until
from page import Page, read_page

from asynclog.escaping import escape_control

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

EVIL = '"><script>alert(1)</script>'
FORMULA = "=cmd|'/C calc'!A0"
TERMINAL = "red\x1b[31m\u202eevil"
HOSTILE = [EVIL, FORMULA, TERMINAL, "<img src=x onerror=y>", 'a,b;"c"', "&amp;", "naïve\u2028日本"]
FOLDER = "<b>audit&co"
NAMED = ("--path", f"{FOLDER}/logs.jsonl", "--schemas", "schemas.yaml", "--no-catalog", "--now", NOW)
FILES = ("--html", "page.html", "--csv", "table.csv")
DROP, REWRITE, KEEP, SKIP = (f"logs-2025010{n}T000000.jsonl" for n in range(1, 5))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a log of hostile schemas: a segment for each kind of action, and lines for each reason to stay."""
    rules = [f"schema_name: {json.dumps(name)}, retention_days: {30 + n}" for n, name in enumerate(HOSTILE)]
    write_policy(tmp_path, *rules, "schema_name: kept, retention_days: null", "schema_name: asleep, active: false")
    old = [record(name, days=400 + n, more="x" * n) for n, name in enumerate(HOSTILE)]
    young = [record(name, days=n + 0.5) for n, name in enumerate(HOSTILE)]
    others = [record("kept"), record("asleep"), record("nobody", days=9), record("nobody", days=-5), b"torn\n"]
    segments = {
        DROP: b"".join(old * 2),
        REWRITE: b"".join([*old, *young, *others]),
        KEEP: b"".join(young),
        f"{SKIP}.gz": b"\x1f\x8b",
        "logs.jsonl": record("nobody", days=10_000),
    }
    write_log(tmp_path / FOLDER, segments)
    return tmp_path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def kind_of(rows: Iterable[dict[str, str]], kind: str, key: str) -> dict[str, dict[str, str]]:
    return {row[key]: row for row in rows if row["asynclog_row"] == kind}


def spreadsheet(name: str) -> str:
    """Return a name as a table has it: no terminal and no spreadsheet obeys it."""
    shown = escape_control(name)
    return f"'{shown}" if name.startswith("=") else shown


def by_schema(page: Page, table: str, column: str, place: int = 0) -> dict[str, int]:
    """Return the numbers of a column that are not 0, by schema, without the totals."""
    rows = page.tables.get(table, [])
    found = {row[""].text: row[column].numbers[place] for row in rows if row[""].text != "all"}
    return {name: number for name, number in found.items() if number}


def shown(counts: dict[str, int]) -> dict[str, int]:
    return {escape_control(name): number for name, number in counts.items()}


def agree(folder: Path, result: dict[str, Any], *, dry: bool) -> None:
    """Assert that page and table have the numbers of the JSON, one by one."""
    page, rows = read_page(folder / "page.html"), rows_of(folder / "table.csv")
    goes = "would go" if dry else "went"
    deleted, records, overdue = result["deleted_per_schema"], result["records"], result["overdue"]["records"]
    (total,) = kind_of(rows, "total", "schema").values()
    schemas = kind_of(rows, "schema", "schema")

    assert by_schema(page, "schema-table", f"records {goes}") == shown(deleted)
    assert {name: int(row["deleted"]) for name, row in schemas.items() if row["deleted"] != "0"} == {
        spreadsheet(name): number for name, number in deleted.items()
    }
    for name, each in result["deleted_schemas"].items():
        row = schemas[spreadsheet(name)]
        assert [row["deleted_oldest"], row["deleted_newest"]] == [each["oldest"], each["newest"]]
    foot = page.tables["schema-table"][-1]
    assert foot[f"records {goes}"].numbers == [records["deleted"]] == [int(total["deleted"])]
    assert foot["records kept"].numbers == [records["kept"]] == [int(total["kept"])]
    assert by_schema(page, "overdue-table", "records") == shown(overdue)
    assert foot["overdue"].numbers == [sum(overdue.values())] == [int(total["overdue"])]
    for column, name in (("size", "deleted_bytes"), ("size kept", "kept_bytes"), ("records kept", "kept")):
        mine = by_schema(page, "schema-table", column)
        assert mine == {key.removeprefix("'"): int(row[name]) for key, row in schemas.items() if row[name] != "0"}
        assert sum(mine.values()) == foot[column].numbers[0] == int(total[name])

    first = f"{goes} now" if dry else goes
    assert page.numbers[first] == [result["bytes"]["freed"], records["deleted"]]
    assert page.numbers["would stay" if dry else "stays"][1] == records["kept"]
    assert page.numbers["overdue"] == [sum(overdue.values())]
    assert page.numbers["unjudged"] == [result["unjudged"]["segments"], result["unjudged"]["bytes"]]
    stays = [row["records"].numbers[0] for row in page.tables["stay-table"]]
    assert sum(stays) == records["kept"] + sum(overdue.values())
    for reason in ("unreadable", "future", "implausible"):
        assert f": {result['kept'][reason]}" in page.text

    segments = kind_of(rows, "segment", "segment")
    on_page = {cells[0].text: cells for cells in page.segments}
    assert segments.keys() == on_page.keys()
    assert len(segments) == result["segments"]["total"]
    for action in result["actions"]:
        row, cells = segments[action["segment"]], on_page[action["segment"]]
        reason = action["outcome_reason"] or action["reason"]
        assert (row["action"], row["reason"], cells[1].text) == (action["action"], reason, reason)
        assert int(row["deleted"]) == sum(action["deleted_per_schema"].values())
        assert [int(row["bytes_before"]), int(row["bytes_after"])] == [action["bytes_before"], action["bytes_after"]]
        after = [action["bytes_after"]] if action["action"] == "rewrite" and action["outcome"] != "skipped" else []
        assert [number for cell in cells[2:] for number in cell.numbers] == [action["bytes_before"], *after]


def test_a_dry_run_says_the_same_in_four_forms(log: Path) -> None:
    """Text, JSON, page and table have the same numbers, whatever schemas and folders are called."""
    told = run("cleanup", "-n", *NAMED, *FILES, "--json", cwd=log)
    result = told.result
    agree(log, result, dry=True)
    pages = (log / "page.html").read_bytes(), (log / "table.csv").read_bytes()
    text = run("cleanup", "-n", *NAMED, *FILES, cwd=log)
    assert text.code == told.code == 0
    assert re.sub(rb"<code>\w{16}</code>|Plan: <code>\w+", b"", pages[0]) == re.sub(
        rb"<code>\w{16}</code>|Plan: <code>\w+", b"", (log / "page.html").read_bytes()
    )
    assert pages[1] == (log / "table.csv").read_bytes()
    numbers = {escape_control(name): f"{number:,}" for name, number in result["deleted_per_schema"].items()}
    lines = dict(line.strip().rsplit(None, 1) for line in text.out.splitlines() if line.startswith("  "))
    assert numbers.items() <= lines.items()
    assert f"{result['records']['scanned']:,} read, {result['records']['kept']:,} would be kept" in text.out


@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_a_run_says_the_same_in_three_forms(log: Path, debug: tuple[str, ...]) -> None:
    """And what went is in the past; the JSON lists the segments that stay with --debug only."""
    result = run("cleanup", *NAMED, *FILES, "--json", *debug, cwd=log).result
    assert result["records"]["deleted"]
    agree(log, result, dry=False)
    assert any(action["action"] == "keep" for action in result["actions"]) == bool(debug)


def test_what_is_overdue_is_on_the_page(log: Path) -> None:
    """With its number in each form, since when, and as what stays."""
    (log / "elsewhere").hardlink_to(log / FOLDER / DROP)
    result = run("cleanup", "-n", *NAMED, *FILES, "--json", cwd=log).result
    assert sum(result["overdue"]["records"].values()) == 2 * len(HOSTILE)
    agree(log, result, dry=True)


def test_what_goes_early_is_on_the_page(log: Path) -> None:
    """A budget's part of what goes has a column of its own."""
    profile = {"audit": {"path": f"{FOLDER}/logs.jsonl", "schemas": "schemas.yaml"}, "max_bytes": "1B"}
    (log / "asynclog.yaml").write_text(json.dumps({"asynclog": 1, "profiles": {"default": profile}}))
    done = run("cleanup", "-n", *FILES, "--json", "--no-catalog", "--now", NOW, cwd=log)
    agree(log, done.result, dry=True)
    early = by_schema(read_page(log / "page.html"), "schema-table", "of these early")
    assert early == shown(done.result["deleted_by_budget"])
    assert early


@pytest.mark.parametrize("words", [("--retention", "kept=20"), ("--no-scan",), ("--no-scan", "--retention", "*=3")])
def test_an_estimate_says_the_same_in_three_forms(log: Path, words: tuple[str, ...]) -> None:
    """Each figure, or the two that it lies between, now and in 7, 30 and 90 days."""
    named = ("--path", f"{FOLDER}/logs.jsonl", "--schemas", "schemas.yaml", "--now", "2026-11-24T13:00:00Z")
    for path in (log / FOLDER).iterdir():
        os.utime(path, (1e9, 1e9))  # what was written to just now is not in the catalog yet
    known = ("--state", str(log.parent / "state"))
    assert run("estimate", *named, *known, cwd=log).code == 0
    result = run("estimate", *named, *known, *FILES, "--json", *words, cwd=log).result
    page, rows = read_page(log / "page.html"), rows_of(log / "table.csv")
    on_page = {row[""].text: row for row in page.tables["schema-table"]}
    schemas = kind_of(rows, "schema", "schema") | {"all": kind_of(rows, "total", "schema")[""]}
    for name, row in {**result["schemas"], "all": result["totals"]}.items():
        cells, line = on_page[escape_control(name)], schemas[spreadsheet(name)]
        for key, column in (("records", "records"), ("bytes", "size")):
            assert cells[column].numbers == limits(row, key)
            assert [line[key], line.get(f"{key}_low", "")] == [text(row[key]), text(row.get(f"{key}_low"))]
        for freed in row["frees"]:
            days = freed["in_days"]
            assert cells["frees now" if not days else f"in {days} days"].numbers == limits(freed, "bytes")
            for key in freed.keys() - {"in_days", "at"}:
                assert line[f"frees_{days}d_{key}"] == text(freed[key])
    what_if = kind_of(rows, "what_if", "schema")
    assert what_if.keys() == {spreadsheet(name) for name in result["what_if"] or ()}
    for name, row in (result["what_if"] or {}).items():
        assert what_if[spreadsheet(name)]["retention_s"] == text(row["retention_s"])


def limits(figures: dict[str, Any], key: str) -> list[int]:
    """Return what a figure lies between; the one if it is exact."""
    if figures[key] is not None:
        return [figures[key]]
    return [figures[f"{key}_low"], figures[f"{key}_high"]]


def text(value: object) -> str:
    return "" if value is None else str(value)


def test_an_explanation_says_the_same_in_two_forms(log: Path) -> None:
    """Each schema's records, and each segment with its reason."""
    result = run("explain", *NAMED, "--html", "page.html", "--json", cwd=log).result
    page = read_page(log / "page.html")
    for column, key in (("records", "records"), ("size", "bytes"), ("expired", "expired")):
        sums: dict[str, int] = {}
        for row in result["segments"]:
            for name, part in row["schemas"].items():
                sums[name] = sums.get(name, 0) + part[key]
        assert by_schema(page, "schema-table", column) == shown({name: each for name, each in sums.items() if each})
    assert {cells[0].text for cells in page.segments} == {row["segment"] for row in result["segments"]}
    for row in result["segments"]:
        (cells,) = (cells for cells in page.segments if cells[0].text == row["segment"])
        assert cells[1].text.startswith(row["reason"])
        assert cells[2].numbers == [row["bytes"]]


def test_an_explanation_of_one_segment_is_about_that(log: Path) -> None:
    """Neither chart nor table has what the others hold; the same with one schema."""
    assert run("explain", DROP, *NAMED, "--html", "page.html", "--schema", EVIL, cwd=log).code == 0
    page = read_page(log / "page.html")
    assert [cells[0].text for cells in page.segments] == [DROP]
    assert by_schema(page, "schema-table", "records") == {f"{EVIL}:1": 2}
    assert sum(tag == "figure" for tag, _ in page.elements) == 1


def test_the_page_of_an_applied_plan_names_the_plan(log: Path) -> None:
    """The dry run's page, the plan's file and the page of what was done have one digest."""
    assert run("cleanup", "-n", *NAMED, *FILES, "--plan-out", "plan.json", cwd=log).code == 0
    digest = json.loads((log / "plan.json").read_text())["checksum"]
    assert f"Plan: {digest}" in read_page(log / "page.html").text
    done = run("apply", "plan.json", *NAMED, *FILES, "--json", cwd=log)
    page = read_page(log / "page.html")
    assert f"Plan: {digest}" in page.text
    assert f"Applied plan of {FOLDER}" in page.text.replace(str(log) + "/", "")
    agree(log, done.result, dry=False)


# ---- What the file is.


@pytest.mark.parametrize("command", ["cleanup -n", "estimate", "explain"])
def test_a_page_needs_nothing_and_obeys_nobody(log: Path, command: str) -> None:
    """No script, address, image or style but its own; hostile names are words; its policy for content says so."""
    assert run(*command.split(), *NAMED, "--html", "page.html", cwd=log).code == 0
    source = (log / "page.html").read_text(encoding="utf-8")
    page = Page(source)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "img", "b", "link", "iframe", "object", "a", "form", "base"}
    attributes = {name for _, found in page.elements for name in found}
    assert not {name for name in attributes if name.startswith("on")} | (
        attributes & {"src", "href", "style", "action"}
    )
    assert not re.search(r"url\(|@import|https?:", re.sub(r"<code>.*?</code>", "", source))
    for name in HOSTILE:
        assert escape_control(f"{name}:1") in page.text
    assert not set(source) & set("\x1b\u202e\u2028")
    (allowed,) = (found["content"] for tag, found in page.elements if "http-equiv" in found and tag == "meta")
    style = re.search("<style>(.*)</style>", source, re.DOTALL)
    assert style is not None
    assert allowed is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert allowed.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


@pytest.mark.parametrize("command", ["cleanup -n", "cleanup", "estimate", "explain"])
def test_a_page_says_what_it_is_about(log: Path, command: str) -> None:
    """Log, host, user, policy with its digest and rules, time, version and reader: as the JSON does."""
    result = run(*command.split(), *NAMED, "--html", "page.html", "--json", cwd=log).result
    page = read_page(log / "page.html")
    for said in (result["log"], result["host"], result["user"], result["now"], result["version"], result["reader"]):
        assert said in page.text
    assert all(result["policy"][key] in page.text for key in ("path", "sha256"))
    rules = {row[""].text: row["keeps"].text for row in page.tables["rule-table"]}
    assert rules.keys() == {escape_control(rule["rule"]) for rule in result["policy"]["rules"]}
    assert rules["kept"] == "for ever"
    assert rules[escape_control(FORMULA)] == "31 days"
    assert "Signature" in page.text


def test_a_chart_tells_a_screen_reader_what_it_shows(log: Path) -> None:
    """Each schema's figures by what becomes of them, and its cutoff."""
    assert run("cleanup", "-n", *NAMED, "--html", "page.html", cwd=log).code == 0
    source = (log / "page.html").read_text()
    told = {html.unescape(title) for title in re.findall(r'<title id="[\w-]+">(.*?)</title>', source)}
    (mine,) = (each for each in told if each.startswith("&amp;:1: "))
    assert "expired: 3 records" in mine
    assert "expires within 90 days: 2 records" in mine
    assert "The cutoff is 2026-10-20T00:00:00Z" in mine
    assert source.count('role="img"') == len(told)
    tips = re.findall(r"<title>(.*?): ", source)
    assert any(re.fullmatch(r"up to \d{4}-\d\d-\d\d", tip) for tip in tips)
    assert not any(re.search("^up to .* to ", tip) for tip in tips)


def test_all_commands_draw_the_same_charts(tmp_path: Path) -> None:
    """What has expired of the cutoff's own day is exact in each, whatever else `estimate` is asked."""
    write_policy(tmp_path, "schema_name: app, retention_days: 30", "schema_name: web, retention: 36h")
    ages = [29.6, 29.7, 29.9, 30.1, 30.2, 0.1, 0.9, 1.2, 1.4, 1.6]
    write_log(tmp_path / "audit", {"logs.jsonl": [record(name, days=age) for name in ("app", "web") for age in ages]})
    drawn = []
    for command in ("cleanup -n", "estimate", "estimate --retention app=1", "explain"):
        words = (*PLAIN, "--now", "2026-11-24T05:00:00Z", "--html", "page.html")
        assert run(*command.split(), *words, cwd=tmp_path).code == 0
        drawn.append(re.findall('<figure class="(?:ages|due)">.*?</figure>', (tmp_path / "page.html").read_text()))
    assert len(drawn[0]) == 3
    assert "expired: 3 records" in drawn[0][0]
    assert drawn == [drawn[0]] * 4


def test_the_rest_expires_on_its_day(tmp_path: Path) -> None:
    """By schema within 7, 30 and 90 days, later and never: each record once, at the end of its day."""
    write_policy(tmp_path, "schema_name: app, retention_days: 30", "schema_name: long, retention_days: 400")
    ages = (0.5, 10.5, 24.5, 29.5, 31.5)
    lines = [record(days=age) for age in ages] + [record("long"), record("long", days=1), record("nobody")]
    write_log(tmp_path / "audit", {"logs.jsonl": lines})
    assert run("cleanup", "-n", *PLAIN, "--now", NOW, "--html", "page.html", cwd=tmp_path).code == 0
    rows = {row[""].text: row for row in read_page(tmp_path / "page.html").tables["due-table"]}
    size = len(lines[0])
    columns = ("in 7 days", "in 30 days", "in 90 days", "later", "never")
    assert [rows["app:1"][name].numbers[0] for name in columns] == [2 * size, 4 * size, 4 * size, 0, 0]
    size = len(lines[-2])
    assert [rows["long:1"][name].numbers[0] for name in columns] == [len(lines[-3])] * 3 + [size, 0]
    assert [rows["nobody:1"][name].numbers[0] for name in columns] == [0, 0, 0, 0, len(lines[-1])]


PLAIN = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--no-catalog")


# ---- Where it can't be had.


def test_two_files_of_one_name_are_refused(log: Path) -> None:
    """Before anything is done."""
    before = looks(log)
    done = run("cleanup", *NAMED, "--html", "same", "--csv", f"./{FOLDER}/../same", "--json", cwd=log)
    assert (done.code, "--html and --csv both name" in done.error) == (2, True)
    assert looks(log) == before


@pytest.mark.parametrize("option", ["--html", "--csv"])
def test_a_folder_that_is_missing_is_told_before_anything_is_done(log: Path, option: str) -> None:
    """Exit 2, and no record has gone."""
    before = looks(log)
    done = run("cleanup", *NAMED, option, "missing/file", "--json", cwd=log)
    assert (done.code, f"{option} missing/file: " in done.error) == (2, True)
    assert looks(log) == before


@pytest.mark.parametrize("command", ["cleanup", "cleanup -n", "estimate", "explain"])
def test_a_page_that_can_not_be_written_is_told_beside_the_result(log: Path, command: str) -> None:
    """Exit 3: the work is done, and the result is whole; nothing temporary is left."""
    full = ("prlimit", "--fsize=4000")
    done = run(*command.split(), *NAMED, "--html", "page.html", "--json", cwd=log, before=full)
    assert (done.code, done.document["status"]) == (3, "error")
    assert "--html page.html: a page can't be written there: File too large" in done.document["error"]
    assert sorted(path.name for path in log.iterdir()) == sorted([FOLDER, "schemas.yaml"])


@pytest.mark.parametrize("command", ["cleanup", "apply plan.json"])
def test_a_refused_run_has_a_page_of_what_it_would_have_done(tmp_path: Path, command: str) -> None:
    """It says first that it was refused, and why; the log stays as it is."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {DROP: record() * 2000, KEEP: record(days=1)})
    planned = run("cleanup", "-n", *PLAIN, "--plan-out", "plan.json", "--json", cwd=tmp_path).result
    done = run(*command.split(), *PLAIN, *FILES, "--json", cwd=tmp_path)
    assert done.code == 5
    page, rows = read_page(tmp_path / "page.html"), rows_of(tmp_path / "table.csv")
    assert page.text.index("Refused") < page.text.index(str(done.error)) < page.text.index("would go now")
    assert page.numbers["would go now"] == [planned["bytes"]["freed"], planned["records"]["deleted"]]
    assert [int(row["deleted"]) for row in rows if row["asynclog_row"] == "total"] == [planned["records"]["deleted"]]
    assert {row["status"] for row in rows} == {"refused"}
    assert {row["profile"] for row in rows} == {""}
    assert [row["reason"] for row in rows if row["asynclog_row"] == "total"] == [done.error]
    assert (tmp_path / "audit" / DROP).read_bytes() == record() * 2000


def test_a_page_says_from_when_to_when_the_records_are_that_go(log: Path) -> None:
    """For each schema and for all, as the JSON does."""
    result = run("cleanup", "-n", *NAMED, *FILES, "--json", cwd=log).result
    page = read_page(log / "page.html")
    dated = {row[""].text: row["dated"].text for row in page.tables["schema-table"] if row["dated"].text != "-"}
    spans = {name: {each["oldest"][:10], each["newest"][:10]} for name, each in result["deleted_schemas"].items()}
    spans["all"] = {result["deleted_oldest"][:10], result["deleted_newest"][:10]}
    assert {name: set(text.split(" to ")) for name, text in dated.items()} == {
        escape_control(name): days for name, days in spans.items()
    }


def test_a_log_with_nothing_in_it_has_a_page(tmp_path: Path) -> None:
    """It says so, and has no chart."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {})
    for command in ("cleanup -n", "cleanup", "estimate", "explain"):
        assert run(*command.split(), *PLAIN, "--html", "page.html", cwd=tmp_path).code == 0
        page = read_page(tmp_path / "page.html")
        assert not any(tag in {"figure", "svg"} for tag, _ in page.elements)
        assert "logs.jsonl" in page.text


def test_segments_that_a_job_did_not_reach_are_one_line(tmp_path: Path) -> None:
    """Folded on the page, each in the table."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {f"logs-202501{n:02}T000000.jsonl": record() for n in range(1, 29)})
    done: Done = run("cleanup", *PLAIN, *FILES, "--max-runtime", "0s", "--json", cwd=tmp_path)
    reached = sum(action["reason"] != "the job was stopped before it was read" for action in done.result["actions"])
    page = read_page(tmp_path / "page.html")
    assert [f"{28 - reached} segments", "the job was stopped before it was read"] in [
        [cell.text for cell in cells[:2]] for cells in page.segments
    ]
    assert len(kind_of(rows_of(tmp_path / "table.csv"), "segment", "segment")) == 28


def test_a_run_that_can_not_begin_has_a_page_that_says_so(tmp_path: Path) -> None:
    """A page of an earlier run would be taken for its own."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {DROP: record(), KEEP: record(days=1)})
    with held(tmp_path / "audit"):
        done = run("cleanup", *PLAIN, *FILES, "--json", cwd=tmp_path)
    assert done.code == 4
    page = read_page(tmp_path / "page.html")
    assert "Nothing was done" in page.text
    assert "(exit 4)" in page.text
    assert done.error in page.text
    assert "logs.jsonl" in page.text
    assert not page.segments
    assert [row["status"] for row in rows_of(tmp_path / "table.csv")] == ["error"]


def test_segments_that_failed_are_told_first(tmp_path: Path) -> None:
    """How many, the exit code, why, what becomes of what had expired in them, and what to do."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {DROP: record(), REWRITE: record() * 2 + record(days=1)})
    (tmp_path / "audit" / REWRITE).chmod(0)
    done = run("cleanup", *PLAIN, *FILES, "--json", cwd=tmp_path, before=NO_OVERRIDE)
    (tmp_path / "audit" / REWRITE).chmod(0o600)
    assert (done.code, done.result["segments"]["failed"]) == (3, 1)
    page = read_page(tmp_path / "page.html")
    assert page.text.index("1 segment failed (exit 3)") < page.text.index(done.document["error"])
    assert "the next job tries again" in page.text
    assert page.numbers["went"] == [done.result["bytes"]["freed"], 1]


def test_a_job_whose_time_was_up_says_so_first(tmp_path: Path) -> None:
    """And how far it came, and that the next one goes on."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {f"logs-202501{n:02}T000000.jsonl": record() for n in range(1, 29)})
    done = run("cleanup", *PLAIN, *FILES, "--max-runtime", "0s", "--json", cwd=tmp_path)
    page = read_page(tmp_path / "page.html")
    assert done.result["stopped"] == "max-runtime"
    assert page.text.index("Stopped: its time was up") < page.text.index("of 28 segments read; the next job goes on")


def test_a_job_that_is_stopped_before_it_begins_has_a_page(tmp_path: Path) -> None:
    """That says so; nothing was touched."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {DROP: record()})
    with held(tmp_path / "audit"):
        process = start("cleanup", *PLAIN, *FILES, "--json", "--lock-wait", "60s", cwd=tmp_path)
        until(lambda: is_open(process.pid, tmp_path / "audit/.logs.jsonl.al-lock"))
        process.send_signal(signal.SIGTERM)
        done = finish(process)
    assert done.code == 143
    page = read_page(tmp_path / "page.html")
    assert "Stopped by SIGTERM (exit 143)" in page.text
    assert "before anything was deleted" in page.text
    assert (tmp_path / "audit" / DROP).read_bytes() == record()
