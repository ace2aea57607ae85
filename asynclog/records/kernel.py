"""The kernel, which is fast and leaves to the parser what it can't prove: it may be missing, and need not be used."""

import zlib
from collections.abc import Callable
from typing import Literal

from asynclog.errors import ConfigurationError
from asynclog.records.fields import MXCP_FIELDS, Fields
from asynclog.records.kernel_fields import kernel_fields

try:
    from asynclog.records import _kernel
except ImportError:  # built without a compiler
    _kernel = None  # type: ignore[assignment]

kernel = _kernel

Kind = Literal["native", "python"]  # of what reads lines: with the kernel or without


def choose_reader(wanted: str | None, fields: Fields = MXCP_FIELDS) -> Kind:
    """Return the reader of that name, else the fastest that is there. Raise ConfigurationError if it is not there.

    It is the one in Python if the kernel does not know such fields, whatever is wanted.
    """
    if wanted not in {None, "", "native", "python"}:
        raise ConfigurationError(f"ASYNCLOG_READER={wanted!r} in the environment: write native or python")
    if wanted == "native" and kernel is None:
        raise ConfigurationError(
            "ASYNCLOG_READER=native: asynclog was built without its kernel (was there a compiler?)"
        )
    is_python = wanted == "python" or kernel is None or kernel_fields(fields) is None
    return "python" if is_python else "native"


def choose_digest(kind: Kind) -> Callable[[bytes, memoryview], bytes]:
    """Return how bytes are told from others: the digest of what gave the first digest, and of the part behind it.

    The readers need not agree, for a digest is compared with one of the same job.
    """
    return kernel.digest if kind == "native" else crc32


def crc32(state: bytes, part: memoryview) -> bytes:
    """Return the CRC-32 of what had that of `state`, and of the part behind it."""
    return zlib.crc32(part, int.from_bytes(state)).to_bytes(4)
