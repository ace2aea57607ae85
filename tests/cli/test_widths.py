"""What is printed on a terminal fits it; in a pipe there is no width."""

import re
from pathlib import Path

import pytest
from audit_log import record, write_log, write_policy
from command import NOW, run
from terminal import at_terminal

NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--no-catalog")
YOUNG = record(days=1)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a log whose estimate needs more than 80 columns, with links in the place of 58 segments."""
    rules = [f"schema_name: '{name}', retention_days: 90" for name in ("api_operations", "kubernetes_audit")]
    write_policy(tmp_path, *rules)
    lines = [record(name, days=day) for name in ("api_operations", "kubernetes_audit") for day in range(200)]
    write_log(tmp_path / "audit", {"logs.jsonl": lines})
    for number in range(58):
        (tmp_path / f"audit/logs-2025{number:04}T000000.jsonl").symlink_to("nowhere")
    return tmp_path


@pytest.mark.parametrize("columns", [60, 80, 140])
@pytest.mark.parametrize("words", [("estimate", *NAMED, "--now", NOW), ("check", *NAMED)], ids=lambda words: words[0])
def test_tables_fit_the_terminal(log: Path, columns: int, words: tuple[str, ...]) -> None:
    """And have all that they have in a pipe."""
    shown = at_terminal(*words, "--color", "never", cwd=log, columns=columns, out=True)
    table = [line for line in shown.left if line.startswith(("schema ", "api_", "kubernetes_", "all "))]
    assert len(table) >= 3
    assert max(map(len, table)) <= columns
    whole = [line.split() for line in run(*words, cwd=log).out.splitlines() if line.startswith("schema ")]
    assert sorted({word for line in table if line.startswith("schema ") for word in line.split()}) == sorted(
        {*whole[0]}
    )


def test_sentences_are_broken_between_words(log: Path) -> None:
    """And say what they say in a pipe."""
    words = ("cleanup", "-n", *NAMED, "--now", NOW)
    shown = at_terminal(*words, "--color", "never", cwd=log, columns=60, out=True).left
    assert max(len(line) for line in shown if " " in line.strip()) <= 60
    assert " ".join(" ".join(shown).split()) == " ".join(run(*words, cwd=log).out.split())


def test_a_pipe_has_no_width(log: Path) -> None:
    """A script finds one line a row."""
    out = run("estimate", *NAMED, "--now", NOW, cwd=log, env={"COLUMNS": "40"}).out
    assert max(map(len, out.splitlines())) > 90
    assert out.count("api_operations:1") == 1


def test_long_lists_are_folded(log: Path) -> None:
    """58 segments with the same reason are one line, in every command; the JSON has each."""
    done = run("cleanup", "-n", *NAMED, "--now", NOW, cwd=log)
    (line,) = [line for line in done.out.splitlines() if line.startswith("Would be skipped: ")]
    assert line.startswith("Would be skipped: 58 segments: ")
    assert line.endswith("and 55 more)")
    document = run("cleanup", "-n", *NAMED, "--now", NOW, "--json", cwd=log).result
    assert [action["outcome"] for action in document["actions"]].count("skipped") == 58


def test_a_plan_and_a_history_fit_the_terminal(log: Path, tmp_path: Path) -> None:
    """Each part of a table says which segment it is about."""
    state = ("--state", str(tmp_path / "state"))
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", *state)
    assert run("cleanup", "-n", *named, "--now", NOW, "--plan-out", "plan.json", cwd=log).code == 0
    for words in (("show", "plan.json"), ("history", *named)):
        shown = at_terminal(*words, "--color", "never", cwd=log, columns=80, out=True)
        assert shown.code == 0, shown.screen
        rows = [line for line in shown.left if line.startswith(("  rewrite", "  api_", "  kubernetes_", "began", "20"))]
        assert len(rows) >= 2, shown.left
        assert max(map(len, rows)) <= 80


def test_what_a_cleanup_lists_fits_the_terminal(tmp_path: Path) -> None:
    """A schema's name may be long: it goes on in the next line, and its number stays whole."""
    name = "organisation/department/application/subsystem/component-of-it/operation"
    write_policy(tmp_path, f"schema_name: '{name}', retention_days: 90")
    write_log(tmp_path / "audit", {"logs.jsonl": [record(name, days=400)] * 500 + [record("other", days=400)] * 900})
    shown = at_terminal("cleanup", "-n", *NAMED, "--now", NOW, "--color", "never", cwd=tmp_path, columns=60, out=True)
    assert shown.code == 0
    kept = next(number for number, line in enumerate(shown.left) if "900" in line and line.startswith("  "))
    goes_on = re.compile(r"  (organisation|component|other).*")  # a row, or what is left of a long name
    table = [line for line in shown.left[: kept + 1] if goes_on.fullmatch(line)]
    assert max(map(len, table)) <= 60
    assert [line.split()[-1] for line in table if line.endswith(("500", "900"))] == ["500", "900"]
    assert "".join(line.split()[0] for line in table).startswith(f"{name}:1")


@pytest.mark.parametrize("command", ["cleanup", "estimate", "check", "explain"])
def test_a_huge_name_widens_no_other_row(tmp_path: Path, command: str) -> None:
    """Others write the names: padded to a megabyte, five thousand rows took more memory than the machine has."""
    names = ["y" * 100_000, *(f"n{number}" for number in range(100))]
    write_policy(tmp_path, "schema_name: '*', retention_days: 90")
    write_log(tmp_path / "audit", {"logs.jsonl": [line for name in names for line in (record(name, days=400), YOUNG)]})
    words = NAMED if command == "check" else (*NAMED, "--now", NOW, *(["-n"] if command == "cleanup" else []))
    done = run(command, *words, cwd=tmp_path)
    assert done.code == 0
    lengths = sorted(len(line) for line in done.out.splitlines())
    assert "y" * 100_000 in done.out
    assert (lengths[-1] > 100_000, lengths[-4] < 1000) == (True, True), lengths[-5:]
