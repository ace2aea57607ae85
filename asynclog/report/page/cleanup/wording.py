"""The words of a cleanup's page: of a dry run, of a refused run, or of one that was done. Pure."""

from typing import NamedTuple


class Wording(NamedTuple):
    """The words of a page; those of a dry run are in the conditional."""

    is_dry: bool
    what: str
    goes: str
    stays: str
    dropped: str
    rewritten: str
    skipped: str
    signs: str


DRY = Wording(
    is_dry=True,
    what="Dry run",
    goes="would go",
    stays="would stay",
    dropped="Would be dropped",
    rewritten="Would be rewritten",
    skipped="Would be skipped",
    signs="Approved",
)
REFUSED = DRY._replace(what="Refused cleanup", signs="Allowed")
DONE = Wording(
    is_dry=False,
    what="Cleanup",
    goes="went",
    stays="stays",
    dropped="Dropped",
    rewritten="Rewritten",
    skipped="Skipped",
    signs="Checked",
)
