"""The known name that somebody probably meant by one that is not known. Pure."""

from collections.abc import Iterable

_SHORTEST = 3  # characters of a name that was cut off


def nearest_name(word: str, known: Iterable[str]) -> str:
    """Return the known name that is most like this word, empty if none is; capitals, - and _ make no difference."""
    folded = {_folded(name): name for name in known}
    if not folded:
        return ""
    wanted = _folded(word)
    if wanted in folded:
        return folded[wanted]
    from difflib import get_close_matches  # noqa: PLC0415 - only for an error

    begun = sorted(name for name in folded if len(wanted) >= _SHORTEST and name.startswith(wanted))
    near = begun[:1] or get_close_matches(wanted, folded, n=1, cutoff=0.65)
    return folded[near[0]] if near else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `: did you mean NAME?`, which goes behind the sentence; empty if no known name is like this word."""
    name = nearest_name(word, known)
    return f": did you mean {name}?" if name else ""


def _folded(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "")
