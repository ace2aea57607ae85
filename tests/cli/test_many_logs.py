"""A path of many logs: `*` and `**` in its folders; each folder that has the log is one of its own."""

from __future__ import annotations

import os
import shlex
import signal
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import held, looks, record, write_log
from command import NO_OVERRIDE, NOW, Done, finish, is_open, run, start, until

if TYPE_CHECKING:
    from pathlib import Path

OLD, YOUNG = record(days=400), record(days=1)
SEGMENT = "logs-20250101T000000.jsonl"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Write logs in a/x, a/y/z and b, of two records, one of which has expired; and a folder without one."""
    (tmp_path / "schemas.yaml").write_text("schemas:\n  - {schema_name: app, retention_days: 30}\n")
    for name in ("a/x", "a/y/z", "b"):
        write_log(tmp_path / "logs" / name, {SEGMENT: OLD + YOUNG})
    (tmp_path / "logs/c").mkdir()
    (tmp_path / "logs/c/other.jsonl").write_bytes(OLD)
    return tmp_path


def command(place: Path, name: str, path: str, *words: str, **options: Any) -> Done:
    """Run a command at NOW with this path below `logs`."""
    now = () if name == "check" else ("--now", NOW)
    always = ("--path", f"logs/{path}/logs.jsonl", "--schemas", "schemas.yaml", "--json")
    return run(name, *words, *always, *now, cwd=place, **options)


def clean(place: Path, path: str, *words: str, **options: Any) -> Done:
    """Run a cleanup."""
    return command(place, "cleanup", path, *words, **options)


def cleaned(place: Path) -> list[str]:
    """Return the folders whose log has lost what had expired, and no more."""
    found = {str(path.parent.relative_to(place / "logs")): path.read_bytes() for path in place.rglob(SEGMENT)}
    assert set(found.values()) <= {YOUNG, OLD + YOUNG}
    return sorted(name for name, content in found.items() if content == YOUNG)


def logs(done: Done, place: Path) -> list[str]:
    """Return the folders of the logs in a result, in their order."""
    return [path.removeprefix(f"{place}/logs/").removesuffix("/logs.jsonl") for path in done.result["logs"]]


PATTERNS = {
    "**": ["a/x", "a/y/z", "b"],
    "*": ["b"],
    "*/*": ["a/x"],
    "a/**": ["a/x", "a/y/z"],
    "**/z": ["a/y/z"],
    "**/y/**": ["a/y/z"],
    "*/**": ["a/x", "a/y/z", "b"],
    "**/**": ["a/x", "a/y/z", "b"],
    "*/y/z": ["a/y/z"],
    "**/?": [],
    "[ab]*": [],
    "*x": [],
    "*/x*": ["a/x"],
}


@pytest.mark.parametrize(("path", "wanted"), PATTERNS.items())
def test_each_folder_that_has_the_log_is_one_of_its_own(place: Path, path: str, wanted: list[str]) -> None:
    """In the order of their paths; `?` and brackets are characters like others. None is exit 2."""
    before = looks(place / "logs")
    done = clean(place, path)
    if not wanted:
        assert (done.code, looks(place / "logs")) == (2, before)
        assert "no folder of this pattern has a segment of logs.jsonl" in done.error
        return
    assert (done.code, cleaned(place), logs(done, place)) == (0, wanted, wanted)
    result = done.result
    assert (result["status"], result["profiles"]) == ("success", None)
    assert result["log"] == f"{place}/logs/{path}/logs.jsonl"
    assert result["policy"]["path"] == f"{place}/schemas.yaml"
    many = len(wanted)
    assert result["message"] == f"Deleted {many} record{'s' * (many > 1)} in {many} log{'s' * (many > 1)}"
    assert result["records"] == {"scanned": 2 * many, "deleted": many, "kept": many}
    for each, one in result["logs"].items():
        assert (one["log"], one["records"]["scanned"], one["logs"]) == (each, 2, None)
        assert one["log"].endswith("/logs.jsonl")
    assert clean(place, path).result["deleted_per_schema"] == {}


def test_a_dry_run_touches_nothing_and_says_what_a_run_does(place: Path) -> None:
    """Log by log."""
    before = looks(place / "logs")
    dry = clean(place, "**", "--dry-run")
    assert (dry.code, dry.result["status"], looks(place / "logs")) == (0, "dry_run", before)
    wet = clean(place, "**")
    for key in ("deleted_per_schema", "records", "segments"):
        assert dry.result[key] == wet.result[key]
        assert [one[key] for one in dry.result["logs"].values()] == [one[key] for one in wet.result["logs"].values()]


def test_a_configuration_may_have_it_and_all_profiles_too(place: Path) -> None:
    """The totals of each profile stand under its name, those of all above."""
    audit = "{path: logs/%s/logs.jsonl, schemas: schemas.yaml}"
    (place / "asynclog.yaml").write_text(
        f"profiles:\n  default: {{audit: {audit % 'a/**'}}}\n  other: {{audit: {audit % 'b'}}}\n"
    )
    done = run("cleanup", "--all-profiles", "--now", NOW, "--json", cwd=place)
    assert (done.code, cleaned(place)) == (0, ["a/x", "a/y/z", "b"])
    profiles = done.result["profiles"]
    assert (list(profiles), len(profiles["default"]["logs"]), profiles["other"]["logs"]) == (
        ["default", "other"],
        2,
        None,
    )
    assert (profiles["default"]["records"]["scanned"], done.result["records"]["scanned"]) == (4, 6)


def test_links_and_hidden_folders_are_not_followed(place: Path) -> None:
    """The same log would be found twice, or in a snapshot; a dot has to be written."""
    (place / "logs/current").symlink_to("b")
    (place / "logs/a/up").symlink_to("..")
    write_log(place / "logs/.snapshot", {SEGMENT: OLD})
    done = clean(place, "**")
    assert logs(done, place) == ["a/x", "a/y/z", "b"]
    assert logs(clean(place, "*"), place) == ["b"]
    assert logs(clean(place, ".snap*", "--dry-run"), place) == [".snapshot"]


@pytest.mark.parametrize("command_name", ["cleanup", "check", "estimate"])
def test_a_link_that_is_named_behind_a_star_is_told(place: Path, command_name: str) -> None:
    """Who writes its name wants the logs there: to leave them out is no success. One that leads nowhere has none."""
    (place / "logs/c/x").symlink_to("../b")
    (place / "logs/b/x").symlink_to("nowhere")
    done = command(place, command_name, "*/x")
    assert (done.code, done.result["status"]) == (3, "partial")
    assert f"{place}/logs/c/x: this is a symbolic link, which is not followed" in done.document["error"]
    assert f"{place}/logs/b/x" not in done.document["error"]
    (place / "logs/a/x" / SEGMENT).unlink()
    assert "is a symbolic link" in clean(place, "*/x").error


def test_a_star_in_a_name_is_written_in_brackets(place: Path) -> None:
    """Without, it would mean others, too."""
    write_log(place / "logs/a*b", {SEGMENT: OLD + YOUNG})
    write_log(place / "logs/axb", {SEGMENT: OLD + YOUNG})
    assert clean(place, "a[*]b").result["logs"] is None
    assert cleaned(place) == ["a*b"]
    assert logs(clean(place, "a*b"), place) == ["a*b", "axb"]
    assert logs(clean(place, "a[*]*"), place) == ["a*b"]


def test_a_dry_run_of_which_no_log_could_begin_has_deleted_nothing(place: Path) -> None:
    """Nor would it say that it has: it says what it would."""
    for name in ("a/x", "a/y/z", "b"):
        (place / "logs" / name / "logs.jsonl").mkdir()
    done = clean(place, "**", "--dry-run")
    assert (done.code, done.result["message"]) == (2, "Would delete 0 records in 3 logs")


def test_one_that_fails_stops_no_other(place: Path) -> None:
    """The exit code is the worst; a log that could not begin says why."""
    with held(place / "logs/a/x"):
        done = clean(place, "**")
    assert (done.code, cleaned(place)) == (4, ["a/y/z", "b"])
    first = done.result["logs"][f"{place}/logs/a/x/logs.jsonl"]
    assert (done.result["status"], first["status"]) == ("partial", "error")
    assert first["message"] in done.document["error"]


@pytest.mark.skipif(os.geteuid() == 0 and not NO_OVERRIDE, reason="nothing is forbidden to root")
@pytest.mark.parametrize("command_name", ["cleanup", "check", "estimate"])
def test_a_folder_that_can_not_be_listed_is_told(place: Path, command_name: str) -> None:
    """Logs may be there: that is no success."""
    (place / "logs/a/y").chmod(0o300)
    done = command(place, command_name, "**", before=NO_OVERRIDE)
    (place / "logs/a/y").chmod(0o755)
    assert (done.code, done.result["status"]) == (3, "partial")
    assert (
        f"{place}/logs/a/y: this folder can't be listed, and logs may be there: Permission denied"
        in done.document["error"]
    )


def test_what_a_killed_job_left_is_a_log_too(place: Path) -> None:
    """Its last segment has gone, and what a writer appended to that is in a hidden file."""
    (place / "logs/b" / SEGMENT).rename(place / "logs/b" / f".{SEGMENT}.al-old-01234567-{len(OLD + YOUNG)}")
    with (place / "logs/b" / f".{SEGMENT}.al-old-01234567-{len(OLD + YOUNG)}").open("ab") as file:
        file.write(YOUNG)
    done = clean(place, "*")
    assert (done.code, logs(done, place)) == (0, ["b"])
    (late,) = (path for path in (place / "logs/b").iterdir() if "-late-" in path.name)
    assert late.read_bytes() == YOUNG


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--metrics-file", "m.prom"), "--metrics-file is for one log"),
        (("--dry-run", "--plan-out", "plan.json"), "--plan-out is for one log"),
    ],
)
def test_files_about_one_log_are_refused(place: Path, words: tuple[str, ...], sentence: str) -> None:
    """With what to do instead, before anything is touched."""
    done = clean(place, "**", *words)
    assert (done.code, cleaned(place)) == (2, [])
    assert sentence in done.error
    assert f"name one with --path {place}/logs/a/x/logs.jsonl" in done.error


def configure(place: Path, path: str = "logs/**/logs.jsonl") -> str:
    """Write a configuration of many logs with fields of their own, and return its path."""
    line = b'{"what":"login","when":"2025-01-05T10:11:12Z"}\n'
    for name in ("a/x", "a/y/z", "b"):
        write_log(place / "logs" / name, {SEGMENT: line * 2})
    (place / "schemas.yaml").write_text("schemas:\n  - {schema_name: login, retention_days: 30}\n")
    (place / "asynclog.yaml").write_text(
        f"profiles:\n  default:\n    audit: {{path: '{path}', schemas: schemas.yaml}}\n"
        "    fields: {timestamp: when, schema: what}\n"
    )
    return str(place / "asynclog.yaml")


def advised(error: str, before: str) -> list[str]:
    """Return the words that a sentence tells a person to write, behind these."""
    return shlex.split(error.partition(before)[2].partition(", or one log")[0])


def test_what_is_advised_for_one_of_many_logs_works_literally(place: Path) -> None:
    """With the configuration that was found: its fields and its policy count."""
    configure(place)
    done = run("cleanup", "-n", "--now", NOW, "--plan-out", "plan.json", "--json", cwd=place)
    words = advised(done.error, "name one with ")
    assert words == ["--config", f"{place}/asynclog.yaml", "--path", f"{place}/logs/a/x/logs.jsonl"]
    done = run("cleanup", "-n", "--now", NOW, "--plan-out", "plan.json", "--json", *words, cwd=place)
    assert (done.code, done.result["deleted_per_schema"]) == (0, {"login:1": 2})
    error = run("explain", "--json", cwd=place).error
    segment = advised(error, "by its path, as in explain ")
    assert segment == [f"{place}/logs/a/x/{SEGMENT}"]
    for each in (segment, advised(error, "or one log with ")):
        done = run("explain", "--json", *each, cwd=place)
        assert (done.code, [row["segment"] for row in done.result["segments"]]) == (0, [SEGMENT])


def test_the_options_of_one_of_many_logs_are_quoted(tmp_path: Path) -> None:
    """Blanks for the shell, and a star in a folder's name, which would stand for many."""
    (tmp_path / "logs").mkdir()
    configure(tmp_path, "logs/* */logs.jsonl")
    write_log(tmp_path / "logs/a *b", {SEGMENT: b'{"what":"login","when":"2025-01-05T10:11:12Z"}\n'})
    words = advised(run("explain", "--json", cwd=tmp_path).error, "or one log with ")
    assert run("explain", "--json", *words, cwd=tmp_path).result["log"] == f"{tmp_path}/logs/a *b/logs.jsonl"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (
            "logs/**x/logs.jsonl",
            "** stands for whole folders: write it between two slashes, as in /var/log/**/logs.jsonl",
        ),
        ("logs/*/../logs.jsonl", "behind a * there can be no .."),
        ("logs/*/*.jsonl", "patterns for the names of files into audit.segments"),
    ],
)
def test_wildcards_where_none_can_be_are_refused(place: Path, path: str, sentence: str) -> None:
    """On the command line, and in the file with its line and key."""
    done = run("cleanup", "--path", path, "--schemas", "schemas.yaml", "--json", cwd=place)
    assert done.code == 2
    assert f"--path '{path}': " in done.error
    assert sentence in done.error
    (place / "asynclog.yaml").write_text(f"profiles:\n  default:\n    audit:\n      path: {path}\n")
    done = run("check", cwd=place)
    assert done.code == 2
    assert f"asynclog.yaml:4: profiles.default.audit.path: '{path}': " in done.err


def test_a_pattern_without_a_log_names_file_line_and_key(place: Path) -> None:
    """And what to correct. A folder that could not be listed may be why."""
    (place / "asynclog.yaml").write_text(
        "profiles:\n  default:\n    audit:\n      path: logs/*/none.jsonl\n      schemas: schemas.yaml\n"
    )
    for name in ("cleanup", "check", "estimate", "explain"):
        done = run(name, cwd=place)
        assert done.code == 2
        assert "asynclog.yaml:4: profiles.default.audit.path: logs/*/none.jsonl: no folder of this pattern" in done.err


def test_the_docker_preset_takes_all_containers(tmp_path: Path) -> None:
    """As `presets show` prints it: the base file need not be there."""
    line = b'{"log":"a\\n","stream":"stdout","time":"%s.123456789Z"}\n'
    old, young = line % b"2025-01-05T10:11:12", line % b"2026-11-20T10:11:12"
    for name in ("0a1b", "ff00"):
        folder = tmp_path / "containers" / name
        folder.mkdir(parents=True)
        (folder / f"{name}-json.log.1").write_bytes(old + young)
        (folder / f"{name}-json.log").write_bytes(young)
        (folder / "config.v2.json").write_bytes(b"{}")
    path = run("presets", "show", "docker", "--json").result["presets"]["docker"]["path"]
    path = path.replace("/var/lib/docker", ".")
    (tmp_path / "schemas.yaml").write_text("schemas:\n  - {schema_name: stdout, retention_days: 30}\n")
    (tmp_path / "asynclog.yaml").write_text(
        f"profiles: {{default: {{preset: docker, audit: {{path: {path}, schemas: schemas.yaml}}}}}}"
    )
    done = run("cleanup", "--now", NOW, "--json", cwd=tmp_path)
    assert (done.code, done.result["deleted_per_schema"], len(done.result["logs"])) == (0, {"stdout:1": 2}, 2)


def test_commands_for_one_log_say_so(place: Path) -> None:
    """`init` and `apply`."""
    run(
        "cleanup",
        "--dry-run",
        "--plan-out",
        "plan.json",
        "--path",
        "logs/b/logs.jsonl",
        "--schemas",
        "schemas.yaml",
        cwd=place,
    )
    done = command(place, "apply", "**", "plan.json")
    assert (done.code, cleaned(place)) == (2, [])
    assert "stands for many logs, and this is for one: name it with its folder, with --path; " in done.error
    configuration = configure(place)
    done = run("apply", "plan.json", "--config", str(configuration), "--json", cwd=place)
    assert f"name it with its folder, with --path, beside --config {configuration}; " in done.error
    (place / "new").mkdir()
    done = run("init", "--path", "../logs/**/logs.jsonl", "--json", cwd=place / "new")
    assert (done.code, list((place / "new").iterdir())) == (2, [])
    assert "init is for one log" in done.error
    assert "asynclog presets show docker > asynclog.yaml" in done.error


@pytest.mark.parametrize("name", ["cleanup", "explain"])
def test_a_star_that_the_shell_took_is_told(place: Path, name: str) -> None:
    """Then --path has several values, which no other mistake makes."""
    done = run(name, "--path", *(f"logs/{folder}/logs.jsonl" for folder in ("a/x", "b", "c")), "--json", cwd=place)
    assert done.code == 2
    assert "put one with a * in quotes, as in --path '/var/log/*/logs.jsonl'" in done.error
    done = run("cleanup", "--path", "logs/b/logs.jsonl", "--nope", "--json", cwd=place)
    assert (done.code, "quotes" in done.error) == (2, False)


def test_check_is_about_all_logs(place: Path) -> None:
    """As if they were one, whose segments have paths; warnings about the policy come once."""
    write_log(place / "logs/d", {SEGMENT: record("debug", days=1), "logs.jsonl.1.xz": b"\xfd7zXZ\0"})
    rules = [
        "schema_name: app, retention_days: 30",
        "schema_name: debug, retention_days: 5",
        'schema_name: "*", retention_days: 9',
    ]
    (place / "schemas.yaml").write_text("schemas:\n" + "".join(f"  - {{{rule}}}\n" for rule in rules))
    done = command(place, "check", "**")
    assert done.code == 0
    assert {name: each["records"] for name, each in done.result["schemas"].items()} == {"app:1": 6, "debug:1": 1}
    assert done.result["log"] == f"{place}/logs/**/logs.jsonl"
    assert list(done.result["unread"]) == [f"{place}/logs/d/logs.jsonl.1.xz"]
    assert done.result["unjudged"]["segments"] == 1
    assert [rule["rule"] for rule in done.result["unused_rules"]] == ["*"]
    assert not [warning for warning in done.result["warnings"] if "nothing here, while" in warning]
    assert not [warning for warning in clean(place, "**").result["warnings"] if "nothing here, while" in warning]


def test_estimate_is_about_all_logs(place: Path) -> None:
    """And agrees with what a cleanup does."""
    done = command(place, "estimate", "**", "--retention", "app=500")
    assert (done.code, done.result["message"]) == (0, f"A cleanup now would delete 3 records ({3 * len(OLD)} bytes)")
    assert done.result["totals"]["records"] == 6
    assert done.result["what_if_totals"]["frees"][0]["records"] == 0
    assert command(place, "estimate", "**", "--retention", "apq=500").code == 2
    assert clean(place, "**").result["records"]["deleted"] == 3


def test_explain_is_about_one_segment_by_its_path(place: Path) -> None:
    """Else it says how many logs there are, and what to write."""
    done = command(place, "explain", "**", f"logs/a/y/z/{SEGMENT}")
    assert (done.code, done.result["log"]) == (0, f"{place}/logs/a/y/z/logs.jsonl")
    assert [row["action"] for row in done.result["segments"]] == ["rewrite"]
    for words in ((), (SEGMENT,), (f"logs/c/{SEGMENT}",)):
        done = command(place, "explain", "**", *words)
        assert done.code == 2
        assert (
            f"stands for 3 logs: name one of their segments by its path, as in explain {place}/logs/a/x/{SEGMENT}, or "
            f"one log with --path {place}/logs/a/x/logs.jsonl" in done.error
        )


def test_each_log_may_have_a_registry_of_its_own(place: Path) -> None:
    """A cleanup takes each; what is about one policy needs one."""
    for name, days in (("a/x", 30), ("a/y/z", 500), ("b", 30)):
        line = f'{{"schema_name": "app", "version": 1, "retention_days": {days}}}\n'
        (place / "logs" / name / "logs_schemas.jsonl").write_text(line)
    always = ("--path", "logs/**/logs.jsonl", "--json")
    done = run("cleanup", *always, "--now", NOW, cwd=place)
    assert (done.code, cleaned(place), done.result["policy"]) == (0, ["a/x", "b"], None)
    for name in ("check", "estimate"):
        done = run(name, *always, cwd=place)
        assert done.code == 2
        assert "needs one policy: name it with --schemas" in done.error


def test_a_segment_still_has_one_owner(place: Path) -> None:
    """Another profile's log in one of the folders is found, whichever of the two is asked for."""
    audit = 'audit: {path: %s, schemas: schemas.yaml, segments: "*.jsonl"}'
    one, two = audit % "logs/**/logs.jsonl", audit % "logs/c/other.jsonl"
    write_log(place / "logs/c", {SEGMENT: OLD + YOUNG})
    (place / "asynclog.yaml").write_text(f"profiles:\n  default: {{{one}}}\n  other: {{{two}}}\n")
    for name in ("default", "other"):
        done = run("cleanup", "--profile", name, "--json", cwd=place)
        assert (done.code, cleaned(place)) == (2, [])
        assert "is claimed by two profiles" in done.error
    (place / "asynclog.yaml").write_text(
        f"profiles:\n  default: {{{one}}}\n  other: {{{audit % 'logs/*/logs.jsonl'}}}\n"
    )
    assert run("cleanup", "--json", cwd=place).code == 2


def test_text_shows_the_logs_that_need_a_look(place: Path) -> None:
    """And the totals below; what is quiet is quiet."""
    write_log(place / "logs/d", {SEGMENT: YOUNG})
    always = ("--path", "logs/**/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW)
    parts = run("cleanup", "--dry-run", *always, cwd=place).out.split("\n\n")
    assert [part.splitlines()[0] for part in parts] == [
        f"{place}/logs/a/x/logs.jsonl:",
        f"{place}/logs/a/y/z/logs.jsonl:",
        f"{place}/logs/b/logs.jsonl:",
        f"Would delete 3 records in 4 logs (would free {3 * len(OLD)} bytes)",
    ]
    assert run("cleanup", *always, "--quiet", cwd=place).out == ""


def test_a_signal_stops_before_the_next_log(place: Path) -> None:
    """Those that were not begun are told as such."""
    with held(place / "logs/a/x"):
        always = (
            "--path",
            "logs/**/logs.jsonl",
            "--schemas",
            "schemas.yaml",
            "--now",
            NOW,
            "--json",
            "--lock-wait",
            "1h",
        )
        process = start("cleanup", *always, cwd=place)
        until(lambda: is_open(process.pid, place / "logs/a/x/.logs.jsonl.al-lock"))
        process.send_signal(signal.SIGTERM)
        done = finish(process)
    assert (done.code, cleaned(place)) == (143, [])
    assert {path: one["status"] for path, one in done.result["logs"].items()} == {
        f"{place}/logs/a/x/logs.jsonl": "error"
    }
    assert "the job was stopped, and did not begin 2 other logs" in done.document["error"]
