"""`--metrics-file`: read back by the library's own parser after real runs, however they end."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from audit_log import entries, held, is_clean, looks, record, write_log, write_policy
from command import NO_OVERRIDE, NOW, cleanup, finish, is_open, promtool, run, start, until
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from asynclog.cli.files.user_named_file import NamedFile
from asynclog.cli.main import main
from asynclog.escaping import escape_surrogates
from asynclog.report.cleanup.result import CleanupResult, Report, SchemaTotals
from asynclog.report.metrics import Run, exposition, last_success, log_labels, metrics
from asynclog.runner.wiring import Wiring
from asynclog.storage.local.directory import LogDirectory

if TYPE_CHECKING:
    from command import Done

OLD, YOUNG = record(days=400), record(days=1)
NAMES = [f"logs-2025010{n}T000000.jsonl" for n in range(1, 5)]
FILE = ("--metrics-file", "m.prom")
WORDS = ("cleanup", "--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--now", NOW, *FILE)


class Metrics:
    """A metrics file as the parser reads it."""

    def __init__(self, file: Path) -> None:
        text = file.read_bytes().decode()
        self.families = list(text_string_to_metric_families(text))
        self.samples = [sample for family in self.families for sample in family.samples]
        assert text.endswith("\n")
        assert stat.S_IMODE(file.lstat().st_mode) == 0o644

    def by(self, label: str, name: str) -> dict[str, float]:
        """Return the values of a metric by one of its labels."""
        return {each.labels[label]: each.value for each in self.samples if each.name == f"asynclog_{name}"}

    def value(self, name: str) -> float:
        """Return the one value of a metric."""
        (value,) = (each.value for each in self.samples if each.name == f"asynclog_{name}")
        return value

    @property
    def status(self) -> str:
        """The one status that is 1."""
        (status,) = (status for status, value in self.by("status", "last_run_status").items() if value)
        return status


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """One segment to drop, one to rewrite, one to keep, one to skip, and lines that are no records."""
    write_policy(tmp_path)
    write_log(tmp_path / "audit", {NAMES[0]: OLD + OLD, NAMES[1]: [OLD, b"torn\n", record("other"), YOUNG]})
    write_log(tmp_path / "audit", {NAMES[2]: YOUNG, f"{NAMES[3]}.gz": b"\x1f\x8b"})
    return tmp_path


@pytest.mark.parametrize("dry", [False, True])
def test_a_run_writes_its_figures(mixed: Path, dry: bool) -> None:
    """Those of the document, and what the document does not say; a dry run what a run would give, and says so."""
    before = time.time()
    done = cleanup(mixed, *FILE, *(["-n"] if dry else []))
    found, result = Metrics(mixed / "m.prom"), done.result
    assert done.code == found.value("last_run_exit_code") == 0
    assert found.status == ("dry_run" if dry else "success") == result["status"]
    assert found.value("dry_run") == dry
    assert before <= found.value("last_run_timestamp_seconds") <= time.time()
    assert 0 < found.value("last_run_duration_seconds") < 60
    assert found.value("last_success_timestamp_seconds") == (0 if dry else found.value("last_run_timestamp_seconds"))
    assert found.by("schema", "deleted_records") == {"app:1": 3, "other:1": 0}
    assert found.by("schema", "deleted_bytes") == {"app:1": 3 * len(OLD), "other:1": 0}
    assert found.by("schema", "kept_records") == {"app:1": 2, "other:1": 1}
    assert found.by("schema", "kept_bytes") == {"app:1": 2 * len(YOUNG), "other:1": len(record("other"))}
    assert found.by("schema", "overdue_records") == {"app:1": 0, "other:1": 0}
    assert found.by("schema", "overdue_since_timestamp_seconds") == {}
    assert found.value("unreadable_lines") == 1
    fates = {k: v for k, v in result["segments"].items() if k not in {"total", "emptied"}}
    assert found.by("fate", "segments") == fates
    sizes = [path.stat().st_size for path in entries(mixed / "audit")]
    assert found.value("log_size_bytes") == sum(sizes)
    assert found.value("lease_held_max_seconds") == result["lease_max_ms"] / 1000
    assert 0 < found.value("filesystem_free_bytes") <= found.value("filesystem_size_bytes")
    assert {sample.labels["log"] for sample in found.samples} == {str(mixed / "audit/logs.jsonl")}
    assert {family.type for family in found.families} == {"gauge"}
    assert all(family.documentation for family in found.families)
    assert sorted(os.listdir(mixed)) == ["audit", "m.prom", "schemas.yaml"]


def test_what_is_overdue_is_told_with_its_age(mixed: Path) -> None:
    """The timestamp of the oldest record, and the moment when it expired, 30 days later."""
    with (mixed / "audit" / NAMES[1]).open("ab"):
        done = cleanup(mixed, *FILE, "--max-overdue", "7d")
    found = Metrics(mixed / "m.prom")
    assert (done.code, found.value("last_run_exit_code"), found.status) == (3, 3, "partial")
    assert found.by("schema", "overdue_records") == {"app:1": 1, "other:1": 0}
    assert found.by("schema", "overdue_bytes") == {"app:1": len(OLD), "other:1": 0}
    assert found.by("schema", "overdue_oldest_timestamp_seconds") == {"app:1": 1_760_918_400}
    assert found.by("schema", "overdue_since_timestamp_seconds") == {"app:1": 1_760_918_400 + 30 * 86_400}
    assert found.value("last_success_timestamp_seconds") == 0


def test_a_failed_segment_is_partial(mixed: Path) -> None:
    """With the figures of what was done all the same."""
    (mixed / "audit" / NAMES[1]).chmod(0)
    done = cleanup(mixed, *FILE, before=NO_OVERRIDE)
    found = Metrics(mixed / "m.prom")
    assert (done.code, found.value("last_run_exit_code"), found.status) == (3, 3, "partial")
    assert found.by("fate", "segments")["failed"] == 1
    assert found.by("schema", "deleted_records")["app:1"] == 2


def test_a_job_with_nothing_to_look_at_is_exit_0(tmp_path: Path) -> None:
    """An application that has not started yet, or auditing that is switched off; but it has been no success yet."""
    for profile, status in (("path: none/logs.jsonl", "success"), ("enabled: false", "skipped")):
        (tmp_path / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles: {{default: {{audit: {{{profile}}}}}}}\n")
        assert run("cleanup", *FILE, cwd=tmp_path).code == 0
        found = Metrics(tmp_path / "m.prom")
        assert (found.value("last_run_exit_code"), found.status) == (0, status)
        assert found.value("last_success_timestamp_seconds") == 0


FATAL = {
    "an unknown word": (["--nope"], 2),
    "a word without its value": (["--jobs"], 2),
    "a value that means nothing": (["--now", "noon"], 2),
    "a configuration that is missing": (["--config", "none.yaml"], 2),
    "a policy that is wrong": (["--schemas", "none.yaml"], 2),
    "a folder that is missing": (["--path", "none/logs.jsonl"], 2),
    "a guard that refuses": ([], 5),
}


@pytest.mark.parametrize(("words", "code"), FATAL.values(), ids=FATAL)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_run_that_could_not_begin_is_told(archive: Path, words: list[str], code: int, as_json: bool) -> None:
    """With its exit code; the last success is kept from the file that was there, nothing is said of the rest."""
    assert cleanup(archive, *FILE).code == 0
    success = Metrics(archive / "m.prom").value("last_success_timestamp_seconds")
    if code == 5:
        write_log(archive / "audit", {"logs.jsonl": OLD * 1000, "logs-20250101T000000.jsonl": OLD})
    done = run(*WORDS, *words, *(["--json"] if as_json else []), cwd=archive)
    found = Metrics(archive / "m.prom")
    assert done.code == found.value("last_run_exit_code") == code
    assert found.status == "error"
    assert found.value("last_run_timestamp_seconds") > success
    # The last one would be a success of another log.
    assert found.value("last_success_timestamp_seconds") == (0 if "none/logs.jsonl" in words else success)
    assert found.by("schema", "deleted_records") == {}


@pytest.mark.parametrize("words", [["--nope"], ["--now", "noon"], ["--dry-run", "--jobs", "x"]])
def test_the_first_run_may_be_one_that_could_not_begin(archive: Path, words: list[str]) -> None:
    """There is nothing to keep then, and the log is not known."""
    assert run(*WORDS, *words, cwd=archive).code == 2
    found = Metrics(archive / "m.prom")
    assert (found.value("last_success_timestamp_seconds"), found.value("last_run_exit_code")) == (0, 2)
    assert found.value("dry_run") == ("--dry-run" in words)
    assert {sample.labels["log"] for sample in found.samples} == {""}


def test_a_folder_that_another_job_holds_is_told(archive: Path) -> None:
    """Exit 4."""
    with held(archive / "audit"):
        done = run(*WORDS, cwd=archive)
    assert done.code == Metrics(archive / "m.prom").value("last_run_exit_code") == 4


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_the_job_is_told(archive: Path, number: signal.Signals, code: int) -> None:
    """Here while its configuration comes from a pipe."""
    os.mkfifo(archive / "asynclog.yaml")
    writer = os.open(archive / "asynclog.yaml", os.O_RDWR)
    process = start("cleanup", "--config", "asynclog.yaml", *FILE, cwd=archive)
    until(lambda: is_open(process.pid, archive / "asynclog.yaml"))
    process.send_signal(number)
    os.close(writer)  # so that it reads on, even where the signal came just before it began to wait
    assert finish(process).code == code
    found = Metrics(archive / "m.prom")
    assert (found.value("last_run_exit_code"), found.status) == (code, "error")


def test_a_signal_in_the_job_is_told(archive: Path) -> None:
    """With the figures of what was done; here it is stopped while it reads a huge segment of holes."""
    huge = archive / "audit" / "logs-20240101T000000.jsonl"
    with huge.open("wb") as file:
        for line in range(1, 1025):
            os.pwrite(file.fileno(), b"\n", (line << 25) - 1)
    process = start(*WORDS, cwd=archive)
    until(lambda: is_open(process.pid, huge))
    process.terminate()
    assert finish(process).code == 143
    found = Metrics(archive / "m.prom")
    assert (found.value("last_run_exit_code"), found.status) == (143, "partial")
    assert found.value("last_success_timestamp_seconds") == 0
    assert found.by("fate", "segments")["skipped"] > 0


def test_a_bug_is_told(archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, and the last success is kept."""

    def broken(*_: object, **__: object) -> LogDirectory:
        raise ZeroDivisionError

    assert cleanup(archive, *FILE).code == 0
    monkeypatch.chdir(archive)
    assert main(WORDS, Wiring(broken)) == 1
    found = Metrics(archive / "m.prom")
    assert (found.value("last_run_exit_code"), found.status) == (1, "error")
    assert found.value("last_success_timestamp_seconds") > 0
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_result_that_cannot_be_printed_is_no_success(archive: Path) -> None:
    """The job is over, so its figures are known; the exit code is that of the process."""
    with Path("/dev/full").open("wb") as full:
        assert run(*WORDS, cwd=archive, out=full).code == 1
    found = Metrics(archive / "m.prom")
    assert (found.value("last_run_exit_code"), found.status) == (1, "error")
    assert found.by("schema", "deleted_records") == {"app:1": 1}
    assert found.value("last_success_timestamp_seconds") == 0


def test_a_dry_run_keeps_the_last_success(archive: Path) -> None:
    """It deletes nothing, so it is none itself."""
    cleanup(archive, *FILE)
    success = Metrics(archive / "m.prom").value("last_success_timestamp_seconds")
    cleanup(archive, *FILE, "-n")
    assert Metrics(archive / "m.prom").value("last_success_timestamp_seconds") == success > 0


def test_another_logs_success_is_not_kept(archive: Path) -> None:
    """Where the file was about another log before."""
    cleanup(archive, *FILE)
    shutil.move(archive / "audit", archive / "other")
    done = cleanup(archive, *FILE, "-n", "--path", "other/logs.jsonl")
    assert (done.code, Metrics(archive / "m.prom").value("last_success_timestamp_seconds")) == (0, 0)


def unwritable(archive: Path) -> list[Path]:
    """Files that can't be written: without a folder, in one that is none, with too long a name."""
    return [archive / "none/m.prom", archive / "schemas.yaml/m.prom", archive / ("m" * 300)]


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("as_json", [False, True])
def test_a_file_that_cannot_be_written_is_exit_3(archive: Path, which: int, as_json: bool) -> None:
    """The job is done all the same; stderr says so, and the document."""
    file = str(unwritable(archive)[which])
    done = run(*WORDS[:-1], file, *(["--json"] if as_json else []), cwd=archive)
    assert (done.code, is_clean(archive)) == (3, True)
    (sentence,) = done.err.splitlines()
    assert sentence.startswith(f"asynclog: --metrics-file {file}: the metrics can't be written: ")
    if as_json:
        assert done.result["status"] == "partial"
        assert done.result["errors"] == [done.document["error"]] == [sentence.removeprefix("asynclog: ")]
    else:
        assert done.out.startswith("Deleted 1 record ")
    assert sorted(os.listdir(archive)) == ["audit", "schemas.yaml"]


@pytest.mark.parametrize(("words", "code"), [(["--now", "noon"], 2), (["--nope"], 2), (["--max-overdue", "1d"], 3)])
def test_a_file_that_cannot_be_written_covers_no_other_failure(archive: Path, words: list[str], code: int) -> None:
    """Both are told, and the exit code is the failure's own."""
    write_log(archive / "audit", {NAMES[0]: OLD})
    with (archive / "audit" / NAMES[0]).open("ab"):
        done = run(*WORDS[:-1], "none/m.prom", *words, cwd=archive)
    assert done.code == code
    assert "the metrics can't be written" in done.err
    assert words[0] in done.err


@pytest.mark.parametrize("file", ["audit/m.prom", "./audit/../audit/m.prom", "link/m.prom", "audit/logs.jsonl"])
@pytest.mark.parametrize("words", [[], ["-n"], ["--nope"], ["--now", "noon"]])
def test_the_logs_folder_is_no_place_for_it(archive: Path, file: str, words: list[str]) -> None:
    """Exit 2, before anything is touched."""
    (archive / "link").symlink_to("audit")
    before = looks(archive)
    done = run(*WORDS[:-1], file, *words, cwd=archive)
    assert done.code == 2
    assert "--nope" in words or f"--metrics-file {file}" in done.err
    assert looks(archive) == before


def test_the_folder_of_a_configured_log_is_none_either(archive: Path) -> None:
    """A folder below it is."""
    audit = "{path: audit/logs.jsonl, schemas: schemas.yaml}"
    (archive / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles: {{default: {{audit: {audit}}}}}\n")
    before = looks(archive)
    done = run("cleanup", "--json", "--metrics-file", "m.prom", "--config", "../asynclog.yaml", cwd=archive / "audit")
    assert (done.code, "log's own folder" in done.error) == (2, True)
    assert looks(archive) == before
    (archive / "audit/below").mkdir()
    assert run("cleanup", "--now", NOW, "--metrics-file", "audit/below/m.prom", cwd=archive).code == 0
    assert Metrics(archive / "audit/below/m.prom").status == "success"


@pytest.mark.parametrize("kind", ["file", "link", "folder", "pipe", "log"])
@pytest.mark.parametrize("words", [[], ["--nope"], ["--now", "noon"]])
def test_what_is_no_metrics_file_stays(archive: Path, kind: str, words: list[str]) -> None:
    """A name that was mistyped destroys nothing: exit 2."""
    file = archive / "m.prom"
    match kind:
        case "file":
            file.write_text("# HELP other\n")
        case "link":
            file.symlink_to("schemas.yaml")
        case "folder":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
        case _:
            file.write_bytes(OLD)
    before = looks(archive)
    done = run(*WORDS, *words, cwd=archive)
    assert done.code == 2
    assert "--nope" in words or "--metrics-file m.prom: something other than" in done.err
    assert looks(archive) == before


@pytest.mark.parametrize("option", ["--html", "--csv"])
def test_another_option_may_not_name_it(archive: Path, option: str) -> None:
    """Exit 2 before anything is deleted, and the metrics tell it."""
    before = looks(archive / "audit")
    done = cleanup(archive, *FILE, option, "./m.prom")
    assert (done.code, f"{option} and --metrics-file both name m.prom" in done.error) == (2, True)
    assert looks(archive / "audit") == before
    assert Metrics(archive / "m.prom").value("last_run_exit_code") == 2


@pytest.mark.parametrize("content", [b"", b"# HELP asynclog_", b"# HELP asynclog_x y\nasynclog_last_success_"])
def test_an_empty_or_damaged_one_is_replaced(archive: Path, content: bytes) -> None:
    """Whatever happened to it: the last success is not known then."""
    (archive / "m.prom").write_bytes(content)
    assert cleanup(archive, *FILE, "-n").code == 0
    assert Metrics(archive / "m.prom").value("last_success_timestamp_seconds") == 0


def test_one_that_is_larger_than_any_of_ours_is_not_read(archive: Path) -> None:
    """Others may have made it: it takes no memory, and is replaced."""
    with (archive / "m.prom").open("wb") as file:
        file.write(b"# HELP asynclog_x y\n")
        file.truncate(1 << 40)
    assert cleanup(archive, *FILE, "-n").code == 0
    assert Metrics(archive / "m.prom").value("last_success_timestamp_seconds") == 0


def test_a_file_that_was_cut_anywhere_is_read_without_an_error() -> None:
    """Either it still says when, or that is not known."""
    labels = log_labels('a"b', "c\\d\ne")
    text = exposition(metrics(Run(labels, 5, 1, 3, "error", dry_run=False, last_success=4), None)).decode()
    found = [last_success(text[:cut]) for cut in range(len(text) + 1)]
    assert found[-1] == (labels, 4.0)
    assert all(each in (None, (labels, 4.0)) for each in found)


ODD = [*'\n\r\t\\"\x00\x1b\x85\u2028{}=,# n\ud800\udcff']
TEXT = st.lists(st.sampled_from(ODD), max_size=10).map("".join) | st.text(max_size=30)


@given(profile=TEXT, log=TEXT, schema=TEXT)
def test_hostile_labels_are_read_back_as_they_are(profile: str, log: str, schema: str) -> None:
    """Lone surrogates, which no UTF-8 has, as the document tells them."""
    report = Report(
        CleanupResult("success", ""), schemas={schema: SchemaTotals(deleted=7, oldest=1, since=2)}, log_bytes=1
    )
    run_of = Run(log_labels(profile, log), 1, 1, 0, "success", dry_run=False, free=1, size=2)
    text = exposition(metrics(run_of, report)).decode()
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    assert {(each.labels["profile"], each.labels["log"]) for each in samples} == {
        (escape_surrogates(profile), escape_surrogates(log))
    }
    assert {each.labels["schema"] for each in samples if "schema" in each.labels} == {escape_surrogates(schema)}
    assert len(samples) == 7 + 5 + 9 + 6 + 5
    assert last_success(text) == ({"profile": escape_surrogates(profile), "log": escape_surrogates(log)}, 0)


def test_hostile_names_on_disk_are_read_back_as_they_are(tmp_path: Path) -> None:
    """Of a schema, a profile, and a folder that is not UTF-8; the last success is found again under them."""
    folder = tmp_path / os.fsdecode(b'a"u\\di\nt\xff')
    write_log(folder, {"logs.jsonl": [record('s"c\\h\ne\x00\x1bm{a}=,'), YOUNG]})
    write_policy(tmp_path)
    profile = '"p\\"\\\\\\n{}": {audit: {path: "*"}}'
    (tmp_path / "asynclog.yaml").write_text(f"asynclog: 1\nprofiles: {{{profile}}}\n")
    words = ["--profile", 'p"\\\n{}', "--path", str(folder / "logs.jsonl"), "--schemas", "schemas.yaml", "--now", NOW]
    for more in ([], ["-n"]):
        assert run("cleanup", *words, *FILE, *more, cwd=tmp_path).code == 0
    found = Metrics(tmp_path / "m.prom")
    assert found.by("profile", "dry_run") == {'p"\\\n{}': 1}
    assert found.by("log", "dry_run") == {escape_surrogates(str(folder / "logs.jsonl")): 1}
    assert set(found.by("schema", "kept_records")) == {"app:1", 's"c\\h\ne\x00\x1bm{a}=,:1'}
    assert found.value("last_success_timestamp_seconds") > 0


def test_who_reads_meanwhile_never_sees_half_a_file(archive: Path) -> None:
    """Each look is at a whole one: it has the last metric that a run writes."""
    cleanup(archive, *FILE)
    over = threading.Event()
    seen: set[bytes] = set()

    def look() -> None:
        while not over.is_set():
            seen.add((archive / "m.prom").read_bytes())

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(3):
        cleanup(archive, *FILE)
    over.set()
    reader.join()
    assert len(seen) > 1
    assert all(b"\nasynclog_lease_held_max_seconds{" in text and text.endswith(b"\n") for text in seen)


def test_it_is_durable_before_it_has_its_name(tmp_path: Path) -> None:
    """Or the old one stays, and nothing else does."""
    file = tmp_path / "m.prom"
    seen = []

    class Noting(LogDirectory):
        def sync(self, descriptor: int) -> None:
            seen.append(file.exists())
            super().sync(descriptor)

    class Full(LogDirectory):
        def sync(self, descriptor: int) -> None:
            raise OSError(28, "No space left on device")

    write(file, b"# HELP asynclog_old", Noting)
    assert (seen, file.read_bytes()) == ([False], b"# HELP asynclog_old")
    with pytest.raises(OSError, match="No space"):
        write(file, b"# HELP asynclog_new", Full)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"m.prom": b"# HELP asynclog_old"}


def write(file: Path, content: bytes, directory: type[LogDirectory]) -> None:
    """Write it as a metrics file."""
    with closing(NamedFile(str(file), lambda _, head: head.startswith(b"# HELP asynclog_"), directory)) as named:
        named.write(content)


def test_the_umask_does_not_hide_it(archive: Path) -> None:
    """Whoever collects metrics is another user; the systemd units have a mask of 0077."""
    done: Done = cleanup(archive, *FILE, before=["sh", "-c", 'umask 0077; exec "$@"', "-"])
    assert (done.code, Metrics(archive / "m.prom").status) == (0, "success")


def test_the_library_of_another_program_is_left_alone(archive: Path) -> None:
    """Its environment may say that metrics of many processes go to a folder: these do not."""
    (archive / "many").mkdir()
    done = cleanup(archive, *FILE, env={"PROMETHEUS_MULTIPROC_DIR": str(archive / "many")})
    assert (done.code, list((archive / "many").iterdir())) == (0, [])
    assert Metrics(archive / "m.prom").value("unreadable_lines") == 0


def test_promtool_finds_nothing_wrong(mixed: Path) -> None:
    """Names, units, help and escapes are as Prometheus wants them."""
    write_log(mixed / "audit", {NAMES[2]: record('w"e\\i\nrd\x00')})
    with (mixed / "audit" / NAMES[1]).open("ab"):
        cleanup(mixed, *FILE)
    assert promtool("check", "metrics", given=(mixed / "m.prom").read_text("utf-8")) == (0, "", "")
