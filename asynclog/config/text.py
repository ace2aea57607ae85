"""What all files of a configuration have in common: they are short texts, and their faults are told in our words."""

import os
import re

import msgspec

from asynclog.errors import ConfigurationError

LARGEST = 16 << 20  # bytes; a policy of 1,000 schemas has about 100 KiB, a registry of years some MiB

Place = tuple[str | int, ...]


def read_text(path: str, largest: int = LARGEST) -> str:
    """The file's text; an error that names it where it can't be read, is too large or is not UTF-8."""
    try:
        # A FIFO that nobody writes to is empty, and not waited for; one that a shell made with <(…) is read.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            os.set_blocking(file.fileno(), True)
            data = file.read(largest + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    if len(data) > largest:
        raise ConfigurationError(f"{path}: larger than {largest >> 20} MiB, which no such file needs to be")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path}:{line}: this is not UTF-8") from None


def explain(error: msgspec.ValidationError) -> tuple[Place, str]:
    """The place inside the converted value, and the fault in words."""
    text, _, path = str(error).partition(" - at `$")
    place = tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]`]+", path))
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", text)
    if unknown:
        return (*place, unknown[1]), "this key is not known here"
    missing = re.fullmatch(r"Object missing required field `(.*)`", text)
    if missing:
        return (*place, missing[1]), "this key is missing"
    return place, text.replace("`", "").replace("Expected", "expected", 1)
