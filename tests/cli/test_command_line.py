"""The face of the command line: the JSON document, the text, the words it takes and its exit codes."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import looks, record, write_log, write_policy
from command import NO_OVERRIDE, NOW, cleanup, run, subcommands

from asynclog.cli.parser import make_parser

if TYPE_CHECKING:
    from pathlib import Path

    from command import Done

OLD, YOUNG = record(days=400), record(days=1)
NAMES = [f"logs-2025010{n}T000000.jsonl" for n in range(1, 5)]
KEYS = {
    *("status", "message", "deleted_per_schema", "format", "run_id", "profile", "now", "records", "kept", "overdue"),
    *("bytes", "segments", "actions", "late_segments", "recovery_pending", "errors", "duration_s"),
}
SITUATION_KEYS = {
    "stopped",
    "refusal",
    "warnings",
    "neighbours",
    "unjudged",
    "lease_max_ms",
    "catalog",
    "packed",
    "profiles",
    "logs",
    "budget",
    "deleted_by_budget",
    *("log", "policy", "host", "user", "version", "reader", "plan"),
    *("deleted_schemas", "deleted_oldest", "deleted_newest"),
}  # beyond the ones that are always told
ACTION_KEYS = {"segment", "action", "reason", "deleted_per_schema", "bytes_before", "bytes_after", "outcome"}


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """One segment to drop, one to rewrite, one to keep, one to skip, and a record for every reason to be kept."""
    write_policy(tmp_path, "schema_name: app, retention_days: 30", "schema_name: legal, retention_days: null")
    reasons = [b"torn {\n", b"\n", record(days=-3), record("nobody", days=-3), record("nobody", days=10_000)]
    kept = [*reasons, record("nobody", 2), record("legal"), YOUNG]
    write_log(tmp_path / "audit", {NAMES[0]: OLD + OLD, NAMES[1]: [OLD, *kept], NAMES[2]: YOUNG})
    write_log(tmp_path / "audit", {f"{NAMES[3]}.gz": b"\x1f\x8b"})
    return tmp_path


@pytest.mark.parametrize("words", [("-n",), ("--dry-run", "--debug"), (), ("--debug",)])
def test_the_json_document_has_exactly_what_is_written_down(mixed: Path, words: tuple[str, ...]) -> None:
    """scanned = deleted + overdue + kept, unreadable lines stand apart; keeps are listed with `--debug` only."""
    dry = len(words) > 0 and words[0] != "--debug"
    rewritten = (mixed / "audit" / NAMES[1]).stat().st_size
    done = cleanup(mixed, *words)
    result = done.result
    assert (done.code, set(done.document), done.document["status"]) == (0, {"status", "result"}, "ok")
    assert set(result) == KEYS | SITUATION_KEYS
    assert list(result)[:3] == ["status", "message", "deleted_per_schema"]
    assert result["status"] == ("dry_run" if dry else "success")
    assert result["message"] == ("Would delete 3 records" if dry else "Deleted 3 records")
    assert result["deleted_per_schema"] == {"app:1": 3}
    assert (result["format"], result["profile"], result["now"]) == (1, None, NOW)
    assert result["records"] == {"scanned": 10, "deleted": 3, "kept": 7}
    assert result["kept"] == {"unreadable": 1, "future": 2, "implausible": 1, "no_policy": {"nobody:2": 1}}
    assert result["overdue"] == {"records": {}, "oldest": None}
    assert result["bytes"] == {"scanned": 3 * len(OLD) + rewritten, "freed": 3 * len(OLD)}
    segments = {"total": 4, "dropped": 1, "rewritten": 1, "kept": 1, "skipped": 1, "failed": 0, "emptied": 0}
    assert result["segments"] == segments
    assert [result[key] for key in ("late_segments", "recovery_pending", "errors")] == [[], [], []]
    assert result["run_id"]
    assert 0 < result["duration_s"] < 60
    actions = [(action["segment"], action["action"]) for action in result["actions"]]
    keep = [(NAMES[2], "keep")] if "--debug" in words else []
    assert actions == [(NAMES[0], "drop"), (NAMES[1], "rewrite"), *keep, (f"{NAMES[3]}.gz", "skip")]
    assert all(set(action) >= ACTION_KEYS and action["reason"] for action in result["actions"])
    assert sum(action["bytes_before"] - action["bytes_after"] for action in result["actions"]) == 3 * len(OLD)
    outcome = None if dry else "done"
    assert [done.actions[name]["outcome"] for name in NAMES[:2]] == [outcome, outcome]
    assert not dry or (mixed / "audit" / NAMES[0]).exists()


def test_text_says_the_same_on_stdout_alone(mixed: Path) -> None:
    """`log-cleanup` is the same command; a dry run announces what the run then reports."""
    words = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW)
    dry, named = run("cleanup", *words, "-n", cwd=mixed), run("log-cleanup", *words, "-n", cwd=mixed)
    debugged, real = run("cleanup", *words, "-n", "--debug", cwd=mixed), run("cleanup", *words, cwd=mixed)
    assert dry == named
    assert (dry.code, dry.err, real.code, real.err) == (0, "", 0, "")
    assert debugged.out == dry.out
    assert dry.out.startswith("Would delete 3 records")
    assert real.out.startswith("Deleted 3 records")
    assert "app:1" in real.out
    assert "nobody:2" in real.out


def test_debug_tells_what_won_and_why_on_stderr(mixed: Path) -> None:
    """The configuration and profile, the rule of each schema key, each segment's reason."""
    audit = "{path: audit/logs.jsonl, schemas: schemas.yaml}"
    (mixed / "asynclog.yaml").write_text(f"asynclog: 1\nprofile: mine\nprofiles: {{mine: {{audit: {audit}}}}}\n")
    done = run("cleanup", "-n", "--debug", "--json", "--now", NOW, cwd=mixed)
    said = done.err.splitlines()
    assert any(str(mixed / "asynclog.yaml") in line and "mine" in line for line in said)
    for key, rule in {"app:1": "30", "legal:1": "ever", "nobody:2": "none"}.items():
        assert any(key in line and rule in line for line in said), key
    for name, action in done.actions.items():
        assert any(name in line and action["reason"] in line for line in said), name
    assert all(line.startswith("asynclog: ") for line in said)


@pytest.mark.parametrize("words", [("-n",), ("--lock-wait", "90s", "--jobs", "3")])
def test_quiet_says_nothing_on_success(mixed: Path, words: tuple[str, ...]) -> None:
    """For a dry run as well; what goes wrong is still told."""
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--quiet")
    assert run("cleanup", *named, "--now", NOW, *words, cwd=mixed) == (0, "", "")
    wrong = run("cleanup", *named, "--now", "noon", *words, cwd=mixed)
    assert (wrong.code, wrong.out, wrong.err != "") == (2, "", True)


def test_quiet_leaves_the_json_document(archive: Path) -> None:
    """The document is asked for by name."""
    assert cleanup(archive, "--quiet").result["message"] == "Deleted 1 record"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("clean",),
        ("cleanup", "--nope"),
        ("cleanup", "more"),
        ("cleanup", "--dry"),
        ("cleanup", "--path"),
        *(
            ("cleanup", "--now", bad)
            for bad in ("", "now", "2026-11-24", "2026-11-24T00:00:00", "2026-02-30T00:00:00Z")
        ),
        *(("cleanup", f"--jobs={bad}") for bad in ("0", "-1", "x", "1.5")),
        *(("cleanup", f"--allow-delete-percent={bad}") for bad in ("", "x", "-1", "100.1", "nan", "inf")),
        *(("cleanup", f"--lock-wait={bad}") for bad in ("", "soon", "-1s", "90", "1w")),
    ],
)
def test_usage_errors_are_exit_2_and_one_sentence(archive: Path, words: tuple[str, ...]) -> None:
    """As JSON on stdout with `--json`, and nothing is touched."""
    before = looks(archive)
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml") if "cleanup" in words else ()
    done = run(*words[:1], *named, *words[1:], "--json", cwd=archive)
    assert done.code == 2
    assert done.error
    assert "\n" not in done.error
    assert looks(archive) == before


def test_without_json_a_usage_error_stands_on_stderr(archive: Path) -> None:
    """The same sentence behind the program's name, and nothing on stdout."""
    as_text, as_json = (run("cleanup", "--jobs", "0", *words, cwd=archive) for words in ((), ("--json",)))
    assert as_text == (2, "", f"asynclog: {as_json.error}\n")


@pytest.mark.parametrize(
    ("now", "deleted"),
    [
        (NOW, 0),
        ("2026-11-24T00:00:00.000000001Z", 1),
        ("2026-11-24 01:00:00.000000001+01:00", 1),
        ("2026-11-23t23:59:59.999999999z", 0),
        ("2026-11-23T18:30:00-0530", 0),
    ],
)
def test_now_is_exact_to_the_nanosecond(archive: Path, now: str, deleted: int) -> None:
    """A record of exactly 30 days stays, and has expired one nanosecond later, whatever the offset."""
    write_log(archive / "audit", {"logs-20250101T000000.jsonl": record(days=30)})
    assert cleanup(archive, "-n", "--now", now).result["records"]["deleted"] == deleted


def test_without_now_the_clock_counts(archive: Path) -> None:
    """Read once, and told in the document."""
    words = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--json", "-n")
    now = datetime.fromisoformat(run("cleanup", *words, cwd=archive).result["now"])
    assert timedelta(0) <= datetime.now(UTC) - now < timedelta(minutes=1)


def test_a_failed_segment_is_partial_and_the_others_are_done(archive: Path) -> None:
    """Exit 3, with the sentence and the whole result, and the failed one stays as it is."""
    write_log(archive / "audit", dict.fromkeys(NAMES, OLD + YOUNG))
    failed = archive / "audit" / NAMES[1]
    failed.chmod(0)
    before = looks(failed)
    done = cleanup(archive, before=NO_OVERRIDE)
    assert (done.code, set(done.document)) == (3, {"status", "error", "result"})
    assert (done.document["status"], done.result["status"]) == ("error", "partial")
    assert NAMES[1] in done.document["error"]
    assert [NAMES[1] in error for error in done.result["errors"]] == [True]
    assert done.actions[NAMES[1]]["outcome"] == "failed"
    fates = {"dropped": 0, "rewritten": 3, "kept": 1, "skipped": 0, "failed": 1}
    assert done.result["segments"] == {"total": 5, **fates, "emptied": 0}
    assert {(archive / "audit" / name).read_bytes() for name in NAMES if name != NAMES[1]} == {YOUNG}
    assert looks(failed) == before


def test_a_segment_that_is_written_to_is_skipped_and_overdue(archive: Path) -> None:
    """Exit 0: the next job does it; until then scanned = deleted + overdue + kept all the same."""
    write_log(archive / "audit", dict.fromkeys(NAMES, OLD + YOUNG))
    busy = archive / "audit" / NAMES[1]
    with busy.open("ab"):
        done = cleanup(archive)
    assert (done.code, done.result["status"], done.result["segments"]["skipped"]) == (0, "success", 1)
    assert done.actions[NAMES[1]]["outcome"] == "skipped"
    assert done.result["records"] == {"scanned": 9, "deleted": 3, "kept": 5}
    assert done.result["overdue"] == {"records": {"app:1": 1}, "oldest": "2025-10-20T00:00:00Z"}
    assert busy.read_bytes() == OLD + YOUNG
    assert cleanup(archive).result["deleted_per_schema"] == {"app:1": 1}


@pytest.mark.parametrize(
    ("expired", "guard", "words", "code"),
    [
        (1000, "", (), 5),
        (1000, "", ("--allow-delete-all",), 0),
        (1000, "", ("--allow-delete-percent", "100"), 0),
        (1000, "", ("--allow-delete-percent", "99.9"), 5),
        (1000, "max_delete_percent: 100", (), 0),
        (999, "", (), 0),
        (20, "max_delete_percent: 50", (), 0),
        (21, "max_delete_percent: 50", (), 5),
        (21, "max_delete_percent: 50", ("--allow-delete-percent", "52"), 0),
        (21, "max_delete_percent: 50", ("--allow-delete-percent", "51"), 5),
        (21, "max_delete_percent: 50", ("--allow-delete-all",), 0),
        (1, "max_delete_percent: 0", (), 5),
        (1, "min_retention_days: 30", (), 0),
        (1, "min_retention_days: 31", (), 5),
        (1, "min_retention_days: 31", ("--allow-delete-all",), 5),
    ],
)
def test_a_guard_refuses_before_anything_is_touched(
    tmp_path: Path, expired: int, guard: str, words: tuple[str, ...], code: int
) -> None:
    """Exit 5; the dry run says what would be refused, and is none itself."""
    write_policy(tmp_path)
    others = 20 if guard else 0
    write_log(tmp_path / "audit", {NAMES[0]: OLD * expired + YOUNG * others, NAMES[1]: record("nobody") + b"torn\n"})
    profile: dict[str, Any] = {"audit": "{path: audit/logs.jsonl, schemas: schemas.yaml}", "guard": f"{{{guard}}}"}
    lines = "".join(f"    {key}: {value}\n" for key, value in profile.items())
    (tmp_path / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles:\n  default:\n{lines}")

    def clean(*more: str) -> Done:
        return run("cleanup", "--now", NOW, "--json", *words, *more, cwd=tmp_path)

    before = looks(tmp_path)
    dry = clean("-n")
    assert (dry.code, dry.result["records"]["deleted"], dry.result["refusal"] is not None) == (0, expired, code == 5)
    assert looks(tmp_path) == before
    real = clean()
    assert real.code == code
    if code == 5:
        assert real.error == dry.result["refusal"]
        assert looks(tmp_path) == before


def test_each_help_has_an_example_and_the_exit_codes() -> None:
    """And the example is one that the parser takes."""
    assert "cleanup" in subcommands()
    for name in subcommands():
        done = run(name, "--help")
        assert (done.code, done.err) == (0, "")
        page = re.search(r"^example:\n  (asynclog .*)\n\nexit status:\n((?:  .*\n)+)\Z", done.out, re.MULTILINE)
        assert page
        words = shlex.split(page[1])[1:]
        assert make_parser(words).parse_args(words).command.run.__module__ == f"asynclog.cli.commands.{name}"
        numbers = re.findall(r"^  (\d+) ", page[2], re.MULTILINE)
        assert numbers == sorted(set(numbers), key=int)
        assert {"0", "1", "2"} <= set(numbers)


@pytest.mark.parametrize("columns", [60, 100])
def test_help_is_as_wide_as_the_terminal(columns: int) -> None:
    """Where there is none, as COLUMNS says; the list of options reaches about that far."""
    done = run("cleanup", "--help", env={"COLUMNS": str(columns)})
    options = done.out[: done.out.index("\nexample:")].splitlines()
    assert columns - 12 < max(len(line) for line in options if line.startswith("   ")) < columns
