"""Whether a peer does asynclog's job: on lines that are no records, or not what they look like."""

import json
import shutil
from pathlib import Path

from benchmarks.answers import same_files
from benchmarks.archives import NOW, cutoffs
from benchmarks.engines import CLEANUP, OURS
from benchmarks.environments import Peer
from benchmarks.generate import registry
from benchmarks.timing import Contestant, time_one

EXPIRED = '{"schema_name": "debug_logs", "schema_version": 1, "timestamp": "2026-10-24T23:59:59.5Z"}'
GO = (
    EXPIRED,
    EXPIRED.replace("Z", "+00:00"),
    EXPIRED.replace("24T23", "25T01").replace("Z", "+02:00"),
    EXPIRED.replace("T23", " 23"),
    EXPIRED.replace('"schema_version": 1, ', ""),
    EXPIRED.replace("1,", 'null, "input_data": {"timestamp": 0, "schema_name": "legal", "schema_version": 2},'),
)
STAY = (
    "",
    "no JSON",
    EXPIRED[:-9],
    EXPIRED[:-9] + EXPIRED,
    EXPIRED * 2,
    f"[{EXPIRED}, {EXPIRED}]",
    EXPIRED.replace("Z", "-01:00"),
    EXPIRED.replace("Z", ""),
    EXPIRED.replace("T23:59:59.5Z", ""),
    EXPIRED.replace("10-24", "09-31"),
    EXPIRED.replace("1,", '"1",'),
    EXPIRED.replace("1,", "1.0,"),
    *(
        line
        for key, value in (("timestamp", '"2026-11-01T00:00:00Z"'), ("schema_name", '"legal"'), ("schema_version", "2"))
        for name in (key, rf"\u{ord(key[0]):04x}{key[1:]}")
        for once in (EXPIRED, EXPIRED.replace('"schema_version": 1, ', ""))
        for line in (once.replace("{", f'{{"{name}": {value}, '), once.replace("}", f', "{name}": {value}}}'))
        if key in once
    ),
)


def same_job(peer: Peer, folder: Path) -> None:
    """Has both clean up the same odd lines, in a folder that is made for it and removed. Raises BenchmarkError."""
    right, ours, theirs = (folder / name for name in ("right", "ours", "theirs"))
    for place, lines in ((right, STAY), (ours, GO + STAY), (theirs, GO + STAY)):
        place.mkdir(parents=True)
        (place / "logs-20261101T000000.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (ours / "logs_schemas.jsonl").write_bytes(registry())
    try:
        for name, place, command in (
            (OURS, ours, (*CLEANUP, "--path", str(ours / "logs.jsonl"), "--now", NOW)),
            (peer.title, theirs, peer.command("cleanup", theirs, 1, json.dumps(cutoffs()))),
        ):
            time_one(Contestant(name, 1, command))
            same_files(place, right)
    finally:
        shutil.rmtree(folder)
