"""Text that may hold anything, made fit to be shown: names of files and schemas come from others."""


def printable(text: str) -> str:
    r"""With every character escaped that a terminal might obey: `\x1b[2J` is shown, not done."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def encodable(text: str) -> str:
    r"""With the bytes of a file name that is not UTF-8 as `\udcff`: JSON escapes the rest itself."""
    return text.encode("utf-8", "backslashreplace").decode()
