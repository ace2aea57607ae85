"""`asynclog estimate --sample`: the figures of an estimate from a part of the log, and how certain each is."""

from __future__ import annotations

import gzip
import json
import os
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import strategies
from audit_log import looks, record, write_log, write_policy
from command import run
from hypothesis import given
from hypothesis import strategies as st
from page import read_page
from test_estimate import NOW, Asked, asked

from asynclog.cancellation import StopRequest
from asynclog.config.logs import resolve_logs
from asynclog.config.policy_file import policy_of
from asynclog.config.settings import Options
from asynclog.forecast.log_forecast import times
from asynclog.forecast.sample_design import BLOCK
from asynclog.forecast.sampled_forecast import SampledForecasts
from asynclog.policy.cutoffs import Cutoffs
from asynclog.runner.estimate import estimate_log
from asynclog.runner.inspect import opened_log
from asynclog.runner.steps.sample import Question, read_sample
from examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from judge import Definition
    from strategies import Archive

NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--no-catalog", "--now", NOW)
SAMPLE = ("--sample", "--seed", "1")
MIB = 1 << 20


def sampled(log: Asked, now: str, *retention: str) -> dict[str, Any]:
    logs = resolve_logs({**log.options, "now": now, "no_catalog": True}, {})
    result: dict[str, Any] = estimate_log(logs, retention, StopRequest(), scan=True, seed=1).document()["result"]
    return result


def rows(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of schemas and totals, under today's policy and the other one."""
    for schemas, totals in (("schemas", "totals"), ("what_if", "what_if_totals")):
        if result[totals]:
            yield from [*result[schemas].values(), result[totals]]


def figures(result: Mapping[str, Any], ends: tuple[str, ...] = ("",)) -> list[list[Any]]:
    """Return all figures, each as often as there are ends."""
    return [
        [row[name + end] for end in ends for name in ("records", "bytes", "daily_bytes", "steady_bytes")]
        + [each[name + end] for end in ends for each in row["frees"] for name in ("records", "bytes")]
        for row in rows(result)
    ]


@examples(20)
@given(archive=strategies.archives(), policy=strategies.policies(), now=st.sampled_from((*strategies.NOWS, NOW)))
def test_a_sample_of_all_blocks_is_exact(archive: Archive, policy: list[Definition], now: str) -> None:
    """A small log is read in full: each figure is that of an estimate, and so are both ends of its interval."""
    with asked(archive, policy) as log:
        exact, found = log.estimate("*=9", now=now), sampled(log, now, "*=9")
        assert figures(found) == figures(exact)
        assert figures(found, ("_low", "")) == figures(found, ("", "_high"))
        assert list(found["unread"]) == list(exact["unread"])
        assert found["message"] == exact["message"]


def many(lines: int, seed: int = 1) -> Iterator[bytes]:
    """Yield records of three schemas in the order of time, each of which lasts a day more than it may."""
    random = Random(seed)  # noqa: S311 - the same each time
    for number in range(lines):
        days = 60 * (1 - number / lines)
        yield record(random.choice(("app", "app", "debug", "legal")), days=days, text="x" * random.randrange(900))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a log of 35 MiB in ten segments."""
    folder = tmp_path_factory.mktemp("large")
    write_policy(
        folder,
        "schema_name: app, retention_days: 30",
        "schema_name: debug, retention_days: 20",
        "schema_name: legal, retention_days: null",
    )
    lines = list(many(68_000))
    write_log(folder / "audit", {f"logs-2026{n:04}T000000.jsonl": lines[n * 6_800 :][:6_800] for n in range(10)})
    for path in (folder / "audit").iterdir():
        os.utime(path, (1, 1))  # a catalog does not believe the times of what has just been written
    return folder


def test_the_document(large: Path) -> None:
    """It says what was read; most figures have the truth in their intervals; nothing of the log is changed."""
    before = looks(large / "audit")
    done = run("estimate", *NAMED, *SAMPLE, "--json", cwd=large)
    exact = run("estimate", *NAMED, "--json", cwd=large).result
    found = done.result
    assert looks(large / "audit") == before
    assert (done.code, found["status"], exact["sample"]) == (0, "success", None)
    size = exact["read"]["of"]
    sample = found["sample"]
    assert (sample["seed"], sample["confidence"], sample["segments"]) == (1, 0.95, 10)
    assert (sample["of_segments"], sample["of"]) == (10, size)
    assert found["read"] == {"bytes": sample["bytes"], "of": size}
    assert 15 * MIB < sample["bytes"] < 17 * MIB
    assert list(found["schemas"]) == list(exact["schemas"])
    held = total = 0
    for row, low, high, truth in zip(
        figures(found), figures(found, ("_low",)), figures(found, ("_high",)), figures(exact), strict=True
    ):
        for place, figure in enumerate(row):
            if figure is None:
                assert truth[place] is None
                continue
            assert low[place] <= figure <= high[place]
            assert figure == pytest.approx(truth[place], rel=0.2)
            held += low[place] - 1 <= truth[place] <= high[place] + 1
            total += 1
    assert held >= 0.8 * total, "they are of one sample"
    app = found["schemas"]["app:1"]["frees"][0]
    assert app["bytes"] == pytest.approx(exact["schemas"]["app:1"]["frees"][0]["bytes"], rel=0.05)
    assert app["bytes_low"] < app["bytes"] < app["bytes_high"]


def test_a_seed_draws_the_same_sample(large: Path) -> None:
    """Without one each run draws another, and says which."""
    one, same, other = (
        run("estimate", *NAMED, "--sample", *words, "--json", cwd=large).result
        for words in (("--seed", "3"), ("--seed", "3"), ())
    )
    assert figures(one) == figures(same)
    assert figures(one) != figures(other)
    again = run("estimate", *NAMED, "--sample", "--seed", str(other["sample"]["seed"]), "--json", cwd=large).result
    assert figures(again) == figures(other)


def test_both_readers_see_the_same_sample(large: Path) -> None:
    native, python = (
        run("estimate", *NAMED, *SAMPLE, "--json", cwd=large, env={"ASYNCLOG_READER": reader}).result
        for reader in ("", "python")
    )
    assert figures(native, ("", "_low", "_high")) == figures(python, ("", "_low", "_high"))


def test_the_text_says_how_certain_it_is(large: Path) -> None:
    """Below each row is how far its figures may be off; and what the sample was."""
    done = run("estimate", *NAMED, *SAMPLE, "--retention", "app=10", cwd=large)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("A cleanup now would delete about ")
    assert "with 95 % confidence" in lines[0]
    app = next(number for number, line in enumerate(lines) if line.startswith("app:1"))
    assert lines[app + 1].count("±") == 8
    assert lines[app + 2].split()[:4] == ["what", "if", "10", "days"]
    assert lines[app + 3].count("±") == 5
    assert any(line.startswith("Estimated from ") and "--seed 1 draws the same" in line for line in lines)


def test_a_table_has_the_ends_of_the_intervals(large: Path) -> None:
    done = run("estimate", *NAMED, *SAMPLE, "--csv", "found.csv", cwd=large)
    assert done.code == 0
    head = (large / "found.csv").read_text().splitlines()[0].split(",")
    assert {"bytes", "bytes_low", "frees_0d_bytes_high"} <= {*head}


def test_a_page_has_the_figures_with_their_intervals(large: Path) -> None:
    """And says what was drawn."""
    done = run("estimate", *NAMED, "--sample", "--seed", "5", "--html", "page.html", "--json", cwd=large)
    page, frees, drawn = read_page(large / "page.html"), done.result["totals"]["frees"][0], done.result["sample"]
    foot = page.tables["schema-table"][-1]
    assert foot["frees now"].numbers == [frees["bytes"], frees["bytes_low"], frees["bytes_high"]]
    assert f"{drawn['blocks']} random blocks" in page.text
    assert "--seed 5 draws the same" in page.text


def test_a_first_sample_says_where_more_is_read(large: Path) -> None:
    """The blocks stand for different parts of the log then, and for all of it; the figures are as near."""
    exact = run("estimate", *NAMED, "--json", cwd=large).result
    log = str(large / "audit/logs.jsonl")
    options: Options = {"path": log, "schemas": str(large / "schemas.yaml"), "now": NOW, "no_catalog": True}
    settings = resolve_logs(options, {}).settings
    policy, now = policy_of(settings), settings.now or 0
    with opened_log(settings, policy) as opened:
        assert opened is not None
        draw = Random(1).randrange  # noqa: S311
        asked = Question([Cutoffs(policy, at) for at in times(now)], set(), draw, first_from=200)
        read = read_sample(opened, dict(opened.segments), asked, StopRequest())
    weights = read.samples[1].sampled.weights
    assert len({*weights}) > 2
    assert sum(weights) == sum(-(-each.fingerprint.size // BLOCK) for each in opened.segments.values())
    assert 8 * MIB < read.bytes < 17 * MIB, "no part has more blocks than there are"
    found = SampledForecasts(read.samples, now, 1).forecast(policy, 0).total.frees[0]
    truth = exact["totals"]["frees"][0]["bytes"]
    assert found.bytes_low < truth < found.bytes_high
    assert found.bytes == pytest.approx(truth, rel=0.05)


def test_what_the_catalog_knows_is_exact(large: Path, tmp_path: Path) -> None:
    """Only what it does not know is sampled."""
    named = [*(word for word in NAMED if word != "--no-catalog"), "--state", str(tmp_path)]
    assert run("cleanup", "-n", *named, "--allow-delete-all", cwd=large).code == 0
    exact = run("estimate", *named, "--json", cwd=large).result
    found = run("estimate", *named, *SAMPLE, "--json", cwd=large).result
    assert found["sample"]["of"] < found["read"]["of"]
    expired = exact["schemas"]["app:1"]["frees"][3]
    assert found["schemas"]["app:1"]["frees"][3]["bytes"] == pytest.approx(expired["bytes"], rel=0.01)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--seed", "1"), "--seed is for a sample"),
        (("--sample", "--no-scan"), "leave one of them out"),
        (("--sample", "--seed", "one"), "a whole number"),
    ],
)
def test_usage_errors(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    """Exit 2, with what to do instead."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {"logs.jsonl": [record()]})
    done = run("estimate", *NAMED, *words, "--json", cwd=tmp_path)
    assert done.code == 2
    assert sentence in str(done.error)


def packed_log(folder: Path, segments: int, lines: int) -> Path:
    """Write compressed segments of records that hardly compress."""
    random = Random(5)  # noqa: S311
    write_policy(folder, "schema_name: app, retention_days: 30")
    write_log(
        folder / "audit",
        {
            f"logs-2026{n:04}T000000.jsonl.gz": gzip.compress(
                b"".join(record(days=60 - 60 * n / segments, text=random.randbytes(400).hex()) for _ in range(lines)), 1
            )
            for n in range(segments)
        },
    )
    return folder


def test_of_many_compressed_segments_some_are_read_whole(tmp_path: Path) -> None:
    """They have no block that could be read alone; what they free is of files, and within its interval."""
    log = packed_log(tmp_path, 400, 160)
    found = run("estimate", *NAMED, *SAMPLE, "--json", cwd=log).result
    exact = run("estimate", *NAMED, "--json", cwd=log).result
    sample = found["sample"]
    assert sample["blocks"] == sample["segments"] < sample["of_segments"] == 400
    assert found["unread"] == {}
    freed, truth = found["totals"]["frees"][0], exact["totals"]["frees"][0]
    assert freed["bytes_low"] <= truth["bytes"] <= freed["bytes_high"]
    assert freed["bytes"] == pytest.approx(truth["bytes"], rel=0.05)


def test_a_few_large_compressed_segments_are_left_out_and_told(tmp_path: Path) -> None:
    """What is not read is not clean: they are unjudged, and in no figure."""
    log = packed_log(tmp_path, 4, 12_000)
    write_log(log / "audit", {"logs.jsonl": [record(days=1)]})
    found = run("estimate", *NAMED, *SAMPLE, "--json", cwd=log).result
    assert len(found["unread"]) == 4
    assert "can only be read from its beginning" in next(iter(found["unread"].values()))
    assert found["unjudged"]["reasons"] == {"not_reached": 4}
    assert found["totals"]["records"] == 1


def test_a_segment_with_a_piece_of_a_document_is_in_no_figure(large: Path, tmp_path: Path) -> None:
    """Its other blocks, too: none of its lines can be judged alone."""
    write_policy(tmp_path, "schema_name: app, retention_days: 30")
    pieces = [json.dumps({"a": 1}).encode() + b",\n", *[record(days=400)]] * 1000
    whole = [record(days=400, text="x" * 900)] * 20_000
    write_log(tmp_path / "audit", {"logs-20260101T000000.jsonl": pieces, "logs-20260102T000000.jsonl": whole})
    found = run("estimate", *NAMED, *SAMPLE, "--json", cwd=tmp_path).result
    assert list(found["unread"]) == ["logs-20260101T000000.jsonl"]
    assert found["unjudged"]["reasons"] == {"not_json_lines": 1}
    assert found["totals"]["records"] == pytest.approx(20_000, rel=0.01)


def test_what_may_not_be_changed_frees_nothing(tmp_path: Path) -> None:
    """A segment with another hard link stays: its records count as held only."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {"logs-20260101T000000.jsonl": [record()], "logs-20260102T000000.jsonl": [record()]})
    (tmp_path / "other").hardlink_to(tmp_path / "audit/logs-20260101T000000.jsonl")
    found = run("estimate", *NAMED, *SAMPLE, "--json", cwd=tmp_path).result
    assert (found["totals"]["records"], found["totals"]["frees"][0]["records"]) == (2, 1)
    text = run("estimate", *NAMED, *SAMPLE, cwd=tmp_path).out
    assert "No sample was needed" in text
    assert "±" not in text
    assert "twice" not in text


def test_many_logs_have_a_sample_each(tmp_path: Path) -> None:
    """The figures are those of all together."""
    policy = write_policy(tmp_path)
    for name in "abc":
        write_log(tmp_path / name, {"logs-20260101T000000.jsonl": [record(), record(days=1)] * 20})
    (tmp_path / "asynclog.yaml").write_text(
        f'asynclog: 1\nprofiles: {{default: {{audit: {{path: "*/logs.jsonl", schemas: {policy}}}}}}}\n'
    )
    found = run("estimate", "--no-catalog", "--now", NOW, *SAMPLE, "--json", cwd=tmp_path).result
    assert (found["totals"]["records"], found["totals"]["frees"][0]["records"]) == (120, 60)
    assert (found["sample"]["blocks"], found["sample"]["of_segments"]) == (3, 3)
