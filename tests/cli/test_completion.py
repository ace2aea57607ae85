"""Completion: what a shell offers after a word, as the shell itself says, and what is installed with the package."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from command import DEADLINE, run, subcommands
from server import PROJECT

from asynclog.cli.parser import every_parser

if TYPE_CHECKING:
    from pathlib import Path

SHELLS = ["bash", "zsh", "fish"]


def shell(name: str, program: str, cwd: Path) -> list[str]:
    """Return the lines that a program of this shell prints. Skip the test if there is no such shell."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run([name, "-c", program], cwd=cwd, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with the scripts of all shells, one file and one folder."""
    for name in SHELLS:
        done = run("completion", name)
        assert (done.code, done.err) == (0, "")
        (tmp_path / f"script.{name}").write_text(done.out)
    (tmp_path / "plan.json").touch()
    (tmp_path / "state").mkdir()
    return tmp_path


def offered_by_bash(folder: Path, *words: str) -> set[str]:
    """Return what bash offers for the last of these words."""
    listed = " ".join(f"'{word}'" for word in words)
    program = f"source script.bash; COMP_WORDS=(asynclog {listed}); COMP_CWORD={len(words)}; _asynclog"
    return set(shell("bash", f'{program}; printf "%s\\n" "${{COMPREPLY[@]}}"', folder)) - {""}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("cl",), {"cleanup"}),
        (("log",), {"log-cleanup"}),
        (("--v",), {"--version"}),
        (("cleanup", "--dr"), {"--dry-run"}),
        (("log-cleanup", "--dr"), {"--dry-run"}),
        (("check", "--str"), {"--strict"}),
        (("check", "--dr"), set()),
        (("cleanup", "--plan-out", "pl"), {"plan.json"}),
        (("cleanup", "--state", ""), {"state"}),
        (("cleanup", "--jobs", ""), set()),
        (("apply", "pl"), {"plan.json"}),
        (("help", "est"), {"estimate"}),
        (("completion", "z"), {"zsh"}),
    ],
    ids=str,
)
def test_bash_offers_what_may_come(folder: Path, words: tuple[str, ...], offered: set[str]) -> None:
    """Commands first, then the options of the command; files, folders or words where a value is one."""
    assert offered_by_bash(folder, *words) == offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("asynclog cl", {"cleanup"}),
        ("asynclog cleanup --dr", {"--dry-run"}),
        ("asynclog check --dr", set()),
        ("asynclog apply pl", {"plan.json"}),
        ("asynclog completion z", {"zsh"}),
        ("asynclog cleanup --plan-out pl", {"plan.json"}),
    ],
)
def test_fish_offers_what_may_come(folder: Path, line: str, offered: set[str]) -> None:
    """As bash does."""
    said = shell("fish", f"source script.fish; complete -C '{line}'", folder)
    assert {each.partition("\t")[0] for each in said} == offered


def test_zsh_takes_its_script(folder: Path) -> None:
    """What it offers only its line editor says; that it can be loaded, and defines the function, can be tried."""
    program = "autoload -Uz compinit && compinit -u -D && source ./script.zsh 2>/dev/null; whence -w _asynclog"
    assert shell("zsh", f"{program}; zsh -n script.zsh", folder)[-1] == "_asynclog: function"


@pytest.mark.parametrize("name", SHELLS)
def test_every_option_of_every_command_is_in_the_script(folder: Path, name: str) -> None:
    """None is forgotten, whoever adds one."""
    script = (folder / f"script.{name}").read_text()
    for command, parser in every_parser().items():
        assert command in script
        for argument in parser.arguments():
            for flag in argument.option_strings:
                assert (flag if name != "fish" else flag.lstrip("-")) in script, (command, flag)


def test_what_is_installed_is_what_the_parser_makes() -> None:
    """`make man` writes the man pages and the scripts anew."""
    assert subprocess.run([sys.executable, "docs/shell_files.py", "--check"], cwd=PROJECT, check=False).returncode == 0


@pytest.mark.parametrize("name", subcommands())
def test_each_command_has_a_man_page(name: str) -> None:
    """With every option, the example and the exit codes; a tool that knows the language finds nothing wrong in it."""
    path = PROJECT / f"docs/man/asynclog-{name}.1"
    page = path.read_text().replace("\\-", "-")
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLE", "EXIT STATUS"):
        assert f".SH {heading}" in page
    for argument in every_parser()[name].arguments():
        assert all(f"\\fB{flag}\\fR" in page for flag in argument.option_strings)
    assert "None" not in page
    if shutil.which("mandoc"):
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path], capture_output=True, text=True)  # noqa: PLW1510
        assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


@pytest.mark.thorough
def test_a_wheel_has_all_that_is_installed_beside_the_package(tmp_path: Path) -> None:
    """Man pages, completion, examples with units, docs, and the schema of the JSON."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), "."]
    source = tmp_path / "source"
    out = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "*.so")
    shutil.copytree(PROJECT, source, ignore=out)
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    if "No matching distribution" in done.stderr or "No such file" in done.stderr:
        pytest.skip("setuptools can't be had here")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("asynclog_retention-*.whl")
    names = {name.partition(".data/data/")[2] or name for name in zipfile.ZipFile(wheel).namelist()}
    wanted = {
        *(f"share/man/man1/{path.name}" for path in (PROJECT / "docs/man").iterdir()),
        *(f"share/doc/asynclog/{path.name}" for path in (PROJECT / "docs").glob("*.md")),
        *(f"share/doc/asynclog/{path.relative_to(PROJECT)}" for path in (PROJECT / "examples").rglob("*.*")),
        "share/bash-completion/completions/asynclog",
        "share/zsh/site-functions/_asynclog",
        "share/fish/vendor_completions.d/asynclog.fish",
        "share/doc/asynclog/examples/crontab",
        "share/doc/asynclog/schema.json",
        "asynclog/report/schema.json",
        "asynclog/py.typed",
    }
    assert wanted - names == set()
