"""Each peer in an environment of its own: made once, in a folder that git ignores, and found there the next time."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent / "peers"
TITLES = {"duckdb": "DuckDB", "chdb": "ClickHouse (chdb)", "polars": "Polars"}
INSTALL = ("install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "30")


@dataclass(frozen=True)
class Peer:
    """One of the others: the package's name, its version, and the Python that has it."""

    package: str
    version: str
    python: Path

    @property
    def title(self) -> str:
        return TITLES.get(self.package, self.package)

    def command(self, what: str, *words: object) -> tuple[str, ...]:
        """Its script with these words; `-I` keeps everything of ours away from it."""
        return (str(self.python), "-I", str(SCRIPTS / f"in_{self.package}.py"), what, *map(str, words))


def find(package: str, folder: Path, requirements: tuple[str, ...] = ()) -> Peer | str:
    """Return the peer, installed now if it is not yet; else in words why there is none.

    `requirements` are for pip, and name the package, too; without any its newest version is installed.
    """
    environment = folder / package
    python = environment / "bin" / "python"
    ready = environment / ".version"
    if not ready.exists():
        shutil.rmtree(environment, ignore_errors=True)
        wrong = _run("-m", "venv", "--without-pip", environment) or _run(
            "-m", "pip", "--python", python, *INSTALL, *(requirements or [package])
        )
        if wrong:
            shutil.rmtree(environment, ignore_errors=True)
            return f"{TITLES.get(package, package)} was skipped: it can't be installed: {wrong}"
        code = f"from importlib.metadata import version; print(version({package!r}), end='')"
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
        ready.write_text(done.stdout, encoding="utf-8")
    return Peer(package, ready.read_text(encoding="utf-8"), python)


def _run(*words: object) -> str:
    """Run our Python with these words; return the last line of what went wrong, empty if nothing did."""
    done = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, check=False)
    said = (done.stderr or done.stdout).strip().splitlines()
    return (said[-1] if said else f"exit {done.returncode}") if done.returncode else ""
