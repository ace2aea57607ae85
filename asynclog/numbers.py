"""Numbers as people read them: thousands separated by commas, one noun a sentence can count. Pure.

They are for text and sentences. A number of a JSON document is a number, and the `message` of a cleanup, which programs
take apart, has its number without commas.
"""


def counted(number: int, noun: str) -> str:
    """Return `1 rule` or `1,200 rules`."""
    return f"{number:,} {plural(number, noun)}"


def plural(number: int, noun: str) -> str:
    """Return the noun alone, in the form that this number of it asks for."""
    return noun if number == 1 else f"{noun}s"


def percentage(part: int, whole: int) -> str:
    """Return `99.8 %`, rounded down, so that only all of it is 100."""
    tenths = part * 1000 // whole
    return f"{tenths // 10}.{tenths % 10} %"
