"""The limit of reading what is compressed: nothing but unpacking into a reused block. `unpack.py THREADS LIST`

LIST is a file with a segment's path on each line. Prints how many bytes were unpacked, with asynclog's library.
"""

import importlib
import sys
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

BLOCK = 1 << 20


def library(path: str) -> Any:
    """Return the module that opens a file of this name."""
    names = ("isal.igzip", "gzip") if path.endswith(".gz") else ("compression.zstd", "backports.zstd")
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise SystemExit(f"there is no library for {path}")


def unpack(paths: "SimpleQueue[str]", totals: list[int]) -> None:
    """Unpack segments until there are no more; append to `totals` how many bytes that were."""
    block = memoryview(bytearray(BLOCK))
    total = 0
    while True:
        try:
            path = paths.get_nowait()
        except Empty:
            break
        with library(path).open(path, "rb") as file:
            while got := file.readinto(block):
                total += got
    totals.append(total)


def main(threads: int, listing: str) -> None:
    """Unpack everything once."""
    paths: SimpleQueue[str] = SimpleQueue()
    with open(listing, encoding="utf-8", errors="surrogateescape") as file:
        for path in file.read().splitlines():
            paths.put(path)
    totals: list[int] = []
    crew = [Thread(target=unpack, args=(paths, totals)) for _ in range(threads - 1)]
    for worker in crew:
        worker.start()
    unpack(paths, totals)
    for worker in crew:
        worker.join()
    print(sum(totals))


main(int(sys.argv[1]), sys.argv[2])
