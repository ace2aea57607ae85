"""Begin an `init`: which log it is for, what is taken over, and what has to be written; or why it can't be."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from asynclog.cli.command import settings_of
from asynclog.cli.init.first_files import POLICY, must_be_new
from asynclog.config.configuration_file import OURS, nearest
from asynclog.config.mxcp.init_values import Takeover, find_takeover
from asynclog.config.paths.usable_paths import absolute, identity, working_folder
from asynclog.config.paths.wildcards import has_wildcard
from asynclog.config.presets import unknown_preset
from asynclog.config.resolve import resolve_target, settings_of_log
from asynclog.config.settings import Options, Settings
from asynclog.errors import ConfigurationError

if TYPE_CHECKING:
    from asynclog.cli.commands.init import InitOptions


class Start(NamedTuple):
    """The log, what is taken over, and the files to write: the policy alone if the configuration `is_there`."""

    settings: Settings
    takeover: Takeover | None
    files: list[str]
    is_there: bool


def begin(options: "InitOptions") -> Start:
    """Return what is to be done. Raise ConfigurationError if it can't be, before a large log is read."""
    configuration, policy = files = [os.path.join(working_folder(), name) for name in (OURS, POLICY)]
    named: Options = {
        "path": options.path,
        "jobs": options.jobs,
        "allow_unsafe_folder": options.allow_unsafe_folder,
    }
    _must_be_known(options.preset)
    begun = _find_begun(named, os.environ, policy)
    if begun and options.preset:
        raise ConfigurationError(f"--preset: write preset: {options.preset} into {configuration}, which is there")
    if begun:
        _must_lie_elsewhere(begun)
        return Start(begun, None, [policy], is_there=True)
    must_be_new(files)
    _must_be_one(options)
    takeover = find_takeover(named, os.environ)
    if not options.path and not takeover:
        raise ConfigurationError("init needs to know the log: name its base path, as in --path audit/logs.jsonl")
    settings = takeover.settings if takeover else settings_of(options)
    _must_lie_elsewhere(settings)
    return Start(settings, takeover, files, is_there=False)


def _must_be_one(options: "InitOptions") -> None:
    """Raise ConfigurationError if the path is of many logs."""
    if options.path and has_wildcard(options.path):
        preset = options.preset or "docker"
        raise ConfigurationError(
            f"--path {options.path}: init is for one log, and a * in a folder's name stands for many: for all of them "
            f"begin with asynclog presets show {preset} > {OURS}, and correct the path in it (asynclog presets lists "
            "the others); [*] is the character itself"
        )


def _must_be_known(preset: str | None) -> None:
    """Raise ConfigurationError if there is no such preset."""
    if preset is not None and (problem := unknown_preset(preset)):
        raise ConfigurationError(f"--preset: {problem}")


def _find_begun(options: Options, environment: Mapping[str, str], policy: str) -> Settings | None:
    """Return the settings of the file here if its log has the policy at this path, which must be missing.

    Return None without such a file, or if the options name another log. Raise ConfigurationError if it can't be read.
    """
    here, path = working_folder(), options.get("path")
    if nearest(OURS, here) != os.path.join(here, OURS) or os.path.lexists(policy):
        return None
    named: Options = {**options, "path": None}
    target = resolve_target(named, environment)
    if target.of_many:
        raise ConfigurationError(
            f"{target.where}: init is for one log, and a * in a folder's name stands for many: write {POLICY} "
            "yourself; with schemas: [] in it, asynclog check says which schemas they have"
        )
    settings = settings_of_log(named, environment, target)
    log = os.path.join(settings.folder, settings.base)
    is_another = path and identity(absolute(path, "--path")) != identity(log)
    has_policy = identity(settings.schemas) == identity(policy)
    return settings if settings.enabled and has_policy and not is_another else None


def _must_lie_elsewhere(settings: Settings) -> None:
    """Raise ConfigurationError if this is the log's folder. A missing one is reported when it is opened."""
    if os.path.exists(settings.folder) and os.path.samefile(settings.folder, "."):
        raise ConfigurationError(
            f"{settings.folder}: this is the folder of the log itself, where no other file belongs: "
            "nothing was written. Run init from the folder for the configuration"
        )
