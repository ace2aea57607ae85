"""A look at a log: what every segment holds. Nothing of the log is changed, and no lock is taken."""

import logging
import os
import time
from contextlib import ExitStack
from functools import partial

import anyio

from asynclog.apply.disk import Disk
from asynclog.apply.folder import opened_folder
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.model import Policy
from asynclog.names import Names
from asynclog.pace import Pace
from asynclog.plan.decide import Finding
from asynclog.scan.evidence import Evidence
from asynclog.scan.readers import choose_reader
from asynclog.scan.scanner import Scanner
from asynclog.scan.segments import list_segments
from asynclog.stop import Stop
from asynclog.survey import Survey, opened_catalog
from asynclog.workers import Crew

log = logging.getLogger("asynclog")


def look(settings: Settings, policy: Policy, stop: Stop) -> list[Finding] | None:
    """What there is to say of each segment, in their order; None where the log's folder does not exist yet.

    A segment that was not reached before the stop is as it was listed. Raises ConfigurationError.
    """
    log.debug("log: %s", os.path.join(settings.folder, settings.base))
    names = Names(settings.base, settings.patterns)
    with ExitStack() as resources:
        try:
            opened = opened_folder(settings.folder, allow_unsafe=settings.allow_unsafe_folder)
            folder = resources.enter_context(opened)
        except FileNotFoundError:
            if settings.named_by_hand:
                raise ConfigurationError(f"{settings.folder}: there is no such folder") from None
            return None
        segments = list_segments(folder, Disk(folder).names(), names)
        findings: dict[str, Finding] = {segment.name: segment for segment in segments}
        kind = choose_reader(settings.reader)
        now = time.time_ns() if settings.now is None else settings.now
        scanner = Scanner(folder, settings.folder, policy, now, kind, Pace(settings.io_limit))
        nothing_remembered = Evidence(kind, policy, now, workers=0, double_check=False)
        catalog = opened_catalog(settings, segments, resources)
        survey = Survey(scanner, nothing_remembered, segments, names, catalog)
        findings.update({census.segment: census for census in survey.recalled()})
        if survey.unread:
            anyio.run(partial(_read, survey, Crew(settings.jobs, stop), stop, findings))
        log.debug("segments: %d, read: %d by the %s reader", len(segments), survey.reads.misses, kind)
        return list(findings.values())


async def _read(survey: Survey, crew: Crew, stop: Stop, findings: dict[str, Finding]) -> None:
    """Puts what is found in the place of each segment that has to be read."""
    while survey.unread and not stop:
        async with survey.findings(crew) as found:
            async for finding in found:
                findings[finding.segment] = finding
