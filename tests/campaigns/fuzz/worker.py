"""A campaign in a process of its own, which may crash: `python -m fuzz.worker MODULE BUFFERS SEED SECONDS`."""

from __future__ import annotations

import faulthandler
import json
import os
import subprocess
import sys
from dataclasses import asdict
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz.buffers import Cliff, on_the_heap
from fuzz.campaign import Campaign, Compact, Counts
from fuzz.layouts import products

if TYPE_CHECKING:
    from asynclog.records._kernel import Scanner
    from fuzz.builds import Build


_TESTS = Path(__file__).resolve().parents[2]
_FOLDERS = (str(_TESTS / "campaigns"), str(_TESTS / "support"))


class Worker:
    """The process of one campaign with one build, started at once."""

    def __init__(self, build: Build, seed: int, seconds: float) -> None:
        self.title = build.title
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fuzz.worker", build.module, build.buffers, str(seed), str(seconds)],
            env=os.environ | build.environment | {"PYTHONPATH": os.pathsep.join(_FOLDERS)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self) -> Counts | str:
        """Wait for its end: what it counted, or why it ended without."""
        output, errors = self._process.communicate()
        status = self._process.returncode
        return f"ended with status {status}\n{errors}" if status else Counts(**json.loads(output))


def load(module: str) -> tuple[type[Scanner], Compact]:
    """Load a build of the kernel from any place."""
    spec = spec_from_file_location("_kernel", module)
    assert spec is not None
    assert spec.loader is not None
    loaded = module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded.Scanner, loaded.compact


def main(module: str, buffers: str, seed: str, seconds: str) -> None:
    """Run the campaign and print its counts as JSON."""
    faulthandler.enable()
    kernel, compact = load(module)
    counts, exactly = Counts(), Cliff() if buffers == "cliff" else on_the_heap
    others = products()
    half = float(seconds) / 2
    Campaign(kernel, exactly, compact=compact, counts=counts).run(int(seed), half)
    for reader, judge, block, fields in ((each.reader, each.judge, each.block, each.fields) for each in others):
        campaign = Campaign(kernel, exactly, reader, judge, block, fields, compact, has_prefixes=False, counts=counts)
        campaign.run(int(seed), half / len(others))
    print(json.dumps(asdict(counts)))


if __name__ == "__main__":
    main(*sys.argv[1:])
