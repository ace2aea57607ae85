"""The kinds of trouble, one module each: `run(campaign)` answers with a `LayerResult`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.campaign import Campaign, LayerResult

LAYERS = ("kill", "errno", "interleave", "stopped", "power", "model", "disk_full", "hostile", "other_mount", "soak")


def layer(name: str) -> Callable[[Campaign], LayerResult]:
    """Return the function that runs this layer."""
    run: Callable[[Campaign], LayerResult] = import_module(f"faults.layers.{name}").run
    return run
