"""`--plan-out`: the plan of a dry run, as a file to review."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from asynclog.cli.output import print_error
from asynclog.errors import ConfigurationError
from asynclog.escaping import escape_surrogates
from asynclog.report.cleanup.result import PlanRef, Report

if TYPE_CHECKING:
    from asynclog.config.settings import Settings
    from asynclog.runner.cleanup import CleanupRun
    from asynclog.storage.local.user_named_file import NamedFile


@contextmanager
def planned_file(path: str | None, settings: "Settings", *, dry_run: bool) -> Iterator["NamedFile | None"]:
    """Yield the file for the plan, None without --plan-out. Raise ConfigurationError before the job begins."""
    if not path:
        yield None
        return
    if not dry_run:
        raise ConfigurationError("--plan-out is for a dry run: use it with --dry-run")
    from asynclog.report.plan_file import is_plan
    from asynclog.storage.local.user_named_file import NamedFile

    with _told(path):
        file = NamedFile(path, lambda _, head: is_plan(head))
    try:
        with _told(path):
            inside = settings.enabled and file.is_inside(settings.folder)
        if inside:
            raise ConfigurationError(f"--plan-out {path}: this lies in the log's own folder: name a file elsewhere")
        with _told(path):
            file.check()
        yield file
    finally:
        file.close()


def write_plan(path: str, file: "NamedFile", found: "CleanupRun") -> Report:
    """Write the plan of a dry run, and return its report, which names it. Raise ConfigurationError."""
    if found.plan is None or found.origin is None:
        print_error(f"--plan-out {path}: there is nothing to plan, so no plan was written")
        return found.report
    from asynclog.report.plan_file import plan_to_text

    text, checksum = plan_to_text(found.plan, found.origin)
    with _told(path):
        file.write(text.encode())
    plan = PlanRef(escape_surrogates(os.path.abspath(path)), checksum)
    return msgspec.structs.replace(found.report, result=msgspec.structs.replace(found.report.result, plan=plan))


def digest_of(found: "CleanupRun") -> str:
    """Return the digest of the plan of a run, as its file has it; empty if it has none."""
    from asynclog.report.plan_file import plan_to_text

    return plan_to_text(found.plan, found.origin).checksum if found.plan and found.origin else ""


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Turn an error inside the `with` into a ConfigurationError."""
    from asynclog.storage.local.user_named_file import OccupiedError

    try:
        yield
    except OccupiedError as error:
        problem = f"something other than a plan of asynclog is there ({error}), and stays: name another file"
        raise ConfigurationError(f"--plan-out {path}: {problem}") from None
    except OSError as error:
        raise ConfigurationError(f"--plan-out {path}: the plan can't be written: {error.strerror}") from None
