"""A plan that somebody has looked at: written, read, carried out; changed logs, other plans, edited files."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
import strategies
from audit_log import entries, held, looks, record, write_log, write_policy
from command import NO_OVERRIDE, NOW, Done, cleanup, run
from hypothesis import given
from hypothesis import strategies as st
from judge import Definition, instant, left_of
from real_log import Log

from asynclog.cli.main import main
from asynclog.plan.approval import digest
from asynclog.policy.patterns import Pattern
from asynclog.policy.rules import Policy, Rule, make_policy
from asynclog.schemas import SchemaKey
from asynclog.timestamps import DAY
from examples import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from strategies import Archive

OLD, YOUNG = record(days=400), record(days=1)
DROP, REWRITE, KEEP = (f"logs-2025010{n}T000000.jsonl" for n in range(1, 4))
NAMED = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--no-catalog")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Make a segment to drop, one to rewrite, one to keep, and the plan for them."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {DROP: OLD * 2, REWRITE: OLD + YOUNG, KEEP: YOUNG})
    assert cleanup(tmp_path, "-n", "--plan-out", "plan.json").code == 0
    return tmp_path


def apply(folder: Path, *words: str, **options: Any) -> Done:
    """At NOW, so that no clock matters."""
    return run("apply", "plan.json", *NAMED, "--now", NOW, "--json", *words, cwd=folder, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in entries(folder / "audit")}


def planned(folder: Path) -> dict[str, Any]:
    document = json.loads((folder / "plan.json").read_text())
    assert isinstance(document, dict)
    return document


def forge(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Edits a plan and makes a new checksum for it, as somebody could who means harm."""
    document = planned(folder)
    edit(document)
    rest = {key: value for key, value in document.items() if key != "checksum"}
    document["checksum"] = hashlib.blake2b(json.dumps(rest, sort_keys=True).encode(), digest_size=16).hexdigest()
    (folder / "plan.json").write_text(json.dumps(document))


def test_the_plan_is_what_the_dry_run_says(log: Path) -> None:
    """With what identifies the log, the policy and each segment; and the dry run touches nothing else."""
    before = looks(log / "audit")
    dry = cleanup(log, "-n", "--debug", "--plan-out", "plan.json")
    plan = planned(log)
    assert looks(log / "audit") == before
    assert (plan["format"], plan["log"], plan["now"]) == (1, str(log / "audit/logs.jsonl"), NOW)
    assert datetime.now(UTC) - datetime.fromisoformat(plan["created"]) < timedelta(minutes=1)
    rows = [
        (row["segment"], row["action"], row["reason"], row["expired"], row["bytes_after"]) for row in plan["segments"]
    ]
    assert rows == [
        (row["segment"], row["action"], row["reason"], row["deleted_per_schema"], row["bytes_after"])
        for row in dry.result["actions"]
    ]
    status = (log / "audit" / DROP).stat()
    assert plan["segments"][0]["fingerprint"] == {
        "device": status.st_dev,
        "inode": status.st_ino,
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "ctime_ns": status.st_ctime_ns,
    }
    assert (log / "plan.json").stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in log.iterdir()) == ["audit", "plan.json", "schemas.yaml"]


def test_apply_does_what_the_plan_says(log: Path) -> None:
    """At the plan's time, though the clock has gone on; and a second time there is nothing left of it to do."""
    done = apply(log)
    assert (done.code, done.result["now"], done.result["deleted_per_schema"]) == (0, NOW, {"app:1": 3})
    assert contents(log) == {REWRITE: YOUNG, KEEP: YOUNG}
    again = apply(log)
    assert (again.code, again.result["deleted_per_schema"]) == (0, {})
    assert {name: action["reason"] for name, action in again.actions.items()} == {
        DROP: "it has vanished since the plan was made",
        REWRITE: "it has changed since the plan was made",
    }
    assert contents(log) == {REWRITE: YOUNG, KEEP: YOUNG}


def test_what_has_changed_or_come_since_is_skipped(log: Path) -> None:
    """And is overdue; the rest is done."""
    new = "logs-20250104T000000.jsonl"
    with (log / "audit" / REWRITE).open("ab") as file:
        file.write(OLD)
    write_log(log / "audit", {new: OLD, KEEP: OLD})
    done = apply(log)
    assert (done.code, done.result["deleted_per_schema"], done.result["overdue"]["records"]) == (
        0,
        {"app:1": 2},
        {"app:1": 4},
    )
    assert contents(log) == {REWRITE: OLD + YOUNG + OLD, KEEP: OLD, new: OLD}
    assert {name: action["reason"] for name, action in done.actions.items() if action["action"] == "skip"} == {
        REWRITE: "it has changed since the plan was made",
        KEEP: "it has changed since the plan was made",
        new: "the plan does not name it",
    }


def test_what_expires_between_plan_and_apply_stays(log: Path) -> None:
    """The cutoffs are those of the plan."""
    write_log(log / "audit", {KEEP: record(days=29.999)})
    cleanup(log, "-n", "--plan-out", "plan.json", "--now", "2026-11-24T00:00:00Z")
    assert apply(log, "--now", "2026-11-24T12:00:00Z").result["deleted_per_schema"] == {"app:1": 3}
    assert contents(log)[KEEP] == record(days=29.999)
    assert cleanup(log, "--now", "2026-11-24T12:00:00Z").result["deleted_per_schema"] == {"app:1": 1}


def test_a_segment_that_is_written_to_is_skipped(log: Path) -> None:
    """The lease that a cleanup takes is taken here, too."""
    with (log / "audit" / DROP).open("ab"):
        done = apply(log)
    assert (done.code, done.actions[DROP]["outcome"]) == (0, "skipped")
    assert contents(log) == {DROP: OLD * 2, REWRITE: YOUNG, KEEP: YOUNG}


def test_only_one_job_works_on_a_folder(log: Path) -> None:
    """Exit 4 where another one does."""
    with held(log / "audit"):
        assert apply(log).code == 4
    assert apply(log).code == 0


def test_a_guard_refuses_a_plan_as_it_refuses_a_cleanup(log: Path) -> None:
    """Exit 5, and nothing is touched."""
    write_log(log / "audit", {DROP: OLD * 1000, REWRITE: OLD, KEEP: OLD})
    cleanup(log, "-n", "--plan-out", "plan.json")
    before = looks(log / "audit")
    assert apply(log).code == 5
    assert looks(log / "audit") == before
    assert apply(log, "--allow-delete-all").result["records"]["deleted"] == 1002


def other_log(folder: Path) -> tuple[str, ...]:
    write_log(folder / "other", {DROP: OLD})
    return ("--path", "other/logs.jsonl")


def other_policy(folder: Path) -> tuple[str, ...]:
    write_policy(folder, "schema_name: app, retention_days: 31")
    return ()


def made(folder: Path, change: Mapping[str, Any]) -> tuple[str, ...]:
    forge(folder, lambda plan: plan.update(change))
    return ()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (other_log, "another log"),
        (other_policy, "policy"),
        (lambda folder: made(folder, {"format": 2}), "format"),
        (lambda folder: made(folder, {"created": "2020-01-01T00:00:00Z"}), "--max-age"),
        (lambda _: ("--max-age", "soon"), "--max-age"),
        (lambda folder: made(folder, {"now": "2999-01-01T00:00:00Z"}), "is in the future"),
    ],
)
def test_a_plan_for_something_else_is_refused(log: Path, change: Callable[[Path], tuple[str, ...]], word: str) -> None:
    """Another log, policy, format or time: exit 2, with a sentence, and nothing is touched."""
    words = change(log)
    before = looks(log / "audit")
    done = apply(log, *words)
    assert (done.code, word in done.error) == (2, True)
    assert looks(log / "audit") == before


def test_the_same_rules_in_another_file_are_the_same_policy(log: Path) -> None:
    """Where they stand and in which order does not matter; a longer age may be allowed."""
    (log / "schemas.yaml").write_text("schemas:\n\n- retention_days: 30 # days\n  schema_name: app\n")
    forge(log, lambda plan: plan.update(created="2026-11-22T00:00:00Z"))
    assert apply(log).code == 2
    assert apply(log, "--max-age", "3d").result["records"]["deleted"] == 3


def test_the_digest_of_a_policy_is_that_of_its_rules() -> None:
    """Each change of a rule is another one; the place of a rule is none."""
    key = SchemaKey("a", 1)
    policies = [
        Policy(),
        Policy({key: Rule(retention=1 * DAY)}),
        Policy({key: Rule(retention=2 * DAY)}),
        Policy({key: Rule(retention=None)}),
        Policy({key: Rule(retention=1 * DAY, active=False)}),
        Policy({SchemaKey("a", 2): Rule(retention=1 * DAY)}),
        Policy(by_name={"a": Rule(retention=1 * DAY)}),
        Policy(by_name={"a": Rule(retention=1 * DAY), "b": Rule(retention=1 * DAY)}),
        Policy(star=Rule(retention=1 * DAY)),
        Policy(star=Rule(retention=DAY * 3 // 2)),
        Policy({SchemaKey("a*", 1): Rule(retention=1 * DAY)}),  # as a registry has it: a name
        make_policy({Pattern("a*", 1): Rule(retention=1 * DAY)}),
    ]
    assert len({digest(policy) for policy in policies}) == len(policies)
    one, other = (
        Policy(by_name={"a": Rule(retention=1 * DAY), "b": Rule(retention=2 * DAY)}),
        Policy(by_name={"b": Rule(retention=2 * DAY, where="x"), "a": Rule(retention=1 * DAY)}),
    )
    assert digest(one) == digest(other)


def each_segment(edit: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], None]:
    def edited(plan: dict[str, Any]) -> None:
        for segment in plan["segments"]:
            edit(segment)

    return edited


@pytest.mark.parametrize(
    "edit",
    [
        each_segment(lambda row: row.update(action="drop", bytes_after=0)),
        each_segment(lambda row: row.update(action="drop", bytes_after=0, expired={"app:1": 1})),
        each_segment(lambda row: row.update(action="rewrite", bytes_after=0, expired={"app:1": 2})),
        each_segment(lambda row: row.update(expired={"app:1": 10**30})),
        lambda plan: plan.update(segments=[]),
        lambda plan: plan["segments"][2].update(segment="../schemas.yaml", action="drop"),
        lambda plan: plan["segments"][2].update(segment="/etc/hostname", action="drop"),
        lambda plan: plan["segments"][0].update(segment=KEEP),
        lambda plan: plan.update(now="2026-10-01T00:00:00Z"),
    ],
)
def test_an_edited_plan_deletes_no_more_than_has_expired(log: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """However it was edited, and though its checksum is right: what has not expired is there afterwards."""
    others = looks(log)
    forge(log, edit)
    done = apply(log)
    assert done.code in {0, 2}
    left = contents(log)
    assert left[KEEP] == YOUNG
    assert left[REWRITE].endswith(YOUNG)
    assert looks(log)["schemas.yaml"] == others["schemas.yaml"]


@pytest.mark.parametrize(
    "change",
    [{"expired": {"app:1": 1}}, {"expired": {"app:2": 2}}, {"expired": {}}, {"bytes_after": 1}, {"action": "rewrite"}],
)
def test_what_is_not_what_the_plan_says_is_skipped(log: Path, change: dict[str, Any]) -> None:
    """Fewer records, others, or another size afterwards: the segment stays, and the rest is done."""
    forge(log, lambda plan: plan["segments"][0].update(change))
    done = apply(log)
    assert (done.code, done.result["deleted_per_schema"]) == (0, {"app:1": 1})
    assert done.actions[DROP]["reason"] == "its action differs from the plan's"
    assert contents(log) == {DROP: OLD * 2, REWRITE: YOUNG, KEEP: YOUNG}


def test_a_guard_weighs_what_the_plan_deletes(tmp_path: Path) -> None:
    """Not what else has expired since, which stays: that all of it could go is no reason to refuse."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {DROP: OLD})
    assert cleanup(tmp_path, "-n", "--plan-out", "plan.json").code == 0
    write_log(tmp_path / "audit", {KEEP: OLD * 1000})
    done = apply(tmp_path)
    assert (done.code, done.result["records"]["deleted"], contents(tmp_path)) == (0, 1, {KEEP: OLD * 1000})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '{"format": 1}',
        '{"format": 1, "checksum": ""}',
        '{"format": NaN}',
        "[" * 100_000,
        '{"format": ' + "1" * 5000 + "}",
        "\ufeff{}",
        "\x00",
    ],
    ids=range(12),
)
def test_what_is_no_plan_is_a_sentence(log: Path, text: str) -> None:
    """Exit 2, and no traceback."""
    (log / "plan.json").write_text(text)
    done = apply(log)
    assert done.code == 2
    assert "plan.json" in done.error
    assert "\n" not in done.error


@pytest.mark.parametrize(
    "edit",
    [
        lambda plan: plan.pop("segments"),
        lambda plan: plan.update(more=1),
        lambda plan: plan.update(segments={}),
        lambda plan: plan.update(now="noon"),
        lambda plan: plan.update(created=None),
        lambda plan: plan["segments"].append(plan["segments"][0]),
        lambda plan: plan["segments"][0].update(action="burn"),
        lambda plan: plan["segments"][0].update(bytes_after=-1),
        lambda plan: plan["segments"][0].update(expired={"app": 1}),
        lambda plan: plan["segments"][0].update(expired={"app:" + "1" * 5000: 1}),
        lambda plan: plan["segments"][0]["fingerprint"].pop("inode"),
    ],
)
def test_a_plan_of_another_shape_is_a_sentence(log: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Even with the right checksum: exit 2, and nothing is touched."""
    forge(log, edit)
    before = looks(log / "audit")
    done = apply(log)
    assert (done.code, "plan.json" in done.error) == (2, True)
    assert looks(log / "audit") == before


def test_an_edited_plan_is_told_by_its_checksum(log: Path) -> None:
    """Laid out differently it is the same plan, but not with another number in it."""
    plan = planned(log)
    (log / "plan.json").write_text(json.dumps(plan))
    changed = json.dumps(plan).replace('"app:1": 2', '"app:1": 1')
    assert changed != json.dumps(plan)
    (log / "edited.json").write_text(changed)
    refused = run("apply", "edited.json", *NAMED, "--json", cwd=log)
    assert (refused.code, "edited" in refused.error) == (2, True)
    assert apply(log).result["records"]["deleted"] == 3


@pytest.mark.parametrize("place", ["audit/plan.json", "audit/below/plan.json", "link/plan.json", "nowhere/plan.json"])
def test_a_plan_is_never_written_into_the_log_folder(log: Path, place: str) -> None:
    """Nor below it, nor through a link, nor where there is no folder: exit 2."""
    (log / "audit/below").mkdir()
    (log / "link").symlink_to("audit")
    before = looks(log / "audit")
    done = cleanup(log, "-n", "--plan-out", place)
    assert done.code == 2
    assert "--plan-out" in done.error
    assert looks(log / "audit") == before


def test_a_plan_is_written_by_a_dry_run_only(log: Path) -> None:
    """A cleanup that is one is refused."""
    before = looks(log / "audit")
    done = cleanup(log, "--plan-out", "other.json")
    assert (done.code, looks(log / "audit")) == (2, before)
    assert not (log / "other.json").exists()


def test_a_plan_can_not_be_written_where_nothing_may_be(log: Path) -> None:
    """Exit 2, with a sentence, and the old one stays."""
    (log / "held").mkdir(mode=0o500)
    done = cleanup(log, "-n", "--plan-out", "held/plan.json", before=NO_OVERRIDE)
    assert (done.code, "held/plan.json" in done.error) == (2, True)


def test_a_name_that_is_not_utf8_comes_back_as_it_was(tmp_path: Path) -> None:
    """With segments that a pattern names."""
    audit = "{path: audit/logs.jsonl, schemas: schemas.yaml, segments: '*.log'}"
    (tmp_path / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles: {{default: {{audit: {audit}}}}}\n")
    write_policy(tmp_path)
    (tmp_path / "audit").mkdir()
    name = os.fsdecode(b"audit/\xff.log")
    (tmp_path / name).write_bytes(OLD)
    assert run("cleanup", "-n", "--plan-out", "plan.json", "--now", NOW, cwd=tmp_path).code == 0
    assert run("apply", "plan.json", "--json", cwd=tmp_path).result["records"]["deleted"] == 1
    assert not (tmp_path / name).exists()


CHANGES = ("nothing", "append", "rewrite", "touch", "delete", "replace", "link")


def change(path: Path, how: str, more: bytes) -> None:
    """Something that happens to a segment between plan and apply."""
    match how:
        case "append":
            path.write_bytes(path.read_bytes() + b"\n" + more)
        case "rewrite":
            path.write_bytes(more)
        case "touch":
            os.utime(path, ns=(1, 1))
        case "delete":
            path.unlink()
        case "replace":
            path.with_name("aside").write_bytes(path.read_bytes())
            path.with_name("aside").rename(path)
        case "link":
            path.with_name(f"twin of {path.name}").hardlink_to(path)


@examples(60)
@given(
    archive=strategies.archives(),
    policy=strategies.policies(),
    hows=st.lists(st.sampled_from(CHANGES), min_size=4, max_size=4),
    more=strategies.segments(),
    news=strategies.archives(),
)
def test_apply_touches_only_planned_unchanged_segments(
    archive: Archive, policy: list[Definition], hows: list[str], more: bytes, news: Archive
) -> None:
    """After random changes, each segment is byte for byte what it was, or, unchanged, what the judge leaves of it."""
    with TemporaryDirectory(prefix="reviewed-") as place:
        log = Log(place, archive, policy)
        plan = str(Path(place, "plan.json"))
        words = ["--path", str(log.folder / "logs.jsonl"), "--schemas", str(log.policy), "--no-catalog", "--quiet"]
        assert main(["cleanup", "-n", *words, "--now", NOW, "--plan-out", plan]) == 0
        for (name, _), how in zip(archive.items(), hows, strict=False):
            change(log.folder / name, how, more)
        for name in news.keys() - archive.keys():
            (log.folder / name).write_bytes(news[name])
        changed = {name for name, how in zip(archive, hows, strict=False) if how != "nothing"}
        before = log.contents()
        assert main(["apply", plan, *words, "--now", NOW, "--allow-delete-all"]) == 0
        after = log.contents()
        for name, content in before.items():
            planned = name in archive and name in strategies.SEGMENTS and name not in changed
            assert after.get(name) == (left_of(content, policy, instant(NOW)) if planned else content), name
        assert after.keys() <= before.keys()
