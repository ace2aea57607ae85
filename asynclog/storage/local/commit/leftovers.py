"""The hidden files of this log in its folder: what a commit under way, or a killed job, has left."""

from contextlib import suppress

from asynclog.storage.hidden_names import OldLink, StagedFile
from asynclog.storage.local.directory import LogDirectory
from asynclog.storage.local.reading.read_directory import FileId
from asynclog.storage.naming import SegmentNaming


def leftover_names(directory: LogDirectory, names: SegmentNaming) -> list[str]:
    """Return the hidden names that a job of this log made; those of old files and replacements only if regular.

    A symbolic link that a rotation had put in a segment's place may have been displaced, too; and anything else, if
    what replaced it is there, or nothing did; or it was still there as it got a second name.
    """
    left = sorted(filter(names.is_temporary, directory.names()))
    return [name for name in left if _may_be_ours(directory, names, name)]


def _may_be_ours(directory: LogDirectory, names: SegmentNaming, name: str) -> bool:
    if directory.is_file(name):
        return True
    staged, old = StagedFile.parse(name), OldLink.parse(name)
    if not (staged or old) or (staged and (not staged.inode or directory.is_link(name))):
        return True
    with suppress(FileNotFoundError):  # somebody has just removed it
        return is_segment(directory, names, FileId(None, staged.inode) if staged else FileId.of(directory.status(name)))
    return False


def is_segment(directory: LogDirectory, names: SegmentNaming, file: FileId) -> bool:
    """Return whether this file is a segment of this log."""
    return directory.visible_name(file, names.match) is not None
