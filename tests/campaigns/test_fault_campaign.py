"""The quick part of the fault campaign: a few points of every layer, a few mutants, and the campaign's own senses."""

import errno
import os
from concurrent.futures.thread import ThreadPoolExecutor
from pathlib import Path

import pytest
from faults import stepper
from faults.archive import CURRENT, SHAPES, lay
from faults.campaign import Campaign
from faults.layers import LAYERS, layer
from faults.mutants import MUTANTS, Mutant, caught
from faults.oracle import Finding, Kind, Oracle
from faults.stepper import GO, KILL, Call, Verdict
from faults.victim import Victim

from examples import percent

MANY_POINTS = "no lease is taken"  # to list them takes longer than to catch it
QUICKLY_CAUGHT = {
    MANY_POINTS,
    "short writes are ignored",
    "owner, mode and attributes are not kept",
    "nobody looks whether a segment has changed",
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.alone] if name == "stopped" else []) for name in LAYERS]
)
def test_nothing_is_lost_at_a_choice_of_points(name: str, tmp_path: Path) -> None:
    """Whatever happens to the job at these points, no line is lost, doubled or altered, and the next job ends well.

    There are as many of them as property tests have examples: see `examples`.
    """
    result = layer(name)(Campaign(tmp_path, quick=True, percent=percent()))
    assert [(violation.point, violation.finding) for violation in result.violations] == []
    if not result.points:
        pytest.skip("; ".join(result.skipped))


@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(each, marks=[pytest.mark.thorough] if each.name == MANY_POINTS else [], id=each.name)
        for each in MUTANTS
        if each.name in QUICKLY_CAUGHT
    ],
)
def test_the_campaign_catches_what_is_broken(mutant: Mutant, tmp_path: Path) -> None:
    """A deliberately broken variant is found out."""
    _needs_stepping()
    answer = caught(Campaign(tmp_path), mutant)
    assert answer.caught, answer.how


@pytest.mark.parametrize("shape", SHAPES)
def test_a_job_that_nobody_disturbs_satisfies_the_oracle(shape: str, tmp_path: Path) -> None:
    """Its report is true, what has expired is gone, and one more job changes nothing."""
    archive = lay(tmp_path / "log", shape)
    oracle, victim = Oracle(archive), Victim(archive)
    assert oracle.expired()
    before = oracle.expired()
    ended = victim.run()
    assert ended.status == 0, ended
    assert list(oracle.at_the_end()) == []
    assert victim.aftermath(oracle, ended, before) == []


def kinds(findings: list[Finding]) -> set[Kind]:
    return {finding.kind for finding in findings}


def test_the_oracle_sees_what_is_wrong_with_a_folder(tmp_path: Path) -> None:
    """A line that is missing, twice, altered, or out of order; a changed mode; a hidden file; an expired line."""
    archive = lay(tmp_path / "log", "rewrite")
    oracle = Oracle(archive)
    old, fresh, _, other = archive.log.read_bytes().splitlines(keepends=True)
    assert kinds(list(oracle.at_the_end())) == {"unfinished"}
    for data, wrong in (
        (fresh + other, set()),
        (fresh, {"lost"}),
        (fresh + other + other, {"duplicated"}),
        (fresh + b"x" + other, {"lost", "altered"}),
        (other + fresh, {"altered"}),
        (old + fresh + other, {"unfinished"}),
    ):
        archive.log.write_bytes(data)
        assert kinds(list(oracle.at_the_end())) == wrong
    archive.log.write_bytes(fresh)
    (archive.folder / f".{CURRENT}.al-old-0123abcd-{len(old)}").write_bytes(old + other)
    assert list(oracle.at_any_time()) == []
    assert kinds(list(oracle.at_the_end())) == {"unfinished", "leftover"}
    archive.log.chmod(0o600)
    assert kinds(list(oracle.at_any_time())) == {"altered"}


def test_the_oracle_does_not_believe_a_report(tmp_path: Path) -> None:
    """It counts itself what is gone."""
    archive = lay(tmp_path / "log", "rewrite")
    oracle = Oracle(archive)
    before, data = oracle.expired(), archive.log.read_bytes()
    ended = Victim(archive).run()
    assert list(oracle.honest(ended, before)) == []
    archive.log.write_bytes(data)
    assert kinds(list(oracle.honest(ended, before))) == {"misreported"}


def test_a_child_is_stopped_at_each_call_of_each_thread(tmp_path: Path) -> None:
    """There it can be killed before the call, be told that it has failed, or be given less than it asked for."""
    _needs_stepping()
    path = tmp_path / "file"

    def child() -> int:
        with ThreadPoolExecutor(1) as pool:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            return pool.submit(os.writev, descriptor, [b"one", b"two"]).result()

    def at_the_write(verdict: Verdict) -> int:
        return stepper.stepped(child, lambda call: verdict if call.name == "writev" else GO)

    seen: list[Call] = []

    def noted(call: Call) -> Verdict:
        seen.append(call)
        return GO

    assert stepper.stepped(child, noted) == 6
    opening, writing = (call for call in seen if call.name in {"openat", "writev"})
    assert (opening.name, writing.name) == ("openat", "writev")
    assert opening.thread != writing.thread
    assert at_the_write(Verdict("shorten", 2)) == 2
    assert path.read_bytes() == b"on"
    assert at_the_write(KILL) == -9
    assert path.read_bytes() == b""

    def failing() -> int:
        try:
            return child()
        except OSError as error:
            return error.errno or 0

    assert stepper.stepped(failing, lambda call: Verdict("fail", errno.EDQUOT) if call.name == "openat" else GO) == 122


def _needs_stepping() -> None:
    reason = stepper.unavailable()
    if reason:
        pytest.skip(reason)
