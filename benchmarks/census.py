"""The census that asynclog's plan rests on, as JSON. `-m benchmarks.census LOG NOW`

It runs in a process of its own, so that the one that measures stays small.
"""

import asyncio
import json
import sys
from datetime import datetime

import asynclog
from benchmarks.answers import Census


async def census(log: str, now: str) -> Census:
    """Of a log whose registry lies beside it, over all its segments."""
    plan = await asynclog.plan_cleanup(path=log, now=datetime.fromisoformat(now), no_catalog=True)
    found: Census = {}
    for action in plan.actions:
        for count in action.stats.schemas if action.stats else ():
            if count.oldest is None or count.newest is None:
                continue
            key, oldest, newest = str(count.schema), count.oldest // 1000, count.newest // 1000
            records, least, greatest, expired = found.get(key, (0, oldest, newest, 0))
            found[key] = (
                records + count.records,
                min(least, oldest),
                max(greatest, newest),
                expired + count.expired,
            )
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(census(*sys.argv[1:3]))))
