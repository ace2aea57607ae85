"""The files of a first configuration, in the working folder: write them, and never over others."""

import os
from collections.abc import Mapping

from asynclog.cli.files.user_named_file import write_new
from asynclog.config.configuration_file import OURS
from asynclog.errors import ConfigurationError

POLICY = "audit-schemas.yaml"


def must_be_new(files: list[str]) -> None:
    """Raise ConfigurationError if one of the files exists, before a large log is read."""
    for path in files:
        if os.path.lexists(path):
            raise _exists(path)


def write(texts: Mapping[str, str]) -> None:
    """Write new files of these names, the configuration last: it never names a policy that is not there.

    Raise ConfigurationError if one can't be written, or exists meanwhile.
    """
    try:
        write_new({name: texts[name].encode() for name in sorted(texts, key=lambda name: name == OURS)})
    except FileExistsError as error:  # made just now
        raise _exists(os.path.join(os.getcwd(), str(error.filename2))) from None
    except OSError as error:
        raise ConfigurationError(f"{os.getcwd()}: the files can't be written here: {error.strerror}") from None


def _exists(path: str) -> ConfigurationError:
    there = " and ".join(name for name in (OURS, POLICY) if os.path.lexists(name))
    return ConfigurationError(
        f"{path}: this file exists, and init never overwrites it: nothing was written. Remove {there} if that is from "
        "an earlier init, or run init in another folder"
    )
