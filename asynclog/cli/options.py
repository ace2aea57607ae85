"""The options that several commands share: their names, and the values that were given."""

import argparse
from collections.abc import Callable
from typing import TypeVar

import msgspec

Number = TypeVar("Number", int, float)

DEBUG = "log to stderr what is read, and where an error came from"
DEBUG_DECISIONS = "log to stderr which rule and which reason led to what"


class PathOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options for which log, how many workers, and what is printed."""

    path: str | None
    allow_unsafe_folder: bool
    json: bool
    debug: bool
    quiet: bool
    progress: str
    color: str
    jobs: int | None


class LogOptions(PathOptions, frozen=True, kw_only=True):
    """The options above, and which configuration, the catalog, and the rate."""

    config: str | None
    profile: str | None
    schemas: str | None
    state: str | None
    no_catalog: bool
    io_limit: str | None


class TimedOptions(LogOptions, frozen=True, kw_only=True):
    """The options above, and for which time."""

    now: str | None


class DeletionOptions(TimedOptions, frozen=True, kw_only=True):
    """The options above, and what a run that deletes may do, and for how long."""

    lock_wait: str | None
    break_lock: bool
    weak_leases: bool
    max_runtime: str | None
    double_check: bool
    allow_delete_all: bool
    allow_delete_percent: float | None


def number(what: str, kind: Callable[[str], Number]) -> Callable[[str], Number]:
    """Return a parser for an option's value, whose error says what to write."""

    def parsed(text: str) -> Number:
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r}: write {what}") from None

    return parsed


def bare_log(parser: argparse.ArgumentParser) -> None:
    """Add LOG, the same as --path; see `cli.bare_log`."""
    parser.add_argument("log", metavar="LOG", nargs="?", help="the log's base path: the same as --path LOG")


def which_log(parser: argparse.ArgumentParser) -> None:
    """Add --config, --profile, --schemas, --path, --allow-unsafe-folder."""
    group = parser.add_argument_group("which log")
    add = group.add_argument
    add(
        "--config",
        metavar="FILE",
        help="asynclog.yaml or mxcp-site.yml (default: the nearest one upwards from here, if it is yours or root's)",
    )
    add(
        "--profile",
        metavar="NAME",
        help="the profile in it (default: ASYNCLOG_PROFILE, else the file's own choice)",
    )
    _path(
        group,
        "the log's base path, such as audit/logs.jsonl: alone it reads no configuration; with --config or --profile it "
        "replaces that profile's path",
    )
    add(
        "--schemas",
        metavar="FILE",
        help="the audit schema definitions (default: LOG's own registry, *_schemas.jsonl)",
    )
    _allow_unsafe_folder(group)


def which_path(parser: argparse.ArgumentParser) -> None:
    """Add --path, --allow-unsafe-folder, for a command that takes no configuration."""
    group = parser.add_argument_group("which log")
    _path(group, "the log's base path, such as audit/logs.jsonl")
    _allow_unsafe_folder(group)


def _path(group: argparse._ActionsContainer, meaning: str) -> None:
    group.add_argument("--path", metavar="LOG", help=meaning)


def _allow_unsafe_folder(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--allow-unsafe-folder",
        action="store_true",
        help="run as root even in a folder that others may write to",
    )


def output(parser: argparse.ArgumentParser, *, debug: str) -> None:
    """Add --json, --debug, --quiet, --progress, --color; `debug` is the help of --debug."""
    add = parser.add_argument_group("output").add_argument
    add("--json", action="store_true", help="print the result as JSON")
    add("--debug", action="store_true", help=debug)
    add("--quiet", action="store_true", help="print nothing if all went well")
    add(
        "--progress",
        choices=["auto", "always", "never"],
        default="auto",
        help="say on stderr how far it is: on a terminal, unless --quiet (auto); always, without a terminal as one "
        "line every 30 s; never. SIGUSR1 prints a line in any case",
    )
    add(
        "--color",
        choices=["auto", "always", "never"],
        default="auto",
        help="use colours: on a terminal, unless NO_COLOR, FORCE_COLOR or TERM=dumb say otherwise (auto), always, or "
        "never",
    )


def now(parser: argparse.ArgumentParser) -> None:
    """Add --now."""
    parser.add_argument("--now", metavar="INSTANT", help="use this as the present time, such as 2026-11-24T00:00:00Z")


def jobs(parser: argparse.ArgumentParser) -> None:
    """Add --jobs."""
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=number("a whole number such as 2", int),
        help="how many segments to work on at once (default: one per processor)",
    )


def state(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Add --state."""
    parser.add_argument(
        "--state",
        metavar="FOLDER",
        help=f"{meaning} (default: systemd's state folder, or ~/.local/state/asynclog)",
    )


def catalog(parser: argparse.ArgumentParser) -> None:
    """Add --state, --no-catalog, --io-limit."""
    add = parser.add_argument
    state(parser, "where to keep catalog and history")
    add(
        "--no-catalog",
        action="store_true",
        help="neither use nor update the catalog of what earlier jobs have read, nor the history of runs",
    )
    add("--io-limit", metavar="RATE", help="read and write at most at this rate, such as 200MB/s")


def deletion(parser: argparse.ArgumentParser) -> None:
    """Add --lock-wait, --break-lock, --weak-leases, --max-runtime, --double-check, --allow-delete-*."""
    add = parser.add_argument
    add("--lock-wait", metavar="DURATION", help="wait this long for another job on this log, such as 90s or 1h")
    add("--break-lock", action="store_true", help="take the lock of a job that is certain to be dead, on another host")
    add("--weak-leases", action="store_true", help="run even if file leases in the folder are not reliable")
    add("--max-runtime", metavar="DURATION", help="begin nothing new after this time; the next job goes on from there")
    add("--double-check", action="store_true", help="have a second reader confirm every line before it is deleted")
    add("--allow-delete-all", action="store_true", help="allow a run to delete every record that a rule governs")
    add(
        "--allow-delete-percent",
        metavar="N",
        type=number("a number from 0 to 100, such as 78", float),
        help="the guard's limit for this run, instead of max_delete_percent (default: 50)",
    )
