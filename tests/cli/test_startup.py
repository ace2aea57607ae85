"""What a command does not need it does not import: cron starts this often."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from audit_log import record, write_log, write_policy
from command import NOW, run

HEAVY = {
    "asyncio",
    "aiofiles",
    "rich",
    "hypothesis",
    "multiprocessing",
    "ssl",
    "yaml",
    "anyio.to_process",
    "prometheus_client",
    "sqlite3",
}
# What changes a log, or mends what a killed job has left, and what comes with options or in some projects only.
SELDOM = {
    "asynclog.cli.files.report_files",
    "asynclog.forecast.ages",
    "asynclog.config.mxcp.site",
    "asynclog.report.plan_file",
    "asynclog.scan.hash_chains",
    "asynclog.storage.local.commit.apply_action",
    "asynclog.storage.local.commit.drain",
    "asynclog.storage.local.commit.recovery",
    "asynclog.cli.files.user_named_file",
}
JOB = {
    "anyio",
    "yaml",
    "asynclog.runner.cleanup",
    "asynclog.runner.inspect",
    "asynclog.runner.steps.inventory",
    "asynclog.scan.scanner",
}


def loaded(*words: str) -> set[str]:
    """Return the modules that are loaded when this command has ended."""
    program = (
        "import sys\nfrom asynclog.cli import main\n"
        "try:\n    status = main(sys.argv[1:])\nexcept SystemExit as error:\n    status = error.code\n"
        "print(*sys.modules, file=sys.stderr)\nsys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "words",
    [["--version"], ["--help"], *([command, "--help"] for command in ("init", "check", "cleanup"))],
    ids=" ".join,
)
def test_help_and_version_load_no_job(words: list[str]) -> None:
    """Neither an event loop nor the job, nor the parser of a configuration."""
    assert loaded(*words) & (HEAVY | JOB) == set()


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["cleanup", "--help"]], ids=" ".join)
def test_help_and_version_load_only_the_command_line(words: list[str]) -> None:
    """Neither the configuration and the plan, nor what writes JSON."""
    modules = loaded(*words)
    assert modules & {"json", "orjson", "hashlib"} == set()
    packages = {name.split(".")[1] for name in modules if name.startswith("asynclog.")}
    assert packages & {"config", "plan", "runner", "scan", "storage"} == set()


def test_the_version_says_which_reader_is_in_use() -> None:
    """On stdout, where a script looks for it."""
    done = subprocess.run([sys.executable, "-m", "asynclog", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] in {"reader: native", "reader: python"}
    assert done.stderr == ""


def test_a_job_with_nothing_to_do_starts_no_event_loop(tmp_path: Path) -> None:
    """A folder without segments, or with empty ones only, is answered without asyncio."""
    (tmp_path / "logs.jsonl").touch()
    (tmp_path / "logs_schemas.jsonl").touch()
    modules = loaded("cleanup", "--path", str(tmp_path / "logs.jsonl"), "--quiet")
    assert "asynclog.runner.cleanup" in modules
    assert modules & (HEAVY | SELDOM | {"shutil", "anyio", "asynclog.scan.unreadable_lines"}) == set()


def test_a_job_that_reads_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    """aiofiles is for whoever streams records, prometheus_client for whoever wants metrics."""
    (tmp_path / "logs.jsonl").write_bytes(b"{}\n")
    (tmp_path / "logs_schemas.jsonl").touch()
    modules = loaded("cleanup", "--path", str(tmp_path / "logs.jsonl"), "--quiet")
    assert "asyncio" in modules
    unwanted = {"aiofiles", "rich", "hypothesis", "yaml", "anyio.to_process", "prometheus_client"}
    assert modules & (unwanted | SELDOM) == set()


def test_a_night_on_which_nothing_expires_needs_no_event_loop(thousand: Path, tmp_path: Path) -> None:
    """Nor what commits, if the catalog knows all segments."""
    policy = write_policy(tmp_path, "schema_name: '*', retention_days: 90000")
    named = ("--path", str(thousand / "audit/logs.jsonl"), "--schemas", str(policy))
    modules = loaded("cleanup", *named, "--state", str(thousand / "state"), "--now", NOW, "--quiet")
    assert "asynclog.catalog.store" in modules
    assert modules & (SELDOM | {"asyncio", "anyio", "multiprocessing", "ssl"}) == set()


def test_what_commits_and_reports_is_loaded_before_anything_is_changed(tmp_path: Path) -> None:
    """The package may be upgraded meanwhile: a job that finds a module gone ends, and must have deleted nothing yet."""
    log = write_log(tmp_path / "audit", {"logs-20200101T000000.jsonl": [record()]})
    program = (
        "import sys\nfrom asynclog.cli import main\nfrom asynclog.runner.wiring import Wiring\n"
        "from asynclog.storage.local.directory import LogDirectory\n\n"
        "class Watched(LogDirectory):\n    def link(self, name, new):\n"
        "        print(*sys.modules, file=sys.stderr)\n        super().link(name, new)\n\n"
        "sys.exit(main(sys.argv[1:], Wiring(Watched)))"
    )
    words = ["cleanup", "--path", str(log), "--schemas", str(write_policy(tmp_path)), "--now", NOW, "--no-catalog"]
    words += ["--metrics-file", str(tmp_path / "metrics.prom"), "--html", str(tmp_path / "page.html")]
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    needed = {f"asynclog.storage.local.commit.{name}" for name in ("replace", "drain", "undo", "overwritten_lines")}
    needed |= {f"asynclog.report.page.cleanup.{name}" for name in ("one_log", "many_logs.page")}
    assert needed | {"asynclog.report.metrics"} <= set(done.stderr.split())


def test_a_check_loads_neither_the_job_nor_what_deletes(tmp_path: Path) -> None:
    """And where there is nothing to read no event loop."""
    (tmp_path / "logs.jsonl").touch()
    (tmp_path / "logs_schemas.jsonl").touch()
    modules = loaded("check", "--path", str(tmp_path / "logs.jsonl"), "--quiet")
    assert "asynclog.runner.inspect" in modules
    assert (
        modules
        & (
            HEAVY
            | {
                "asynclog.runner.cleanup",
                "asynclog.storage.local.commit.apply_action",
                "asynclog.storage.local.directory",
                "asynclog.report.init.templates",
            }
        )
        == set()
    )


def test_what_the_catalog_knows_needs_no_event_loop(thousand: Path) -> None:
    """Where nothing has to be read, none is started."""
    named = ("--path", str(thousand / "audit/logs.jsonl"), "--schemas", str(thousand / "schemas.yaml"))
    modules = loaded("estimate", *named, "--state", str(thousand / "state"), "--now", NOW, "--quiet")
    assert "asynclog.runner.inspect" in modules
    assert modules & {"asyncio", "aiofiles", "multiprocessing", "ssl"} == set()


def test_an_estimate_of_what_is_known_reads_nothing(thousand: Path) -> None:
    """Neither for the policy as it is nor for another one."""
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml", "--json")
    read = run("estimate", *named, "--now", NOW, "--retention", "app=60", cwd=thousand, env=state(thousand)).result[
        "read"
    ]
    assert (read["bytes"], read["of"] > 0) == (0, True)


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a log of 1,000 segments that an earlier job has scanned."""
    folder = tmp_path_factory.mktemp("thousand")
    write_policy(folder, "schema_name: app, retention_days: 90", "schema_name: '*', retention_days: 30")
    names = [f"logs-2025{number:04}T000000.jsonl" for number in range(1000)]
    lines = [b"".join(record(schema, days=age / 2) for schema in ("app", "auth", "web")) for age in range(1000)]
    write_log(folder / "audit", dict(zip(names, lines, strict=True)))
    for name in names:  # what was written to just now is not in the catalog yet
        os.utime(folder / "audit" / name, (1e9, 1e9))
    named = ("--path", "audit/logs.jsonl", "--schemas", "schemas.yaml")
    assert run("cleanup", "-n", *named, "--now", NOW, cwd=folder, env=state(folder)).code == 0
    return folder


def state(folder: Path) -> dict[str, str]:
    """Where the catalog is, for every command."""
    return {"STATE_DIRECTORY": str(folder / "state")}
