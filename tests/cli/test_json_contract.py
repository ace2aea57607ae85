"""The written contract: the JSON Schema that ships, what the commands really print, and the page that explains it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from copy import deepcopy
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from audit_log import record, write_log, write_policy
from command import NO_OVERRIDE, NOW, run, subcommands
from jsonschema import Draft202012Validator, ValidationError
from server import PROJECT

from asynclog.report.json_schema import DOCUMENTS, json_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHIPPED: dict[str, Any] = json.loads((files("asynclog.report") / "schema.json").read_text())
PAGE = (PROJECT / "docs/json.md").read_text()
NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml")


def validator(command: str, *, strict: bool = True) -> Draft202012Validator:
    """For one command's documents; `strict` knows no other keys than those that are written down."""
    schema = deepcopy(SHIPPED)
    if strict:
        for part in schema["$defs"].values():
            if "properties" in part:
                part["additionalProperties"] = False
    del schema["anyOf"]
    return Draft202012Validator({**schema, "$ref": f"#/$defs/{command}"})


def fits(command: str, document: dict[str, Any]) -> bool:
    """Whether this is a document of that command, and of any command as the whole schema has it."""
    valid = validator(command).is_valid(document)
    assert Draft202012Validator(SHIPPED).is_valid(document) or not valid
    return valid


def test_the_shipped_schema_is_what_the_types_make() -> None:
    """`make schema` writes it anew. It is a valid schema itself."""
    assert (files("asynclog.report") / "schema.json").read_text() == json.dumps(json_schema(), indent=2) + "\n"
    Draft202012Validator.check_schema(SHIPPED)


def test_the_tables_of_the_page_are_made_from_the_schema() -> None:
    """`make schema` writes them: not one row differs."""
    assert subprocess.run([sys.executable, "docs/json_tables.py", "--check"], cwd=PROJECT, check=False).returncode == 0


def test_every_command_has_its_document() -> None:
    """No command prints JSON that is not written down."""
    assert set(subcommands()) == set(DOCUMENTS)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a segment to drop, one to rewrite, one to keep, one to skip, and a record for every reason to be kept."""
    write_policy(tmp_path, "schema_name: app, retention_days: 30", "schema_name: gone, version: 2")
    reasons = [b"torn {\n", b"\n", record(days=-3), record("nobody", days=10_000), record("nobody"), record(days=1)]
    segments = {
        "logs-20250101T000000.jsonl": [record()],
        "logs-20250102T000000.jsonl": [record(), *reasons],
        "logs-20250103T000000.jsonl": [record(days=1)],
        "logs-20250104T000000.jsonl.gz": [b"\x1f\x8b"],
    }
    write_log(tmp_path / "audit", segments)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "words", "code"),
    [
        ("init", ("--path", "audit/logs.jsonl"), 0),
        ("init", (), 2),
        ("check", NAMED, 0),
        ("check", ("--path", "audit/logs.jsonl"), 2),
        ("check", ("--nope",), 2),
        ("estimate", (*NAMED, "--now", NOW), 0),
        ("estimate", (*NAMED, "--now", NOW, "--retention", "app=5"), 0),
        ("estimate", (*NAMED, "--now", NOW, "--retention", "app=5", "--no-scan"), 0),
        ("estimate", (*NAMED, "--retention", "app"), 2),
        ("explain", (*NAMED, "--now", NOW), 0),
        ("explain", ("logs-20250102T000000.jsonl", *NAMED, "--schema", "app"), 0),
        ("explain", ("nope", *NAMED), 2),
        ("apply", ("nope", *NAMED), 2),
        ("cleanup", (*NAMED, "-n", "--now", NOW), 0),
        ("cleanup", (*NAMED, "-n", "--debug", "--now", NOW), 0),
        ("cleanup", (*NAMED, "--now", NOW), 0),
        ("cleanup", (*NAMED, "--now", "noon"), 2),
    ],
    ids=str,
)
def test_what_a_command_prints_fits(log: Path, command: str, words: tuple[str, ...], code: int) -> None:
    """Results and errors, with no key that is not written down."""
    done = run(command, *words, "--json", cwd=log)
    assert done.code == code
    assert fits(command, done.document)


@pytest.mark.parametrize("command", ["check", "estimate", "explain", "cleanup"])
@pytest.mark.parametrize(
    "audit", ["enabled: false", "path: nowhere/logs.jsonl, schemas: schemas.yaml", "path: audit/logs.jsonl"]
)
def test_what_there_is_nothing_to_do_about_fits(log: Path, command: str, audit: str) -> None:
    """Switched off, not there yet, and without its policy."""
    (log / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles:\n  default:\n    audit: {{{audit}}}\n")
    assert fits(command, run(command, "--json", cwd=log).document)


def test_a_plan_that_is_carried_out_fits(log: Path) -> None:
    """Just as a cleanup."""
    run("cleanup", *NAMED, "-n", "--now", NOW, "--plan-out", "plan.json", cwd=log)
    done = run("apply", "plan.json", *NAMED, "--now", NOW, "--json", cwd=log)
    assert (done.code, done.result["records"]["deleted"]) == (0, 2)
    assert fits("apply", done.document)


def test_a_refused_cleanup_fits(log: Path) -> None:
    """The dry run that says so, and the run."""
    write_log(log / "audit", {"logs.jsonl": record() * 2000})
    write_policy(log, "schema_name: app, retention_days: 0")
    for name in ("logs-20250102T000000.jsonl", "logs-20250103T000000.jsonl"):
        (log / "audit" / name).unlink()
    dry, real = (run("cleanup", *NAMED, "--json", "--now", NOW, *words, cwd=log) for words in (("-n",), ()))
    assert (dry.code, dry.result["refusal"] is not None, real.code) == (0, True, 5)
    assert fits("cleanup", dry.document)
    assert fits("cleanup", real.document)


@pytest.mark.parametrize(
    ("command", "words"), [("init", NAMED[:2]), ("check", NAMED), ("cleanup", (*NAMED, "--now", NOW))]
)
def test_what_is_partly_done_fits(log: Path, command: str, words: tuple[str, ...]) -> None:
    """It has an error and the whole result."""
    (log / "audit/logs-20250102T000000.jsonl").chmod(0)
    done = run(command, *words, "--json", cwd=log, before=NO_OVERRIDE)
    assert (done.code, set(done.document)) == (3, {"status", "error", "result"})
    assert fits(command, done.document)


def test_a_document_that_is_wrong_does_not_fit(log: Path) -> None:
    """Each key is needed, each has its type, and only a key that is new may come."""
    document = run("cleanup", *NAMED, "-n", "--json", "--now", NOW, cwd=log).document
    assert fits("cleanup", document)
    assert not fits("check", document)
    for key in document["result"]:
        without = {name: value for name, value in document["result"].items() if name != key}
        assert not fits("cleanup", {**document, "result": without}), key
        assert not fits("cleanup", {**document, "result": {**document["result"], key: ...}}), key
    later = {**document, "result": {**document["result"], "new": 1}}
    assert not fits("cleanup", later)
    assert validator("cleanup", strict=False).is_valid(later)
    assert not fits("cleanup", {"status": "ok"})
    assert not fits("cleanup", {"status": "error"})


def keys(part: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the path of every key of an object of this schema: `a.b`, `a[].b` in a list, `a.*.b` under any name."""
    for name, value in SHIPPED["$defs"][part["$ref"].rpartition("/")[2]]["properties"].items():
        yield prefix + name
        inner, way = value, "."
        if value.get("type") == "array":
            inner, way = value["items"], "[]."
        elif value.get("type") == "object":
            inner, way = value["additionalProperties"], ".*."
        if "$ref" in inner:
            yield from keys(inner, prefix + name + way)


@pytest.mark.parametrize("command", DOCUMENTS)
def test_the_page_explains_every_key_and_no_other(command: str) -> None:
    """One row of the command's table for each key of its result, in the order in which they are printed."""
    section = re.search(
        rf"^## (?:`cleanup` and )?`{command}`(?: and `apply`)?$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
    assert section
    rows = re.findall(r"^\| `([^`]+)` \| \S", section[1], re.MULTILINE)
    (result,) = {part["properties"]["result"]["$ref"] for part in documents(command)}
    assert rows == list(keys({"$ref": result}))


def documents(command: str) -> list[dict[str, Any]]:
    """Return the schemas of what a command prints: of a success and of a failure."""
    names = (each["$ref"].rpartition("/")[2] for each in SHIPPED["$defs"][command]["anyOf"])
    return [SHIPPED["$defs"][name] for name in names]


def test_the_pages_example_runs(log: Path) -> None:
    """It takes what a cleanup prints, and nothing else."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    document = run("cleanup", *NAMED, "-n", "--json", cwd=log).document
    exec(program, {"document": document})  # noqa: S102 - the page's own
    with pytest.raises(ValidationError):
        exec(program, {"document": {"status": "ok", "result": {}}})  # noqa: S102
