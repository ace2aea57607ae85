"""What is shipped for operators works as it stands: the page's commands, the crontab, the policy and the demo."""

import json
import os
import re
import stat
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from server import PROJECT, STARTER, Files, Server, runnable

PAGE = (PROJECT / "docs/operations.md").read_text()


def sections() -> dict[str, list[str]]:
    """Return the `sh` blocks of the page under their headings."""
    found: dict[str, list[str]] = defaultdict(list)
    heading = ""
    for part in re.finditer(r"^## ([^\n]+)$|^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        if part[1]:
            heading = part[1]
        else:
            found[heading].append(part[2])
    return dict(found)


SECTIONS = sections()


@dataclass
class Step:
    """The output of one block, and the log's folder after it."""

    output: str
    files: Files


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """Make a server that has its archive and nothing installed yet."""
    return Server(tmp_path)


def numbers(output: str) -> list[int]:
    """Return what the text reports in this output said they deleted, or would."""
    found = re.findall(r"^(?:Would delete|Deleted) ([\d,]+) records?\b", output, re.MULTILINE)
    return [int(number.replace(",", "")) for number in found]


def policy(server: Server, _steps: list[Step]) -> None:
    """Check that the configuration and its policy are where the others look for them."""
    assert {path.name for path in server.etc.iterdir()} == {"asynclog.yaml", "schemas.yaml"}


def dry_run(server: Server, steps: list[Step]) -> None:
    """Check that the dry run announces and touches nothing, and that the run keeps what the starter policy keeps."""
    announced, done = steps
    assert announced.output.startswith("Would delete ")
    assert announced.files == server.written
    assert done.output.startswith("Deleted ")
    assert numbers(announced.output) == numbers(done.output)
    server.kept(STARTER)


def forecast(server: Server, steps: list[Step]) -> None:
    """All tell of the schema, and touch nothing."""
    estimated, sampled, explained = steps
    assert re.search(r"^debug_logs:1 +30 days .*\n  what if +14 days ", estimated.output, re.MULTILINE)
    assert re.search(r"^debug_logs:1 +30 days ", sampled.output, re.MULTILINE)
    assert "debug_logs:1: " in explained.output
    assert explained.files == server.written


def plan_first(server: Server, steps: list[Step]) -> None:
    """Check that the plan is carried out: what the starter policy keeps is left."""
    (step,) = steps
    announced, done = numbers(step.output)
    assert announced == done > 0
    server.kept(STARTER)


def page(server: Server, steps: list[Step]) -> None:
    """Check that page, table and plan were written, about the same plan."""
    (step,) = steps
    assert step.files == server.written
    digest = json.loads((server.root / "plan.json").read_text())["checksum"]
    assert digest in (server.root / "plan.html").read_text()
    rows = (server.root / "plan.csv").read_text().splitlines()
    (total,) = (row for row in rows if row.startswith("total,"))
    assert [str(number) for number in numbers(step.output)] == [total.split(",")[rows[0].split(",").index("deleted")]]


def history(server: Server, steps: list[Step]) -> None:
    """Check that there is none before the first run, and a line after it."""
    (before,) = steps
    assert "no run is known" in before.output
    again = server.run(
        f"asynclog cleanup --config /etc/asynclog/asynclog.yaml --dry-run --state {server.root}/state > report.txt\n"
        f"asynclog history --config /etc/asynclog/asynclog.yaml --state {server.root}/state"
    )
    assert "cleanup (dry run)" in again.stdout


def backup(server: Server, _steps: list[Step]) -> None:
    """Check that the copy is the log as it was before the cleanup, and that it goes once it is old."""
    (copy,) = (server.root / "var/backups/asynclog").iterdir()
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == server.written
    assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    server.kept(STARTER)
    twenty_days = 20 * 86_400
    os.utime(copy, (copy.stat().st_atime - twenty_days, copy.stat().st_mtime - twenty_days))
    assert server.run(SECTIONS["A backup before the cleanup"][1]).returncode == 0
    assert not copy.exists()


def rollout(server: Server, steps: list[Step]) -> None:
    """Each step deletes what its period says and no more; looking at all of them first touches nothing."""
    looked, year, half_year, policy_itself = steps
    assert looked.files == server.written
    assert numbers(looked.output) == sorted(set(numbers(looked.output)))
    for days, step in ((365, year), (180, half_year), (90, policy_itself)):
        server.kept(STARTER | {"mxcp.endpoints": days}, step.files)
    announced, done = numbers(half_year.output)
    assert announced == done > 0


def profiles(server: Server, _steps: list[Step]) -> None:
    """Both logs of the folder are cleaned."""
    server.kept(STARTER)
    server.kept(STARTER, stem="gateway")


def limited(server: Server, _steps: list[Step]) -> None:
    """With half an hour and a fast limit a small log is done."""
    server.kept(STARTER)


def timers(server: Server, _steps: list[Step]) -> None:
    """Check that the template's two timers are enabled, the plain one is not, and the drop-ins lie where they count."""
    units = server.root / "etc/systemd/system"
    enabled = {path.name for path in (units / "timers.target.wants").iterdir()}
    assert enabled == {"asynclog-cleanup@production.timer", "asynclog-cleanup@gateway.timer"}
    drop_ins = {path.name for path in (units / "asynclog-cleanup.service.d").iterdir()}
    assert drop_ins == {"as-root.conf", "ping.conf"}


def alert(server: Server, _steps: list[Step]) -> None:
    """Above the limit the alert prints, below it does not."""
    (block,) = SECTIONS["A disk-space alert"]
    quiet, loud = (server.run(block.replace("limit=80", f"limit={limit}")) for limit in (101, 0))
    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert re.fullmatch(r"\S+/var/log/app is on a disk that is \d+ % full \(limit: 0 %\)\n", loud.stdout)


def metrics(server: Server, _steps: list[Step]) -> None:
    """Check that the run is a success, by the file that the collector would read."""
    text = (server.root / "var/lib/prometheus/node-exporter/asynclog.prom").read_text()
    assert re.search(r'^asynclog_last_run_exit_code\{.*profile="production"\} 0\.0$', text, re.MULTILINE)
    server.kept(STARTER)


def unjudged(server: Server, steps: list[Step]) -> None:
    """Check that the filter finds the sum, and nothing in it: all of this log can be judged."""
    (told,) = steps
    assert json.loads(told.output) == {"segments": 0, "bytes": 0, "oldest": None, "reasons": {}}


def document(server: Server, steps: list[Step]) -> None:
    """Check that the filters find what the document says."""
    per_schema, open_questions, last = steps
    result = json.loads((server.root / "report.json").read_text())["result"]
    table = {key: int(count) for key, count in (line.split("\t") for line in per_schema.output.splitlines())}
    assert table == result["deleted_per_schema"]
    assert json.loads(open_questions.output) == {"overdue": {}, "no_policy": result["kept"]["no_policy"]}
    assert result["kept"]["no_policy"].keys() == {"orphan:1"}
    assert last.output == "true\n"


def journal(server: Server, steps: list[Step]) -> None:
    """journalctl took every option of the page; it would have refused another."""
    (block,) = SECTIONS["Reading the journal"]
    assert len(steps) == 1
    assert server.run(block.replace("--since", "--sinse")).returncode != 0


CHECKS: dict[str, tuple[Callable[[Server, list[Step]], None], str]] = {
    "Start with a policy": (policy, "sh"),
    "Dry run first": (dry_run, "sh"),
    "What it frees, and what stays": (forecast, "sh"),
    "A plan that somebody signs": (plan_first, "sh"),
    "A page to look at": (page, "sh"),
    "What has been done": (history, "sh"),
    "A backup before the cleanup": (backup, "sh"),
    "A gradual rollout": (rollout, "sh"),
    "Several profiles": (profiles, "sh"),
    "What a night costs": (limited, "sh"),
    "Every night, with systemd": (timers, "systemctl"),
    "A disk-space alert": (alert, "sh"),
    "Metrics for Prometheus": (metrics, "sh"),
    "What could not be judged": (unjudged, "jq"),
    "Reading the JSON": (document, "jq"),
    "Reading the journal": (journal, "journalctl"),
}


def test_every_block_is_run() -> None:
    """Every section of the page that has a block is run below, and there is no block outside of sections."""
    assert set(SECTIONS) == set(CHECKS)
    assert PAGE.count("```") == 2 * sum(map(len, SECTIONS.values()))


@pytest.mark.parametrize("heading", CHECKS)
def test_recipe(server: Server, heading: str) -> None:
    """The blocks of a section, run one after the other, succeed without a word on stderr and do what the page says."""
    check, program = CHECKS[heading]
    if not runnable(program):
        pytest.skip(f"{program} is not installed")
    if heading != "Start with a policy":
        server.configure()
    if program == "systemctl":
        offline_systemctl(server)
    steps = []
    for block in SECTIONS[heading]:
        done = server.run(block)
        assert done.returncode == 0, done.stderr
        # journalctl has its say about journals that are missing or that others may not read.
        assert done.stderr == "" or program == "journalctl"
        steps.append(Step(done.stdout, server.files()))
    check(server, steps)


def offline_systemctl(server: Server) -> None:
    """Put a systemctl before the real one that has it work on the server's files, since no manager runs there."""
    wrapper = server.root / "bin/systemctl"
    wrapper.parent.mkdir()
    script = '#!/bin/sh\n[ "$1" = daemon-reload ] && exit\nverb=$1; shift 2\nPATH=/usr/bin:/bin\n'
    wrapper.write_text(script + f'exec systemctl --quiet --root={server.root} "$verb" "$@"\n')
    wrapper.chmod(0o755)
    server.path = f"{wrapper.parent}:{server.path}"


def test_units_on_the_page_exist() -> None:
    """Every unit that the page, the units or the crontab name is one that is shipped, or an instance of one."""
    shipped = {path.name for path in (PROJECT / "examples/systemd").iterdir()}
    for path in (PROJECT / "docs/operations.md", *(PROJECT / "examples/systemd").iterdir()):
        named = set(re.findall(r"asynclog-[a-z]+(?:@[a-z*%]*)?\.(?:service|timer)", path.read_text()))
        assert {re.sub(r"@[^.]*", "@", name) for name in named} <= shipped, path


def test_hard_linked_copy(server: Server) -> None:
    """After `cp -al` a cleanup deletes nothing, says why for each segment, and is no failure."""
    server.configure()
    done = server.run("cp -al /var/log/app copy; asynclog cleanup --config /etc/asynclog/asynclog.yaml --json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)["result"]
    assert (result["records"]["deleted"], result["segments"]["skipped"]) == (0, 3)
    assert all("hard link" in action["reason"] for action in result["actions"])
    assert server.files() == server.written


def crontab(server: Server) -> tuple[dict[str, str], list[str]]:
    """Return the variables and the commands that cron would take from the file."""
    variables, commands = {}, []
    for line in (server.root / "examples/crontab").read_text().splitlines():
        if variable := re.fullmatch(r"([A-Z]+)=(\S+)", line):
            variables[variable[1]] = variable[2]
        elif line and not line.startswith("#"):
            entry = re.fullmatch(r"[0-5]?[0-9] (?:1?[0-9]|2[0-3]) \* \* \* ([^%]+)", line)
            assert entry, line
            commands.append(entry[1])
    return variables, commands


def test_crontab(server: Server) -> None:
    """With cron's bare environment the lines clean both logs and print nothing, and a bad policy makes them print."""
    server.configure()
    variables, commands = crontab(server)
    assert "MAILTO" in variables
    assert len(commands) == 2
    bare = {"HOME": str(server.root), "LOGNAME": "app", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin", **variables}
    for command in commands:
        done = server.run(command, bare)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    server.kept(STARTER)
    server.kept(STARTER, stem="gateway")
    (server.etc / "schemas.yaml").write_text("schemas: [{schema_name: a, retention_day: 1}]\n")
    done = server.run(commands[0], bare)
    assert (done.returncode, done.stdout) == (2, "")
    assert "retention_day" in done.stderr


@pytest.mark.parametrize("columns", [{}, {"COLUMNS": "80"}], ids=["a pipe", "80 columns"])
def test_demo(tmp_path: Path, columns: dict[str, str]) -> None:
    """Each step fits a screen, the numbers agree, and nothing is left behind but the page, whatever the shell has set.

    It needs no more than the command and a Python, so that the installed copy works, too.
    """
    for name in ("bin", "tmp", "state", "home", "here"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin/asynclog").symlink_to(Path(sys.executable).parent / "asynclog")
    environment = {
        "PATH": f"{tmp_path}/bin:/usr/bin:/bin",
        "TMPDIR": str(tmp_path / "tmp"),
        "HOME": str(tmp_path / "home"),
    }
    environment |= {"STATE_DIRECTORY": str(tmp_path / "state"), "ASYNCLOG_PROFILE": "elsewhere"} | columns
    command = ["bash", str(PROJECT / "examples/demo.sh"), "a page.html"]
    done = subprocess.run(command, cwd=tmp_path / "here", env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--allow-delete-percent 9" in done.stdout
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")} == {
        *("bin", "bin/asynclog", "here", "here/a page.html", "home", "state", "tmp")
    }
    steps = done.stdout.split("\n# ")[1:]
    assert len(steps) == 10
    assert max(sum(len(line) // 80 + 1 for line in step.splitlines()) for step in steps) <= 30
    announced, deleted = (
        int(re.findall(word, done.stdout)[0].replace(",", ""))
        for word in (
            r"Would delete ([0-9,]+) records",
            r'"message": "Deleted ([0-9,]+) records',
        )
    )
    assert announced == deleted > 0
    assert f"{announced:,} records" in (tmp_path / "here/a page.html").read_text()
