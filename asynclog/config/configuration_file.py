"""The configuration file: which one, and which profile of it. Ours, or MXCP's own."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from asynclog.config.paths.usable_paths import absolute, working_folder
from asynclog.config.profile import Profile
from asynclog.config.reading.file_text import Origin
from asynclog.errors import ConfigurationError

if TYPE_CHECKING:
    from asynclog.config.reading.yaml_document import Document

OURS = "asynclog.yaml"
MXCPS = "mxcp-site.yml"


def find_configuration() -> str:
    """Return the nearest `asynclog.yaml`, else the nearest `mxcp-site.yml`, from the working folder upwards."""
    start = working_folder()
    path = nearest(OURS, start) or nearest(MXCPS, start)
    if path is not None:
        return path
    raise ConfigurationError(
        f"no {OURS} and no {MXCPS} in {start} or above it: name one with --config, "
        "or the log with --path and its audit schema definitions with --schemas"
    )


def nearest(name: str, folder: str) -> str | None:
    """Return the nearest file of this name, from an absolute folder upwards; None if there is none."""
    while True:
        path = os.path.join(folder, name)
        if os.path.lexists(path):
            return path
        if folder == os.path.dirname(folder):
            return None
        folder = os.path.dirname(folder)


def profile_names(path: str | None) -> list[str]:
    """Return the names of all profiles of the file at `path`, else of the one found. Raise ConfigurationError."""
    document = _document(path)
    names = list(document.mapping(("profiles",))) if "profiles" in document.mapping(()) else []
    if not names:
        raise ConfigurationError(f"{document.path}: there are no profiles")
    return names


def _document(path: str | None, origin: Origin = "named") -> "Document":
    from asynclog.config.reading.yaml_document import Document  # noqa: PLC0415 - YAML takes a tenth of a short job to import

    if path and path.endswith(".jsonl"):
        raise ConfigurationError(
            f"--config {path}: this is no configuration, which is a YAML file: name a log with --path"
        )
    return Document(absolute(path, "--config"), origin) if path else Document(find_configuration(), "found")


def load_profile(path: str | None, name: str | None, environment: Mapping[str, str]) -> Profile:
    """Return the profile `name`, else the one that the environment or the file says.

    The file is the one at `path`, else the one that is found, which then has to be ours or root's; so has one that
    names programs to run.
    """
    document = _document(path)
    if path and _has_hooks(document):
        document = _document(path, "hooks")
    keys = document.mapping(())
    if "mxcp" in keys:
        from asynclog.config.mxcp.site import mxcp_profile  # noqa: PLC0415 - only in an MXCP project

        return mxcp_profile(document, name, environment)
    if "schemas" in keys and "profiles" not in keys:
        raise document.error(
            ("schemas",), f"these are audit schema definitions, and no configuration: --schemas {document.path}"
        )
    from asynclog.config.our_profile import our_profile  # noqa: PLC0415 - only with a file of ours

    return our_profile(document, name, environment)


def _has_hooks(document: "Document") -> bool:
    from asynclog.config.values.hooks import has_hooks  # noqa: PLC0415 - a file that is found needs no second look

    return "mxcp" not in document.mapping(()) and has_hooks(document)
