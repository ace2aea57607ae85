"""`asynclog init`: a log -> a first configuration and a policy that deletes nothing, in the working folder."""

import argparse
import os

import msgspec

from asynclog.cli import options as groups
from asynclog.cli.parser import ALWAYS, Help
from asynclog.cli.run_command import Call, Command, log_level, settings_of
from asynclog.config.configuration_file import MXCPS, OURS, nearest
from asynclog.config.presets import load_presets, unknown_preset
from asynclog.config.settings import Settings
from asynclog.config.usable_paths import working_folder
from asynclog.errors import ConfigurationError
from asynclog.escaping import escape_surrogates
from asynclog.formatting import pluralize
from asynclog.report.configuration_warnings import shadowed
from asynclog.report.envelope import CommandResult
from asynclog.report.holdings import Holdings, sum_holdings
from asynclog.report.init.result import InitResult
from asynclog.report.init.templates import can_be_named, starter_configuration, starter_policy
from asynclog.report.init.text import as_text
from asynclog.report.provenance import who
from asynclog.report.warnings import Notices
from asynclog.storage.local.user_named_file import write_new

POLICY = "audit-schemas.yaml"


HELP = Help(
    description="Inspect a log, and write asynclog.yaml and audit-schemas.yaml into the working folder, with every "
    "audit schema that was found. They delete nothing until you say how many days to keep each.",
    example="asynclog init --path audit/logs.jsonl",
    exits={
        **ALWAYS,
        0: "done",
        3: "done, but some segments could not be read: schemas may be missing",
    },
)


class InitOptions(groups.PathOptions, frozen=True, kw_only=True):
    """The options of `asynclog init`."""

    preset: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    groups.which_path(parser)
    parser.add_argument(
        "--preset", metavar="NAME", help="whose log it is: see asynclog presets (default: MXCP's lines)"
    )
    groups.output(parser, debug=groups.DEBUG)
    groups.jobs(parser)


def run(options: InitOptions, call: Call) -> CommandResult[InitResult]:
    """Write both files for the log that was named, and return the result."""
    from asynclog.runner.inspect import inspect

    if not options.path:
        raise ConfigurationError("init needs to know the log: name its base path, as in --path audit/logs.jsonl")
    settings = _with_preset(settings_of(options), options.preset)
    configuration, policy = (os.path.join(working_folder(), name) for name in (OURS, POLICY))
    files = [configuration, policy]
    _must_be_possible(settings, files)
    with call.signals.deferred("while the log was read"):
        seen = inspect(settings, None, call.signals)
    inventory = sum_holdings(seen.states or [])
    texts = {
        policy: starter_policy(inventory.holdings),
        configuration: starter_configuration(options.path, POLICY, options.preset),
    }
    # In this order: a configuration never names a policy that is not there.
    _write({os.path.basename(path): text.encode() for path, text in texts.items()})
    warnings = [*_shadowed(settings, configuration), *seen.notices.warnings]
    return inventory.answer(
        _result(settings, files, inventory, msgspec.structs.replace(seen.notices, warnings=warnings))
    )


COMMAND = Command(HELP, InitOptions, add_arguments, run, as_text, log_level)


def _with_preset(settings: Settings, name: str | None) -> Settings:
    """Return the settings for a log of this product. Raise ConfigurationError."""
    if name is None:
        return settings
    if problem := unknown_preset(name):
        raise ConfigurationError(f"--preset: {problem}")
    preset = load_presets()[name]
    return msgspec.structs.replace(settings, fields=preset.fields(), more_names=preset.segments)


def _shadowed(settings: Settings, written: str) -> list[str]:
    """Return warnings about configurations found from here, or between here and the log: the new one comes first."""
    here = os.path.dirname(written)
    found = [nearest(OURS, os.path.dirname(here)), nearest(MXCPS, here)]
    of_the_log = nearest(MXCPS, os.path.realpath(settings.folder))
    if of_the_log and of_the_log.startswith(os.path.join(here, "")):
        found.append(of_the_log)
    return [shadowed(path) for path in dict.fromkeys(found) if path and path != written]


def _must_be_possible(settings: Settings, files: list[str]) -> None:
    """Raise ConfigurationError if the files can't be written, before a large log is read.

    A missing folder is reported when it is opened.
    """
    if os.path.exists(settings.folder) and os.path.samefile(settings.folder, "."):
        raise ConfigurationError(
            f"{settings.folder}: this is the folder of the log itself, where no other file belongs: "
            "nothing was written. Run init from the folder for the configuration"
        )
    for path in files:
        if os.path.lexists(path):
            raise _exists(path)


def _exists(path: str) -> ConfigurationError:
    return ConfigurationError(f"{path}: this file exists, and init never overwrites it: nothing was written")


def _write(contents: dict[str, bytes]) -> None:
    try:
        write_new(contents)
    except FileExistsError as error:  # made just now
        raise _exists(os.path.join(os.getcwd(), str(error.filename2))) from None
    except OSError as error:
        raise ConfigurationError(f"{os.getcwd()}: the files can't be written here: {error.strerror}") from None


def _result(settings: Settings, files: list[str], inventory: Holdings, notices: Notices) -> InitResult:
    from asynclog.runner.provenance import provenance_of

    named = {str(key): holding for key, holding in inventory.holdings.items() if can_be_named(key)}
    return InitResult(
        status="partial" if inventory.failures else "success",
        message=f"Wrote {OURS} and {POLICY}: {pluralize(len(named), 'schema')}, all kept for ever so far",
        log=escape_surrogates(os.path.join(settings.folder, settings.base)),
        **who(provenance_of(settings)),
        files=list(map(escape_surrogates, files)),
        schemas=named,
        left_out=[str(key) for key in inventory.holdings if not can_be_named(key)],
        segments=inventory.segments,
        unread=inventory.unread,
        warnings=notices.warnings,
        neighbours=notices.neighbours,
        unjudged=notices.unjudged,
        errors=inventory.failures,
    )
