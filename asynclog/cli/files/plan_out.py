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
    from asynclog.cli.files.option_file import OptionFile
    from asynclog.config.settings import Settings
    from asynclog.runner.cleanup import CleanupRun


@contextmanager
def planned_file(path: str | None, settings: "Settings", *, dry_run: bool) -> Iterator["OptionFile | None"]:
    """Yield the file for the plan, None without --plan-out. Raise ConfigurationError before the job begins."""
    if path is None:
        yield None
        return
    if not dry_run:
        raise ConfigurationError("--plan-out is for a dry run: use it with --dry-run")
    from asynclog.cli.files.option_file import OptionFile
    from asynclog.report.plan_file import is_plan

    file = OptionFile("--plan-out", path, "a plan", is_plan)
    try:
        file.check([settings.folder] if settings.enabled else [])
        yield file
    finally:
        file.close()


def write_plan(file: "OptionFile", found: "CleanupRun") -> Report:
    """Write the plan of a dry run, and return its report, which names it. Raise ConfigurationError."""
    if found.plan is None or found.origin is None:
        print_error(f"--plan-out {file.path}: there is nothing to plan, so no plan was written")
        return found.report
    from asynclog.report.plan_file import plan_to_text

    text, checksum = plan_to_text(found.plan, found.origin)
    file.write(text.encode())
    plan = PlanRef(escape_surrogates(os.path.abspath(file.path)), checksum)
    return msgspec.structs.replace(found.report, result=msgspec.structs.replace(found.report.result, plan=plan))


def digest_of(found: "CleanupRun") -> str:
    """Return the digest of the plan of a run, as its file has it; empty if it has none."""
    from asynclog.report.plan_file import plan_to_text

    return plan_to_text(found.plan, found.origin).checksum if found.plan and found.origin else ""
