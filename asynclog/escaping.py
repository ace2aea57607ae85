"""Escape what others have written, such as a file's name, for a terminal or a JSON document. Pure."""

import re

_BEYOND_ASCII = re.compile(r"[^\x20-\x7e]")


def escape_control(text: str) -> str:
    r"""Escape every character that a terminal might obey: `\x1b[2J` is shown, not done."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def printable_json(text: str) -> str:
    """Escape the same characters in JSON text, as JSON can: it may be read on a terminal, too."""
    return _BEYOND_ASCII.sub(lambda odd: odd[0] if odd[0].isprintable() else _as_json(odd[0]), text)


def escape_surrogates(text: str) -> str:
    r"""Write the bytes of a file name that is not UTF-8 as `\udcff`: JSON escapes the rest itself."""
    return text.encode("utf-8", "backslashreplace").decode()


def _as_json(character: str) -> str:
    import json  # noqa: PLC0415 - few texts need it

    return json.dumps(character)[1:-1]
