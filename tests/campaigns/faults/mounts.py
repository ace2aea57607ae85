"""Small file systems in memory, there for as long as a `with` block; nothing of them can be left behind.

They are mounted where only this process and its children see them, and their loop devices detach themselves once
nobody has them open: even after a kill Linux cleans up. As root only.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from faults import stepper
from faults.campaign import LayerResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from faults.campaign import Campaign
    from faults.oracle import Finding

MiB = 1 << 20
# Small ones, of small blocks where that can be had.
SIZES = {"tmpfs": 4 * MiB, "ext4": 16 * MiB, "xfs": 300 * MiB, "btrfs": 64 * MiB}
QUICK = 8  # points on each file system where it has to be quick
_MAKERS = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-b", "1024"),
    "xfs": ("mkfs.xfs", "-q", "-f"),
    "btrfs": ("mkfs.btrfs", "-q", "-f", "--mixed"),
}
# Left to itself, ext4 syncs a file that is renamed over another: nobody may rely on that.
_OPTIONS = {"tmpfs": f"size={SIZES['tmpfs']}", "ext4": "noauto_da_alloc"}
_SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN
_GET_FREE, _CONFIGURE, _AUTOCLEAR = 0x4C82, 0x4C0A, 4  # LOOP_CTL_GET_FREE, LOOP_CONFIGURE, LO_FLAGS_AUTOCLEAR
_LOOP_CONFIG = "II 5Q 4I 64s 64s 32s 2Q 8Q"  # struct loop_config
_NEW_NAMESPACE, _PRIVATE, _DETACH = 0x20000, 0x44000, 2  # CLONE_NEWNS, MS_REC | MS_PRIVATE, MNT_DETACH
_TRIES = 100  # to get a loop device
_PATIENCE = 5.0  # seconds in which a killed job lets go of its files
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]


@contextmanager
def in_memory(name: str) -> Iterator[Path]:
    """Yield a folder in memory, if the machine has a place for that: for what would be slow on a real disk."""
    place = "/dev/shm"  # noqa: S108 - a folder of our own is made there
    with tempfile.TemporaryDirectory(
        prefix=f"faults-{name}-", dir=place if os.access(place, os.W_OK) else None
    ) as folder:
        yield Path(folder)


class Mount:
    """A mounted file system; `path` is where."""

    def __init__(self, kind: str, source: str, path: Path) -> None:
        self.kind = kind
        self.path = path
        self._source = source
        self._mount()

    def _mount(self) -> None:
        options = _OPTIONS.get(self.kind, "").encode()
        _checked(_libc.mount(self._source.encode(), bytes(self.path), self.kind.encode(), 0, options))

    def cut_power(self, flag: int) -> None:
        """From now on nothing reaches the disk; before that, with flag 1, the journal is written, with flag 2 not."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", flag))
        finally:
            os.close(descriptor)

    def remount(self) -> None:
        """As after a start of the machine: nothing that was only in memory is there any more."""
        end = time.monotonic() + _PATIENCE
        while _libc.umount2(bytes(self.path), 0):
            if ctypes.get_errno() != errno.EBUSY or time.monotonic() > end:
                _checked(-1)
            time.sleep(0.002)
        self._mount()

    def sync(self) -> None:
        """Write everything to the disk."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            _checked(_libc.syncfs(descriptor))
        finally:
            os.close(descriptor)


@contextmanager
def mounted(kind: str) -> Iterator[Mount]:
    """Yield a new file system of this kind. Raise OSError, or CalledProcessError, if it can't be had."""
    stay_private()
    with ExitStack() as stack:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"faults-{kind}-")))
        source = "none" if kind == "tmpfs" else stack.enter_context(_loop_device(kind))
        stack.callback(detach, path)
        yield Mount(kind, source, path)


def explore_each(
    campaign: Campaign,
    layer: str,
    kinds: Iterable[str],
    points: Callable[[Mount], Iterable[str]],
    check: Callable[[Mount, str], list[Finding] | None],
) -> LayerResult:
    """Explores a layer's points, which begin with the kind, on each kind of file system that can be had."""
    result = LayerResult(layer)
    for kind in kinds:
        if campaign.point is not None and not campaign.point.startswith(f"{kind},"):
            continue
        reason = stepper.unavailable() or unavailable(kind)
        if reason:
            result.skipped[reason] += 1
            continue
        with mounted(kind) as mount:
            wanted = list(points(mount))
            wanted = campaign.chosen(wanted, QUICK) if campaign.quick else wanted
            found = campaign.explore(layer, wanted, partial(check, mount))
        result.points += found.points
        result.violations += found.violations
        result.notes.append(f"{kind}: {found.points} points")
        if result.violations and campaign.first_only:
            break
    return result


@cache
def unavailable(kind: str) -> str:
    """Why a file system of this kind can't be had here; empty where it can."""
    if os.geteuid() != 0:
        return f"{kind}: only root may mount it"
    if kind in _MAKERS and not shutil.which(_MAKERS[kind][0]):
        return f"{kind}: there is no {_MAKERS[kind][0]} here"
    try:
        with mounted(kind):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"{kind}: it can't be mounted here: {error}"


@cache
def stay_private() -> None:
    """Give this process mounts of its own, which end with it and its children."""
    _checked(_libc.unshare(_NEW_NAMESPACE))
    _checked(_libc.mount(None, b"/", None, _PRIVATE, None))


def detach(path: Path) -> None:
    """Take a mount away, whoever still uses it."""
    _libc.umount2(bytes(path), _DETACH)


@contextmanager
def _loop_device(kind: str) -> Iterator[str]:
    """Yield a block device with an empty file system; it is gone once nobody has it open any more."""
    with open(os.memfd_create(kind), "r+b", buffering=0) as image:
        image.truncate(SIZES[kind])
        maker = [*_MAKERS[kind], f"/proc/self/fd/{image.fileno()}"]
        subprocess.run(maker, check=True, capture_output=True, pass_fds=[image.fileno()])
        name, device = _attached(image.fileno())
        try:
            yield name
        finally:
            os.close(device)


def _attached(image: int) -> tuple[str, int]:
    """Attach this image to a free loop device; return it and a descriptor. Somebody else may look for one, too."""
    config = struct.pack(_LOOP_CONFIG, image, 0, *[0] * 8, _AUTOCLEAR, b"", b"", b"", *[0] * 10)
    for _ in range(_TRIES):
        with open("/dev/loop-control", "rb") as control:
            name = f"/dev/loop{fcntl.ioctl(control, _GET_FREE)}"
        device = os.open(name, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(device, _CONFIGURE, config)
        except OSError as error:
            os.close(device)
            if error.errno != errno.EBUSY:
                raise
        else:
            return name, device
    raise OSError(errno.EBUSY, "no loop device is free")


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
