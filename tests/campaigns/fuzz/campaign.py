"""One campaign: lines go to the kernel, to the exact reader, and a share of them to the judge.

What the kernel is certain of has to be what the others say. It is asked twice: about each line alone, which
shows what it read there, and about all lines in buffers that are cut anywhere, which shows what it counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import TYPE_CHECKING

import judge

from asynclog.records.document_fragments import is_fragment
from asynclog.records.parser import BLANKS, LineParser
from asynclog.scan.expired_marks import compact, pack
from asynclog.timestamps import FIRST_PLAUSIBLE
from fuzz.counts import FIELDS, NEVER, Answer, answer, counted, in_pieces
from fuzz.lines import block, ordinary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asynclog.records._kernel import Scanner
    from fuzz.buffers import Exactly
    from fuzz.counts import Fields
    from fuzz.lines import Line

Compact = Callable[[memoryview, bytes, int], tuple[int, int]]

ENDINGS = (b"\n", b'"\n', b'"}\n', b"}\n", b"]}\n", b"0\n", b"")
_parse = LineParser().parse
ENOUGH = 10  # disagreements; then the campaign ends


def exact_reader(line: bytes) -> Answer:
    """Say what a line is, as the package's own reader sees it."""
    found = _parse(line)
    if found or not line.strip(BLANKS):
        return found or "blank"
    return "fragment" if is_fragment(line) else "unreadable"


def slow_judge(line: bytes) -> Answer:
    """Say what a line is, as the tests' judge sees it, which shares no code with the package."""
    found = judge.verdict(line)
    if isinstance(found, judge.Record):
        return found.schema_name, found.version, found.instant
    return "fragment" if judge.first_fragment(line) else found


@dataclass
class Counts:
    """The counts of a campaign; `doubted` are ordinary records that the kernel was uncertain about."""

    lines: int = 0
    certain: int = 0
    judged: int = 0
    ordinary: int = 0
    doubted: int = 0
    prefixes: int = 0
    disagreements: list[str] = field(default_factory=list)


@dataclass
class Campaign:
    """A kernel, where its buffers come from, the lines and their fields, and who it has to agree with."""

    kernel: type[Scanner]
    exactly: Exactly
    reader: Callable[[bytes], Answer] = exact_reader
    judge: Callable[[bytes], Answer] = slow_judge
    block: Callable[[Random], list[Line]] = block
    fields: Fields = FIELDS
    compact: Compact = compact
    judged_share: float = 1 / 32
    has_prefixes: bool = True
    counts: Counts = field(default_factory=Counts)

    def run(self, seed: int, seconds: float) -> None:
        """Work until the time is over or enough is wrong; the seed says which lines come."""
        end = time.monotonic() + seconds
        random = Random(seed)  # noqa: S311 - the same lines have to come again
        if self.has_prefixes:
            self.check_prefixes(random)
        while time.monotonic() < end and len(self.counts.disagreements) < ENOUGH:
            lines = self.block(random)
            answers = [self.check_line(line, judged=random.random() < self.judged_share) for line in lines]
            self.check_buffers(lines, answers, random)
            self.check_compact([line.text for line in lines], random)

    def check_line(self, line: Line, *, judged: bool) -> Answer:
        """Ask everybody about one line, the judge where the others differ or he is wanted; the kernel's answer."""
        said, read = answer(self.kernel, self.exactly, line.text, self.fields), self.reader(line.text)
        certain = said != "uncertain"
        self.counts.lines += 1
        self.counts.certain += certain
        self.counts.ordinary += line.ordinary
        self.counts.doubted += line.ordinary and not certain
        doubtful = isinstance(said, tuple) and said[2] < FIRST_PLAUSIBLE  # not the kernel's business
        differs = certain and (said != read or doubtful)
        if differs or judged:
            self.counts.judged += 1
            ruling = self.judge(line.text)
            if differs or ruling != read:
                self._disagree(line.text, kernel=said, reader=read, judge=ruling)
        return said

    def check_buffers(self, lines: Sequence[Line], answers: Sequence[Answer], random: Random) -> None:
        """Ask the kernel for the census of lines in buffers of any size: it has to be that of its answers."""
        whole = [line.text + b"\n" for line in lines]
        instants = [each[2] for each in answers if isinstance(each, tuple)] or [0]
        near = [instant + step for instant in random.choices(instants, k=4) for step in (-1, 0, 1)]
        rules = dict.fromkeys((each[:2] for each in answers if isinstance(each, tuple)), None)
        cutoffs = {key: random.choice((*near, None)) for key in rules}
        horizon = random.choice((*near, NEVER, NEVER))
        scanner = self.kernel(self.fields, lambda name, version: cutoffs[name, version], horizon)
        base = random.choice((0, 1 << 40))
        found = in_pieces(scanner, self.exactly, b"".join(whole), base, random)
        expected = counted(whole, answers, base, cutoffs, horizon)
        if found != expected:
            self._disagree(b"".join(whole), found=found, expected=expected)

    def check_compact(self, lines: Sequence[bytes], random: Random) -> None:
        """Leave marked lines out of parts of any size: all others have to stay as they are."""
        content, flags = b"\n".join(lines), bytes(random.choices((0, 1), k=random.randrange(len(lines) + 1)))
        whole = [line + b"\n" for line in lines[:-1]] + [lines[-1]]
        all_flags = flags.ljust(len(whole), b"\0")
        expected = b"".join(line for line, gone in zip(whole, all_flags, strict=True) if not gone)
        kept, line, start = b"", 0, 0
        while start < len(content):
            end = start + random.randrange(1, 2 * len(content))
            with self.exactly(content[start:end]) as part:
                size, line = self.compact(part, pack(flags), line)
                kept += part[:size]
            start = end
        if kept != expected:
            self._disagree(content, kept=kept, expected=expected)

    def check_prefixes(self, random: Random) -> None:
        """Scan every prefix of a few lines, closed in several ways, alone and behind a whole line."""
        scanner = self.kernel(self.fields, lambda _name, _version: None, NEVER)
        for timestamp in ("2020-01-01T00:00:00.123456789+05:30", "2020-02-29 23:59:59-0530", "2020-01-01T00:00:00+05"):
            whole = ordinary(random, schema_name='"é🦉"', timestamp=f'"{timestamp}"', error='[1.5e-3, "\\ud83e\\n"]')
            for at, ending, before in product(range(len(whole) + 1), ENDINGS, (b"", whole + b"\n")):
                content = before + whole[:at] + ending
                self.counts.prefixes += 1
                with self.exactly(content) as buffer:
                    *_, read = scanner.scan(buffer, True)
                if read != content.rfind(b"\n") + 1:
                    self._disagree(content, read=read)

    def _disagree(self, content: bytes, **said: object) -> None:
        text = repr(content) if len(content) < 4_000 else f"{content[:4_000]!r}…"
        self.counts.disagreements.append(f"{text}\n  {said}")
