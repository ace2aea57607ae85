"""Fixtures of all tests: the small archive, and asyncio for those that are async."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from audit_log import record, write_log, write_policy
from command import CALM

import examples as examples  # noqa: PLC0414 - has to choose a profile before the command line does

if TYPE_CHECKING:
    from pathlib import Path


@pytest.hookimpl(trylast=True)  # of what `-k` and `-m` choose
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only the profile `ci` runs: see `examples`."""
    if not examples.thorough():
        out = set(examples.left_out(items))
        config.hook.pytest_deselected(items=[item for item in items if item in out])
        items[:] = [item for item in items if item not in out]


@pytest.fixture(scope="session", autouse=True)
def _state(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the tests' catalogs away from those of real logs, in a folder that a later run removes."""
    os.environ["XDG_STATE_HOME"] = CALM["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture
def anyio_backend() -> str:
    """Run the async tests on asyncio, which aiofiles is for."""
    return "asyncio"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Make a folder with `schemas.yaml` (app: 30 days) and a log of two segments with one expired record."""
    write_policy(tmp_path)
    old, young = record(days=400), record(days=1)
    write_log(tmp_path / "audit", {"logs-20250101T000000.jsonl": old + young, "logs.jsonl": young})
    return tmp_path
