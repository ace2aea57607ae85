"""The builds of the kernel that are tried: the installed one, and one that AddressSanitizer and UBSan watch."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

import asynclog

SOURCE = Path(asynclog.__file__).parent / "records" / "_kernel.c"
FLAGS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fPIC", "-shared")


class Unavailable(Exception):  # noqa: N818 - no error of the fuzzer; the text says why
    """There is no such build here."""


class Build(NamedTuple):
    """A module, the buffers that show best where it reads, and what its process needs in its environment."""

    title: str
    module: str
    buffers: Literal["cliff", "heap"]
    environment: dict[str, str]


def installed() -> Build:
    """Return the build that the package uses. Raises Unavailable."""
    spec = find_spec("asynclog.records._kernel")
    if spec is None or spec.origin is None:
        raise Unavailable("the kernel is not built")
    return Build("the kernel as built", spec.origin, "cliff", {})


def sanitized(folder: str) -> Build:
    """Build the same source with the sanitizers into a folder, as for a processor without SSE2. Raises Unavailable."""
    compiler = _compiler()
    module = str(Path(folder) / "_kernel.so")
    include = sysconfig.get_paths()["include"]
    done = _run([*compiler, *FLAGS, "-U__SSE2__", "-I", include, str(SOURCE), "-o", module])
    if done.returncode:
        raise Unavailable(f"{compiler[0]} can't build with sanitizers: {done.stderr.strip()}")
    # It has to be in the process before the module is, for Python itself was built without.
    runtime = _run([*compiler, "-print-file-name=libasan.so"]).stdout.strip()
    if not Path(runtime).is_absolute():
        raise Unavailable(f"{compiler[0]} has no libasan.so")
    environment = {
        "LD_PRELOAD": runtime,
        "ASAN_OPTIONS": "detect_leaks=0",  # Python has some on purpose
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",
    }
    return Build("the kernel under AddressSanitizer and UBSan", module, "heap", environment)


def _compiler() -> list[str]:
    for name in (os.environ.get("CC"), sysconfig.get_config_var("CC"), "cc"):
        command = shlex.split(name or "")
        if command and shutil.which(command[0]):
            return command
    raise Unavailable("there is no C compiler")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
