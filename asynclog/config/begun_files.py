"""Go on with the `asynclog.yaml` of the working folder if nothing but the policy that it names is missing."""

import os
from collections.abc import Mapping

from asynclog.config.configuration_file import OURS, nearest
from asynclog.config.resolve import resolve
from asynclog.config.settings import Options, Settings
from asynclog.config.usable_paths import absolute, identity, working_folder


def find_begun(options: Options, environment: Mapping[str, str], policy: str) -> Settings | None:
    """Return the settings of the file here if its log has the policy at this path, which must be missing.

    Return None without such a file, or if the options name another log. Raise ConfigurationError if it can't be read.
    """
    here, path = working_folder(), options.get("path")
    if nearest(OURS, here) != os.path.join(here, OURS) or os.path.lexists(policy):
        return None
    settings = resolve({**options, "path": None}, environment)
    log = os.path.join(settings.folder, settings.base)
    is_another = path and identity(absolute(path, "--path")) != identity(log)
    return settings if settings.enabled and settings.schemas == policy and not is_another else None
