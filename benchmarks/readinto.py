"""The limit of reading: nothing but `readinto` of a reused block. `readinto.py THREADS LIST`

LIST is a file with a segment's path on each line. Prints how many bytes were read. Needs nothing but Python itself, and
is run as a script, so that its start-up is Python's own.
"""

import os
import sys
from queue import Empty, SimpleQueue
from threading import Thread

BLOCK = 1 << 20
PIECE = 64 << 20  # threads share large segments out by ranges, as asynclog does


def read(pieces: "SimpleQueue[tuple[str, int, int]]", totals: list[int]) -> None:
    """Read pieces until there are no more; append to `totals` how much was read."""
    block = memoryview(bytearray(BLOCK))
    total = 0
    while True:
        try:
            path, start, end = pieces.get_nowait()
        except Empty:
            break
        with open(path, "rb", buffering=0) as file:
            file.seek(start)
            while start < end and (got := file.readinto(block[: end - start])):
                start += got
                total += got
    totals.append(total)


def main(threads: int, listing: str) -> None:
    """Read everything once."""
    pieces: SimpleQueue[tuple[str, int, int]] = SimpleQueue()
    with open(listing, encoding="utf-8", errors="surrogateescape") as file:
        for path in file.read().splitlines():
            size = os.path.getsize(path)
            for start in range(0, size, PIECE):
                pieces.put((path, start, min(start + PIECE, size)))
    totals: list[int] = []
    crew = [Thread(target=read, args=(pieces, totals)) for _ in range(threads - 1)]
    for worker in crew:
        worker.start()
    read(pieces, totals)
    for worker in crew:
        worker.join()
    print(sum(totals))


main(int(sys.argv[1]), sys.argv[2])
