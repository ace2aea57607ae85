"""The page as a whole: its head, which allows nothing from elsewhere, its style, and who made it. Pure."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

from asynclog.report.page.markup import words

# A file with this beginning is ours to replace.
HEAD: Final = b'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<meta name="generator" content="asynclog '


_LARGEST: Final = 2 << 20  # bytes of a page, so that the one of a huge log still opens at once
_FRAME: Final = 20_000  # for the head, the style, and what closes the lists


def is_page(head: bytes) -> bool:
    """Return whether a file that begins with these bytes is a page of ours, which a new one may replace."""
    return head.startswith(HEAD)


def document(title: str, version: str, parts: Iterable[str]) -> bytes:
    """Return the file. Its policy for content allows this style, and no script, image, font or address."""
    style = _style()
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    allowed = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = (
        f'{HEAD.decode()}{words(version)}">\n<meta http-equiv="Content-Security-Policy" content="{allowed}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{words(title)}</title>\n<style>{style}</style>\n"
    )
    footer = f"<footer>Made by asynclog {words(version)}. Sizes are in binary units; times are in UTC.</footer>"
    return f"{head}<body>\n{''.join(parts)}{footer}\n</body>\n</html>\n".encode()


def room_beside(parts: Iterable[str]) -> int:
    """Return how many bytes are left for one more part of a page."""
    return _LARGEST - _FRAME - sum(len(part.encode()) for part in parts)


@cache
def _style() -> str:
    return (files("asynclog.report.page") / "style.css").read_text(encoding="utf-8")
