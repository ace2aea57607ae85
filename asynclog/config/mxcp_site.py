"""Keys of an `mxcp-site.yml` that look like retention, and are not read: neither MXCP nor this program knows them."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asynclog.config.yaml_document import Document

# A key that has one of these words in it looks like retention.
_WORDS = re.compile(
    "age|cleanup|days|deletes?|expir(e|es|y|ation)|guards?|keep|prune|purge|retain|retention|ttl", re.IGNORECASE
)
# Keys of our own configuration: they mean nothing in MXCP's.
_OURS = frozenset({"rewrite", "schemas", "segments"})


def unread_keys(document: "Document", profile: str) -> Iterator[str]:
    """Those that this profile would be subject to, as `LINE: KEY`: of file and profile, and below `audit`."""
    yield from _looking_so(document, (), document.data, deep=False)
    there = (document.data.get("profiles") or {}).get(profile)
    if isinstance(there, dict):
        yield from _looking_so(document, ("profiles", profile), there, deep=False)
        yield from _looking_so(document, ("profiles", profile, "audit"), there.get("audit"), deep=True)


def _looking_so(document: "Document", place: tuple[str, ...], value: Any, *, deep: bool) -> Iterator[str]:
    for key, inner in value.items() if isinstance(value, dict) else ():
        if _looks_like_retention(key) or (place and key in _OURS):
            yield f"{document.path}:{document.line((*place, key))}: {'.'.join((*place[2:], key))}"
        elif deep:
            yield from _looking_so(document, (*place, key), inner, deep=True)


def _looks_like_retention(key: str) -> bool:
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", key)
    return any(map(_WORDS.fullmatch, words))
