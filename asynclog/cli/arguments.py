"""The command line's words. Only parses; what they mean is for `config` to say."""

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import NoReturn

from asynclog.errors import ConfigurationError

_EXITS = """\
exit status:
  0  done, or nothing to do        4  another job holds the folder
  1  a bug, or an unforeseen error 5  refused by a guard: nothing was touched
  2  usage, configuration or schema error: nothing was touched
  3  partly done: some segments failed, too much is overdue, or there are no metrics; the report says why
  130, 143  stopped by SIGINT, SIGTERM: what was in flight was finished

example:
  asynclog cleanup --path audit/logs.jsonl --schemas schemas.yaml --dry-run
  asynclog cleanup --max-overdue 7d --metrics-file /var/lib/prometheus/node-exporter/asynclog.prom
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(f"{message} ({self.prog} --help says what there is)")


class _Version(argparse.Action):
    """Looks up version and reader only when they are asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        from asynclog.scan.readers import choose_reader

        reader = choose_reader(os.environ.get("ASYNCLOG_READER"))
        sys.stdout.write(f"asynclog {version('asynclog')}\nreader: {reader}\n")
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
    top = _Parser(prog="asynclog", description="Retention for JSONL audit logs, per audit schema.", allow_abbrev=False)
    top.add_argument("--version", action=_Version, nargs=0, help="print the version, and which reader is in use")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    cleanup = commands.add_parser(
        "cleanup",
        aliases=["log-cleanup"],
        help="delete the records that have expired",
        description="Delete the records that have expired under their own audit schema's rule, and nothing else.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    cleanup.set_defaults(module="asynclog.cli.cleanup")
    add = cleanup.add_argument
    add(
        "--config",
        metavar="FILE",
        help="asynclog.yaml or mxcp-site.yml; else the nearest one upwards from here",
    )
    add(
        "--profile",
        metavar="NAME",
        help="which profile of it; else ASYNCLOG_PROFILE, else the file's own choice",
    )
    add(
        "--path",
        metavar="LOG",
        help="the log's base path, such as audit/logs.jsonl; no configuration is needed then",
    )
    add(
        "--schemas",
        metavar="FILE",
        help="the audit schema definitions; else LOG's own registry, *_schemas.jsonl",
    )
    add("-n", "--dry-run", action="store_true", help="say what would be deleted, and touch nothing")
    add("--json", action="store_true", help="print the result as JSON")
    add("--debug", action="store_true", help="tell on stderr which rule and which reason led to what")
    add("--quiet", action="store_true", help="print nothing when all went well")
    add("--now", metavar="INSTANT", help="take this for the present time, such as 2026-11-24T00:00:00Z")
    add("--jobs", metavar="N", type=int, help="how many segments to work on at once; else one per processor")
    add(
        "--lock-wait",
        metavar="DURATION",
        help="wait so long for another job in the folder, such as 90s or 1h",
    )
    add(
        "--max-overdue",
        metavar="DURATION",
        help="exit 3 where something that expired longer ago than this, such as 7d, is still there",
    )
    add(
        "--metrics-file",
        metavar="FILE",
        help="write what came of the run there, for Prometheus: a *.prom file in node_exporter's textfile folder",
    )
    add("--double-check", action="store_true", help="have every line that goes judged by a second reader first")
    add("--allow-delete-all", action="store_true", help="even if that is every record that a rule governs")
    add(
        "--allow-unsafe-folder",
        action="store_true",
        help="as root, even in a folder that others may write to",
    )
    return top
