"""Which lines of a segment have expired: remembered from the scan where that is cheap, else read again; on request,
each line of them judged by both readers. And what is left of the segment without them.
"""

from collections.abc import Iterable, Iterator

import msgspec

from asynclog.actions import Action
from asynclog.errors import ChangedError, DamagedError, DisagreementError
from asynclog.executors.rate_limit import RateLimiter
from asynclog.records.fields import WholeFile, has_file_time
from asynclog.records.kernel import choose_digest
from asynclog.records.parser import BLANKS
from asynclog.scan.classifiers import PythonClassifier
from asynclog.scan.context import ScanContext
from asynclog.scan.counter import StatsBuilder
from asynclog.scan.expired_marks import ExpiredRanges, LineRange, choose_compact, invert, is_marked
from asynclog.scan.reading.line_blocks import whole_lines
from asynclog.scan.reading.unpacked_lines import unpack, unpacked_lines
from asynclog.schemas import SchemaKey
from asynclog.segments import Range
from asynclog.statistics import SegmentStats
from asynclog.storage.codecs import is_packed
from asynclog.storage.proof import Proof
from asynclog.storage.segment_reader import Hole, Part, SegmentReader


class SurvivorReader:
    """Remember where a scan found expired lines; what it has forgotten is found again.

    With `double_check` nothing goes on the word of one reader, and nothing is left out by the kernel. What is read
    keeps to the rate limit.
    """

    def __init__(self, context: ScanContext, rate_limit: RateLimiter, *, workers: int, double_check: bool) -> None:
        self._context = context
        self._rate_limit = rate_limit
        self._double_check = double_check
        self._compact = choose_compact("python" if double_check else context.kind)
        self._digest = choose_digest(context.kind)
        self._left = context.options.marks * workers
        self._found: dict[str, ExpiredRanges] = {}

    def cache(self, segment: str, expired: ExpiredRanges) -> None:
        """Cache where the expired lines of a whole segment stand, if there is room."""
        size = expired.size
        if size <= self._left:
            self._left -= size
            self._found[segment] = expired

    def proof(self) -> Proof:
        """Return a proof with nothing in it yet."""
        return Proof(self._digest)

    def iter_survivors(self, action: Action, reader: SegmentReader, proof: Proof, size: int) -> Iterator[Part]:
        """Yield what stays of the segment's first `size` bytes, in order, each part good until the next is asked for.

        What lies beyond the bytes that were judged has been appended since, and stays. Those of a packed segment are
        unpacked, and it has none beyond. `proof` notes all that was read.
        Memory does not grow with the segment. Raise OSError, ChangedError if the segment is not what was judged,
        DisagreementError if the readers differ.
        """
        self._must_be_of_its_time(action, reader)
        if is_packed(action.segment):
            yield from self._judge_packed(action, reader, proof, size)
            return
        known = self._found.get(action.segment)
        judged = self._judge(action, reader, proof) if known is None else self._recall(known, action, reader, proof)
        yield from judged
        yield from proof.follow(self._parts(reader, proof.size, size))

    def verify_drop(self, action: Action, reader: SegmentReader, proof: Proof) -> None:
        """Note in `proof` a segment of which nothing but blank lines would stay. Raise as above.

        Of a drop by budget every line is judged again: each must be blank or a record that a rule with a period
        governs, and they must be as many and of the same time as when the segment was chosen.
        """
        size = action.fingerprint.size
        if isinstance(self._context.fields, WholeFile):
            self._prove_file(action, reader, proof)
            return
        if action.of_nothing:
            return
        self._must_be_of_its_time(action, reader)
        if action.by_budget:
            _must_be_blank(self._of_any_age().iter_survivors(action, reader, proof, size))
            if _spans(proof.reread) != _spans(action.stats):
                raise ChangedError
            return
        known = None if self._double_check else self._found.get(action.segment)
        if known is not None and known.covers(size):
            proof.ranges += [Range(stretch.start, stretch.end, stretch.digest) for stretch in known]
            return
        _must_be_blank(self.iter_survivors(action, reader, proof, size))

    def _of_any_age(self) -> "SurvivorReader":
        """Return a reader that remembers nothing, to which every record has expired that can expire at all."""
        cutoffs = msgspec.structs.replace(self._context.cutoffs, of_any_age=True)
        context = msgspec.structs.replace(self._context, cutoffs=cutoffs)
        return SurvivorReader(context, self._rate_limit, workers=0, double_check=self._double_check)

    def _prove_file(self, action: Action, reader: SegmentReader, proof: Proof) -> None:
        """Note in `proof` the mtime, which is what was judged, and all bytes, so that a writer's change shows."""
        self._must_be_of_its_time(action, reader)
        proof.mtime_ns = action.fingerprint.mtime_ns
        for _ in proof.follow(self._parts(reader, 0, action.fingerprint.size)):
            pass

    def _must_be_of_its_time(self, action: Action, reader: SegmentReader) -> None:
        """Raise ChangedError if the time of the file is that of its records, and is another one now."""
        if has_file_time(self._context.fields) and reader.current().mtime_ns != action.fingerprint.mtime_ns:
            raise ChangedError

    def _recall(self, known: ExpiredRanges, action: Action, reader: SegmentReader, proof: Proof) -> Iterator[Part]:
        for stretch in self._checked(known, action, reader) if self._double_check else known:
            before = b"\n"
            for part in proof.follow(self._parts(reader, proof.size, stretch.start)):
                before = b"" if isinstance(part, Hole) else bytes(part[-1:])
                yield part
            if before != b"\n":  # what was judged as a line's beginning is in the middle of one
                raise ChangedError
            parts = proof.follow(self._parts(reader, stretch.start, stretch.end), stretch.digest)
            yield from self._unmarked(parts, stretch.marks)

    def _unmarked(self, parts: Iterable[Part], marks: bytes) -> Iterator[Part]:
        """Yield what stays of the parts of a range with these marks; without any, nothing. A hole lies in one line."""
        line = 0
        for part in parts:
            if not marks:
                continue
            if isinstance(part, Hole):
                if not is_marked(marks, line):
                    yield part
            else:
                kept, line = self._compact(part, marks, line)
                yield part[:kept]

    def _judge(self, action: Action, reader: SegmentReader, proof: Proof) -> Iterator[Part]:
        """Judge the lines as they are copied, so that nobody can change them in between."""
        classifier, size = self._context.classifier(action.fingerprint), action.fingerprint.size
        for offset, block in self._lines(reader, 0, size, size):
            yield from proof.follow(self._parts(reader, proof.size, offset))
            expired = ExpiredRanges()
            classifier.add_block(offset, block, expired)
            if classifier.has_fragment:
                break  # nothing of it expires then, and so it is not what was judged
            if block.readonly:
                continue  # one byte, for a line that is no record and as long as it may be: the next turn copies that
            for _ in proof.follow([block]):
                yield from self._unexpired(offset, block, expired, action)
        self._must_be_as_judged(action, classifier.builder(), proof)
        yield from proof.follow(self._parts(reader, proof.size, size))

    def _judge_packed(self, action: Action, reader: SegmentReader, proof: Proof, size: int) -> Iterator[Part]:
        """Judge the lines as they are unpacked, and prove the bytes of the file, all of which are read."""
        classifier, unpacked = self._context.classifier(action.fingerprint), 0
        parts = proof.follow(self._parts(reader, 0, size))
        try:
            for offset, block, judged in unpacked_lines(unpack(action.segment, parts), size):
                unpacked = offset + len(block)
                if len(judged) < len(block):  # a part of a long line that is no record
                    if judged:
                        classifier.add_block(offset, judged, None)
                    yield block
                    continue
                expired = ExpiredRanges()
                classifier.add_block(offset, block, expired)
                yield from self._unexpired(offset, block, expired, action)
            for _ in parts:  # what a library need not have asked for
                pass
        except DamagedError:
            raise ChangedError from None
        self._must_be_as_judged(action, classifier.builder(), proof, unpacked)

    def _must_be_as_judged(
        self, action: Action, builder: StatsBuilder, proof: Proof, unpacked: int | None = None
    ) -> None:
        """Raise ChangedError if other lines were found to have expired than those that the action is about."""
        found = msgspec.structs.replace(builder.build(action.segment, action.fingerprint), unpacked=unpacked)
        proof.reread = found
        if {count.schema: count.expired for count in found.schemas if count.expired} != action.records_to_delete:
            raise ChangedError

    def _unexpired(
        self, offset: int, block: memoryview, expired: ExpiredRanges, action: Action
    ) -> Iterator[memoryview]:
        """Yield what stays of a block that begins at this offset."""
        classifier, position = self._checker(action) if self._double_check else None, 0
        for stretch in expired:
            yield block[position : stretch.start - offset]
            position = stretch.end - offset
            lines = block[stretch.start - offset : position]
            if classifier:
                _must_agree(classifier, stretch, self._marked_in(lines, stretch.marks))
            if stretch.marks:
                kept, _ = self._compact(lines, stretch.marks, 0)
                yield lines[:kept]
        yield block[position:]

    def _checker(self, action: Action) -> PythonClassifier:
        """Return what judges each line that goes once more."""
        return PythonClassifier(self._context.cutoffs, self._context.fields_of(action.fingerprint))

    def _marked_in(self, lines: memoryview, marks: bytes) -> memoryview:
        """Return those of these lines that have expired; without marks, all."""
        if not marks:
            return lines
        copied = memoryview(bytearray(lines))
        return copied[: self._compact(copied, invert(marks), 0)[0]]

    def _checked(self, expired: Iterable[LineRange], action: Action, reader: SegmentReader) -> Iterator[LineRange]:
        classifier = self._checker(action)
        for stretch in expired:
            for lines in self._marked(reader, stretch):
                _must_agree(classifier, stretch, lines)
            yield stretch

    def _marked(self, reader: SegmentReader, stretch: LineRange) -> Iterator[memoryview]:
        """Return the expired lines of a range, in blocks. With marks it is one block of the scan, and no larger."""
        if not stretch.marks:
            return (block for _, block in self._lines(reader, stretch.start, stretch.end, stretch.end))
        parts = self._unmarked(self._parts(reader, stretch.start, stretch.end), invert(stretch.marks))
        return iter(
            [memoryview(b"".join(bytes(len(part)) if isinstance(part, Hole) else bytes(part) for part in parts))]
        )

    def _parts(self, reader: SegmentReader, start: int, end: int) -> Iterator[Part]:
        for part in reader.parts(start, end):
            self._rate_limit.acquire(0 if isinstance(part, Hole) else len(part))
            yield part

    def _lines(self, reader: SegmentReader, start: int, end: int, size: int) -> Iterator[tuple[int, memoryview]]:
        for offset, block in whole_lines(reader, start, end, size):
            self._rate_limit.acquire(len(block))
            yield offset, block


def _must_be_blank(survivors: Iterable[Part]) -> None:
    """Raise ChangedError if anything but blank lines would stay."""
    for part in survivors:
        if isinstance(part, Hole) or bytes(part).strip(BLANKS):
            raise ChangedError


def _spans(stats: SegmentStats | None) -> dict[SchemaKey, tuple[int | None, int | None]]:
    """Return the times of the oldest and the newest record of each schema, by which a segment goes for a budget."""
    return {count.schema: (count.oldest, count.newest) for count in stats.schemas} if stats else {}


def _must_agree(classifier: PythonClassifier, stretch: LineRange, lines: memoryview) -> None:
    """Raise DisagreementError unless each of these lines has expired."""
    if not all(classifier.classify(lines)):
        raise DisagreementError(
            f"the readers differ on what has expired between bytes {stretch.start} and {stretch.end}; this is a bug"
        )
