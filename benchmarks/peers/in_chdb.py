"""ClickHouse, in this process: the census. `in_chdb.py census FOLDER THREADS CUTOFFS`"""

import json
import sys

import chdb  # type: ignore[import-not-found]  # it is installed in an environment of its own


def census(folder: str, threads: int, cutoffs: dict[str, str]) -> dict[str, list[object]]:
    """One query with the columns and their types given.

    Parsing in parallel costs half as much again where there is one thread only: there it is switched off.
    """
    expired = " OR ".join(
        f"(schema_name = '{name}' AND schema_version = {version} AND timestamp < '{cutoff}')"
        for (name, _, version), cutoff in ((key.rpartition(":"), cutoff) for key, cutoff in cutoffs.items())
    )
    answer = chdb.query(
        f"""
        SELECT schema_name, schema_version, count(), min(timestamp), max(timestamp), countIf({expired or "false"})
        FROM file('{folder}/logs-2*.jsonl', 'JSONEachRow',
                  'schema_name String, schema_version UInt32, timestamp String')
        GROUP BY schema_name, schema_version
        SETTINGS max_threads = {threads}, input_format_parallel_parsing = {int(threads > 1)},
                 output_format_json_quote_64bit_integers = 0""",  # noqa: S608 - of nothing but our own values
        "JSONCompact",
    )
    return {f"{name}:{version}": row for name, version, *row in json.loads(answer.bytes())["data"]}


def main(_: str, folder: str, threads: str, cutoffs: str) -> None:
    """Take the census."""
    print(json.dumps(census(folder, int(threads), json.loads(cutoffs))))


main(*sys.argv[1:])
