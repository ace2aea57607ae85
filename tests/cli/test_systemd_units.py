"""The systemd units: systemd accepts them, and what they take away from the program is nothing that it needs."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from server import PROJECT, STARTER, Server, runnable

UNITS = PROJECT / "examples/systemd"
SERVICES = ("asynclog-cleanup.service", "asynclog-cleanup@.service")
NOBODY = 65_534


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """Make a server with its configuration, whose log belongs to somebody who is not root."""
    server = Server(tmp_path)
    server.configure()
    if os.geteuid() == 0:
        for path in (server.log, *server.log.iterdir()):
            os.chown(path, NOBODY, NOBODY)
    return server


def needs(*programs: str, root: bool = False) -> None:
    """Skip the test where this machine lacks something."""
    for program in programs:
        if not runnable(program):
            pytest.skip(f"{program} is not installed")
    if root and os.geteuid() != 0:
        pytest.skip("only root may take on capabilities")


def settings(name: str) -> dict[str, str]:
    """Return the settings of a unit; none of ours is given twice."""
    lines = [line for line in (UNITS / name).read_text().splitlines() if re.match(r"\w+=", line)]
    found = dict(line.split("=", 1) for line in lines)
    assert len(found) == len(lines)
    return found


def test_systemd_accepts_the_units(server: Server) -> None:
    """`systemd-analyze verify` has nothing to say about any unit, nor about the service with its drop-ins."""
    needs("systemd-analyze")
    units = server.root / "examples/systemd"
    files = [*units.glob("*.service"), *units.glob("*.timer")]
    command: list[str | Path] = ["systemd-analyze", "verify", *files]
    (units / "asynclog-cleanup.service.d").mkdir()
    for drop_in in (None, "as-root.conf", "ping.conf"):
        if drop_in:
            (units / drop_in).rename(units / "asynclog-cleanup.service.d" / drop_in)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_calls_the_services_safe(server: Server) -> None:
    """Of ten points of exposure that systemd counts, the services have less than one."""
    needs("systemd-analyze")
    for name in SERVICES:
        command = ["systemd-analyze", "security", "--offline=true", "--threshold=10"]
        unit = server.root / "examples/systemd" / name
        done = subprocess.run([*command, unit], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_the_template_is_the_service() -> None:
    """The template differs from the service in what depends on the profile, and nothing else."""
    service, template = map(settings, SERVICES)
    different = {key for key in service | template if service.get(key) != template.get(key)}
    assert different == {"Description", "ExecStart", "StateDirectory"}
    assert template["ExecStart"] == service["ExecStart"] + " --profile %i --lock-wait 1h"
    timer, instance = settings("asynclog-cleanup.timer"), settings("asynclog-cleanup@.timer")
    assert {key for key in timer if timer[key] != instance[key]} == {"Description"}


def test_what_the_units_promise() -> None:
    """They wait for the clock, tell of failures, make up for a missed night, and let everybody else go first."""
    service, timer = settings(SERVICES[0]), settings("asynclog-cleanup.timer")
    assert service["After"] == timer["After"] == "time-sync.target"
    assert service["OnFailure"] == "asynclog-failed@%n.service"
    assert (timer["Persistent"], timer["RandomizedDelaySec"]) == ("true", "30min")
    assert (service["ProtectSystem"], service["NoNewPrivileges"]) == ("strict", "true")
    assert (service["Nice"], service["IOSchedulingClass"]) == ("10", "idle")


def test_two_profiles_started_together(server: Server) -> None:
    """The template's commands for two profiles of one folder, started at once, both end well."""
    command = (server.root / "examples/systemd/asynclog-cleanup@.service").read_text()
    (start,) = re.findall(r"^ExecStart=(.+)$", command, re.MULTILINE)
    jobs = [
        subprocess.Popen(
            start.replace("%i", profile).split(), cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for profile in ("production", "gateway")
    ]
    output = [job.communicate()[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], output
    server.kept(STARTER)
    server.kept(STARTER, stem="gateway")


def allowed_calls() -> set[str]:
    """Return the system calls that the services' filter allows, with its sets spelt out."""
    name = settings(SERVICES[0])["SystemCallFilter"]
    listed: dict[str, set[str]] = {}
    done = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True)
    for block in re.split(r"\n(?=@)", done.stdout):
        first, *rest = (line.strip() for line in block.splitlines())
        listed[first] = {line for line in rest if line and not line.startswith("#")}
    allowed, todo = set[str](), {name}
    while todo:
        one = todo.pop()
        sets = {entry for entry in listed[one] if entry.startswith("@")}
        todo |= sets
        allowed |= listed[one] - sets
    return allowed


def test_the_filters_let_the_program_work(server: Server) -> None:
    """A cleanup makes no system call that the services refuse, no socket but AF_UNIX, no writable code."""
    needs("strace", "systemd-analyze")
    trace = server.root / "trace"
    strace = f"strace --follow-forks --quiet=all --output={trace}"
    done = server.run(f"{strace} asynclog cleanup --config /etc/asynclog/asynclog.yaml")
    if "ptrace" in done.stderr.lower():
        pytest.skip("this machine does not let strace trace")
    assert done.returncode == 0, done.stderr
    server.kept(STARTER)
    text = trace.read_text(errors="replace")
    called = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", text, re.MULTILINE))
    assert {"flock", "fcntl", "linkat", "renameat", "unlinkat", "fchown", "fchmod", "fsync"} <= called
    assert called <= allowed_calls()
    assert set(re.findall(r"\bsocket(?:pair)?\((\w+)", text)) <= {"AF_UNIX"}
    assert not re.search(r"PROT_WRITE\|PROT_EXEC", text)


def test_pings_need_the_sockets_of_the_drop_in(server: Server) -> None:
    """A run that pings opens sockets that the services refuse, and none that their drop-in for pings does."""
    needs("strace")
    assert settings(SERVICES[0])["PrivateNetwork"] == "true"
    assert settings("ping.conf")["PrivateNetwork"] == "false"
    policy = server.etc / "asynclog.yaml"
    ping = "    ping: {success: 'http://localhost:9/', timeout: 1s}\n"
    policy.write_text(policy.read_text().replace("  production:\n", f"  production:\n{ping}"))
    trace = server.root / "trace"
    strace = f"strace --follow-forks --quiet=all --trace=socket,socketpair --output={trace}"
    done = server.run(f"{strace} asynclog cleanup --config /etc/asynclog/asynclog.yaml")
    if "ptrace" in done.stderr.lower():
        pytest.skip("this machine does not let strace trace")
    assert done.returncode == 0, done.stderr
    families = set(re.findall(r"\bsocket(?:pair)?\((\w+)", trace.read_text(errors="replace")))
    assert "AF_INET" in families
    assert families <= set(settings("ping.conf")["RestrictAddressFamilies"].split())


def cleanup_as(server: Server, *privileges: str) -> dict[str, int]:
    """Return how the segments fared in a cleanup with these setpriv options."""
    result = told_as(server, *privileges).get("result", {"segments": {"refused": 1}})
    return {key: count for key, count in result["segments"].items() if count and key != "total"}


def told_as(server: Server, *privileges: str) -> Any:
    """Return the JSON document of a cleanup with these setpriv options."""
    command = ["setpriv", "--no-new-privs", *privileges, "asynclog"]
    done = server.run(f"{' '.join(command)} cleanup --config /etc/asynclog/asynclog.yaml --json")
    return json.loads(done.stdout)


def bounded(capabilities: list[str]) -> str:
    """Return the setpriv option that leaves root just these capabilities."""
    return ",".join(["--bounding-set=-all", *(f"+{name.removeprefix('CAP_').lower()}" for name in capabilities)])


def as_owner() -> list[str]:
    """Return the setpriv options that make root the log's owner, who only reaches the installed program."""
    reach = [bounded(["dac_read_search"]), "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *reach]


def test_the_owner_needs_no_capability(server: Server) -> None:
    """The log's owner, without one capability to change anything with, cleans it."""
    needs("setpriv", root=True)
    assert cleanup_as(server, *as_owner()) == {"rewritten": 3}
    server.kept(STARTER)


def test_a_segment_of_a_group_that_its_owner_is_not_in_stays(server: Server) -> None:
    """Its replacement could not be given that group, and those who may read it could not any more. It is told why."""
    needs("setpriv", root=True)
    for path in server.log.iterdir():
        os.chown(path, -1, NOBODY - 1)
    rows = told_as(server, *as_owner())["result"]["actions"]
    assert [row["outcome"] for row in rows] == ["failed"] * 3
    assert all("of a group that we are not in" in row["outcome_reason"] for row in rows)
    assert server.files() == server.written


def test_root_needs_the_capabilities_of_the_drop_in(server: Server) -> None:
    """Without any one of the drop-in's capabilities no segment of others is done; with them all are, owner and all."""
    needs("setpriv", root=True)
    capabilities = settings("as-root.conf")["CapabilityBoundingSet"].split()
    for missing in capabilities:
        fared = cleanup_as(server, bounded([name for name in capabilities if name != missing]))
        assert "rewritten" not in fared, missing
        assert server.files() == server.written
    assert cleanup_as(server, bounded(capabilities)) == {"rewritten": 3}
    server.kept(STARTER)
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in server.log.iterdir()}
    assert owners == {(NOBODY, NOBODY)}
