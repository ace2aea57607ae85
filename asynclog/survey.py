"""A look at a log: every segment is read, nothing is changed, and no lock is taken."""

import logging
import os
import time
from functools import partial

import anyio

from asynclog.apply.disk import Disk
from asynclog.apply.folder import opened_folder
from asynclog.config.settings import Settings
from asynclog.errors import ConfigurationError
from asynclog.model import Policy, Segment
from asynclog.names import Names
from asynclog.plan.decide import Finding
from asynclog.scan.evidence import Evidence
from asynclog.scan.readers import choose_reader
from asynclog.scan.scanner import Scanner
from asynclog.scan.segments import list_segments
from asynclog.stop import Stop
from asynclog.workers import Crew

log = logging.getLogger("asynclog")


def survey(settings: Settings, policy: Policy, stop: Stop) -> list[Finding] | None:
    """What there is to say of each segment, in their order; None where the log's folder does not exist yet.

    A segment that was not reached before the stop is as it was listed. Raises ConfigurationError.
    """
    log.debug("log: %s", os.path.join(settings.folder, settings.base))
    kind = choose_reader(settings.reader)
    now = time.time_ns() if settings.now is None else settings.now
    try:
        with opened_folder(settings.folder, allow_unsafe=settings.allow_unsafe_folder) as folder:
            segments = list_segments(folder, Disk(folder).names(), Names(settings.base, settings.patterns))
            findings: dict[str, Finding] = {segment.name: segment for segment in segments}
            readable = [segment for segment in segments if segment.fingerprint.size and not segment.obstacle]
            if readable:
                scanner = Scanner(folder, settings.folder, policy, now, kind)
                anyio.run(partial(_read, scanner, readable, Crew(settings.jobs, stop), findings))
            log.debug("segments: %d, read: %d by the %s reader", len(segments), len(readable), kind)
            return list(findings.values())
    except FileNotFoundError:
        if settings.named_by_hand:
            raise ConfigurationError(f"{settings.folder}: there is no such folder") from None
        return None


async def _read(scanner: Scanner, segments: list[Segment], crew: Crew, findings: dict[str, Finding]) -> None:
    """Puts what is found in the place of each of these segments."""
    nothing_remembered = Evidence(scanner.kind, scanner.policy, scanner.now, workers=0, double_check=False)
    async with scanner.censuses(segments, crew, nothing_remembered) as found:
        async for finding in found:
            findings[finding.segment] = finding
