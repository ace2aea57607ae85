"""The import graph is the architecture: every package imports from lower layers only, and pure ones do no I/O."""

import ast
import re
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "asynclog"
README = PACKAGE.parent / "README.md"

# From the bottom up. What shares a layer does not know each other. `storage.local` is a layer of its own.
LAYERS = [
    {"progress"},
    {"errors", "timestamps", "cancellation", "escaping", "version"},
    {"formatting", "schemas", "tables"},
    {"segments"},
    {"statistics"},
    {"actions"},
    {"policy", "records", "executors"},
    {"storage"},
    {"storage.local"},
    {"scan", "catalog"},
    {"plan"},
    {"forecast"},
    {"config"},
    {"recognition"},
    {"report"},
    {"runner"},
    {"__init__"},
    {"cli"},
    {"__main__"},
]
LAYER = {unit: layer for layer, units in enumerate(LAYERS) for unit in units}

# Who may know that segments are files in a folder. All others see `storage`.
LOCAL_USERS = {"storage.local", "catalog", "config", "runner.wiring", "__init__", "cli"}

# What only decides or describes, and what reads segments through the seam alone.
PURE = {
    "errors",
    "timestamps",
    "escaping",
    "version",
    "formatting",
    "tables",
    "schemas",
    "segments",
    "statistics",
    "actions",
    "policy",
    "records",
    "storage",
    "scan",
    "plan",
    "forecast",
    "recognition",
    "report",
}
IMPURE = {"os", "io", "time", "pathlib", "sqlite3", "anyio", "asyncio", "logging", "random", "secrets", "aiofiles"}
IMPURE |= {"fcntl", "mmap", "resource", "shutil", "socket", "stat", "subprocess", "tempfile", "threading"}
# The one stream that a caller's event loop waits for, and files that libraries unpack from, which are in memory.
MAY_IMPORT = {("scan.reading.record_stream", "anyio"), ("storage.codecs", "io")}

DESTRUCTIVE = {"unlink", "remove", "rename", "replace", "link", "symlink", "truncate", "ftruncate", "rmdir", "fsync"}
CHANGE_LOG = {"storage/local/directory.py", "storage/local/lock/lock_directory.py"}  # its files, and its lock file
CHANGE_FOLDERS = CHANGE_LOG | {"catalog/state_folder.py", "catalog/history.py"}  # their own folder
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(module: Path) -> str:
    """Return the module's dotted name below `asynclog`; a package's `__init__` has the package's."""
    parts = module.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def unit_of(name: str) -> str:
    """Return the package or top-level module that a dotted name lies in."""
    parts = name.split(".")
    return "storage.local" if parts[:2] == ["storage", "local"] else parts[0]


NAMES = {name_of(module) for module in MODULES}


def imported(source: str) -> set[str]:
    """Every name that a module imports, dotted."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute here"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imported_at_once(source: str) -> set[str]:
    """Every name that is imported while a module is: not within a function, or for type checkers only."""
    top = [node for node in ast.parse(source).body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return imported("\n".join(text for node in top if not (text := ast.unparse(node)).startswith("if TYPE_CHECKING:")))


def ours(names: Iterable[str]) -> set[str]:
    """Our own modules among what is imported, by their dotted names."""
    found = set()
    for name in names:
        parts = name.split(".")
        if parts[0] == "asynclog":
            inner = parts[1:]
            while inner and ".".join(inner) not in NAMES and inner[-1] != "_kernel":
                inner.pop()
            found.add(".".join(inner) or "__init__")
    return found


# ---- The checks: what is wrong with a module of this name and source.


def upward(name: str, source: str) -> set[str]:
    """Return imports of modules that are neither in the module's own package nor in a lower layer."""
    unit = unit_of(name)
    others = {each for each in ours(imported(source)) if unit_of(each) != unit}
    return {each for each in others if LAYER.get(unit_of(each), 99) >= LAYER[unit]}


def local(name: str, source: str) -> set[str]:
    """Return imports of the folder behind the seam by a module for which all stores are the same."""
    if {name, unit_of(name)} & LOCAL_USERS:
        return set()
    return {each for each in ours(imported(source)) if unit_of(each) == "storage.local"}


def impure(name: str, source: str) -> set[str]:
    """Return imports with which a module that should do no I/O could look at a clock, a file or a random number."""
    if unit_of(name) not in PURE:
        return set()
    found = {each.split(".")[0] for each in imported(source)} & IMPURE
    return {each for each in found if (name, each) not in MAY_IMPORT}


def destructive(source: str) -> set[str]:
    """Return calls of the system that change a folder."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]
    named = {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "os"}
    return named & DESTRUCTIVE


def test_every_package_has_its_layer() -> None:
    """No file or folder stands outside of the architecture."""
    assert {unit_of(name) for name in NAMES} == set(LAYER)


def test_readme_lists_the_packages_from_the_bottom_up() -> None:
    """The listing under "Architecture" has every package, in the order of the layers, and says which are pure."""
    listing = re.search(r"^asynclog/\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    assert listing
    rows = re.findall(r"^ +(\w+)/ (.*)$", listing[1], re.MULTILINE)
    names = ["storage.local" if name == "local" else name for name, _ in rows]
    assert sorted(names) == sorted(unit for unit in LAYER if (PACKAGE / unit.replace(".", "/")).is_dir())
    assert [LAYER[name] for name in names] == sorted(LAYER[name] for name in names)
    assert {name for name, (_, text) in zip(names, rows, strict=True) if " pure" in text} == PURE & set(names)


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_imports_point_down(module: Path) -> None:
    """A module imports from its own package and from lower layers."""
    assert upward(name_of(module), module.read_text()) == set()


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_only_some_know_that_segments_are_files(module: Path) -> None:
    """`storage.local` is behind the seam for scan, plan, report and the like."""
    assert local(name_of(module), module.read_text()) == set()


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_pure_packages_do_no_io(module: Path) -> None:
    """What only decides, describes, or reads through the seam does no I/O of its own."""
    assert impure(name_of(module), module.read_text()) == set()


def test_no_import_leads_back() -> None:
    """Whichever module comes first: tests that import all of them beforehand would not see it, and a user would."""
    at_once = {name_of(module): ours(imported_at_once(module.read_text())) for module in MODULES}
    TopologicalSorter(at_once).prepare()
    with pytest.raises(CycleError):
        TopologicalSorter(at_once | {"errors": {"cli.main"}}).prepare()


def test_one_module_changes_a_log() -> None:
    """Calls that change a folder stand in `storage/local/directory.py`, but for the lock file and the catalog's own."""
    assert {each.relative_to(PACKAGE).as_posix() for each in MODULES if destructive(each.read_text())} == CHANGE_FOLDERS


def test_each_check_fails_for_what_it_is_about() -> None:
    """One wrong import, or call, of each kind."""
    assert upward("policy.rules", "from asynclog.plan.decide import decide") == {"plan.decide"}
    assert upward("storage.naming", "import asynclog.storage.local.lock.lock") == {"storage.local.lock.lock"}
    assert upward("catalog.store", "from asynclog.scan import chunks") == {"scan.chunks"}
    assert local("scan.chunks", "from asynclog.storage.local.linux.leases import take") == {
        "storage.local.linux.leases"
    }
    assert impure("plan.guards", "import time") == {"time"}
    assert impure("scan.chunks", "def read():\n    from os import pread") == {"os"}
    assert destructive("import os\nos.unlink('logs.jsonl')") == {"unlink"}


def test_a_package_is_seen_at_a_glance() -> None:
    modules = [module.parent for module in MODULES if module.name != "__init__.py"]
    assert not {str(each) for each in modules if modules.count(each) > 13}
