"""`--all-profiles`: each profile's log in turn; one that fails stops no other, and the totals stand above them."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import held, record, write_log
from command import NO_OVERRIDE, NOW, Done, finish, is_open, run, start, until

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD, YOUNG = record(days=400), record(days=1)
SEGMENT = "logs-20250101T000000.jsonl"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Three profiles, of which `b` is the file's own; each has a log of two records, one of which has expired."""
    (tmp_path / "schemas.yaml").write_text("schemas:\n  - {schema_name: app, retention_days: 30}\n")
    for name in "abc":
        write_log(tmp_path / name, {SEGMENT: OLD + YOUNG})
    configure(tmp_path)
    return tmp_path


def configure(place: Path, profile: str = "", **others: str) -> None:
    """Write the configuration; a profile in `others` says all itself, and `profile` are lines for `b`."""
    known = {
        name: f"{{audit: {{path: {name}/logs.jsonl, schemas: schemas.yaml}}{profile * (name == 'b')}}}"
        for name in "abc"
    }
    lines = [f"  {name}: {text}\n" for name, text in (known | others).items()]
    (place / "asynclog.yaml").write_text("profile: b\nstate: state\nprofiles:\n" + "".join(lines))


def clean(place: Path, *words: str, **options: Any) -> Done:
    return run("cleanup", "--all-profiles", "--now", NOW, "--json", *words, cwd=place, **options)


def cleaned(place: Path) -> str:
    """Return the profiles whose log has lost what had expired, and no more."""
    contents = {name: (place / name / SEGMENT).read_bytes() for name in "abc"}
    assert set(contents.values()) <= {YOUNG, OLD + YOUNG}
    return "".join(name for name, content in contents.items() if content == YOUNG)


def statuses(done: Done) -> dict[str, str]:
    return {name: result["status"] for name, result in done.result["profiles"].items()}


def test_each_profile_is_cleaned_up_in_the_order_of_the_file(place: Path) -> None:
    """One document, with each profile's own result as if it had been run alone, and the totals above."""
    configure(place, ", rewrite: never")
    done = clean(place)
    assert (done.code, done.err, cleaned(place)) == (0, "", "ac")
    result = done.result
    assert (list(result["profiles"]), statuses(done)) == (["a", "b", "c"], dict.fromkeys("abc", "success"))
    assert (result["status"], result["message"]) == ("success", "Deleted 2 records in 3 profiles")
    assert result["deleted_per_schema"] == {"app:1": 2}
    assert result["records"] == {"scanned": 6, "deleted": 2, "kept": 3}
    assert result["overdue"] == {"records": {"app:1": 1}, "oldest": "2025-10-20T00:00:00Z"}
    assert result["bytes"] == {"scanned": 3 * len(OLD + YOUNG), "freed": 2 * len(OLD)}
    assert [result["segments"][key] for key in ("total", "rewritten", "skipped")] == [3, 2, 1]
    assert (result["now"], result["actions"], result["catalog"]) == (NOW, [], None)
    for name, each in result["profiles"].items():
        assert (each["profile"], each["records"]["scanned"], each["profiles"]) == (name, 2, None)
        assert [row["segment"] for row in each["actions"]] == [SEGMENT]
        assert each["catalog"]["misses"] == 1
    assert len(list((place / "state").glob("*.sqlite"))) == 3


def test_a_dry_run_of_all_touches_nothing(place: Path) -> None:
    """And says so above."""
    done = clean(place, "--dry-run")
    assert (done.code, done.result["status"], cleaned(place)) == (0, "dry_run", "")
    assert done.result["message"] == "Would delete 3 records in 3 profiles"


def test_text_has_a_part_for_each_profile_and_the_totals_below(place: Path) -> None:
    """Under its name; what is quiet is quiet."""
    done = run("cleanup", "--all-profiles", "--now", NOW, "--dry-run", cwd=place)
    assert done.code == 0
    parts = done.out.split("\n\n")
    assert [part.splitlines()[0] for part in parts] == [
        "a:",
        "b:",
        "c:",
        f"Would delete 3 records in 3 profiles (would free {3 * len(OLD)} bytes)",
    ]
    assert [part.splitlines()[1] for part in parts[:3]] == [f"Would delete 1 record (would free {len(OLD)} bytes)"] * 3
    assert run("cleanup", "--all-profiles", "--now", NOW, "--quiet", cwd=place).out == ""
    assert cleaned(place) == "abc"


def test_a_profile_without_a_log_yet_is_no_failure(place: Path) -> None:
    """Nor is one that is switched off: its log may not even be there."""
    configure(place, a="{audit: {enabled: false}}", b="{audit: {path: none/logs.jsonl, schemas: schemas.yaml}}")
    done = clean(place)
    assert (done.code, cleaned(place)) == (0, "c")
    assert statuses(done) == {"a": "skipped", "b": "success", "c": "success"}
    assert "does not exist yet" in done.result["profiles"]["b"]["message"]


BROKEN = {
    "no-policy": ("{audit: {path: b/logs.jsonl, schemas: none.yaml}}", 2, "none.yaml"),
    "guard": ("{audit: {path: b/logs.jsonl, schemas: schemas.yaml}, guard: {max_delete_percent: 10}}", 5, "max_delete"),
    "state": ("{audit: {path: b/logs.jsonl, schemas: schemas.yaml}, state: b}", 2, "state folder"),
}


@pytest.mark.parametrize(("text", "code", "why"), BROKEN.values(), ids=BROKEN)
def test_one_that_can_not_begin_stops_no_other(place: Path, text: str, code: int, why: str) -> None:
    """Its result says why, as does the error of all; the exit code is the worst."""
    configure(place, b=text)
    done = clean(place)
    assert (done.code, cleaned(place)) == (code, "ac")
    assert statuses(done) == {"a": "success", "b": "error", "c": "success"}
    assert (done.document["status"], done.result["status"]) == ("error", "partial")
    failed = done.result["profiles"]["b"]
    assert why in failed["message"]
    assert failed["errors"] == [failed["message"]]
    assert done.result["errors"] == [f"b: {failed['message']}"]
    assert done.document["error"] == f"b: {failed['message']}"
    assert done.result["records"]["deleted"] == 2


def test_one_whose_folder_is_held_stops_no_other(place: Path) -> None:
    """Each is locked on its own, for as long as its own job takes."""
    with held(place / "b"):
        done = clean(place)
    assert (done.code, cleaned(place)) == (4, "ac")
    assert "another job is at work" in done.result["profiles"]["b"]["message"]
    done = clean(place)
    assert (done.code, cleaned(place)) == (0, "abc")


def test_one_that_can_only_be_listed_stops_no_other(place: Path) -> None:
    """A folder without x for us."""
    (place / "b").chmod(0o600)
    done = clean(place, "-n", before=NO_OVERRIDE)
    (place / "b").chmod(0o700)
    assert (done.code, statuses(done)) == (2, {"a": "dry_run", "b": "error", "c": "dry_run"})
    assert "can be listed, but not entered" in done.result["profiles"]["b"]["message"]


def test_one_that_is_done_in_part_is_told_as_such(place: Path) -> None:
    """3 is worse than 0; 2, 4 and 5 are worse than 3."""
    (place / "b" / "logs.jsonl").write_bytes(OLD)
    (place / "b" / "logs.jsonl").chmod(0)
    done = clean(place, before=NO_OVERRIDE)
    assert (done.code, cleaned(place), statuses(done)["b"]) == (3, "abc", "partial")
    assert done.result["errors"] == ["b: logs.jsonl: it can't be opened: Permission denied"]
    configure(place, c="{audit: {path: c/logs.jsonl, schemas: none.yaml}}")
    done = clean(place, before=NO_OVERRIDE)
    assert (done.code, len(done.result["errors"])) == (2, 2)
    (place / "b" / "logs.jsonl").chmod(0o600)


@pytest.mark.parametrize("words", [("--path", "a/logs.jsonl"), ("--profile", "a"), ("--schemas", "schemas.yaml")])
def test_it_does_not_go_with_words_that_mean_one_log(place: Path, words: tuple[str, ...]) -> None:
    """Exit 2, and nothing was touched."""
    done = clean(place, *words)
    assert (done.code, cleaned(place)) == (2, "")
    assert f"--all-profiles does not go with {words[0]}" in done.error


def test_a_file_without_profiles_is_told(place: Path) -> None:
    """As is one that is not there, and a profile's fault with its line."""
    (place / "asynclog.yaml").write_text("profiles: {}\n")
    assert "there are no profiles" in clean(place).error
    assert clean(place, "--config", "none.yaml").code == 2
    configure(place, b="{audit: {path: b/logs.jsonl}, rewrite: 7}")
    done = clean(place)
    assert (done.code, cleaned(place)) == (2, "")
    assert "asynclog.yaml:5: profiles.b.rewrite" in done.result["profiles"]["a"]["message"]


def test_the_profiles_of_mxcps_file_are_cleaned_up_as_well(place: Path) -> None:
    """Its audit is off where it does not say so."""
    (place / "asynclog.yaml").unlink()
    (place / "a" / "logs_schemas.jsonl").write_bytes(b'{"schema_name": "app", "retention_days": 30}\n')
    audit = "{audit: {enabled: true, path: a/logs.jsonl}}"
    (place / "mxcp-site.yml").write_text(f"mxcp: 1\nprofiles: {{one: {audit}, two: {{}}}}\n")
    done = clean(place)
    assert (done.code, cleaned(place), statuses(done)) == (0, "a", {"one": "success", "two": "skipped"})


def test_the_time_for_all_is_said_once(place: Path) -> None:
    """No profile begins anything once it is up, and each says what is left."""
    done = clean(place, "--max-runtime", "0s")
    assert (done.code, cleaned(place), done.result["stopped"]) == (0, "", "max-runtime")
    assert [each["stopped"] for each in done.result["profiles"].values()] == ["max-runtime"] * 3


@pytest.fixture
def b_is_held(place: Path) -> Iterator[int]:
    """Hold the log of `b`."""
    with held(place / "b") as lock:
        yield lock


@pytest.mark.usefixtures("b_is_held")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_between_two_ends_them_all(place: Path, number: signal.Signals, code: int) -> None:
    """Here while one waits for its folder: what was done before is told, and so is each that was left."""
    process = start("cleanup", "--all-profiles", "--now", NOW, "--json", "--lock-wait", "1h", cwd=place)
    until(lambda: is_open(process.pid, place / "b"))
    process.send_signal(number)
    done = finish(process)
    assert (done.code, cleaned(place)) == (code, "a")
    assert statuses(done) == {"a": "success", "b": "error", "c": "error"}
    assert (done.result["stopped"], done.result["records"]["deleted"]) == (number.name, 1)
    assert done.result["profiles"]["c"]["stopped"] == number.name
    assert f"stopped by {number.name} before anything was deleted" in done.document["error"]


def test_a_signal_in_the_first_is_told_by_it(place: Path) -> None:
    """While it waits for its folder: nothing was done anywhere."""
    with held(place / "a"):
        process = start("cleanup", "--all-profiles", "--now", NOW, "--json", "--lock-wait", "1h", cwd=place)
        until(lambda: is_open(process.pid, place / "a"))
        process.send_signal(signal.SIGTERM)
        done = finish(process)
    assert (done.code, cleaned(place), set(statuses(done).values())) == (143, "", {"error"})
