"""Shell completion, from the parsers of all commands: what a word may be, as scripts for bash, zsh and fish. Pure."""

import re
from argparse import Action
from collections.abc import Iterator, Mapping, Sequence

from asynclog.cli.parser import ALIASES, COMMANDS, Parser

_FILES = {"FILE", "LOG", "SEGMENT"}  # metavars whose value is a file
_FOLDERS = {"FOLDER"}
_BEFORE = ("-h", "--help", "-V", "--version")  # what stands in place of a command
_WIDTH = 72  # characters of a help text


def script_for(shell: str, parsers: Mapping[str, Parser]) -> str:
    """Return the script that makes a shell (`bash`, `zsh` or `fish`) complete our commands and options."""
    write = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell]
    return "".join(f"{line}\n" for line in write(parsers))


def words_of(argument: Action) -> list[str]:
    """Return the words that the value of an argument is one of; none if it may be anything."""
    if argument.metavar == "COMMAND":
        return [*COMMANDS]
    return [str(each) for each in argument.choices or ()]


def _names(command: str) -> list[str]:
    return [command, *ALIASES.get(command, [])]


def _options(parser: Parser) -> list[Action]:
    return [each for each in parser.arguments() if each.option_strings]


def _operands(parser: Parser) -> list[Action]:
    return [each for each in parser.arguments() if not each.option_strings]


def _takes_value(argument: Action) -> bool:
    return argument.nargs != 0


def _brief(argument: Action) -> str:
    """Return the beginning of its help, on one line."""
    text = re.split(r"[:;(]| \(", argument.help or "")[0].strip()
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def _bash(parsers: Mapping[str, Parser]) -> Iterator[str]:
    yield "# bash completion for asynclog, made from its parser by: asynclog completion bash"
    yield "_asynclog() {"
    yield "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}"
    yield "  local command=${COMP_WORDS[1]} options= words="
    yield "  COMPREPLY=()"
    yield "  if ((COMP_CWORD == 1)); then"
    names = [name for command in parsers for name in _names(command)]
    yield f'    mapfile -t COMPREPLY < <(compgen -W "{" ".join([*names, *_BEFORE])}" -- "$cur")'
    yield "    return"
    yield "  fi"
    yield '  case "$command:$prev" in'
    for command, parser in parsers.items():
        for argument in filter(_takes_value, _options(parser)):
            flags = "|".join(f"{name}:{flag}" for name in _names(command) for flag in argument.option_strings)
            yield f"    {flags}) {_bash_values(argument)}; return ;;"
    yield "  esac"
    yield '  case "$command" in'
    for command, parser in parsers.items():
        flags = " ".join(flag for each in _options(parser) for flag in each.option_strings)
        words = " ".join(word for each in _operands(parser) for word in words_of(each))
        yield f'    {"|".join(_names(command))}) options="{flags}" words="{words}" ;;'
    yield "  esac"
    yield '  if [[ $cur == -* ]]; then mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")'
    yield '  elif [[ $words ]]; then mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")'
    yield '  else mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames 2>/dev/null'
    yield "  fi"
    yield "}"
    yield "complete -F _asynclog asynclog"


def _bash_values(argument: Action) -> str:
    words = words_of(argument)
    if words:
        return f'mapfile -t COMPREPLY < <(compgen -W "{" ".join(words)}" -- "$cur")'
    if argument.metavar in _FILES | _FOLDERS:
        kind = "-f" if argument.metavar in _FILES else "-d"
        return f'mapfile -t COMPREPLY < <(compgen {kind} -- "$cur"); compopt -o filenames 2>/dev/null'
    return ":"


def _zsh(parsers: Mapping[str, Parser]) -> Iterator[str]:
    yield "#compdef asynclog"
    yield "# zsh completion for asynclog, made from its parser by: asynclog completion zsh"
    yield "_asynclog() {"
    yield "  local -a commands=("
    for command in parsers:
        yield from (f"    {_quoted(f'{name}:{COMMANDS[command]}')}" for name in _names(command))
    yield "  )"
    yield "  if (( CURRENT == 2 )); then"
    yield "    _describe -t commands command commands"
    yield f"    compadd -- {' '.join(_BEFORE)}"
    yield "    return"
    yield "  fi"
    yield "  local command=$words[2]"
    yield "  shift words"
    yield "  (( CURRENT-- ))"
    yield "  case $command in"
    for command, parser in parsers.items():
        yield f"    {'|'.join(_names(command))})"
        yield "      _arguments \\"
        specs = [*_zsh_options(_options(parser)), *(_quoted(_zsh_operand(each)) for each in _operands(parser))]
        yield from (f"        {spec} \\" for spec in specs[:-1])
        yield f"        {specs[-1]} ;;"
    yield "  esac"
    yield "}"
    yield '_asynclog "$@"'


def _zsh_options(options: Sequence[Action]) -> Iterator[str]:
    for option in options:
        others = " ".join(option.option_strings)
        value = f":{option.metavar or 'VALUE'}:{_zsh_values(option)}" if _takes_value(option) else ""
        for flag in option.option_strings:
            yield _quoted(f"({others}){flag}[{_zsh_escaped(_brief(option))}]{value}")


def _zsh_operand(operand: Action) -> str:
    return f":{':' * (operand.nargs == '?')}{operand.metavar or operand.dest}:{_zsh_values(operand)}"


def _zsh_values(argument: Action) -> str:
    words = words_of(argument)
    if words:
        return f"({' '.join(words)})"
    if argument.metavar in _FOLDERS:
        return "_files -/"
    return "_files" if argument.metavar in _FILES else " "


def _zsh_escaped(text: str) -> str:
    return re.sub(r"([\[\]:\\])", r"\\\1", text)


def _fish(parsers: Mapping[str, Parser]) -> Iterator[str]:
    yield "# fish completion for asynclog, made from its parser by: asynclog completion fish"
    yield "complete -c asynclog -f"
    first = "-n __fish_use_subcommand"
    yield f"complete -c asynclog {first} -s h -l help -d 'show this help'"
    yield f"complete -c asynclog {first} -s V -l version -d 'print the version'"
    for command in parsers:
        for name in _names(command):
            yield f"complete -c asynclog {first} -a {name} -d {_quoted(COMMANDS[command])}"
    for command, parser in parsers.items():
        inside = f"-n '__fish_seen_subcommand_from {' '.join(_names(command))}'"
        for option in _options(parser):
            flags = " ".join(
                f"-l {each[2:]}" if each[:2] == "--" else f"-s {each[1:]}" for each in option.option_strings
            )
            yield f"complete -c asynclog {inside} {flags}{_fish_values(option)} -d {_quoted(_brief(option))}"
        for operand in _operands(parser):
            if values := _fish_values(operand).removeprefix(" -x").removeprefix(" -r"):
                yield f"complete -c asynclog {inside}{values} -d {_quoted(_brief(operand))}"


def _fish_values(argument: Action) -> str:
    if not _takes_value(argument):
        return ""
    words = words_of(argument)
    if words:
        return f" -x -a {_quoted(' '.join(words))}"
    return " -r -F" if argument.metavar in _FILES | _FOLDERS else " -x"


def _quoted(text: str) -> str:
    """Return the text in single quotes, as all three shells read it."""
    return "'" + text.replace("'", "'\\''") + "'"
