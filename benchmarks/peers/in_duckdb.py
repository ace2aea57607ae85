"""DuckDB: the census, and cleanups. `in_duckdb.py census|cleanup FOLDER THREADS CUTOFFS [TARGET]`"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from threading import local

import duckdb  # type: ignore[import-not-found]  # it is installed in an environment of its own


def parts(cutoffs: dict[str, str]) -> list[tuple[str, int, str]]:
    """Name, version and cutoff."""
    return [(key.rpartition(":")[0], int(key.rpartition(":")[2]), cutoff) for key, cutoff in cutoffs.items()]


def census(folder: str, threads: int, cutoffs: dict[str, str]) -> dict[str, list[object]]:
    """One query with the columns and their types given, so that nothing has to be guessed, and in no order."""
    expired = " OR ".join(
        f"(schema_name = '{name}' AND schema_version = {version} AND timestamp < '{cutoff}')"
        for name, version, cutoff in parts(cutoffs)
    )
    connection = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})
    rows = connection.execute(f"""
        SELECT schema_name, schema_version, count(*), min(timestamp), max(timestamp),
               count(*) FILTER ({expired or "false"})
        FROM read_json('{folder}/logs-2*.jsonl*', format = 'newline_delimited',
                       columns = {{schema_name: 'VARCHAR', schema_version: 'INTEGER', timestamp: 'VARCHAR'}})
        GROUP BY ALL""")  # noqa: S608 - of nothing but our own values
    return {f"{name}:{version}": row for name, version, *row in rows.fetchall()}


FIELDS = "['$.schema_name', '$.schema_version', '$.timestamp']"
TRUSTED = """
    SELECT line
    FROM (SELECT line, x[1] AS name, x[2] AS version, x[3] AS time
          FROM (SELECT line, json_extract_string(line, {fields}) AS x FROM {lines}))
    LEFT JOIN (VALUES {rules}) AS rules (name, version, cutoff) USING (name, version)
    WHERE cutoff IS NULL OR time IS NULL OR time >= cutoff"""
# `TRY` is null where the line is no JSON. Most lines show by their text that none of the three keys stands twice.
PROVEN = """
    SELECT line
    FROM (SELECT line, x[1] AS name, coalesce(nullif(x[2], 'null'), '1' :: JSON) AS version,
                 TRY_CAST(x[3] ->> '$' AS TIMESTAMPTZ) AS time,
                 regexp_matches(x[3], '[T ].*(Z|[+-]..:?..)"$')
                 AND CASE WHEN len(string_split(line, '"timestamp"')) = 2
                               AND len(string_split(line, '"schema_')) = 2 + (x[2] IS NOT NULL) :: INT
                               AND NOT contains(line, '\\u')
                     THEN true
                     ELSE len(list_filter(TRY(json_keys(line)), lambda key: key IN
                                          ('timestamp', 'schema_name', 'schema_version')))
                          = 2 + (x[2] IS NOT NULL) :: INT
                     END AS record
          FROM (SELECT line, TRY(json_extract(line, {fields})) AS x FROM {lines}))
    LEFT JOIN (SELECT CAST('"' || name || '"' AS JSON), CAST(version AS JSON), CAST(cutoff || 'Z' AS TIMESTAMPTZ)
               FROM (VALUES {rules}) AS given (name, version, cutoff)) AS rules (name, version, cutoff)
    USING (name, version)
    WHERE cutoff IS NULL OR time IS NULL OR time >= cutoff OR record IS NOT true"""


class Cleanup:
    """Writes what stays of each segment to a file, in order, and syncs it; without a target it replaces the segment.

    Into a target go the lines that a query leaves which takes each for a record whose keys stand once and whose times
    compare as text. In place the same is proven as far as SQL can, and what is not understood stays.

    Each thread has a DuckDB of its own with one thread: that keeps the lines in their order at no cost, and one reads
    while another waits for its sync. The lines come through the CSV reader, for it is faster here than the JSON reader
    and leaves them as they are; the three values come from one look at each line; and a join with the cutoffs is
    faster than a condition that names them.
    """

    def __init__(self, target: str, cutoffs: dict[str, str]) -> None:
        """Expect the target folder to be empty, if there is one."""
        self.target = target
        self.rules = ", ".join(f"('{name}', '{version}', '{cutoff}')" for name, version, cutoff in parts(cutoffs))
        self.mine = local()

    def write(self, segment: str) -> None:
        """Read one segment, decide, write the survivors, sync them."""
        if not hasattr(self.mine, "connection"):
            self.mine.connection = duckdb.connect(config={"threads": 1})
        lines = f"""read_csv('{segment}', columns = {{line: 'VARCHAR'}}, header = false, auto_detect = false,
                             delim = '\x01', quote = '', escape = '', new_line = '\\n', max_line_size = 16777216)"""
        query = (TRUSTED if self.target else PROVEN).format(fields=FIELDS, lines=lines, rules=self.rules)
        new = os.path.join(self.target, os.path.basename(segment)) if self.target else segment + ".new"
        self.mine.connection.execute(
            f"COPY ({query}) TO '{new}' (FORMAT csv, header false, delimiter '\x01', quote '', escape '')"
        )
        sync(new)
        if not self.target:
            os.replace(new, segment)


def sync(path: str) -> None:
    """Wait until a file, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def main(what: str, folder: str, threads: str, cutoffs: str, target: str = "") -> None:
    """Do what was asked for."""
    if what == "census":
        print(json.dumps(census(folder, int(threads), json.loads(cutoffs))))
        return
    cleanup = Cleanup(target, json.loads(cutoffs))
    with ThreadPoolExecutor(int(threads)) as crew:
        list(crew.map(cleanup.write, sorted(glob(f"{folder}/logs-2*.jsonl"))))
    sync(target or folder)


main(*sys.argv[1:])
