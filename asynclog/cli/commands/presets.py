"""`asynclog presets`: the products whose logs are known, or one of them as configuration to copy."""

import argparse

from asynclog.cli import options as groups
from asynclog.cli.command import Call, Command, log_level
from asynclog.cli.parser import ALWAYS, Help
from asynclog.config.nearest_name import nearest_name
from asynclog.config.presets import Preset, load_presets, unknown_preset
from asynclog.errors import ConfigurationError
from asynclog.formatting import pluralize
from asynclog.report.envelope import CommandResult
from asynclog.report.presets.result import PresetRow, PresetsResult
from asynclog.report.presets.text import as_text

HELP = Help(
    description="List the products whose logs have a preset, for `preset: NAME` in a profile; "
    "`presets show NAME` prints one as configuration to copy. Nothing is read or changed.",
    example="asynclog presets show suricata",
    exits={**ALWAYS, 0: "done"},
)


class PresetsOptions(groups.PathOptions, frozen=True, kw_only=True):
    """The options of `asynclog presets`."""

    action: str | None
    name: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("action", nargs="?", metavar="show", help="print one preset as configuration")
    parser.add_argument("name", nargs="?", metavar="NAME", help="which one")
    groups.output(parser, debug=groups.DEBUG)
    parser.set_defaults(path=None, allow_unsafe_folder=False, jobs=None)


def run(options: PresetsOptions, call: Call) -> CommandResult[PresetsResult]:
    """Return all presets, or the one that was named. Raise ConfigurationError."""
    del call
    if options.action not in {None, "show"}:
        raise ConfigurationError(_no_action(options.action or ""))
    if options.action and options.name is None:
        raise ConfigurationError(f"presets show: name one of {', '.join(sorted(load_presets()))}")
    if options.name is not None and (problem := unknown_preset(options.name)):
        raise ConfigurationError(f"presets show: {problem}")
    rows = {name: _row(preset) for name, preset in load_presets().items() if options.name in {None, name}}
    message = pluralize(len(rows), "preset")
    return CommandResult(PresetsResult(status="success", message=message, shown=options.name, presets=rows))


COMMAND = Command(HELP, PresetsOptions, add_arguments, run, as_text, log_level, verbatim=True)


def _no_action(word: str) -> str:
    """Say what to write instead of a word after `presets` that is not `show`."""
    meant = nearest_name(word, load_presets())
    if meant:
        return f"presets {word}: did you mean asynclog presets show {meant}?"
    return f"presets {word}: asynclog presets alone lists them, and asynclog presets show NAME prints one"


def _row(preset: Preset) -> PresetRow:
    keys = preset.keys()
    return PresetRow(
        about=preset.about,
        path=preset.path,
        segments=list(preset.segments),
        fields=keys.get("fields"),
        time=keys.get("time"),
        format=keys.get("format"),
        rewrite=keys.get("rewrite"),
        policy=dict(preset.policy),
    )
