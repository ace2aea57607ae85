"""Runs in MXCP's environment: write logs with its own writer, as `[{"log", "definitions", "segments"}]` on stdin says.

A record is `[schema, version, timestamp]`. Each segment has a writer of its own, for each start begins a segment.
"""

import asyncio
import json
import logging
import sys
from datetime import datetime
from pathlib import Path

from mxcp.sdk.audit import AuditRecordModel, AuditSchemaModel  # type: ignore[import-not-found]
from mxcp.sdk.audit.backends.jsonl import JSONLAuditWriter  # type: ignore[import-not-found]

TEXT = "select name, total from orders where region = 'north' and total > 100 order by name limit 50; "


async def write(
    log: str, definitions: list[tuple[str, int, int | None, bool]], segments: list[list[tuple[str, int, str]]]
) -> None:
    """Write one log and its registry."""
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    for number, records in enumerate(segments):
        writer = JSONLAuditWriter(Path(log))
        for name, version, days, active in definitions if number == 0 else ():
            schema = AuditSchemaModel(schema_name=name, version=version, retention_days=days)
            await writer.create_schema(schema)
            if not active:
                await writer.deactivate_schema(name, version)
        for name, version, timestamp in records:
            await writer.write_record(
                AuditRecordModel(
                    schema_name=name,
                    schema_version=version,
                    timestamp=datetime.fromisoformat(timestamp),
                    operation_type="tool",
                    operation_name="sql_query",
                    input_data={"q": TEXT * 3},
                )
            )
        await writer.shutdown()


async def main() -> None:
    """Write all of them, one after the other."""
    for each in json.load(sys.stdin):
        await write(**each)


logging.disable()  # it tells of each record without a definition
asyncio.run(main())
