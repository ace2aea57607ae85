"""Find the state folder of a log: the one that was given, else systemd's, else one in the home of who runs this."""

import os
from collections.abc import Mapping
from contextlib import suppress

from asynclog.config.paths.usable_paths import absolute, usable
from asynclog.config.profile import Profile
from asynclog.errors import ConfigurationError


def state_folder(option: str | None, profile: Profile, folder: str, environment: Mapping[str, str]) -> str:
    """Return the state folder: the one given, else systemd's, else the user's; empty if not even a home is known.

    Only a folder that was given is refused below the log's: the user's own may well lie below a log in their home.
    Raise ConfigurationError.
    """
    said = absolute(option, "--state") if option else profile.state
    state = usable(said or _usual_state(environment), "the state folder (STATE_DIRECTORY, XDG_STATE_HOME, HOME)")
    real, log = os.path.realpath(state), os.path.realpath(folder)
    if state and profile.enabled and (real == log or (said and real.startswith(log + os.sep))):
        raise ConfigurationError(f"{state}: the state folder lies in the log's own folder {folder}: name another one")
    return state


def _usual_state(environment: Mapping[str, str]) -> str:
    given = environment.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return given
    base = environment.get("XDG_STATE_HOME", "")
    if os.path.isabs(base):
        return os.path.join(base, "asynclog")
    home = _home(environment)
    return os.path.join(home, ".local/state/asynclog") if home else ""


def _home(environment: Mapping[str, str]) -> str:
    """Return the home of who runs this; empty if there is none. HOME may be another user's: sudo can keep it."""
    said = environment.get("HOME", "")
    if not _is_ours(said):
        import pwd  # noqa: PLC0415 - HOME is nearly always right

        with suppress(KeyError):
            said = pwd.getpwuid(os.geteuid()).pw_dir
    return said if _is_ours(said) else ""


def _is_ours(folder: str) -> bool:
    try:
        return os.path.isabs(folder) and os.stat(folder).st_uid == os.geteuid()
    except (OSError, ValueError):
        return False
