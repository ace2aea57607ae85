"""Say what is wrong with a command line, in a sentence that leads to the right one.

Imported only for a command line that the parser has refused. What is meant is found by likeness, then by a table of
words that other programs have for the same.
"""

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from asynclog.cli.bare_log import several_logs
from asynclog.config.nearest_name import nearest_name

if TYPE_CHECKING:
    from argparse import Action

    from asynclog.cli.parser import Parser

_DASHES = "[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]"  # what editors and web pages make of them

# The names that other programs have for our options; of several, the first that the command has.
_OPTIONS = {
    "--dry-run": "--simulate --what-if --whatif --noop --no-op --just-print --preview --pretend --test -t",
    "--debug": "--verbose -v -vv --trace --log-level",
    "--quiet": "--silent -q -s --no-output",
    "--path": "--log --logs --file --files --folder --dir --directory --input --base-path --archive -f -d -i",
    "--schemas": "--policy --policies --rules --schema-file --definitions --registry --schema -r",
    "--config": "--conf --cfg --configuration --config-file --site -c",
    "--profile": "--env --environment -p -e",
    "--jobs": "--workers --threads --processes --parallel --concurrency -j -w",
    "--json": "--format --output --output-format -o",
    "--all-profiles": "--all --every-profile -a",
    "--lock-wait": "--wait --wait-lock --lock-timeout",
    "--max-runtime": "--timeout --time-limit --max-time --deadline",
    "--io-limit": "--rate --rate-limit --bwlimit --limit --throttle",
    "--now": "--date --as-of --at --today --time",
    "--plan-out": "--plan --out --save-plan",
    "--metrics-file": "--metrics --prometheus --textfile",
    "--state": "--cache --cache-dir --state-dir --catalog",
    "--no-catalog": "--no-cache --no-state --rescan",
    "--allow-delete-all": "--allow-all --delete-all --no-guard",
    "--break-lock": "--unlock --force-unlock --steal-lock",
    "--strict": "--fail-on-warning --werror",
    "--retention": "--days --older-than --keep --keep-days --retention-days --max-age",
    "--no-scan": "--fast --quick",
}
_COMMANDS = {
    "cleanup": "delete clean prune purge run expire gc rm remove retention clear trim vacuum rotate start exec",
    "cleanup --dry-run": "dry-run dryrun plan preview diff simulate what-if whatif",
    "check": "scan status stats validate lint test verify doctor ls list inspect show-config config policy",
    "estimate": "forecast predict size sizes du report usage savings",
    "explain": "why reason reasons segments details",
    "init": "setup configure new create begin install",
    "apply": "approve execute commit confirm",
    "presets": "products formats templates preset list-presets",
    "help": "man usage commands options ?",
    "--version": "version ver -v --ver -version about",
}
_PERIODS = (
    "how long records are kept is in the policy (retention_days of each schema), and asynclog estimate --retention "
    "NAME=30 shows what another period would do"
)
_NOTHING_ASKED = (
    "nothing is asked before a run, so nothing has to be confirmed; if a guard refuses one, it names the option that "
    "allows it"
)
_ADVICE = {  # for options that no command has, and that need more than another name
    **dict.fromkeys(("--force", "--yes", "--assume-yes", "--no-prompt", "--confirm", "-f", "-y"), _NOTHING_ASKED),
    "--no-progress": "write --progress never",
    **dict.fromkeys(("--no-color", "--no-colour"), "write --color never"),
    **dict.fromkeys(("--days", "--older-than", "--keep", "--keep-days", "--retention-days", "--max-age"), _PERIODS),
}


def no_command(words: Sequence[str]) -> str:
    """Say how to write a command line that begins with no command."""
    from asynclog.cli.parser import ALIASES, ALONE, COMMANDS

    word = words[0] if words else ""
    known = [*COMMANDS, *(alias for aliases in ALIASES.values() for alias in aliases)]
    meant = _meant(word, _COMMANDS, [*known, "cleanup --dry-run", "--version"]) or nearest_name(word, known)
    if meant:
        problem = f"there is no command {word!r}: did you mean asynclog {meant}?"
    elif near := nearest_name(word, (each for each in ALONE if len(words) == 1 and each.startswith("--"))):
        problem = f"there is no option {word}: did you mean asynclog {near}?"
    elif word.startswith("-"):
        problem = f"{_option(word)}: a command comes first: did you mean asynclog {_with_command(words, known)}?"
    elif "/" in word or os.path.exists(word):
        problem = f"{word}: a command comes first, as in asynclog estimate {word} or asynclog cleanup --dry-run {word}"
    else:
        problem = f"there is no command {word!r}: there are {', '.join(COMMANDS)}"
    return f"{problem} (see asynclog --help)"


def _with_command(words: Sequence[str], known: Sequence[str]) -> str:
    """Return this command line with its command first; if it has none, as that of a dry run."""
    named = next((word for word in words if word in known), "")
    if named:
        at = words.index(named)
        return shlex.join([named, *words[:at], *words[at + 1 :]])
    dry = () if {"-n", "--dry-run"} & {*words} else ("--dry-run",)
    return shlex.join(["cleanup", *dry, *words])


def in_words(message: str, words: Sequence[str], parser: "Parser") -> str:
    """Say in a sentence what the parser of a command says of its words, and which page helps."""
    return f"{_problem(message, words, parser)} (see {parser.prog} --help)"


def _problem(message: str, words: Sequence[str], parser: "Parser") -> str:
    rest = message.removeprefix("unrecognized arguments: ")
    if rest != message:
        word = next((each for each in words if rest == each or rest.startswith(f"{each} ")), rest)
        return _unknown(word, words, parser)
    option, _, what = message.removeprefix("argument ").partition(": ")
    option = option.rpartition("/")[2]
    if what == "expected one argument":
        return f"{option} needs a value: write {_values(option, parser)}"
    if what.startswith("ignored explicit argument"):
        return f"{option} takes no value: write {option} alone"
    if message.startswith("the following arguments are required"):
        missing = message.rpartition(": ")[2]
        example = f", as in {parser.page.example}" if parser.page else ""
        return f"{parser.prog} needs {missing}{example}"
    if what.startswith("invalid choice"):
        value, _, choices = what.removeprefix("invalid choice: ").partition(" (choose from ")
        return f"{option} {value}: write one of {choices.removesuffix(')')}".replace("'", "")
    return message.removeprefix("argument ")


def _unknown(word: str, words: Sequence[str], parser: "Parser") -> str:
    if begins_with_dash(word):
        return not_a_hyphen(word)
    if not word.startswith("-"):
        takes = sum(not each.option_strings for each in parser.arguments())
        return several_logs(word, words, parser.prog, takes)
    option, own = _option(word), list(_names(parser.arguments()))
    meant = _meant(option, _OPTIONS, own)
    if not meant and option in _ADVICE:
        return f"there is no option {option}: {_ADVICE[option]}"
    elsewhere = "" if meant else _of_another(option, parser)
    meant = meant or nearest_name(option, own)
    if meant and not elsewhere:
        return f"there is no option {option}: did you mean {meant}?"
    return f"there is no option {option}{elsewhere}"


def not_a_hyphen(word: str) -> str:
    """Say how to write an option that begins with some other dash."""
    option = re.sub(_DASHES, "-", word).lstrip("-")
    return f"{word}: this begins with another sign than a hyphen: did you mean {'--' if option[1:] else '-'}{option}?"


def begins_with_dash(word: str) -> bool:
    """Return whether a word begins with a dash that is no hyphen."""
    return re.match(_DASHES, word) is not None


def _of_another(option: str, parser: "Parser") -> str:
    """Return what to say of an option that other commands have; empty if none has it."""
    from asynclog.cli.parser import every_parser

    having = [name for name, each in every_parser().items() if option in _names(each.arguments())]
    names = " and ".join(filter(None, (", ".join(having[:-1]), *having[-1:])))
    return f" here: it is one of asynclog {names}, and this is {parser.prog}" if having else ""


def _meant(word: str, table: dict[str, str], own: Sequence[str]) -> str:
    """Return what this word is called here, if that is one of our `own` names; else an empty text."""
    return next((name for name, others in table.items() if word in others.split() and name in own), "")


def _names(arguments: Sequence["Action"]) -> Iterator[str]:
    for argument in arguments:
        yield from argument.option_strings


def _values(option: str, parser: "Parser") -> str:
    """Return how to write an option with its value."""
    argument = next(each for each in parser.arguments() if option in each.option_strings)
    return f"one of {', '.join(argument.choices)}" if argument.choices else f"{option} {argument.metavar}"


def _option(word: str) -> str:
    return word.partition("=")[0]
