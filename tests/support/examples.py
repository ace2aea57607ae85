"""Set how many examples property tests try: all with `--hypothesis-profile=ci`, as .ci/run has it, else a quarter.

So does the fault campaign with the points of its quick choice.
"""

from hypothesis import HealthCheck, settings

_ALL = 100  # percent, as a profile's max_examples
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # other machines are slower
settings.register_profile("ci", _UNHURRIED, max_examples=_ALL)
settings.register_profile("quick", _UNHURRIED, max_examples=_ALL // 4)
settings.load_profile("quick")


def examples(number: int) -> settings:
    """Return settings for so many examples under the profile `ci`, fewer under others."""
    return settings(max_examples=max(1, number * settings().max_examples // _ALL))
