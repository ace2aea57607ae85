"""The logs that options name: one, or one in each of many folders, each with settings of its own."""

import os
from collections.abc import Callable, Mapping

import msgspec

from asynclog.config.paths.contested_segments import by_folder, contested, located, refuse
from asynclog.config.paths.wildcards import HasLog, escaped, find_folders
from asynclog.config.resolve import Target, resolve_target, settings_of_log
from asynclog.config.settings import Options, Settings
from asynclog.errors import ConfigurationError
from asynclog.storage.codecs import NAME_SUFFIXES
from asynclog.storage.naming import SegmentNaming
from asynclog.storage.profile_claims import Claim


class Logs(msgspec.Struct, frozen=True):
    """One log, of which `settings` tell all, or those in each of these `folders`, None for one.

    Then `settings` have the pattern in place of a folder, and `at` returns those of the log in a folder, or raises
    ConfigurationError. `unlisted` has a sentence for each folder that could not be listed.
    """

    settings: Settings
    at: Callable[[str], Settings]
    folders: tuple[str, ...] | None = None
    unlisted: tuple[str, ...] = ()

    def must_share_policy(self, command: str) -> None:
        """Raise ConfigurationError if each of many logs has a policy of its own, for what is about one policy."""
        if self.folders is not None and not self.settings.shares_policy:
            raise ConfigurationError(
                f"{self.path} stands for many logs, each with a registry of its own, and {command} needs one policy: "
                f"name it with --schemas, or as `schemas:` in asynclog.yaml; or name one log with {self.name_one}"
            )

    @property
    def path(self) -> str:
        """The path of the log, or the pattern of many."""
        return os.path.join(self.settings.folder, self.settings.base)

    @property
    def all_folders(self) -> tuple[str, ...]:
        """The folder of each log."""
        return (self.settings.folder,) if self.folders is None else self.folders

    @property
    def name_one(self) -> str:
        """The options that name the first of many logs, and keep its configuration: --path alone would drop that."""
        import shlex  # noqa: PLC0415 - for a sentence that is seldom needed

        config = "" if self.settings.profile is None else f"--config {shlex.quote(self.settings.source)} "
        folder = escaped(self.all_folders[0])
        return f"{config}--path {shlex.quote(os.path.join(folder, self.settings.base))}"

    @property
    def a_segment(self) -> str:
        """The path of a segment of the first of many logs; that of its base file if it has none any more."""
        folder, naming = self.all_folders[0], self.settings.naming()
        try:
            names = sorted(filter(naming.match, os.listdir(folder)))
        except OSError:
            names = []
        return os.path.join(folder, names[0] if names else self.settings.base)


def one_log(settings: Settings) -> Logs:
    """Return the one log of these settings."""
    return Logs(settings, lambda _: settings)


def resolve_logs(options: Options, environment: Mapping[str, str]) -> Logs:
    """Return the logs that these options mean. Raise ConfigurationError, also if there is none in any folder."""
    target = resolve_target(options, environment)
    _refuse_segment(options.get("path"), target)
    overall = settings_of_log(options, environment, target)
    if not target.of_many or not overall.enabled:
        return one_log(overall)
    found = find_folders(overall.folder, _has_log(overall.naming()))
    if not found.folders:
        why = f". {found.unlisted[0]}" if found.unlisted else ""
        raise ConfigurationError(
            f"{target.where}: no folder of this pattern has a segment of {overall.base}: correct the path, or "
            f"audit.segments; [*] stands for a * in a folder's name{why}"
        )
    claims = _claims(target, found.folders)

    def at(folder: str) -> Settings:
        one = msgspec.structs.replace(target, log=os.path.join(folder, overall.base), of_many=False)
        return settings_of_log(options, environment, one, claims[folder])

    return Logs(overall, at, tuple(claims), tuple(found.unlisted))


def _refuse_segment(path: str | None, target: Target) -> None:
    """Raise ConfigurationError if the path that somebody has typed is that of one segment of a log."""
    if not path or target.of_many or target.profile.patterns or not _may_be_segment(os.path.basename(path)):
        return
    from asynclog.config.paths.path_problems import segment_problem  # noqa: PLC0415 - few logs have such names

    if problem := segment_problem(path, target.log):
        raise ConfigurationError(f"--path {path}: {problem}")


def _may_be_segment(name: str) -> bool:
    return any(map(str.isdigit, name)) or name.endswith(NAME_SUFFIXES)


def _has_log(naming: SegmentNaming) -> HasLog:
    """Return what tells whether a folder with these files has the log, or what a killed job has left of it."""
    return lambda names: any(naming.match(name) or naming.is_temporary(name) for name in names)


def _claims(target: Target, folders: list[str]) -> dict[str, tuple[Claim, ...]]:
    """Return the claims on the files of each of these folders, its own log's first. Raise ConfigurationError.

    A folder that is there twice, by another mount, counts once.
    """
    own, *others = target.claims
    here = [msgspec.structs.replace(own, log=os.path.join(folder, own.base), of_many=False) for folder in folders]
    mine = {os.path.dirname(claims[0].log): claims[0] for claims in by_folder(here).values()}
    elsewhere = [os.path.dirname(claim.log) for claim in others if not claim.of_many]
    beside = list(located(others, [*mine, *elsewhere]))
    together = [[claim] for claim in mine.values()]
    if beside:
        together = list(by_folder([*mine.values(), *beside]).values())
        if not target.profile.is_mxcps:
            refuse(contested([*mine.values(), *beside]))
    return {folder: tuple(claims) for claims in together if (folder := os.path.dirname(claims[0].log)) in mine}
