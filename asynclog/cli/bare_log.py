"""A log as a bare argument, `asynclog cleanup audit/logs.jsonl`: the same as with --path; or what to write instead."""

import os
import shlex
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress

from asynclog.config.configuration_file import profile_names
from asynclog.config.nearest_name import did_you_mean
from asynclog.config.paths.path_problems import log_of
from asynclog.errors import ConfigurationError


def take_bare_log(given: Namespace, words: Sequence[str]) -> None:
    """Make a bare argument the path of the log. Raise ConfigurationError if it can be none."""
    log, command = given.log, f"asynclog {words[0]}"
    if given.path is not None:
        raise ConfigurationError(several_logs(log, words, command))
    if log.startswith("-") and " " in log and not os.path.lexists(log):
        raise ConfigurationError(f"{log!r} is one word: write it without the quotes, as in {command} {log}")
    if "/" not in log and not os.path.lexists(log):
        raise ConfigurationError(f"{_no_log(log, given, words)} (see {command} --help)")
    given.path = log


def several_logs(word: str, words: Sequence[str], command: str, takes: int = 1) -> str:
    """Say what to write instead of a word too many; the command takes so many."""
    said = command.rpartition(" ")[2]
    files = [each for each in words[1:] if not each.startswith("-") and os.path.isfile(each)]
    logs = {log_of(each) or each for each in files}
    if len(files) > 1 and len(logs) == 1:
        return f"{word}: these are segments of one log: name that, as in {command} {shlex.quote(logs.pop())}"
    if "--path" in words:
        behind = words[words.index("--path") + 2 :][:1]  # where the shell puts what it makes of a *
        word = next((each for each in behind if not each.startswith("-")), word)
    if any(each.partition("=")[0] == "--path" for each in words):
        return (
            f"{word}: {said} is for one log, and --path takes one path: put one with a * in quotes, as in --path "
            "'/var/log/*/logs.jsonl'"
        )
    if word in _commands():
        return f"{word}: one command at a time: did you mean asynclog {'help ' if said == 'help' else ''}{word}?"
    return f"{word}: this is one word too many: {command} takes {('none', 'one', 'two')[takes]}, and options"


def _no_log(word: str, given: Namespace, words: Sequence[str]) -> str:
    """Say what is meant by a word that is neither a file nor a folder."""
    from asynclog.cli.usage_errors import begins_with_dash, not_a_hyphen

    if not word:
        return "the name of the log is empty: write its base path, such as audit/logs.jsonl"
    if begins_with_dash(word):
        return not_a_hyphen(word)
    if word == "help":
        return f"there is no log {word!r}: did you mean asynclog help {words[0]}?"
    if word in _commands():
        return f"{word}: one command at a time: did you mean asynclog {word}?"
    at = words.index(word)
    if at > 2 and words[at - 1].isdigit() and words[at - 2].startswith("--"):
        return f"{word}: a duration is one word: did you mean {words[at - 2]} {words[at - 1]}{word[0].lower()}?"
    with suppress(ConfigurationError):
        profiles = profile_names(getattr(given, "config", None))
        if word in profiles:
            return f"there is no log {word!r}, but a profile: did you mean --profile {word}?"
    near = did_you_mean(word, filter(os.path.isfile, os.listdir()))
    return f"there is no log {word!r}{near or ': name one by its base path, such as audit/logs.jsonl'}"


def _commands() -> Sequence[str]:
    from asynclog.cli.parser import COMMANDS

    return [*COMMANDS]
