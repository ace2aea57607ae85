"""Exactness on other products' lines: what the library leaves and counts is what the slow judge says, by any fields."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import mapped_lines
from hypothesis import given
from hypothesis import strategies as st
from judge import expected, instant, left_of, why_unjudged
from mapped_lines import configuration_of, fields_of
from real_log import Log
from strategies import NOWS, Archive

from asynclog.config.resolve import resolve
from asynclog.records.fields import has_file_time
from examples import examples

if TYPE_CHECKING:
    from judge import Definition
    from judge_mapped import Mapped

quick = examples(60)
runs = given(drawn=mapped_lines.archives(), policy=mapped_lines.policies(), now=st.sampled_from(NOWS))


def log(place: str, archive: Archive, policy: list[Definition], layout: Mapped) -> Log:
    """Write a log of a layout, with the mtime that its records may take."""
    made = Log(place, archive, policy, configuration_of(layout))
    if layout.mtime is not None:
        for name in filter(archive.get, archive):  # an old empty segment goes
            os.utime(made.folder / name, ns=(layout.mtime, layout.mtime))
    return made


def left(archive: Archive, policy: list[Definition], layout: Mapped, now: str) -> Archive:
    """Return what the judge leaves of an archive."""
    rest = {name: left_of(each, policy, instant(now), layout.verdict) for name, each in archive.items()}
    return {name: content for name, content in rest.items() if content is not None}


@quick
@runs
async def test_a_run_leaves_exactly_what_the_judge_leaves(
    drawn: tuple[Mapped, Archive], policy: list[Definition], now: str
) -> None:
    """Byte for byte; the dry run says so before, a second run does nothing, and every count is the judge's."""
    layout, archive = drawn
    with TemporaryDirectory(prefix="mapped-") as place:
        folder = log(place, archive, policy, layout)
        before = folder.looks()
        dry = await folder.clean(now, dry_run=True)
        assert folder.looks() == before
        real = await folder.clean(now)
        assert folder.contents() == left(archive, policy, layout, now)
        for key in ("deleted_per_schema", "records", "kept", "overdue", "segments"):
            assert dry[key] == real[key], key
        assert dry["bytes"]["freed"] == real["bytes"]["freed"]  # what the catalog knows is not read again
        counts = expected(archive.values(), policy, instant(now), layout.verdict)
        assert real["deleted_per_schema"] == counts.deleted_per_schema
        assert (real["records"]["scanned"], real["records"]["kept"]) == (counts.scanned, counts.kept)
        assert real["kept"] == {
            "unreadable": counts.unreadable,
            "future": counts.future,
            "implausible": counts.implausible,
            "no_policy": counts.no_policy,
        }
        unjudged = {name for name, content in archive.items() if why_unjudged(content, layout.verdict)}
        assert {each["segment"] for each in real["actions"] if each["action"] == "skip"} == unjudged
        after = folder.looks()
        assert (await folder.clean(now))["records"]["deleted"] == 0
        assert folder.looks() == after


@examples(100)
@given(mapped_lines.layouts())
def test_a_configuration_means_the_layout(layout: Mapped) -> None:
    """The keys of a profile become the fields that the other tests take; a file's time is not in them yet."""
    with TemporaryDirectory(prefix="mapped-") as place:
        log(place, {}, [], layout)
        found = resolve({"config": f"{place}/asynclog.yaml"}, {}).fields
    assert has_file_time(found) == (layout.mtime is not None)
    if layout.mtime is None:
        assert found == fields_of(layout)
