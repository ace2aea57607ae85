"""Texts as YAML scalars, whatever is in them. Pure."""

from asynclog.errors import ConfigurationError
from asynclog.escaping import escape_control


def scalar(text: str) -> str:
    """Return a text as a YAML scalar in double quotes. Raise ConfigurationError if it is not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{escape_control(text)}: this path is not UTF-8, and YAML can't hold it") from None
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
