"""The words of a command line -> the settings that they mean here."""

import os
from collections.abc import Mapping
from typing import Any

from asynclog.config.resolve import resolve
from asynclog.config.settings import Options, Settings


def settings_of(given: Mapping[str, Any]) -> Settings:
    """The settings of a command, which need not have all of the options. Raises ConfigurationError."""
    options: Options = {name: given[name] for name in Options.__annotations__ if name in given}  # type: ignore[assignment]
    return resolve(options, os.environ)
