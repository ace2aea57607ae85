"""Polars: the census. `in_polars.py census FOLDER THREADS CUTOFFS`"""

import json
import os
import sys
from functools import reduce
from glob import glob
from operator import or_

os.environ["POLARS_MAX_THREADS"] = sys.argv[3]  # read when it is imported

import polars as pl  # type: ignore[import-not-found]


def census(folder: str, cutoffs: dict[str, str]) -> dict[str, list[object]]:
    """One lazy query with the columns and their types given, by the streaming engine."""
    name, version, time = map(pl.col, ("schema_name", "schema_version", "timestamp"))
    expired = [
        (name == key.rpartition(":")[0]) & (version == int(key.rpartition(":")[2])) & (time < cutoff)
        for key, cutoff in cutoffs.items()
    ]
    columns = {"schema_name": pl.String, "schema_version": pl.Int64, "timestamp": pl.String}
    rows = (
        pl.scan_ndjson(sorted(glob(f"{folder}/logs-2*.jsonl")), schema=columns)
        .group_by("schema_name", "schema_version")
        .agg(
            pl.len(),
            time.min().alias("oldest"),
            time.max().alias("newest"),
            reduce(or_, expired, pl.lit(False)).sum().alias("expired"),
        )
        .collect(engine="streaming")
    )
    return {f"{name}:{version}": row for name, version, *row in rows.rows()}


def main(_: str, folder: str, threads: str, cutoffs: str) -> None:
    """Take the census; the threads were set before."""
    print(json.dumps(census(folder, json.loads(cutoffs))))


main(*sys.argv[1:])
