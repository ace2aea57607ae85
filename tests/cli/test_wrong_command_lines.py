"""Wrong command lines, as people write them, and what each is told: a sentence that leads to the right one.

They were written down before anybody looked at the parser: by what an MXCP developer, an operator and a person
responsible for compliance would try.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
from audit_log import looks, record, write_log
from command import NOW, run

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """\
asynclog: 1
profiles:
  default: {audit: {path: audit/logs.jsonl, schemas: schemas.yaml}}
  production: {audit: {path: elsewhere/logs.jsonl, schemas: schemas.yaml}}
"""
POLICY = "schemas:\n  - {schema_name: app, retention_days: 300}\n  - {schema_name: debug_logs, retention_days: 300}\n"
PATH = "--path audit/logs.jsonl --schemas schemas.yaml"

# What is typed, and the words that the sentence must have.
WRONG = [
    # Options that are nearly right.
    ("cleanup --dryrun", "did you mean --dry-run?"),
    ("cleanup --dry_run", "did you mean --dry-run?"),
    ("cleanup --dry", "did you mean --dry-run?"),
    ("cleanup -dry-run", "did you mean --dry-run?"),
    ("cleanup --DRY-RUN", "did you mean --dry-run?"),
    ("cleanup \N{EM DASH}dry-run", "did you mean --dry-run?"),
    ("cleanup \N{EN DASH}dry-run", "did you mean --dry-run?"),
    ("cleanup \N{HYPHEN}\N{HYPHEN}dry\N{HYPHEN}run", "did you mean --dry-run?"),
    ("cleanup \N{MINUS SIGN}n", "did you mean -n?"),
    ("cleanup --dry-run=yes", "--dry-run takes no value"),
    ("cleanup --json=true", "--json takes no value"),
    ("cleanup --schema schemas.yaml", "did you mean --schemas?"),
    ("cleanup --profil production", "did you mean --profile?"),
    ("cleanup --confg asynclog.yaml", "did you mean --config?"),
    ("cleanup --allow-delete-percnt 60", "did you mean --allow-delete-percent?"),
    ("check --stric", "did you mean --strict?"),
    ("estimate --retentoin app=30", "did you mean --retention?"),
    # Options as other programs have them.
    ("cleanup --simulate", "did you mean --dry-run?"),
    ("cleanup --what-if", "did you mean --dry-run?"),
    ("cleanup --noop", "did you mean --dry-run?"),
    ("cleanup --verbose", "did you mean --debug?"),
    ("cleanup -v", "did you mean --debug?"),
    ("cleanup --silent", "did you mean --quiet?"),
    ("cleanup -q", "did you mean --quiet?"),
    ("cleanup --log audit/logs.jsonl", "did you mean --path?"),
    ("cleanup --file audit/logs.jsonl", "did you mean --path?"),
    ("cleanup --folder audit", "did you mean --path?"),
    ("cleanup --policy schemas.yaml", "did you mean --schemas?"),
    ("cleanup -c asynclog.yaml", "did you mean --config?"),
    ("cleanup -p production", "did you mean --profile?"),
    ("cleanup --env production", "did you mean --profile?"),
    ("cleanup --threads 4", "did you mean --jobs?"),
    ("cleanup --output json", "did you mean --json?"),
    ("cleanup --format json", "did you mean --json?"),
    ("cleanup --all", "did you mean --all-profiles?"),
    ("cleanup --allow-all", "did you mean --allow-delete-all?"),
    ("cleanup --timeout 1h", "did you mean --max-runtime?"),
    ("cleanup --bwlimit 10MB/s", "did you mean --io-limit?"),
    ("cleanup --as-of 2026-01-01T00:00:00Z", "did you mean --now?"),
    ("cleanup --force", "nothing is asked before a run"),
    ("cleanup --yes", "nothing is asked before a run"),
    ("cleanup -y", "nothing is asked before a run"),
    ("cleanup --days 30", "asynclog estimate --retention NAME=30"),
    ("cleanup --older-than 30d", "retention_days of each schema"),
    ("estimate --days 30", "did you mean --retention?"),
    ("cleanup --retention app=30", "asynclog estimate"),
    ("estimate --dry-run", "it is one of asynclog cleanup"),
    ("estimate --all-profiles", "it is one of asynclog cleanup"),
    ("cleanup --no-progress", "write --progress never"),
    ("cleanup --no-color", "write --color never"),
    ("cleanup --color", "--color needs a value: write one of auto, always, never"),
    ("apply --dry-run plan.json", "it is one of asynclog cleanup"),
    ("check --fix", "see asynclog check --help"),
    # Commands.
    ("clenup", "did you mean asynclog cleanup?"),
    ("clean", "did you mean asynclog cleanup?"),
    ("Cleanup", "did you mean asynclog cleanup?"),
    ("log_cleanup", "did you mean asynclog log-cleanup?"),
    ("delete", "did you mean asynclog cleanup?"),
    ("prune", "did you mean asynclog cleanup?"),
    ("run --dry-run", "did you mean asynclog cleanup?"),
    ("dry-run", "did you mean asynclog cleanup --dry-run?"),
    ("plan", "did you mean asynclog cleanup --dry-run?"),
    ("scan", "did you mean asynclog check?"),
    ("status", "did you mean asynclog check?"),
    ("validate", "did you mean asynclog check?"),
    ("list", "did you mean asynclog check?"),
    ("forecast", "did you mean asynclog estimate?"),
    ("setup", "did you mean asynclog init?"),
    ("preset", "did you mean asynclog presets?"),
    ("version", "did you mean asynclog --version?"),
    ("-v", "did you mean asynclog --version?"),
    ("-version", "did you mean asynclog --version?"),
    ("frobnicate", "there are presets, init, check"),
    ("''", "there are presets, init, check"),
    ("--dry-run", "did you mean asynclog cleanup --dry-run?"),
    ("--path audit/logs.jsonl", "did you mean asynclog cleanup --dry-run --path audit/logs.jsonl?"),
    ("--json", "did you mean asynclog cleanup --dry-run --json?"),
    ("--dry-run cleanup", "did you mean asynclog cleanup --dry-run?"),
    ("--config asynclog.yaml check", "did you mean asynclog check --config asynclog.yaml?"),
    ("--path 'a b/logs.jsonl'", "did you mean asynclog cleanup --dry-run --path 'a b/logs.jsonl'?"),
    ("--versoin", "did you mean asynclog --version?"),
    ("help cleanup check", "did you mean asynclog help check?"),
    ("audit/logs.jsonl", "asynclog estimate audit/logs.jsonl"),
    ("help claenup", "did you mean cleanup?"),
    ("help --dry-run", "it is one of asynclog cleanup"),
    ("cleanup help", "did you mean asynclog help cleanup?"),
    ("cleanup check", "one command at a time: did you mean asynclog check?"),
    ("cleanup production", "did you mean --profile production?"),
    # The log.
    ("cleanup '--path audit/logs.jsonl'", "is one word: write it without the quotes"),
    ("cleanup more", "name one by its base path"),
    ("cleanup ''", "the name of the log is empty"),
    ("cleanup audit", "audit is a folder: name the log in it, as in --path audit/logs.jsonl"),
    ("cleanup audit/", "must name a file, not the folder"),
    ("cleanup --path audit --schemas schemas.yaml", "as in --path audit/logs.jsonl"),
    ("cleanup --path audit/logs-20250101T000000.jsonl", "one segment of a log: name the log, which is all of them"),
    ("cleanup audit/logs-20250102T000000.jsonl", "which is all of them: --path audit/logs.jsonl"),
    ("estimate audit/logs.jsonl.1.gz", "which is all of them: --path audit/logs.jsonl"),
    (
        "cleanup audit/logs-20250101T000000.jsonl audit/logs-20250102T000000.jsonl",
        "these are segments of one log: name that, as in asynclog cleanup audit/logs.jsonl",
    ),
    ("cleanup audit/logs.jsonl other/log.jsonl", "one word too many"),
    (f"cleanup audit/logs.jsonl {PATH}", "cleanup is for one log"),
    ("cleanup --path 'audit/*.jsonl' --schemas schemas.yaml", "--path audit/logs.jsonl"),
    ("cleanup --path '~/logs.jsonl' --schemas schemas.yaml", "the shell has not replaced the ~"),
    ("cleanup --path asynclog.yaml", "name a configuration with --config"),
    ("cleanup schemas.yaml", "audit schema definitions with --schemas"),
    ("cleanup --path https://example.com/logs.jsonl", "this is a URL"),
    ("cleanup --path ''", "--path is empty"),
    ("cleanup --path", "--path needs a value: write --path LOG"),
    ("cleanup --path audit/logs.jsonl", "a path alone reads none"),
    ("explain logs-20250101T000001.jsonl", "did you mean logs-20250101T000000.jsonl?"),
    # The other files.
    ("cleanup --config schemas.yaml", "these are audit schema definitions, and no configuration: --schemas"),
    ("cleanup --config asynclog.yml", "did you mean asynclog.yaml?"),
    ("cleanup --config .", "name a file in it"),
    ("cleanup --config audit/logs.jsonl", "no configuration, which is a YAML file"),
    ("cleanup --config ''", "--config is empty"),
    ("cleanup --state ''", "--state is empty"),
    ("cleanup -n --html ''", "--html is empty: write its value, or leave it out"),
    ("estimate --csv ''", "--csv is empty"),
    ("cleanup -n --plan-out ''", "--plan-out is empty"),
    ("cleanup --schemas asynclog.yaml --path audit/logs.jsonl", "this is a configuration"),
    ("cleanup --schemas audit/logs.jsonl --path audit/logs.jsonl", "this is a log"),
    ("cleanup --schemas schema.yaml --path audit/logs.jsonl", "did you mean schemas.yaml?"),
    ("cleanup --profile prodution", "did you mean production?"),
    ("cleanup --profile PRODUCTION", "did you mean production?"),
    ("cleanup --profile", "--profile needs a value: write --profile NAME"),
    ("cleanup -n --plan-out", "--plan-out needs a value: write --plan-out FILE"),
    ("cleanup -n --plan-out x --csv x", "--csv and --plan-out both name x: give each a file of its own"),
    ("cleanup -n --plan-out x --html ./x", "--html and --plan-out both name x"),
    ("estimate --csv x --html other/../x", "--html and --csv both name x"),
    ("cleanup -n --plan-out schemas.yaml", "something other than a plan"),
    ("cleanup --plan-out plan.json", "use it with --dry-run"),
    ("apply", "as in asynclog apply plan.json"),
    ("apply --plan plan.json", "there is no option --plan"),
    ("apply nowhere.json", "nowhere.json: No such file"),
    ("apply schemas.yaml", "not a plan"),
    ("apply audit/logs.jsonl", "not a plan"),
    # Values.
    ("cleanup --now yesterday", "such as 2026-11-24T00:00:00Z"),
    ("cleanup --now 2025-01-01", "such as 2025-01-01T00:00:00Z"),
    ("cleanup --now 2025-01-01T12:00:00", "such as 2025-01-01T12:00:00Z"),
    ("cleanup --jobs 0", "--jobs: from 1 to"),
    ("cleanup --jobs all", "--jobs: 'all': write a whole number"),
    ("cleanup --lock-wait 60", "such as 1h"),
    ("cleanup --lock-wait 1hour", "such as 1h"),
    ("cleanup --lock-wait '5 Min'", "such as 1h"),
    ("cleanup --lock-wait 1 hour", "did you mean --lock-wait 1h?"),
    ("cleanup --max-runtime 30min", "such as 1h"),
    ("cleanup --max-overdue 7", "such as 1h"),
    ("cleanup --io-limit 200", "such as 200MB/s"),
    ("cleanup --allow-delete-percent 78%", "a number from 0 to 100"),
    ("cleanup --allow-delete-percent 150", "a number from 0 to 100"),
    ("estimate --retention 60", "NAME=DAYS"),
    ("estimate --retention app=60days", "app=60d"),
    ("estimate --retention ap=60", "the nearest name"),
    ("estimate --retention app:60", "NAME=DAYS"),
    ("explain --schema ap", "app"),
    ("init", "asynclog.yaml: this file exists"),
    ("init --preset suricatta --path audit/logs.jsonl", "did you mean suricata?"),
    ("completion", "completion needs SHELL, as in asynclog completion bash"),
    ("completion powershell", "SHELL powershell: write one of bash, zsh, fish"),
    ("presets list", "asynclog presets alone lists them"),
    ("presets suricata", "did you mean asynclog presets show suricata?"),
    ("presets show suricatta", "did you mean suricata?"),
    ("presets show", "name one of"),
    ("presets show zeek caddy", "asynclog presets takes two, and options"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder as people have it: a configuration, a policy, a log of four segments, and another log."""
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "asynclog.yaml").write_text(CONFIGURATION)
    (folder / "schemas.yaml").write_text(POLICY)
    names = ("logs-20250101T000000.jsonl", "logs-20250102T000000.jsonl", "logs.jsonl.1.gz", "logs.jsonl")
    write_log(folder / "audit", dict.fromkeys(names, record(days=9)))
    write_log(folder / "other", {"log.jsonl": record(days=9)})
    return folder


@pytest.mark.parametrize(("line", "said"), WRONG, ids=[line for line, _ in WRONG])
def test_a_wrong_command_line_leads_to_the_right_one(folder: Path, line: str, said: str) -> None:
    """One sentence on stderr, exit 2, and nothing is touched; no traceback, and no name of a type."""
    before = looks(folder)
    done = run(*shlex.split(line), cwd=folder)
    sentence = done.error if "--json" in line.split() else done.err.removeprefix("asynclog: ").removesuffix("\n")
    assert done.code == 2
    assert said in sentence
    assert "\n" not in sentence
    assert not re.search(r"unrecognized|invalid choice|NoneType|Errno|usage:", sentence)
    assert looks(folder) == before


def test_there_are_enough() -> None:
    """As many as the promise says, none of them twice."""
    assert len({line for line, _ in WRONG}) == len(WRONG) >= 60


@pytest.mark.parametrize("page", ["cleanup", "estimate", "check", "presets", "init", "apply", "explain"])
def test_the_hint_names_the_page_of_the_command(folder: Path, page: str) -> None:
    """Not that of all commands."""
    assert run(page, "--frobnicate", cwd=folder).err.endswith(f"(see asynclog {page} --help)\n")


def test_nothing_at_all_prints_the_help() -> None:
    """`asynclog` alone, `help` and `--help` are the same, and exit 0."""
    alone = run()
    assert (alone.code, alone.err) == (0, "")
    assert alone.out.startswith("usage: asynclog")
    assert alone == run("help") == run("--help")


@pytest.mark.parametrize("name", ["cleanup", "check", "presets", "help"])
def test_help_of_a_command_is_its_page(name: str) -> None:
    """The same from `help COMMAND`, `--help COMMAND` and `COMMAND --help`; of `log-cleanup` that of `cleanup`."""
    page = run("help", name)
    assert page.code == 0
    assert page == run(name, "--help") == run("--help", name)
    assert run("help", "log-cleanup") == run("help", "cleanup")
    assert run("help", name, "--json").result["page"] == page.out


def test_the_version_has_a_short_name_and_a_document() -> None:
    """`-V` is `--version`; with `--json`, in either order, it is one document."""
    text = run("--version")
    assert run("-V") == text
    found = run("--version", "--json")
    assert found == run("--json", "-V")
    assert (found.code, found.err, found.result["status"]) == (0, "", "success")
    assert text.out == f"asynclog {found.result['version']}\nreader: {found.result['reader']}\n"


@pytest.mark.parametrize("command", ["cleanup", "estimate", "check", "history"])
def test_a_log_as_a_bare_argument_is_its_path(folder: Path, command: str) -> None:
    """Before or behind the options."""
    more = ["--schemas", "schemas.yaml", "--json", *(["--dry-run"] * (command == "cleanup"))]
    found = run(command, "audit/logs.jsonl", *more, cwd=folder)
    assert found.code == 0
    assert found.result["log"] == str(folder / "audit/logs.jsonl")
    assert run(command, *more, "audit/logs.jsonl", cwd=folder).result["log"] == found.result["log"]


def test_init_takes_a_bare_log(folder: Path, tmp_path: Path) -> None:
    """As with --path."""
    done = run("init", str(folder / "audit/logs.jsonl"), "--json", cwd=tmp_path)
    assert (done.code, done.result["log"]) == (0, str(folder / "audit/logs.jsonl"))


def test_explain_takes_a_bare_log_where_nothing_names_one(folder: Path, tmp_path: Path) -> None:
    """Without a configuration the log of that name, or of that segment, which then is the only one explained."""
    more = ("--schemas", str(folder / "schemas.yaml"), "--json", "--now", NOW)
    found = run("explain", str(folder / "audit/logs.jsonl"), *more, cwd=tmp_path)
    assert (found.code, len(found.result["segments"])) == (0, 4)
    one = run("explain", str(folder / "audit/logs-20250101T000000.jsonl"), *more, cwd=tmp_path)
    assert [each["segment"] for each in one.result["segments"]] == ["logs-20250101T000000.jsonl"]
    assert one.result["log"] == found.result["log"]


def test_a_log_of_nearly_that_name_is_named(folder: Path) -> None:
    """A path that no file has is only a warning: the application may not have started yet."""
    done = run("check", "other/logs.jsonl", "--schemas", "schemas.yaml", "--json", cwd=folder)
    assert (done.code, "did you mean log.jsonl?" in done.result["warnings"][0]) == (0, True)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("audits: {path: a}", "audits: this key is not known here: did you mean audit?"),
        ("audit: {paths: a}", "audit.paths: this key is not known here: did you mean path?"),
        (
            "audit: {path: a, hooks: {}}",
            "audit.hooks: this key is not known here: it belongs beside `audit:`, not below",
        ),
        ("path: a", "path: this key is not known here: it belongs below `audit:`"),
        ("audit: {path: a, weak-leases: true}", "did you mean weak_leases?"),
        ("audit: {path: a}, guard: {max_percent: 5}", "did you mean max_delete_percent?"),
        ("audit: {path: a}, fields: {time_stamp: a}", "did you mean timestamp?"),
        ("audit: {path: a}, time: {forms: rfc3339}", "did you mean form?"),
        ("audit: {path: a}, minfree: 10%", "did you mean min_free?"),
        ("audit: {path: a}, preset: surikata", "did you mean suricata?"),
        ("audit: {path: a}, rewrite: sometimes", "write always, never, or a percentage such as 20%"),
        ("audit: {path: a}, min_free: 10", "write 10%"),
        ("audit: {path: a}, max_bytes: 200G", "write 200GB"),
        ("audit: {path: a}, time: {form: rfc3399}", "did you mean rfc3339?"),
        ("audit: {path: a}, time: {zone: Europe/Berln}", "such as Europe/Berlin"),
        ("audit: a", "this must be a mapping (key: value), and is text"),
    ],
)
def test_a_key_that_is_nearly_right_is_told_which_is(tmp_path: Path, key: str, said: str) -> None:
    """With the file, the line and the whole key."""
    (tmp_path / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles:\n  default: {{{key}}}\n")
    done = run("cleanup", "--json", cwd=tmp_path)
    assert done.code == 2
    assert done.error.startswith(f"{tmp_path}/asynclog.yaml:3: profiles.default.")
    assert said in done.error


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("profile: default", "profiles: this key is missing"),
        ("profils: {}", "profils: this key is not known here: did you mean profiles?"),
        ("profiles: [a]", "profiles: this must be a mapping"),
        ("asynclog: 2\nprofiles: {default: {audit: {path: a}}}", "asynclog: this must be a whole number, 1 or less"),
        ("profiles:\n\tdefault:", "this is not YAML"),
        ("profile: prod\nprofiles: {production: {audit: {path: a}}}", "did you mean production?"),
    ],
)
def test_a_configuration_that_is_nearly_one_is_told_what_is_missing(tmp_path: Path, text: str, said: str) -> None:
    """At its top."""
    (tmp_path / "asynclog.yaml").write_text(text + "\n")
    done = run("cleanup", "--json", cwd=tmp_path)
    assert (done.code, said in done.error) == (2, True), done.error


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("schema: app", "did you mean schema_name?"),
        ("name: app", "did you mean schema_name?"),
        ("schema_name: app, retention_day: 30", "write retention_days"),
        ("schema_name: app, days: 30", "write retention_days"),
        ("schema_name: app, retention_days: 30d", "or retention: 30d"),
        ("schema_name: app, retention_days: '30'", "without quotes: 30"),
        ("schema_name: app, retention_days: forever", "null"),
        ("schema_name: app, retention: 30", "write 30h, 30d or 30w"),
        ("schema_name: app, retention: 30 days", "write 30d"),
        ("schema_name: app, retention: 3 months", "such as 36h"),
        ("schema_name: app, schema_version: 1", "did you mean version?"),
    ],
)
def test_a_rule_that_is_nearly_one_is_told_what_to_write(folder: Path, tmp_path: Path, rule: str, said: str) -> None:
    """In words of people, not of types."""
    (tmp_path / "schemas.yaml").write_text(f"schemas:\n  - {{{rule}}}\n")
    done = run("check", str(folder / "audit/logs.jsonl"), "--schemas", "schemas.yaml", "--json", cwd=tmp_path)
    assert (done.code, said in done.error) == (2, True), done.error
