"""The import graph is the architecture: every package imports from lower layers only, and pure ones do no I/O."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "asynclog"

# From the bottom up. What shares a layer does not know each other. `storage.local` is a layer of its own.
LAYERS = [
    {"errors", "timestamps", "cancellation", "formatting", "safe_path"},
    {"types"},
    {"policy", "records", "executors"},
    {"storage"},
    {"storage.local"},
    {"scan", "catalog"},
    {"plan"},
    {"forecast"},
    {"config"},
    {"report"},
    {"runner"},
    {"__init__"},
    {"cli"},
    {"__main__"},
]
LAYER = {unit: layer for layer, units in enumerate(LAYERS) for unit in units}

# Who may know that segments are files in a folder. All others see `storage`.
LOCAL_USERS = {"storage.local", "catalog", "config", "runner", "__init__", "cli"}
# Exceptions: (module, what it imports). This list only becomes shorter.
NOT_YET: set[tuple[str, str]] = set()

PURE = {
    "errors",
    "timestamps",
    "formatting",
    "types",
    "policy",
    "records",
    "storage.naming",
    "storage.claims",
    "plan",
    "forecast",
    "report",
}
IMPURE = {"os", "io", "time", "pathlib", "sqlite3", "anyio", "asyncio", "logging", "random", "secrets", "aiofiles"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(module: Path) -> str:
    """The module's dotted name below `asynclog`; a package's `__init__` has the package's."""
    parts = module.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def unit_of(name: str) -> str:
    """The package or top-level module that a dotted name lies in."""
    parts = name.split(".")
    return "storage.local" if parts[:2] == ["storage", "local"] else parts[0]


NAMES = {name_of(module) for module in MODULES}


def imported(module: Path) -> Iterator[str]:
    """Every name that a module imports, dotted."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_modules(module: Path) -> set[str]:
    """Our own modules that a module imports, by their dotted names."""
    found = set()
    for name in imported(module):
        parts = name.split(".")
        if parts[0] == "asynclog":
            inner = parts[1:]
            while inner and ".".join(inner) not in NAMES and inner[-1] != "_kernel":
                inner.pop()
            found.add(".".join(inner) or "__init__")
    return found


def test_every_package_has_its_layer() -> None:
    """No file or folder stands outside of the architecture."""
    assert {unit_of(name) for name in NAMES} == set(LAYER)


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_imports_point_down(module: Path) -> None:
    """A module imports from its own package and from lower layers."""
    unit = unit_of(name_of(module))
    others = {each for each in imported_modules(module) if unit_of(each) != unit}
    assert {each for each in others if LAYER.get(unit_of(each), 99) >= LAYER[unit]} == set()


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_only_some_know_that_segments_are_files(module: Path) -> None:
    """`storage.local` is behind the seam for scan, plan, report and the like."""
    name = name_of(module)
    if unit_of(name) in LOCAL_USERS:
        return
    local = {each for each in imported_modules(module) if unit_of(each) == "storage.local"}
    assert {(name, each) for each in local} - NOT_YET == set()


def test_the_exceptions_are_still_needed() -> None:
    """An exception that nobody needs any more is taken off the list."""
    needed = {(name_of(module), each) for module in MODULES for each in imported_modules(module)}
    assert NOT_YET - needed == set()


PURE_MODULES = [each for each in MODULES if {name_of(each), unit_of(name_of(each))} & PURE]


@pytest.mark.parametrize("module", PURE_MODULES, ids=name_of)
def test_pure_packages_do_no_io(module: Path) -> None:
    """What only decides or describes imports nothing that could look at a clock, a file or a random number."""
    assert {name.split(".")[0] for name in imported(module)} & IMPURE == set()


def test_one_module_changes_a_log() -> None:
    """Calls that change a folder stand in `storage/local/directory.py`; the catalog has its own."""
    destructive = {
        "unlink",
        "remove",
        "rename",
        "replace",
        "link",
        "symlink",
        "truncate",
        "ftruncate",
        "rmdir",
        "fsync",
    }
    found = {
        (module.relative_to(PACKAGE).as_posix(), node.attr)
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
        if node.attr in destructive
    }
    assert {module for module, _ in found} == {"storage/local/directory.py", "catalog/location.py"}
