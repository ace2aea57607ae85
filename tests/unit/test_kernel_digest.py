"""The kernel's digest is the one that its comment defines, on every processor and however the bytes are divided."""

import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asynclog
from asynclog.records.kernel import kernel

Digest = Callable[[bytes, bytes], bytes]

SOURCE = Path(asynclog.__file__).parent / "records" / "_kernel.c"
WORD = (1 << 64) - 1


def slow_digest(data: bytes) -> bytes:
    """Return the digest of these bytes: eight lanes, and the bytes of the last stripe that is not whole."""
    lanes, whole = list(range(1, 9)), len(data) // 64 * 64
    for at in range(0, whole, 8):
        mixed = lanes[at // 8 % 8] ^ int.from_bytes(data[at : at + 8], "little")
        lanes[at // 8 % 8] = ((mixed << 29 | mixed >> 35) & WORD) * 0x9E3779B97F4A7C15 & WORD
    return b"".join(lane.to_bytes(8, "little") for lane in lanes) + data[whole:]


@pytest.fixture(scope="module", params=["as installed", "for a processor that has but the oldest instructions"])
def digest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Digest:
    if request.param == "as installed":
        if kernel is None:
            pytest.skip("the kernel is not installed")
        return cast("Digest", kernel.digest)
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    built = tmp_path_factory.mktemp("kernel") / "_kernel.so"
    include = sysconfig.get_paths()["include"]
    subprocess.run(
        [compiler, "-O1", "-U__SSE2__", "-fPIC", "-shared", "-I", include, str(SOURCE), "-o", str(built)], check=True
    )
    loader = ExtensionFileLoader("_kernel", str(built))
    spec = spec_from_file_location("_kernel", built, loader=loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return cast("Digest", module.digest)


@given(st.lists(st.binary(max_size=300)))
def test_it_is_that_of_the_bytes_together(digest: Digest, parts: list[bytes]) -> None:
    state = b""
    for part in parts:
        state = digest(state, part)
    whole = b"".join(parts)
    assert (state or slow_digest(b"")) == slow_digest(whole)


def test_one_changed_bit_shows(digest: Digest) -> None:
    data = bytes(range(256)) * 5
    changed = [data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :] for at in range(len(data))]
    assert len({digest(b"", each) for each in [data, *changed]}) == 1 + len(data)
