"""What needs a look: the same sentences from every command, in text and JSON; and `check --strict`."""

from __future__ import annotations

import ast
import lzma
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from audit_log import LOCK, looks, of_many_schemas, record, write_log, write_policy
from command import NO_OVERRIDE, NOW, Done, cleanup, run

from asynclog.report.warnings import configuration_warnings, notices, policy_warnings
from asynclog.storage import profile_claims as owners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

CONFIGURATION = "asynclog: 1\nprofiles:\n  default:\n    audit: {path: audit/logs.jsonl, schemas: schemas.yaml}\n"
SITE = "mxcp: 1\nproject: demo\nprofiles:\n  default:\n    audit: {enabled: true, path: audit/logs.jsonl}\n"
OLD, YOUNG = record(days=400), record(days=1)
SEGMENT = "logs-20251001T000000.jsonl"
WRITERS: list[int] = []  # descriptors that a case has opened, until the end of its test


COMMANDS = {
    "check": ("check",),
    "estimate": ("estimate", "--now", NOW),
    "explain": ("explain", "--now", NOW),
    "dry run": ("cleanup", "-n", "--now", NOW),
    "cleanup": ("cleanup", "--now", NOW),
}
ALL = ("init", *COMMANDS)
LATER = tuple(COMMANDS)  # `init` has no policy and no configuration
PLANNED = ("dry run", "cleanup")  # it is about what goes
DRY = ("dry run",)  # it is about a run that is yet to come, which finds out by itself


class Case(NamedTuple):
    """A folder that needs a look: what makes it, what the sentence says, parts of it, and which commands say so.

    `code` is their exit status: 3 if a segment has failed.
    """

    make: Callable[[Path], object]
    said: tuple[str, ...]
    told_by: tuple[str, ...] = ALL
    code: int = 0


def log(folder: Path, **segments: bytes) -> Path:
    return write_log(folder / "audit", {"logs.jsonl": YOUNG, **segments})


def foreign(folder: Path, lines: int = 2000) -> None:
    log(folder)
    write_log(folder / "audit", {"logs.jsonl": b'{"timestamp": "2026-01-01T00:00:00Z", "level": 3}\n' * lines})


def site(folder: Path, more: str = "", registry: str | None = '{"schema_name": "app", "retention_days": 30}\n') -> None:
    log(folder)
    (folder / "asynclog.yaml").unlink(missing_ok=True)
    (folder / "mxcp-site.yml").write_text(SITE + more)
    if registry is not None:
        (folder / "audit/logs_schemas.jsonl").write_text(registry)


def rotated(folder: Path) -> None:
    site(folder)
    (folder / "audit/logs_schemas.jsonl.1").write_text('{"schema_name": "app", "retention_days": 30}\n')


def emptied(folder: Path) -> None:
    rotated(folder)
    (folder / "audit/logs_schemas.jsonl").write_text("")


def moved(folder: Path) -> None:
    rotated(folder)
    (folder / "audit/logs_schemas.jsonl").unlink()


def linked(folder: Path) -> None:
    log(folder, **{SEGMENT: YOUNG})
    (folder / "copy").unlink(missing_ok=True)
    (folder / "copy").hardlink_to(folder / "audit" / SEGMENT)


def special(folder: Path) -> None:
    shutil.rmtree(folder / "audit", ignore_errors=True)
    log(folder)
    os.mkfifo(folder / "audit/logs.jsonl.1")
    (folder / "audit/logs.jsonl.2").mkdir()
    (folder / "audit/logs.jsonl.3").symlink_to("logs.jsonl")


def closed(folder: Path) -> None:
    (folder / "audit" / SEGMENT).unlink(missing_ok=True)
    log(folder, **{SEGMENT: OLD})
    (folder / "audit" / SEGMENT).chmod(0)


def written(folder: Path) -> None:
    log(folder, **{SEGMENT: OLD})
    WRITERS.append(os.open(folder / "audit" / SEGMENT, os.O_WRONLY | os.O_APPEND))


def without_lock(folder: Path) -> None:
    lock = folder / "audit" / LOCK
    lock.unlink(missing_ok=True)
    log(folder, **{SEGMENT: OLD})
    lock.unlink()
    lock.symlink_to("elsewhere")


def rules(*rules: str) -> Callable[[Path], object]:
    return lambda folder: (log(folder), write_policy(folder, *rules))


CASES = {
    "no segment": Case(
        lambda folder: write_log(folder / "audit", {"other.jsonl": YOUNG}),
        ("audit has no segment of logs.jsonl",),
    ),
    "no folder": Case(lambda folder: None, ("audit does not exist yet", "correct the path"), told_by=LATER),
    "neighbours": Case(
        lambda folder: log(folder, **{f"logs-2025-0{number}.copy": OLD for number in range(1, 6)}),
        ("5 files in ", " begin with logs", "logs-2025-01.copy, ", " and 2 more", "audit.segments"),
    ),
    "one neighbour": Case(
        lambda folder: log(folder, **{"logs.jsonl-20261301": OLD}), ("1 file in ", "logs.jsonl-20261301")
    ),
    "strays": Case(
        lambda folder: log(folder, **{".logs.jsonl.al-old-00c0ffee-0.gz": OLD}),
        ("1 hidden file of ", ".logs.jsonl.al-old-00c0ffee-0.gz", "do not remove it", "audit.segments"),
    ),
    "unjudged": Case(
        lambda folder: log(folder, **{f"logs.jsonl.{n}.xz": lzma.compress(OLD) for n in (1, 2)}),
        ("2 segments could not be judged", "logs.jsonl.2.xz", "it is compressed", "see asynclog explain"),
    ),
    "no record in one": Case(
        lambda folder: log(folder, **{SEGMENT: b"torn\n"}),
        ("1 segment could not be judged and stays: ", SEGMENT, "none of its lines is a record", "see asynclog explain"),
    ),
    "not JSON Lines": Case(
        lambda folder: log(folder, **{SEGMENT: b"[\n" + OLD[:-1] + b"\n]\n"}),
        ("1 segment could not be judged and stays: ", SEGMENT, "it is not JSON Lines: line 1 is a piece of a document"),
    ),
    "special": Case(
        special,
        ("3 segments could not be judged", "it is a FIFO (1)", "it is a folder (1)", "it is a symbolic link (1)"),
    ),
    "damaged": Case(
        lambda folder: log(folder, **{SEGMENT: b"".join(of_many_schemas(16_385))}),
        ("1 segment could not be judged and stays: ", SEGMENT, "schema keys"),
        code=3,
    ),
    "not reached": Case(closed, ("1 segment could not be judged and stays: ", SEGMENT, "Permission denied"), code=3),
    # One that has `changed` takes a race, and is told by the same sentence: see test_figures. What the time was too
    # short for is told once, in a sentence of its own.
    "hard links": Case(
        linked,
        ("1 segment stays whatever has expired there: ", SEGMENT, "it has 2 hard links", "see asynclog explain"),
    ),
    "no record": Case(
        foreign,
        ("None of 2,000 lines is a record: schema_name is missing in 2,000", "see asynclog explain"),
        told_by=LATER,  # `init` proposes fields for such lines
    ),
    "no record in the only line": Case(
        lambda folder: (log(folder), write_log(folder / "audit", {"logs.jsonl": b"torn\n"})),
        ("The only line is not a record: ", "see asynclog explain"),
    ),
    "without an offset": Case(
        lambda folder: log(folder, **{SEGMENT: YOUNG + YOUNG.replace(b'Z"', b'"')}),
        ("1 line has a timestamp without an offset from UTC", "such as Z", "see asynclog explain"),
    ),
    "cut chain": Case(
        lambda folder: log(folder, **{SEGMENT: record(prev_hash=None) + record(days=1, prev_hash="1f")}),
        (f"a chain of hashes is cut: a record of {SEGMENT} that stays", "keep a copy of what goes first"),
        told_by=PLANNED,
    ),
    # All others that say what a run has no right to do are in test_rights.
    "no lock to be had": Case(
        without_lock, ("is the lock file's name, but not a regular file", "a run would end with exit 2"), told_by=DRY
    ),
    "open for writing": Case(
        written, (f"1 segment ({SEGMENT}) would be skipped: ", "somebody has it open for writing now"), told_by=DRY
    ),
    "shadowed": Case(log, ("asynclog.yaml is shadowed: ", "it comes first"), told_by=("init",)),
    "unused rules": Case(
        rules("schema_name: App", "schema_name: 'legal', retention_days: null", "schema_name: '*', retention_days: 90"),
        ("2 rules match nothing here, while the rule for * deletes after 90 days: App (", "legal (", "asynclog check"),
        told_by=LATER,
    ),
    "unused version": Case(
        rules("schema_name: app, retention_days: 30", "schema_name: app, version: 2, retention_days: null"),
        ("1 rule matches nothing here, while the rule for app deletes after 30 days: app:2 (", "asynclog check"),
        told_by=LATER,
    ),
    "kept for ever": Case(
        lambda folder: (
            log(folder, **{SEGMENT: OLD + record("api")}),
            write_policy(
                folder, "schema_name: app, version: 1", "schema_name: api", "schema_name: '*', retention_days: 90"
            ),
        ),
        (
            "All 2 schemas here are kept for ever by their own rules (retention_days: null): the rule for * (",
            "schemas.yaml:4) governs none of them. To let them expire, remove their own rules, or write a period there",
        ),
        told_by=LATER,
    ),
    "kept for ever, and more rules": Case(
        rules(
            "schema_name: app, version: 1",
            "schema_name: app, retention_days: 30",
            "schema_name: 'a*', retention_days: 60",
        ),
        (
            "The only schema here is kept for ever by its own rule (retention_days: null): the rules for app (",
            "a* (",
            " govern none of its records. To let it expire, remove its own rule, or write a period there",
        ),
        told_by=LATER,
    ),
    "a name with its version": Case(
        rules("schema_name: app, retention_days: 30", "schema_name: 'app:1', retention_days: null"),
        (
            "schemas.yaml:3: the rule for app:1 matches nothing here, because :1 is the version in app:1: ",
            "write schema_name: app, version: 1",
        ),
        told_by=LATER,
    ),
    "zero days": Case(
        rules("schema_name: app, retention_days: 0"),
        ("schemas.yaml:2: retention_days 0 deletes every record of app", "null"),
        told_by=LATER,
    ),
    "zero days for all": Case(
        rules("schema_name: '*', retention_days: 0"),
        ("retention_days 0 deletes every record of every schema without a rule of its own at once",),
        told_by=LATER,
    ),
    "no rule": Case(
        lambda folder: (log(folder), (folder / "schemas.yaml").write_text("schemas: []\n")),
        ("it has no rule",),
        told_by=LATER,
    ),
    "empty registry": Case(lambda folder: site(folder, registry="\n"), ("the registry is empty",), told_by=LATER),
    "rotated registry": Case(rotated, ("logs_schemas.jsonl.1 beside ", "before a rotation"), told_by=LATER),
    "registry emptied by a rotation": Case(
        emptied, ("logs_schemas.jsonl has no rule, so the rules are read from", "logs_schemas.jsonl.1:"), told_by=LATER
    ),
    "registry moved by a rotation": Case(
        moved,
        ("logs_schemas.jsonl does not exist, so the rules are read from", "logs_schemas.jsonl.1:"),
        told_by=LATER,
    ),
    "registry to come": Case(
        lambda folder: site(folder, registry=None), ("nothing recorded yet: ", "logs_schemas.jsonl"), told_by=LATER
    ),
    "foreign keys": Case(
        lambda folder: site(folder, "    guard: {max_delete_percent: 5}\n"),
        ("mxcp-site.yml:6: guard: this key is not read",),
        told_by=LATER,
    ),
    "clock never set": Case(
        lambda folder: log(folder, **{SEGMENT: record(days=4100) + record(days=420)}),
        ("1 segment has records that are at least ten years older", "2015-09-03", SEGMENT, "see asynclog explain"),
    ),
    "one file, two profiles": Case(
        lambda folder: site(folder, "  other:\n    audit: {enabled: true, path: audit/logs-20250101.jsonl}\n"),
        ("logs-20250101.jsonl is claimed by two profiles, default (the log logs.jsonl) and other (",),
        told_by=LATER,
    ),
    "one log, two profiles": Case(
        lambda folder: site(folder, "  other:\n    audit: {enabled: true, path: audit/../audit/logs.jsonl}\n"),
        ("audit/logs.jsonl is the log of two profiles, default and other",),
        told_by=LATER,
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Make a configuration and a policy of one rule, for a log that is not there yet."""
    write_policy(tmp_path)
    (tmp_path / "asynclog.yaml").write_text(CONFIGURATION)
    yield tmp_path
    while WRITERS:
        os.close(WRITERS.pop())


def init(folder: Path, *words: str) -> Done:
    shutil.rmtree(folder / "here", ignore_errors=True)
    (folder / "here").mkdir()
    return run("init", "--path", "../audit/logs.jsonl", *words, cwd=folder / "here", before=NO_OVERRIDE)


def ask(folder: Path, command: str, *words: str) -> Done:
    return (
        init(folder, *words) if command == "init" else run(*COMMANDS[command], *words, cwd=folder, before=NO_OVERRIDE)
    )


def warnings_of(done: Done) -> list[str]:
    return list(done.document.get("result", {}).get("warnings", []))


TOLD = [(case, command) for case, each in CASES.items() for command in each.told_by]
NOT_TOLD = [(case, command) for case, each in CASES.items() for command in ALL if command not in each.told_by]


@pytest.mark.matrix
@pytest.mark.parametrize(("case", "command"), TOLD)
def test_every_command_has_every_warning(folder: Path, case: str, command: str) -> None:
    """One sentence with all its parts, once, in the text and in the JSON; it is no failure."""
    CASES[case].make(folder)
    done = ask(folder, command, "--json")
    (sentence,) = [each for each in warnings_of(done) if CASES[case].said[0] in each]
    assert [part for part in CASES[case].said if part not in sentence] == []
    assert done.code == CASES[case].code
    CASES[case].make(folder)  # once more, for a cleanup may have deleted what it was about
    text = ask(folder, command)
    assert (text.out + "\n").count(f"Warning: {sentence}\n") == 1
    assert (text.code, bool(text.err)) == (done.code, done.code != 0)


@pytest.mark.matrix
@pytest.mark.parametrize(("case", "command"), NOT_TOLD)
def test_no_other_command_has_it(folder: Path, case: str, command: str) -> None:
    """Those that have no policy yet, or change nothing, have nothing to say about that."""
    CASES[case].make(folder)
    assert not [each for each in warnings_of(ask(folder, command, "--json")) if CASES[case].said[0] in each]


@pytest.mark.parametrize("command", COMMANDS)
def test_quiet_is_quiet_about_warnings_too(folder: Path, command: str) -> None:
    """Who wants to hear of them has `check --strict`."""
    CASES["neighbours"].make(folder)
    assert ask(folder, command, "--quiet") == (0, "", "")


@pytest.mark.parametrize("case", [name for name, case in CASES.items() if "check" in case.told_by])
def test_strict_makes_every_warning_exit_3(folder: Path, case: str) -> None:
    """With the sentence for whoever gets the mail."""
    CASES[case].make(folder)
    done = ask(folder, "check", "--strict", "--quiet")
    assert done.code == 3
    assert CASES[case].said[0] in done.err
    document = ask(folder, "check", "--strict", "--json").document
    assert document["status"] == "error"
    assert document["result"]["warnings"]


def sentences(module: ModuleType) -> Iterator[str]:
    """Yield a pattern for each text of a module that is filled in, and longer than a few words."""
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else None for part in node.values]
            if sum(len(part) for part in parts if part) > 25:
                yield "".join(".*" if part is None else re.escape(part) for part in parts)


def test_no_warning_is_missing_here(folder: Path) -> None:
    """Every sentence that is written down in the modules that make them is said in one of the cases above."""
    said = []
    for number, case in enumerate(CASES.values()):
        place = shutil.copytree(folder, folder.parent / f"{folder.name}-{number}")
        case.make(place)
        said += warnings_of(ask(place, case.told_by[-1] if case.told_by[-1] != "cleanup" else "dry run", "--json"))
    patterns = [
        pattern
        for module in (notices, configuration_warnings, policy_warnings, owners)
        for pattern in sentences(module)
        if not pattern.startswith(re.escape("from now on asynclog reads"))  # in a project of MXCP: test_mxcp_project
        and "so no command will read it" not in pattern.replace("\\", "")  # in a folder of everybody: test_init
    ]
    assert len(patterns) > 15
    assert [pattern for pattern in patterns if not any(re.search(pattern, each) for each in said)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_log_in_order_has_no_warning(folder: Path, command: str) -> None:
    """Beside its registry, its holds, signatures, dot files, folders and files of other names; `--strict` is exit 0."""
    log(folder, **{SEGMENT: YOUNG + b"torn {\n\n"})
    names = ("logs_schemas.jsonl", "logs_holds.jsonl", "logs.jsonl.sig", ".logs.jsonl.al-lock", ".logsx", "other")
    for name in names:
        (folder / "audit" / name).touch()
    (folder / "audit/logs-old").mkdir()
    done = run(*COMMANDS[command], "--json", cwd=folder)
    assert (done.code, done.result["warnings"], done.result["neighbours"]) == (0, [], {"count": 0, "names": []})
    assert run("check", "--strict", cwd=folder).code == 0


@pytest.mark.parametrize(
    "rules",
    [
        ("schema_name: app", "schema_name: api, retention_days: 900", "schema_name: '*', retention_days: 90"),
        ("schema_name: app", "schema_name: api", "schema_name: gone, retention_days: 90"),
        ("schema_name: app", "schema_name: api, active: false", "schema_name: '*', retention_days: 90"),
        ("schema_name: app", "schema_name: api", "schema_name: '*', retention_days: 90, active: false"),
        ("schema_name: app", "schema_name: api", "schema_name: '*'"),
    ],
)
def test_to_keep_some_for_ever_is_no_mistake(folder: Path, rules: tuple[str, ...]) -> None:
    """Nor to keep all, if no rule would delete anything here."""
    log(folder, **{SEGMENT: OLD + record("api")})
    write_policy(folder, *rules)
    assert "kept for ever" not in " ".join(warnings_of(ask(folder, "dry run", "--json")))


@pytest.mark.parametrize("command", COMMANDS)
def test_neighbours_are_counted_and_never_touched(folder: Path, command: str) -> None:
    """All are counted, the first 20 named; under configured patterns a file that they leave out is one, too."""
    names = [f"logs.{number:02}.jsonl" for number in range(25)]
    log(folder, **dict.fromkeys(names, OLD), **{SEGMENT: OLD})
    patterns = "segments: [logs-2*.jsonl]"
    (folder / "asynclog.yaml").write_text(CONFIGURATION.replace("schemas.yaml}", f"schemas.yaml, {patterns}}}"))
    before = {name: look for name, look in looks(folder / "audit").items() if name in {*names, "logs.jsonl"}}
    done = run(*COMMANDS[command], "--json", cwd=folder)
    assert done.result["neighbours"] == {"count": 26, "names": sorted([*names, "logs.jsonl"])[:20]}
    after = {name: look for name, look in looks(folder / "audit").items() if name in before}
    assert {name: look[5:] for name, look in after.items()} == {name: look[5:] for name, look in before.items()}


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_segments_of_another_profile_are_no_neighbours(folder: Path, enabled: str) -> None:
    """Whether that is enabled or not; a file that is neither's is one."""
    other = f"  eu:\n    audit: {{path: audit/logs-eu.jsonl, schemas: schemas.yaml, enabled: {enabled}}}\n"
    (folder / "asynclog.yaml").write_text(CONFIGURATION + other)
    log(folder, **{"logs-eu.jsonl": OLD, "logs-eu.jsonl.1": OLD, "logs-eu_schemas.jsonl": b"", "logs-us.jsonl": OLD})
    assert run("check", "--json", cwd=folder).result["neighbours"] == {"count": 1, "names": ["logs-us.jsonl"]}
    assert cleanup(folder, "-n").result["neighbours"]["names"] == ["logs-eu.jsonl", "logs-eu.jsonl.1", "logs-us.jsonl"]


def test_the_policy_beside_the_log_is_no_neighbour(folder: Path) -> None:
    """Nor is the configuration: what this very run reads is known."""
    write_policy(folder).rename(folder / "logs-schemas.yaml")
    (folder / "logs.jsonl").write_bytes(YOUNG)
    done = run("cleanup", "--path", "logs.jsonl", "--schemas", "logs-schemas.yaml", "--now", NOW, "--json", cwd=folder)
    assert done.result["warnings"] == []


def test_warnings_of_all_profiles_stand_above_with_their_names(folder: Path) -> None:
    """And neighbours are summed up."""
    other = "  eu:\n    audit: {path: eu/logs.jsonl, schemas: schemas.yaml}\n"
    (folder / "asynclog.yaml").write_text(CONFIGURATION + other)
    for name in ("audit", "eu"):
        write_log(folder / name, {"logs.jsonl": YOUNG, "logs.bak": OLD})
    result = run("cleanup", "--all-profiles", "--json", "--now", NOW, cwd=folder).result
    assert [each.partition(" 1 file in ")[0] for each in result["warnings"]] == ["default:", "eu:"]
    assert result["neighbours"] == {"count": 2, "names": ["logs.bak", "logs.bak"]}
    text = run("cleanup", "--all-profiles", "--now", NOW, cwd=folder).out
    assert text.count("Warning: ") == 2


@pytest.mark.parametrize(
    ("audit", "told"),
    [
        ("retention: {days: 90}", "audit.retention"),
        ("retention_days: 90", "audit.retention_days"),
        ("storage: {maxAge: 3}", "audit.storage.maxAge"),
        ("segments: '*.jsonl'", "audit.segments"),
        ("max_file_size: 5, guardrails: 1, storage: {path: x}", None),
    ],
)
def test_keys_that_look_like_retention_are_told_and_no_others(folder: Path, audit: str, told: str | None) -> None:
    """Of MXCP's file, with file and line; a key that has to do with something else is MXCP's own affair."""
    site(folder)
    (folder / "mxcp-site.yml").write_text(SITE.replace("enabled: true", f"enabled: true, {audit}"))
    warnings = run("check", "--json", cwd=folder).result["warnings"]
    assert [each.partition(": this key is not read")[0] for each in warnings] == (
        [f"{folder / 'mxcp-site.yml'}:5: {told}"] if told else []
    )


def test_the_reason_is_the_commonest_of_the_lines_looked_at(folder: Path) -> None:
    """Values of single lines count for one reason; of a large log the first lines are looked at, and that is said."""
    lines = [b'{"schema_name": "a", "timestamp": "2026-01-0%dT00:00:00"}\n' % day for day in range(1, 9)]
    log(folder)
    write_log(folder / "audit", {"logs.jsonl": [b'{"a": 1}\n' * 3, *lines]})
    (warning,) = cleanup(folder, "-n").result["warnings"]
    assert warning.startswith("None of 11 lines is a record: timestamp has no offset from UTC in 8: ")
    foreign(folder, 3000)
    (warning,) = cleanup(folder, "-n").result["warnings"]
    assert warning.startswith("None of 3,000 lines is a record: schema_name is missing in 2,000 of the first 2,000: ")


@pytest.mark.parametrize("reader", ["native", "python"])
def test_one_record_is_enough_not_to_be_foreign(folder: Path, reader: str) -> None:
    """Torn lines among records are told by their number alone; a segment of nothing else is unjudged."""
    foreign(folder)
    write_log(folder / "audit", {SEGMENT: YOUNG + b"torn\n"})
    done = cleanup(folder, env={"ASYNCLOG_READER": reader})
    (warning,) = done.result["warnings"]
    assert warning.startswith(
        "1 segment could not be judged and stays: logs.jsonl: none of its lines is a record (1): "
    )
    assert done.result["kept"]["unreadable"] == 1


def test_what_was_not_read_is_not_called_foreign_or_unused(folder: Path) -> None:
    """With --no-scan, or where one segment was asked for: the others may have the records."""
    write_policy(folder, "schema_name: app", "schema_name: legal", "schema_name: '*', retention_days: 30")
    log(folder, **{SEGMENT: record("web"), "logs-20251002T000000.jsonl": b"torn\n"})
    assert run("estimate", "--no-scan", "--json", cwd=folder).result["warnings"] == []
    done = run("explain", "logs-20251002T000000.jsonl", "--no-catalog", "--json", "--now", NOW, cwd=folder)
    (warning,) = done.result["warnings"]
    assert warning.startswith("1 segment could not be judged"), "that one alone"
    assert "legal" in run("explain", "--json", "--now", NOW, cwd=folder).result["warnings"][1]


@pytest.mark.parametrize(
    ("words", "code", "near"),
    [
        (("estimate", "--retention", "Legal.hold=3650"), 2, "legal.hold"),
        (("estimate", "--retention", "legal.hold:2=3650"), 2, "legal.hold:1"),
        (("estimate", "--retention", "nothing_like_it=3"), 2, "legal.hold"),
        (("estimate", "--retention", "legal.hold=3650"), 0, ""),
        (("estimate", "--retention", "app:7=5"), 2, "app"),
        (("estimate", "--retention", "app=5"), 0, ""),
        (("estimate", "--retention", "web:3=5"), 0, ""),
        (("estimate", "--retention", "web:2=5"), 2, "web:3"),
        (("estimate", "--retention", "*=5"), 0, ""),
        (("explain", "--schema", "legal_hold"), 2, "legal.hold"),
        (("explain", "--schema", "legal.hold:2"), 2, "legal.hold:1"),
        (("explain", "--schema", "legal.hold"), 0, ""),
        (("explain", "--schema", "legal.hold:1"), 0, ""),
        (("explain", "--schema", "app"), 0, ""),
        (("explain", "--schema", "app:7"), 2, "app"),
        (("explain", "--schema", "web"), 0, ""),
        (("explain", "--schema", "web:3"), 0, ""),
        (("explain", "--schema", "web:2"), 2, "web:3"),
        (("explain", "--schema", "*"), 0, ""),
    ],
    ids=str,
)
def test_a_schema_that_nobody_has_is_exit_2(folder: Path, words: tuple[str, ...], code: int, near: str) -> None:
    """With the nearest names; what the log or the policy has is none, nor is `*`. A version is part of the name."""
    write_policy(folder, "schema_name: app, retention_days: 30", "schema_name: web, version: 3")
    log(folder)
    write_log(folder / "audit", {"logs.jsonl": record("legal.hold")})
    done = run(*words, "--now", NOW, "--json", cwd=folder)
    assert done.code == code
    if code:
        assert words[2].partition("=")[0] in done.error
        assert near in done.error.partition("audit schema")[2]


def test_without_a_scan_a_name_may_yet_be_found(folder: Path) -> None:
    """What the log has is not known then; of a log that is not there it is."""
    words = ("estimate", "--no-scan", "--retention", "legal=5")
    assert run(*words, cwd=folder).code == 2
    log(folder)
    assert run(*words, cwd=folder).code == 0
    assert run(*words[:1], *words[2:], cwd=folder).code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_registry_is_awaited_only_for_mxcp(folder: Path, command: str) -> None:
    """There it is exit 0 and nothing goes; for a path that was typed exit 2, with the way on."""
    site(folder, registry=None)
    write_log(folder / "audit", {SEGMENT: OLD})
    before = (folder / "audit" / SEGMENT).read_bytes()
    assert run(*COMMANDS[command], cwd=folder).code == 0
    done = run(*COMMANDS[command], "--path", "audit/logs.jsonl", "--json", cwd=folder)
    assert (done.code, "--schemas" in done.error) == (2, True)
    done = run(*COMMANDS[command], "--schemas", "nowhere.jsonl", "--json", cwd=folder)
    assert done.code == 2
    assert (folder / "audit" / SEGMENT).read_bytes() == before


@pytest.mark.parametrize("shadowed", ["mxcp-site.yml", "here/mxcp-site.yml", "here/app/mxcp-site.yml", "asynclog.yaml"])
def test_init_says_which_configuration_it_shadows(tmp_path: Path, shadowed: str) -> None:
    """MXCP's or ours: in the working folder, above it, or above the log; it is the new one that is found then."""
    write_log(tmp_path / "here/app/audit", {"logs.jsonl": YOUNG})
    (tmp_path / shadowed).write_text("mxcp: 1\n")
    words = ("--path", "app/audit/logs.jsonl", "--json")
    (warning,) = run("init", *words, cwd=tmp_path / "here").result["warnings"]
    assert warning.startswith(f"{tmp_path / shadowed} is shadowed: ")
    found = run("check", "--json", cwd=tmp_path / "here/app").result["configuration"]
    assert found == str(tmp_path / "here/asynclog.yaml")


def test_init_shadows_nothing_beside_its_folder(folder: Path) -> None:
    """MXCP's file above the log is found there as before."""
    site(folder)
    (folder / "mxcp-site.yml").rename(folder / "audit/mxcp-site.yml")
    assert init(folder, "--json").result["warnings"] == []


@pytest.mark.parametrize("pattern", ["**/*.jsonl", "2026/*/logs-*.jsonl", "./logs.jsonl", "", ".logs*"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_pattern_that_can_match_nothing_is_exit_2(folder: Path, pattern: str, command: str) -> None:
    """With its line, also in a list, and in a profile that is not asked for."""
    log(folder)
    audit = f"path: x/logs.jsonl, segments: ['logs.jsonl', '{pattern}']"
    (folder / "asynclog.yaml").write_text(f"{CONFIGURATION}  other:\n    audit: {{{audit}}}\n")
    done = run(*COMMANDS[command], "--json", cwd=folder)
    assert done.code == 2
    assert "asynclog.yaml:6: profiles.other.audit.segments: " in done.error
