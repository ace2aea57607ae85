"""Another mount of a folder, by bindfs: what is done there passes no leases, no flock, and no notice of each other."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from faults import mounts

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 10.0  # seconds for a mount to come about
_PAUSE = 0.005  # seconds between two looks


@cache
def unavailable() -> str:
    """Why there can be no such mount here; empty where there can."""
    if os.geteuid() != 0:
        return "bindfs: only root may mount it"
    if not shutil.which("bindfs"):
        return "bindfs: there is no bindfs here"
    with TemporaryDirectory(prefix="faults-bindfs-") as folder:
        try:
            below, above = (Path(folder, name) for name in ("below", "above"))
            below.mkdir()
            with bound(below, above):
                return ""
        except OSError as error:
            return f"bindfs: it can't be mounted here: {error}"


@contextmanager
def bound(below: Path, above: Path) -> Iterator[None]:
    """Make the folder `above` be the folder `below`, through bindfs, for the time of the `with`."""
    mounts.stay_private()
    above.mkdir(parents=True, exist_ok=True)
    server = subprocess.Popen(["bindfs", "-f", below, above], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + _PATIENCE
        while not above.is_mount():
            if server.poll() is not None or time.monotonic() > end:
                raise OSError(f"bindfs ended with {server.poll()}")
            time.sleep(_PAUSE)
        yield
    finally:
        mounts.detach(above)
        server.terminate()
        server.wait()
