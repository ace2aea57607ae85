"""Numbers, sizes and lists as people read them: thousands separated by commas, nouns that agree. Pure.

They are for text and sentences. A number of a JSON document is a number, and the `message` of a cleanup, which programs
take apart, has its number without commas.
"""

from collections.abc import Iterable, Iterator, Sequence

from asynclog.escaping import escape_control


def pluralize(number: int, noun: str) -> str:
    """Return `1 rule` or `1,200 rules`."""
    return f"{number:,} {plural(number, noun)}"


def plural(number: int, noun: str) -> str:
    """Return the noun alone, in the form that this number of it asks for."""
    return noun if number == 1 else f"{noun}s"


def format_period(seconds: int) -> str:
    """Return `90 days`, or `36 hours` if it is not whole days."""
    return pluralize(seconds // 3600, "hour") if seconds % 86_400 else pluralize(seconds // 86_400, "day")


def kept_for(seconds: int | None) -> str:
    """Return `kept for 90 days`, or `kept for ever` if the period is None."""
    return "kept for ever" if seconds is None else f"kept for {format_period(seconds)}"


def percentage(part: int, whole: int) -> str:
    """Return `99.8 %`, rounded down, so that only all of it is 100."""
    tenths = part * 1000 // whole
    return f"{tenths // 10}.{tenths % 10} %"


SUMMARIZED = 3  # errors, or names, in a sentence that people read
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def summarize_errors(errors: Sequence[str]) -> str | None:
    """Return the first few errors, fit to be shown; None without any. What holds for many names is told once."""
    names_of: dict[str, list[str]] = {}
    for error in errors:
        name, _, reason = error.partition(": ")
        names_of.setdefault(reason, []).append(name)
    told: dict[str, int] = {}  # how many errors each sentence stands for
    for error in errors:
        names = names_of[reason := error.partition(": ")[2]]
        sentence = f"{list_some(names)}: {reason}" if reason and len(names) > SUMMARIZED else error
        told[sentence] = told.get(sentence, 0) + 1
    shown = "; ".join(map(escape_control, [*told][:SUMMARIZED]))
    more = sum([*told.values()][SUMMARIZED:])
    return (f"{shown}; and {more:,} more" if more else shown) or None


def list_some(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - SUMMARIZED
    return ", ".join(names[:SUMMARIZED]) + (f" and {more:,} more" if more > 0 else "")


def fold(named: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield `name: reason`; for more than a few names with the same reason once, with how many segments they are."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in named:
        by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        if len(names) > SUMMARIZED:
            yield f"{pluralize(len(names), 'segment')}: {reason} ({list_some(names)})"
        else:
            yield from (f"{name}: {reason}" for name in names)


def deletion(records: int, *, dry_run: bool) -> str:
    """Return `Deleted 1523 records`: programs take it apart, and so the number is plain."""
    return f"{'Would delete' if dry_run else 'Deleted'} {records} {plural(records, 'record')}"


def format_size(size: int) -> str:
    """Return a size in bytes as `3.1 MiB`."""
    if size == 1:
        return "1 byte"
    power = min(max(int(size).bit_length() - 1, 0) // 10, len(_UNITS) - 1)
    return f"{size / 1024**power:,.{1 if power else 0}f} {_UNITS[power]}"
