"""One segment, one owner: the profiles of a configuration, held against the folders that their logs are in."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from asynclog.config.paths.wildcards import covers
from asynclog.errors import ConfigurationError
from asynclog.storage.profile_claims import Claim, Contest, contests, in_words


def contested(claims: Iterable[Claim]) -> Iterator[Contest]:
    """Yield what two of these claim. A folder that can't be listed is judged by names that its logs are sure to get."""
    for together in by_folder(claims).values():
        if sum(claim.enabled for claim in together) > 1:
            yield from contests(_entries(os.path.dirname(together[0].log)), together)


def located(claims: Iterable[Claim], folders: Iterable[str]) -> Iterator[Claim]:
    """Yield these claims; instead of one on many folders, one on each of these folders that it covers."""
    folders = list(folders)
    for claim in claims:
        if not claim.of_many:
            yield claim
            continue
        pattern = os.path.dirname(claim.log)
        for folder in folders:
            if covers(pattern, folder):
                yield msgspec.structs.replace(claim, log=os.path.join(folder, claim.base), of_many=False)


def by_folder(claims: Iterable[Claim]) -> dict[object, list[Claim]]:
    """Return the claims that share a folder, by the folder itself, whatever path leads there."""
    found: defaultdict[object, list[Claim]] = defaultdict(list)
    for claim in claims:
        found[_identity(os.path.dirname(claim.log))].append(claim)
    return dict(found)


def within(folder: str, paths: Iterable[str]) -> Iterator[str]:
    """Yield the names of those files that lie in this folder, whatever path leads there, by a link or not."""
    for path in paths:
        for each in {path, os.path.realpath(path)} if os.path.isabs(path) else ():
            if _identity(os.path.dirname(each)) == _identity(folder):
                yield os.path.basename(each)


def refuse(found: Iterable[Contest]) -> None:
    """Raise ConfigurationError for the first contest."""
    for contest in found:
        raise ConfigurationError(f"{in_words(contest)}. Nothing was touched")


def _identity(folder: str) -> object:
    try:
        status = os.stat(folder)
    except OSError:
        return os.path.realpath(folder)
    return status.st_dev, status.st_ino


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
