"""Set how much the tests look at: everything with `--hypothesis-profile=ci`, as .ci/run has it, else a fixed choice.

Property tests try a quarter of their examples then, and so does the fault campaign with the points of its quick choice.
A test marked `matrix` runs with some of its parameters, and one marked `thorough` not at all.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ALL = 100  # percent, as a profile's max_examples
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # other machines are slower
settings.register_profile("ci", _UNHURRIED, max_examples=_ALL)
settings.register_profile("quick", _UNHURRIED, max_examples=_ALL // 4)
settings.load_profile("quick")


def examples(number: int) -> settings:
    """Return settings for so many examples under the profile `ci`, fewer under others."""
    return settings(max_examples=share(number))


def share(number: int) -> int:
    """Return this number under the profile `ci`, a quarter of it under others, but at least 1."""
    return -(-number * percent() // _ALL)


def thorough() -> bool:
    """Return whether the profile is `ci`, under which everything is looked at."""
    return percent() >= _ALL


def percent() -> int:
    """Return how much is looked at: a matter of the profile, whatever settings a property test has while it runs."""
    return settings.get_profile(settings.get_current_profile_name()).max_examples


def left_out(tests: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return the tests that only the profile `ci` runs: the `thorough` ones, and what is not `chosen` of a `matrix`."""
    matrices: dict[str, list[pytest.Function]] = {}
    out: list[pytest.Item] = []
    for test in tests:
        if test.get_closest_marker("thorough"):
            out.append(test)
        elif test.get_closest_marker("matrix") and isinstance(test, pytest.Function):
            matrices.setdefault(test.nodeid.partition("[")[0], []).append(test)
    for name, matrix in matrices.items():
        stays = chosen(name, [test.callspec.params for test in matrix])
        out += [test for number, test in enumerate(matrix) if number not in stays]
    return out


def chosen(name: str, cases: Sequence[Mapping[str, object]]) -> set[int]:
    """Return the numbers of enough cases for each value of each parameter to be in one, always the same for a name."""
    order = list(range(len(cases)))
    Random(name).shuffle(order)  # noqa: S311 - or the first value of one parameter would go with all of the others
    stays: set[int] = set()
    seen: set[tuple[str, str]] = set()
    for number in order:
        values = {(parameter, repr(value)) for parameter, value in cases[number].items()}
        if not values <= seen:
            stays.add(number)
            seen |= values
    return stays
