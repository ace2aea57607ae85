"""Set how many examples property tests try: all with `--hypothesis-profile=ci`, as .ci/run has it, else a quarter."""

from hypothesis import settings

_ALL = 100  # percent, as a profile's max_examples
settings.register_profile("ci", max_examples=_ALL, deadline=None)
settings.register_profile("quick", max_examples=_ALL // 4, deadline=None)
settings.load_profile("quick")


def examples(number: int) -> settings:
    """Return settings for so many examples under the profile `ci`. Other machines are slower: there is no deadline."""
    return settings(max_examples=max(1, number * settings().max_examples // _ALL), deadline=None)
