"""What a run is put together from, and a test may put in the place of."""

from collections.abc import Callable

import msgspec

from asynclog.storage.local.directory import LogDirectory


class Wiring(msgspec.Struct, frozen=True):
    """How a run makes its parts: `directory` is what all its calls that change the log's folder go through."""

    directory: Callable[..., LogDirectory] = LogDirectory


WIRING = Wiring()
