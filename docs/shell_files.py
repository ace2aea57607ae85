"""Write the man pages and the completion scripts that are installed, from the parser. With --check, only compare."""

import sys
from argparse import Action
from collections.abc import Iterator
from pathlib import Path

from asynclog.cli.completion_script import script_for
from asynclog.cli.parser import ALIASES, COMMANDS, Parser, every_parser, make_parser

DOCS = Path(__file__).parent
COMPLETION = {"bash": "asynclog", "zsh": "_asynclog", "fish": "asynclog.fish"}  # the names that shells look for
SUMMARY = "retention for JSONL audit logs, per audit schema"


def files() -> dict[Path, str]:
    """Return the text of each file."""
    parsers = every_parser()
    pages = {f"asynclog-{name}": "\n".join(command_page(name, parser)) for name, parser in parsers.items()}
    pages["asynclog"] = "\n".join(first_page())
    scripts = {f"completion/{name}": script_for(shell, parsers) for shell, name in COMPLETION.items()}
    return {DOCS / f"man/{name}.1": f"{text}\n" for name, text in pages.items()} | {
        DOCS / name: text for name, text in scripts.items()
    }


def first_page() -> Iterator[str]:
    """Yield the lines of asynclog(1)."""
    yield from _head("asynclog", SUMMARY)
    yield ".B asynclog\n.I COMMAND\n.RI [ options ]"
    yield ".SH DESCRIPTION"
    yield _text(
        "asynclog deletes expired records from JSONL audit logs. It scans a log's rotated segments, drops those that "
        "have wholly expired and rewrites those that have partly expired: each record under the rule of its own audit "
        "schema, beside live writers. A dry run says the same as the run, and touches nothing."
    )
    yield ".SH COMMANDS"
    for name, summary in COMMANDS.items():
        yield f".TP\n.BR asynclog\\-{name} (1)\n{_text(summary)}"
    yield ".SH OPTIONS"
    yield from map(_argument, make_parser(["--help"]).arguments()[:2])
    yield ".SH FILES"
    yield f".TP\n.I asynclog.yaml\n{_text('the configuration: the nearest one, upwards from the working folder')}"
    yield f".TP\n.I mxcp-site.yml\n{_text('the same of MXCP, where there is no asynclog.yaml')}"
    yield ".SH SEE ALSO"
    yield ",\n".join(f".BR asynclog\\-{name} (1)" for name in COMMANDS).replace("(1),", "(1) ,")


def command_page(name: str, parser: Parser) -> Iterator[str]:
    """Yield the lines of the page of one command."""
    page = parser.page
    assert page, f"{name} has no help"
    operands = [each for each in parser.arguments() if not each.option_strings]
    also = "".join(f" (also asynclog {alias})" for alias in ALIASES.get(name, []))
    yield from _head(f"asynclog-{name}", COMMANDS[name] + also)
    yield f".B asynclog {name}\n.RI [ options ]"
    yield from (f".RI [ {each.metavar} ]" if each.nargs == "?" else f".I {each.metavar}" for each in operands)
    yield f".SH DESCRIPTION\n{_text(page.description)}"
    yield ".SH OPTIONS"
    yield from map(_argument, parser.arguments())
    yield f".SH EXAMPLE\n.EX\n{_escaped(page.example)}\n.EE"
    yield ".SH EXIT STATUS"
    yield from (f".TP\n.B {code}\n{_text(meaning)}" for code, meaning in sorted(page.exits.items()))
    yield ".SH SEE ALSO\n.BR asynclog (1)"


def _head(name: str, summary: str) -> Iterator[str]:
    yield f'.TH {_escaped(name.upper())} 1 "" asynclog "User Commands"'
    yield f".SH NAME\n{_escaped(name)} \\- {_escaped(summary)}"
    yield ".SH SYNOPSIS"


def _argument(argument: Action) -> str:
    """Return the entry of an option or operand."""
    value = "" if argument.nargs == 0 else f" \\fI{_escaped(_placeholder(argument))}\\fR"
    names = ", ".join(f"\\fB{_escaped(each)}\\fR{value}" for each in argument.option_strings)
    return f".TP\n{names or value.strip()}\n{_text(argument.help or '')}"


def _placeholder(argument: Action) -> str:
    """Return what stands for the value of an option or operand, as its --help has it."""
    choices = "{" + ",".join(map(str, argument.choices or ())) + "}"
    return choices if argument.metavar is None else str(argument.metavar)


def _text(text: str) -> str:
    """Return text that begins no request of roff's."""
    escaped = _escaped(text.replace("%%", "%"))
    return f"\\&{escaped}" if escaped[:1] in {".", "'"} else escaped


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha")


def main() -> int:
    """Write the files, and remove those of commands that are gone; with --check return 1 if that would change any."""
    made = files()
    there = {path for folder in ("man", "completion") for path in (DOCS / folder).glob("*")}
    old = {path: path.read_text(encoding="utf-8") for path in there}
    if "--check" in sys.argv[1:]:
        return int(old != made)
    for path in there - {*made}:
        path.unlink()
    for path, text in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
