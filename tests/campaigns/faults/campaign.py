"""The options of one run of the campaign, and the result of a layer."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

from faults.oracle import Finding, Kind
from faults.victim import REAL, Variant


class Violation(NamedTuple):
    """A finding with the point at which it was made: `--point LAYER:POINT` makes it again."""

    layer: str
    point: str
    finding: Finding


@dataclass
class LayerResult:
    """The result of one layer: `skipped` counts points that could not run, by reason; `notes` are figures to print."""

    layer: str
    points: int = 0
    violations: list[Violation] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def add(self, point: str, findings: Iterable[Finding]) -> None:
        """Count one point, with what was wrong at it."""
        self.points += 1
        self.violations += [Violation(self.layer, point, finding) for finding in findings]

    def count(self, kind: Kind) -> int:
        """At how many points something of this kind was wrong."""
        return len({violation.point for violation in self.violations if violation.finding.kind == kind})


@dataclass(frozen=True)
class Campaign:
    """One run: `quick` is a small choice by `seed`, `point` asks for this one only, `variant` is put to the test.

    Of the small choice, so many `percent` are looked at.

    `first_only` ends a layer at its first violation, which is all that is asked of it where a mutant is to be caught.
    Points are taken from all over the place then, and only those in which the pattern `only` is found.
    """

    scratch: Path
    seed: int = 1
    quick: bool = False
    point: str | None = None
    variant: Variant = REAL
    first_only: bool = False
    only: str = ""
    percent: int = 100

    def folder(self, layer: str) -> Path:
        """Return a folder of its own for a layer's archives."""
        folder = self.scratch / layer
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def chosen(self, points: Sequence[str], most: int) -> list[str]:
        """At most so many of these points, in their order; the same ones for the same seed."""
        if self.first_only:
            points = [point for point in points if re.search(self.only, point)]
        if len(points) <= most:
            return list(points)
        random = Random(f"{self.seed} {len(points)}")  # noqa: S311 - the same choice has to come again
        return [points[index] for index in sorted(random.sample(range(len(points)), most))]

    def wants(self, who: str) -> bool:
        """Whether points that begin with this name have to be listed: the one that was asked for need not be."""
        if self.point is not None:
            return False
        return not self.first_only or re.search(self.only.partition(",")[0], who) is not None

    def explore(self, layer: str, points: Iterable[str], check: Callable[[str], list[Finding] | None]) -> LayerResult:
        """Check each point, or the one that was asked for. `check` returns None if its fault did not come about."""
        result = LayerResult(layer)
        if self.point is not None:
            points = [self.point]
        elif self.first_only:
            points = [point for point in points if re.search(self.only, point)]
            Random(self.seed).shuffle(points)  # noqa: S311 - the same order has to come again
        elif self.quick:
            points = list(points)
            points = self.chosen(points, math.ceil(len(points) * self.percent / 100))
        for point in points:
            findings = check(point)
            if findings is not None:
                result.add(point, findings)
            if self.first_only and result.violations:
                break
        return result
