"""`--double-check`: nothing goes on the word of one reader."""

from pathlib import Path

import pytest
from one_run import run_once_async

from asynclog import Report
from asynclog.policy.cutoffs import Cutoffs
from asynclog.records.fields import Fields
from asynclog.records.kernel import Kind
from asynclog.scan.classifiers import Classifier, PythonClassifier
from asynclog.scan.context import ScanOptions

NOW = "2026-11-24T00:00:00Z"
OLD = b'{"schema_name": "api", "timestamp": "2020-01-01T00:00:00Z"}\n'
NEW = b'{"schema_name": "api", "timestamp": "2026-11-23T00:00:00Z"}\n'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Wrong(PythonClassifier):
    """A fast reader with a bug: it takes every line for an expired one."""

    def classify(self, block: memoryview) -> bytes:
        return super().classify(memoryview(bytes(block).replace(b"2026", b"2020")))


@pytest.fixture
def _python_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASYNCLOG_READER", "python")


def make_wrong(_kind: Kind, cutoffs: Cutoffs, fields: Fields) -> Classifier:
    return Wrong(cutoffs, fields)


async def cleanup(folder: Path, options: ScanOptions, *, double_check: bool) -> Report:
    (folder / "logs_schemas.jsonl").write_bytes(b'{"schema_name": "api", "retention_days": 30}\n')
    log = str(folder / "logs.jsonl")
    # All but one of 40,000 records are meant to go in one of these tests.
    return await run_once_async(
        scan_options=options, path=log, now=NOW, double_check=double_check, allow_delete_all=True
    )


@pytest.mark.usefixtures("_python_reader")
@pytest.mark.parametrize("content", [OLD + NEW, NEW, OLD * 3 + NEW + OLD * 3], ids=["mixed", "all", "in the middle"])
@pytest.mark.parametrize("budget", [0, 1 << 19], ids=["ranges read again", "ranges at hand"])
async def test_a_segment_on_which_the_readers_differ_stays(tmp_path: Path, content: bytes, budget: int) -> None:
    """Exit 1, the report says so, and not a byte is changed; drops are checked as rewrites are."""
    (tmp_path / "logs.jsonl").write_bytes(content)
    report = await cleanup(tmp_path, ScanOptions(marks=budget, make_classifier=make_wrong), double_check=True)
    assert (tmp_path / "logs.jsonl").read_bytes() == content
    assert (report.exit_code, report.result.deleted_per_schema) == (1, {})
    assert "the readers differ" in report.result.errors[0]


@pytest.mark.usefixtures("_python_reader")
async def test_without_it_the_fast_reader_is_believed(tmp_path: Path) -> None:
    """That is what the option is for: the bug above would have deleted a record."""
    (tmp_path / "logs.jsonl").write_bytes(OLD + NEW)
    report = await cleanup(tmp_path, ScanOptions(make_classifier=make_wrong), double_check=False)
    assert report.result.deleted_per_schema == {"api:1": 2}


@pytest.mark.parametrize("budget", [0, 1 << 19], ids=["ranges read again", "ranges at hand"])
async def test_where_they_agree_it_changes_nothing(tmp_path: Path, budget: int) -> None:
    """The same figures and the same bytes; a range longer than a block is checked as well."""
    (tmp_path / "logs.jsonl").write_bytes(OLD * 40_000 + NEW + OLD + b"torn\n" + OLD)
    (tmp_path / "logs.jsonl.1").write_bytes(OLD + b"\n" + OLD)
    report = await cleanup(tmp_path, ScanOptions(marks=budget), double_check=True)
    assert (report.exit_code, report.result.deleted_per_schema) == (0, {"api:1": 40_004})
    assert (tmp_path / "logs.jsonl").read_bytes() == NEW + b"torn\n"
    assert not (tmp_path / "logs.jsonl.1").exists()
