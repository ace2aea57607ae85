"""Runs the real job, command line and all, in a forked child: from a process that has everything imported."""

from __future__ import annotations

import errno
import fcntl
import os
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib import import_module
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import msgspec

# What a job imports when it needs it: its import is no part of a job here.
import asynclog.catalog.store
import asynclog.config.reading.yaml_document  # noqa: F401
from asynclog.cli import main
from asynclog.runner.wiring import Wiring
from asynclog.storage.codecs import Gzip, Zstd
from asynclog.storage.local.directory import LogDirectory
from faults.archive import CURRENT, NOW
from faults.child import Ended as Ended  # noqa: PLC0414 - layers know it from here
from faults.child import Server, Streams
from faults.oracle import judged
from faults.stepper import GO, Call, Hook, Verdict, stepped

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

    from faults.archive import Archive
    from faults.oracle import Finding, Oracle

# What a job imports on its way is imported once for all children.
for _module in (
    "anyio._backends._asyncio",
    "asynclog.cli.colors",
    "asynclog.cli.commands.cleanup",
    "asynclog.config.logs",
    "asynclog.config.paths.path_problems",
    "asynclog.runner.cleanup",
    "asynclog.runner.lifecycle.attend_run",
    "asynclog.runner.lifecycle.record_run",
    "asynclog.scan.hash_chains",
    "asynclog.scan.unreadable_lines",
    "asynclog.storage.local.commit.apply_action",
    "asynclog.storage.local.commit.recovery",
    "asynclog.storage.local.directory",
    "asynclog.storage.local.local_store",
    "asynclog.tables",
    "encodings.utf_8_sig",
    "grp",
    "orjson",
):
    import_module(_module)
for _codec in (Gzip(), Zstd()):
    _codec.decode([])

# With these a job waits for nobody; the protocol may not depend on it.
HASTY = {"lease_pauses": (0.0, 0.001), "drain_grace": 0.0, "drain_patience": 0.004, "drain_pause": 0.001}


def _none(folder: int) -> Iterator[tuple[int, int]]:
    del folder
    return iter(())


def _no_mounts(folder: int) -> Mapping[str, str]:
    """No file of a folder is mounted on its own."""
    del folder
    return {}


class Crammed(LogDirectory):
    """A folder that has no room for another name of a file until the file itself has been emptied."""

    def link(self, name: str, new: str) -> None:
        if self.status(name).st_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().link(name, new)


@dataclass(frozen=True, eq=False)
class Variant:
    """The package as it is, or broken in one place: wired otherwise, or with other values under these dotted names."""

    wiring: Wiring = field(default_factory=Wiring)
    patches: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Resolve every name: one that is no longer there would break nothing, or everything."""
        for name in self.patches:
            owner, _, attribute = name.rpartition(".")
            if not hasattr(resolve_name(owner), attribute):
                raise AttributeError(name)

    def on(self, watched: type[LogDirectory], **attributes: Any) -> Variant:
        """Return the same variant, with this disk between it and the real one; `attributes` are given to the class."""
        disk = self.wiring.directory or LogDirectory
        assert isinstance(disk, type)
        bases = (watched,) if disk is LogDirectory else (disk, watched)
        return self._wired(directory=type(watched.__name__, bases, attributes))

    def hasty(self) -> Variant:
        """Return the same variant, which waits for nobody."""
        return self._wired(timing=msgspec.structs.replace(self.wiring.timing, **HASTY))

    def steady(self) -> Variant:
        """Return the same variant, which makes the same calls each time, in the same order.

        No other thread looks at its lock meanwhile, and it does not matter how deep its folder lies, nor how many
        processes have mounts.
        """
        timing = msgspec.structs.replace(self.wiring.timing, lock_check=3_600.0)
        local = partial(self.wiring.file_system, parents=_none)
        return self._wired(timing=timing, file_system=local, file_mounts=_no_mounts)

    def _wired(self, **parts: Any) -> Variant:
        return replace(self, wiring=msgspec.structs.replace(self.wiring, **parts))

    def put_in(self) -> None:
        """In the child: from now on the job works with this variant."""
        for name, value in self.patches.items():
            owner, _, attribute = name.rpartition(".")
            setattr(resolve_name(owner), attribute, value)


REAL = Variant()


@dataclass(frozen=True)
class Victim:
    """A job on an archive; `hasty` ones wait for no writer. `options` are further words of the command line.

    One with a `catalog` makes some 200 calls more, which are worth a look where each point is one call.
    """

    archive: Archive
    variant: Variant = REAL
    jobs: int = 1
    hasty: bool = True
    options: tuple[str, ...] = ()
    catalog: bool = False

    @property
    def words(self) -> list[str]:
        """The command line."""
        where = ["--path", str(self.archive.folder / CURRENT), "--schemas", str(self.archive.policy)]
        # There is none to begin with: else its calls would not be the same ones each time.
        where += ["--state", str(self.archive.root / "state")] if self.catalog else ["--no-catalog"]
        return ["cleanup", "--json", *where, "--now", NOW, "--jobs", str(self.jobs), *self.options]

    def run(self) -> Ended:
        """Run it to its end, in a process of its own."""
        with Streams() as streams:
            child = os.fork()
            if child == 0:
                try:
                    streams.put_in()
                    os._exit(self._job(self.variant))
                finally:
                    os._exit(70)
            _, status = os.waitpid(child, 0)
            return streams.ended(os.waitstatus_to_exitcode(status))

    def aftermath(self, oracle: Oracle, ended: Ended, before: Counter[str]) -> list[Finding]:
        """Return what `judged` says, if the jobs that follow are like this one, have room, and share a process."""
        return judged(oracle, ended, before, self.again)

    def prepare(self) -> None:
        """Begins the process that later jobs share: it inherits what is open by then."""
        _server(self.variant, self.hasty)

    def again(self) -> Ended:
        """Run another job like this one, in a process that jobs share."""
        return _server(self.variant, self.hasty).run(self.words)

    def stepped(self, hook: Hook) -> Ended:
        """Run it, and ask `hook` before each of its file-system calls, from the opening of the folder on.

        Before that it has only looked whether its help has been translated.
        """
        calls: list[str] = []

        def noted(call: Call) -> Verdict:
            if not calls and call.name != "openat":
                return GO
            calls.append(call.name)
            return hook(call._replace(number=len(calls)))

        with Streams() as streams:

            def run() -> int:
                streams.put_in()
                return self._job(self.variant.steady())

            return streams.ended(stepped(run, noted), calls)

    def calls(self) -> tuple[str, ...]:
        """Run it; return the file-system calls that it made."""
        return self.stepped(lambda _: GO).calls

    def leased(self) -> list[int]:
        """Run it; return the numbers of the calls before which it held a lease."""
        held: set[int] = set()
        numbers: list[int] = []

        def hook(call: Call) -> Verdict:
            numbers.extend([call.number] if held else [])
            descriptor, command, kind, *_ = call.arguments
            if call.name == "close" or (call.name, command, kind) == ("fcntl", fcntl.F_SETLEASE, fcntl.F_UNLCK):
                held.discard(descriptor)
            elif call.name == "fcntl" and command == fcntl.F_SETLEASE:
                held.add(descriptor)
            return GO

        self.stepped(hook)
        return numbers

    def _job(self, variant: Variant) -> int:
        return _job(variant.on(Crammed) if self.archive.crammed else variant, self.hasty, self.words)


def _job(variant: Variant, hasty: bool, words: Sequence[str]) -> int:
    try:
        variant.put_in()
        return main(words, (variant.hasty() if hasty else variant).wiring)
    except BaseException:
        traceback.print_exc()
        return 70


@cache
def _server(variant: Variant, hasty: bool) -> Server:
    return Server(partial(_job, variant, hasty))
