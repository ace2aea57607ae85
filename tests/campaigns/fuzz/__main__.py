"""`python -m tests.campaigns.fuzz --seconds 60 --seed 1`: exits with 1 where anything was wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[2] / folder) for folder in ("campaigns", "support"))

from fuzz.builds import Unavailable, installed, sanitized
from fuzz.campaign import Counts
from fuzz.worker import Worker


def main() -> int:
    """Run a campaign with each build that there is, all at once, and print what they saw."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.fuzz", description="Fuzz the kernel.")
    parser.add_argument("--seconds", type=float, default=300, help="how long (default: 300)")
    parser.add_argument("--seed", type=int, default=1, help="which lines come (default: 1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            workers = [Worker(installed(), options.seed, options.seconds)]
        except Unavailable as reason:
            print(f"nothing to fuzz: {reason}")
            return 1
        try:
            workers.append(Worker(sanitized(folder), ~options.seed, options.seconds))
        except Unavailable as reason:
            print(f"no sanitizers: {reason}")
        clean = [told(worker.title, worker.result()) for worker in workers]
    return 0 if all(clean) else 1


def told(title: str, result: Counts | str) -> bool:
    """Print what a campaign has seen; whether nothing was wrong."""
    if isinstance(result, str):
        print(f"{title}: {result}")
        return False
    print(
        f"{title}: {result.lines:,} lines, {result.certain:,} certain answers, {result.judged:,} lines judged, "
        f"{result.prefixes:,} prefixes; disagreements: {len(result.disagreements)}, "
        f"ordinary records uncertain: {result.doubted:,} of {result.ordinary:,}"
    )
    for each in result.disagreements:
        print(f"  {each}")
    return not result.disagreements and not result.doubted


if __name__ == "__main__":
    sys.exit(main())
