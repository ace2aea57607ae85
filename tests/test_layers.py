"""The import graph is the architecture: every room imports from lower ones only, and pure rooms do no I/O."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "asynclog"

# From the ground up. Rooms on one floor do not know each other.
FLOORS = [
    {"errors", "instant", "leases", "numbers", "pace", "permissions", "processes", "safe_path", "stop"},
    {"model", "names", "ownership"},
    {"plan"},
    {"estimate"},
    {"report"},
    {"workers", "windows"},
    {"proof"},
    {"config", "scan", "catalog", "apply"},
    {"provenance", "survey", "notice", "rights"},
    {"account", "look"},
    {"job"},
    {"__init__"},
    {"cli"},
    {"__main__"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
PURE = {"errors", "instant", "numbers", "permissions", "model", "names", "plan", "estimate", "report"}
IMPURE = {"os", "io", "time", "pathlib", "sqlite3", "anyio", "asyncio", "logging", "random", "secrets", "aiofiles"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_rooms(module: Path) -> set[str]:
    names = [name.split(".") for name in imported(module)]
    return {parts[1] if len(parts) > 1 else "__init__" for parts in names if parts[0] == "asynclog"}


def test_every_room_has_its_floor() -> None:
    """No file or folder of the package stands outside the house."""
    assert {room_of(module) for module in MODULES} == set(FLOOR)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_imports_point_down(module: Path) -> None:
    """A module imports from its own room and from lower floors."""
    room = room_of(module)
    above = {other for other in imported_rooms(module) - {room} if FLOOR.get(other, 99) >= FLOOR[room]}
    assert above == set()


@pytest.mark.parametrize("module", [each for each in MODULES if room_of(each) in PURE], ids=lambda module: module.stem)
def test_pure_rooms_do_no_io(module: Path) -> None:
    """What only decides or describes imports nothing that could look at a clock, a file or a random number."""
    assert {name.split(".")[0] for name in imported(module)} & IMPURE == set()


def test_one_module_changes_a_log() -> None:
    """Calls that change a folder stand in `apply/disk.py`; the catalog has its own."""
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
    assert {module for module, _ in found} == {"apply/disk.py", "catalog/place.py"}
