"""A small server in a folder: the paths that operators know lead into it, and its log is a real archive.

The archive ends now, because what operators paste has no `--now`. So records are judged with a day's margin: one past
its period when the archive was written must be gone, one a day short of it must still be there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.generate import Spec, generate

PROJECT = Path(__file__).resolve().parents[2]
# Not where something stands before them: then they lead into a server already.
PATHS = re.compile(
    r"(?<![\w.-])/(etc/asynclog|etc/systemd/system|opt/asynclog|var/backups/asynclog|var/log/app|var/lib/prometheus)\b"
)
STARTER = {"auth.events": 365, "mxcp.endpoints": 90, "debug_logs": 30}
Files = dict[str, bytes]


class Server:
    """A folder with the examples and an archive; `/opt/asynclog` leads to the environment that runs the tests."""

    def __init__(self, root: Path, until: datetime | None = None) -> None:
        self.root = root
        self.until = until or datetime.now(UTC)
        self.log = root / "var/log/app"
        self.etc = root / "etc/asynclog"
        self.path = f"{sys.prefix}/bin:/usr/bin:/bin"
        (root / "opt").mkdir()
        (root / "var/lib/prometheus/node-exporter").mkdir(parents=True)
        (root / "opt/asynclog").symlink_to(sys.prefix)
        shutil.copytree(PROJECT / "examples", root / "examples")
        for file in (root / "examples").rglob("*"):
            if file.is_file():
                file.write_text(self.here(file.read_text()))
        generate(self.log, Spec(size=100_000, record=170, segments=3, until=self.until))
        lines = [
            {"schema_name": "debug_logs", "timestamp": (self.until - timedelta(days=days)).isoformat()}
            for days in (60, 1)
        ]
        (self.log / "gateway.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.log.chmod(0o700)
        self.written = self.files()

    def here(self, text: str) -> str:
        """Return the same text with the paths of this server."""
        return PATHS.sub(rf"{self.root}/\1", text)

    def configure(self) -> None:
        """Install the configuration and the starter policy."""
        shutil.copytree(self.root / "examples", self.etc, ignore=lambda _, names: {n for n in names if "yaml" not in n})

    def run(self, command: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run this command in a shell, in the server's folder, and return the result."""
        own = {"PATH": self.path, "LC_ALL": "C.UTF-8"} if environment is None else environment
        shell = ["/bin/sh", "-e", "-u", "-c", self.here(command)]
        return subprocess.run(shell, cwd=self.root, env=own, capture_output=True, text=True, check=False)

    def files(self) -> Files:
        """Return each file of the log's folder and its bytes, except lock files."""
        return {path.name: path.read_bytes() for path in self.log.iterdir() if path.suffix != ".al-lock"}

    def age(self, line: bytes) -> timedelta:
        """Return how old a record was when the archive was written."""
        return self.until - datetime.fromisoformat(json.loads(line)["timestamp"])

    def kept(self, days: Mapping[str, int], files: Files | None = None, stem: str = "logs-") -> None:
        """Assert that the log is unchanged, line for line, except for what these periods delete."""
        before, after = records(self.written, stem), records(self.files() if files is None else files, stem)
        rest = iter(after)
        expected = next(rest, None)
        for line in before:
            limit = days.get(json.loads(line)["schema_name"])
            age = self.age(line)
            if line == expected:
                assert limit is None or age < timedelta(days=limit), line
                expected = next(rest, None)
            else:
                assert limit is not None, line
                assert age > timedelta(days=limit - 1), line
        assert expected is None, "a line that was not there before, or in another place"
        assert len(after) < len(before)


def records(files: Files, stem: str) -> list[bytes]:
    """Return the lines of a log's segments, in order."""
    return [
        line
        for name in sorted(files)
        if name.startswith(stem) and not name.endswith("_schemas.jsonl")
        for line in files[name].splitlines(keepends=True)
    ]


def runnable(program: str) -> bool:
    """Return whether this machine has the program."""
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is not None
