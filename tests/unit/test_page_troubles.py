"""What a page says first of a run that did not go well: with the exit code, the reason, and what to do."""

from __future__ import annotations

import pytest

from asynclog.report.cleanup.result import CleanupResult, Overdue, Report, Segments
from asynclog.report.page.cleanup.troubles import troubles
from asynclog.report.page.cleanup.wording import DONE, DRY


def told(report: Report) -> list[tuple[str, str]]:
    return [(alarm.title, " ".join(alarm.sentences)) for alarm in troubles(report, DONE)]


def test_all_is_well() -> None:
    """Nothing is said of a run that went well."""
    assert told(Report(CleanupResult("success", "Deleted 1 record"))) == []


@pytest.mark.parametrize(("code", "to_do"), [(1, "Report it, with what --debug prints"), (3, "remove the cause")])
def test_segments_failed(code: int, to_do: str) -> None:
    """A bug is ours to mend, anything else theirs."""
    result = CleanupResult("partial", "Deleted 1 record", segments=Segments(total=3, failed=2), errors=["a: b", "c: b"])
    ((title, sentences),) = told(Report(result, code, "a: b; c: b"))
    assert title == f"2 segments failed (exit {code})"
    assert sentences.startswith("a: b; c: b")
    assert to_do in sentences


def test_stopped_with_something_left() -> None:
    """What is known to have expired is counted, and what failed before that is told, too."""
    result = CleanupResult(
        "partial", "Deleted 1 record", stopped="SIGTERM", overdue=Overdue({"app:1": 7}), errors=["x"]
    )
    (stopped, sentences), (other, error) = told(Report(result, 143, "x"))
    assert stopped == "Stopped by SIGTERM (exit 143)"
    assert "still there: 7 records" in sentences
    assert (other, error) == ("Not all went well (exit 143)", "x")


def test_a_dry_run_says_that_a_real_one_would_be_refused() -> None:
    """Before its figures; a run that was refused has what would have gone instead."""
    dry = CleanupResult("dry_run", "Would delete 9 records", refusal="too much")
    ((title, sentences),) = [(alarm.title, alarm.sentences) for alarm in troubles(Report(dry), DRY)]
    assert (title, list(sentences)) == ("A real run would be refused (exit 5)", ["too much"])
    ((title, text),) = told(Report(CleanupResult("error", "too much"), 5, "too much", refused=Report(dry)))
    assert title == "Refused by a guard (exit 5): nothing was touched"
    assert text.startswith("too much It would have deleted")
