"""Compress the segments of a generated archive, as a rotator would. `python -m benchmarks.pack FOLDER SUFFIX`"""

import gzip
import importlib
import shutil
import sys
from pathlib import Path
from typing import Any


def pack(folder: Path, suffix: str) -> None:
    """Put compressed segments in the place of all, at the usual level of gzip (6) or zstd (3)."""
    for path in sorted(folder.glob("logs-2*.jsonl")):
        with path.open("rb") as source, _opened(path.with_name(path.name + suffix), suffix) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        path.unlink()


def _opened(path: Path, suffix: str) -> Any:
    if suffix == ".gz":
        return gzip.open(path, "wb", compresslevel=6)
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return importlib.import_module(name).open(path, "wb", level=3)


if __name__ == "__main__":
    pack(Path(sys.argv[1]), sys.argv[2])
