"""Where it ran, in a reader's words."""

import os
import platform
from pathlib import Path

from asynclog.version import VERSION
from benchmarks.environments import Peer


def describe(folder: Path, peers: tuple[Peer, ...], reader: str) -> list[str]:
    """Describe the machine, and the versions of everything that was measured."""
    others = "".join(f", {peer.title} {peer.version}" for peer in peers)
    processors = f"{_processor()}, {len(os.sched_getaffinity(0))} processors to use"
    return [
        f"{processors}, {_memory()}, Linux {platform.release()}, {_file_system(folder)}",
        f"asynclog {VERSION} (reader: {reader}), Python {platform.python_version()}{others}",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.0f} GiB of memory"


def _file_system(folder: Path) -> str:
    """Return the type of the one that holds the archives: the mount with the longest path that leads there."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    here = [(mount[1], mount[2]) for mount in mounts if folder.resolve().is_relative_to(mount[1])]
    return max(here, key=lambda mount: len(mount[0]), default=("", "unknown file system"))[1]
