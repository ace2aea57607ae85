"""`python -m tests.campaigns.faults`: runs the campaign and prints its table; exits with 1 where anything was wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[2] / folder) for folder in ("campaigns", "support"))

from faults.campaign import Campaign, LayerResult
from faults.layers import LAYERS, layer
from faults.mutants import MUTANTS, Caught, Mutant, caught
from faults.oracle import KINDS

# One changes for the whole machine how long Linux waits for a lease, one measures how long leases are held.
ALONE = ("stopped", "soak")
WORKERS = 2
SHOWN = 40  # violations per layer that are printed


def main() -> int:
    """Run what the command line asks for."""
    options = _options()
    named, _, point = (options.point or "").partition(":")
    layers = [] if options.mutants else [named] if named else options.layer or LAYERS
    mutants = () if options.layer or named else MUTANTS
    alone = [each for each in mutants if not each.layers.keys().isdisjoint(ALONE)]
    beside = [each for each in mutants if each not in alone]
    clean = True
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        campaign = Campaign(Path(scratch), options.seed, options.quick, point if named else None)
        with ProcessPoolExecutor(WORKERS, get_context("fork")) as pool:
            found = pool.map(partial(_explored, campaign), [name for name in layers if name not in ALONE])
            tried = pool.map(partial(_tried, campaign), beside)
            if layers:
                print(f"faults: seed {options.seed}{', quick' if options.quick else ''}")
                print(_row("layer", "points", *KINDS, "seconds"), flush=True)
                clean = not sum(not _told(*each) for each in found)
            number = sum(_told_mutant(mutant, answer) for mutant, answer in zip(beside, tried, strict=True))
        for name in ALONE:
            if name in layers:
                clean = _told(*_explored(campaign, name)) and clean
        number += sum(_told_mutant(mutant, _tried(campaign, mutant)) for mutant in alone)
    if mutants:
        print(f"mutants caught {number}/{len(mutants)}")
    return 0 if clean and number == len(mutants) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.faults", description="Run the fault campaign.")
    parser.add_argument("--seed", type=int, default=1, help="which points a choice falls on (default: 1)")
    parser.add_argument("--layer", action="append", choices=LAYERS, help="only this layer; may be given again")
    parser.add_argument("--quick", action="store_true", help="a small choice of points, half a minute in all")
    parser.add_argument("--mutants", action="store_true", help="only the deliberately broken variants")
    parser.add_argument("--point", metavar="LAYER:POINT", help="only this point, as printed beside a violation")
    return parser.parse_args()


def _explored(campaign: Campaign, name: str) -> tuple[LayerResult, float]:
    """Run one layer, in a worker; return its result, and how many seconds that took."""
    begun = time.monotonic()
    result = layer(name)(replace(campaign, scratch=campaign.scratch / name))
    return result, time.monotonic() - begun


def _tried(campaign: Campaign, mutant: Mutant) -> Caught:
    return caught(replace(campaign, scratch=campaign.scratch / mutant.name), mutant)


def _told(result: LayerResult, seconds: float) -> bool:
    """Print a layer's row and what there is to say about it; return whether nothing was wrong."""
    counts = [str(result.count(kind)) for kind in KINDS]
    print(_row(result.layer, f"{result.points:,}", *counts, f"{seconds:.0f}"))
    for reason, number in result.skipped.items():
        print(f"  skipped {number:,}: {reason}")
    for note in result.notes:
        print(f"  {note}")
    for violation in result.violations[:SHOWN]:
        print(f"  {violation.finding.kind}: {violation.finding.detail}\n    --point {result.layer}:{violation.point}")
    sys.stdout.flush()
    return not result.violations


def _told_mutant(mutant: Mutant, answer: Caught) -> bool:
    print(f"  {'caught' if answer.caught else 'NOT CAUGHT'}: {mutant.name}: {answer.how}", flush=True)
    return answer.caught


def _row(*cells: str) -> str:
    return "".join(cell.ljust(12) if index == 0 else cell.rjust(12) for index, cell in enumerate(cells))


if __name__ == "__main__":
    sys.exit(main())
