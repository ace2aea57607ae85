"""The command line's words, one function per command. Only parses; what they mean is for `config` to say."""

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import NoReturn

from asynclog.cli import options as groups
from asynclog.cli.options import ALWAYS, AddParser, Help, Parser, command

_DEBUG = "tell on stderr what is read, and where an error came from"


class _Version(argparse.Action):
    """Looks up version and reader only when they are asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from asynclog.records.kernel import choose_reader
        from asynclog.runner.provenance import VERSION

        reader = choose_reader(os.environ.get("ASYNCLOG_READER"))
        sys.stdout.write(f"asynclog {VERSION}\nreader: {reader}\n")
        parser.exit()


def value_of(option: str, words: Sequence[str]) -> str | None:
    """What a `cleanup` command line says of an option, although the parser has refused it."""
    said = None
    if words[:1] in (["cleanup"], ["log-cleanup"]):
        for word, following in pairwise([*words, ""]):
            if word == option and following and not following.startswith("-"):
                said = following
            elif word.startswith(f"{option}="):
                said = word.removeprefix(f"{option}=")
    return said or None


def parser() -> argparse.ArgumentParser:
    """The parser; a word it does not know raises ConfigurationError."""
    top = Parser(prog="asynclog", description="Retention for JSONL audit logs, per audit schema.")
    top.add_argument("--version", action=_Version, nargs=0, help="print the version, and which reader is in use")
    add_parser = top.add_subparsers(dest="command", metavar="COMMAND", required=True).add_parser
    _init(add_parser)
    _check(add_parser)
    _estimate(add_parser)
    _explain(add_parser)
    _cleanup(add_parser)
    _apply(add_parser)
    return top


def _init(add_parser: AddParser) -> None:
    told = Help(
        summary="write a first configuration for a log",
        description="Look at a log, and write asynclog.yaml and audit-schemas.yaml into the working folder, with every "
        "audit schema that was found. They delete nothing until you say how many days to keep what.",
        example="asynclog init --path audit/logs.jsonl",
        exits={
            **ALWAYS,
            0: "done",
            3: "done, but some segments could not be read: schemas may be missing",
        },
    )
    init = command(add_parser, told, "init")
    groups.which_path(init)
    groups.output(init, debug=_DEBUG)
    groups.jobs(init)


def _check(add_parser: AddParser) -> None:
    told = Help(
        summary="validate configuration and policy, and show which rule governs what",
        description="Validate configuration and policy, and show the rule of each audit schema in the log, "
        "the schemas that have none, and the rules that match nothing. Nothing is changed.",
        example="asynclog check --config /etc/asynclog/asynclog.yaml",
        exits={
            **ALWAYS,
            0: "valid, even where a schema has no rule",
            3: "valid, but some segments could not be read, or, with --strict, there is a warning",
        },
    )
    check = command(add_parser, told, "check")
    groups.which_log(check)
    groups.output(check, debug=_DEBUG)
    groups.jobs(check)
    groups.catalog(check)
    check.add_argument("--strict", action="store_true", help="exit 3 where there is any warning")


def _estimate(add_parser: AddParser) -> None:
    told = Help(
        summary="tell what the policy frees now and later, and what other days would",
        description="Tell of each audit schema how much there is and comes in, and what the policy frees now and in "
        "7, 30 and 90 days; beside it, what other retention days would. Nothing is changed.",
        example="asynclog estimate --path audit/logs.jsonl --schemas schemas.yaml --retention api_operations=60",
        exits={
            **ALWAYS,
            0: "done",
            3: "done, but some segments could not be read: they are in no figure",
        },
    )
    estimate = command(add_parser, told, "estimate")
    groups.which_log(estimate)
    groups.output(estimate, debug=_DEBUG)
    groups.now(estimate)
    groups.jobs(estimate)
    groups.catalog(estimate)
    add = estimate.add_argument
    add(
        "--retention",
        metavar="NAME=DAYS",
        action="append",
        default=[],
        help="what if that were its rule: NAME=60 for all versions, NAME:2=60, *=60 for all others, none for ever",
    )
    add("--no-scan", action="store_true", help="read nothing: where the catalog is not exact, tell bounds")


def _explain(add_parser: AddParser) -> None:
    told = Help(
        summary="tell why each segment is as it is, and when it goes",
        description="Tell of each segment, or of one, which records of which schema keep it and until when, "
        "since when what is overdue, and where its unreadable lines stand and why they are. Nothing is changed.",
        example="asynclog explain logs.jsonl --path audit/logs.jsonl --schemas schemas.yaml",
        exits={
            **ALWAYS,
            0: "done",
            3: "done, but some segments could not be read",
        },
    )
    explain = command(add_parser, told, "explain")
    explain.add_argument("segment", metavar="SEGMENT", nargs="?", help="one segment, by name or path; else all of them")
    groups.which_log(explain)
    groups.output(explain, debug=_DEBUG)
    groups.now(explain)
    groups.jobs(explain)
    groups.catalog(explain)
    explain.add_argument("--schema", metavar="KEY", help="only this audit schema: NAME, or NAME:VERSION")


def _cleanup(add_parser: AddParser) -> None:
    told = Help(
        summary="delete the records that have expired",
        description="Delete the records that have expired under their own audit schema's rule, and nothing else.",
        example="asynclog cleanup --path audit/logs.jsonl --schemas schemas.yaml --dry-run",
        exits={
            **ALWAYS,
            0: "done, or nothing to do",
            3: "partly done: segments failed, too much is overdue or unjudged, or no metrics; the report says why",
            4: "another job holds the log",
            5: "refused by a guard: nothing was touched",
        },
    )
    cleanup = command(add_parser, told, "cleanup", "log-cleanup")
    groups.which_log(cleanup)
    groups.output(cleanup, debug="tell on stderr which rule and which reason led to what")
    groups.now(cleanup)
    groups.jobs(cleanup)
    groups.catalog(cleanup)
    groups.deletion(cleanup)
    add = cleanup.add_argument
    add("-n", "--dry-run", action="store_true", help="say what would be deleted, and touch nothing")
    add(
        "--plan-out",
        metavar="FILE",
        help="write the plan of a dry run there, over nothing or an earlier plan: to be read, and then for `apply`",
    )
    add(
        "--all-profiles", action="store_true", help="clean up each profile's log in turn; one that fails stops no other"
    )
    add(
        "--max-overdue",
        metavar="DURATION",
        help="exit 3 where something that expired longer ago than this, such as 7d, is still there, or a segment that "
        "could not be judged is older",
    )
    add(
        "--metrics-file",
        metavar="FILE",
        help="write what came of the run there, over nothing or earlier metrics, for Prometheus: a *.prom file in "
        "node_exporter's textfile folder",
    )


def _apply(add_parser: AddParser) -> None:
    told = Help(
        summary="carry out a plan that somebody has looked at",
        description="Carry out the plan that `cleanup --dry-run --plan-out` has written: just what it says, of what "
        "has not changed since, and only as far as it has expired under the policy that it was made under.",
        example="asynclog apply plan.json --config /etc/asynclog/asynclog.yaml",
        exits={
            **ALWAYS,
            0: "done, or nothing left to do: what has changed since was skipped",
            2: "usage, configuration or schema error, or not a plan for this log and policy: nothing was touched",
            3: "partly done: some segments failed; the report says why",
            4: "another job holds the log",
            5: "refused by a guard: nothing was touched",
        },
    )
    apply = command(add_parser, told, "apply")
    apply.add_argument("file", metavar="FILE", help="the plan")
    groups.which_log(apply)
    groups.output(apply, debug="tell on stderr which rule and which reason led to what")
    groups.now(apply)
    groups.jobs(apply)
    groups.catalog(apply)
    groups.deletion(apply)
    apply.add_argument(
        "--max-age", metavar="DURATION", default="24h", help="refuse a plan that is older than that; else than 24h"
    )
