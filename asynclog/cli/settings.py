"""The words of a command line -> the settings that they mean here."""

import os
from collections.abc import Mapping
from typing import Any

from asynclog.config.options import Options
from asynclog.config.policy import load_policy
from asynclog.config.settings import Settings, resolve
from asynclog.model import Policy


def settings_of(given: Mapping[str, Any]) -> Settings:
    """The settings of a command, which need not have all of the options. Raises ConfigurationError."""
    options: Options = {name: given[name] for name in Options.__annotations__ if name in given}  # type: ignore[assignment]
    return resolve(options, os.environ)


def policy_of(settings: Settings) -> Policy:
    """The policy that these settings name. A registry in a folder that does not exist yet has no rules yet."""
    if not os.path.lexists(settings.folder) and os.path.dirname(settings.schemas) == settings.folder:
        return Policy()
    return load_policy(settings.schemas, settings.schemas_are)
