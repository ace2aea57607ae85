"""The context of a scan: where segments are, the fields of their lines, which of them have expired, and by whom."""

import msgspec

from asynclog.policy.cutoffs import Cutoffs
from asynclog.records.fields import Fields, fields_at
from asynclog.records.kernel import Kind
from asynclog.scan.classifiers import Classifier, ClassifierFactory, make_classifier
from asynclog.scan.reading.line_blocks import SIZES, Sizes
from asynclog.segments import Fingerprint
from asynclog.storage.segment_reader import ReadStore


class ScanOptions(msgspec.Struct, frozen=True):
    """The division of a scan's work, and how much it may remember; whatever these are, it finds the same.

    Between two batches a job can be stopped. `marks` is for each worker: so much in its hands, and so much in memory
    of what it has read. Below `worth_processes`, starting processes takes longer than reading.
    """

    max_chunk: int = 64 << 20  # bytes at most; larger ones are hardly faster
    min_chunk: int = 24 << 20  # bytes; what is read ahead of one should not reach the last quarter of the next
    max_chunks: int = 1 << 12  # of all segments together: a sparse one may have any size
    batch_bytes: int = 8 << 20
    batch_chunks: int = 64
    marks: int = 1 << 20  # bytes of marks on expired lines
    worth_processes: int = 16 << 20  # bytes
    sizes: Sizes = SIZES
    make_classifier: ClassifierFactory = make_classifier


SCAN_OPTIONS = ScanOptions()


class ScanContext(msgspec.Struct, frozen=True):
    """The values that a worker needs, wherever it works: all of it can be pickled if the store can.

    `unpacks_ahead` is whether packed segments are unpacked in a thread of their own. That pays where one segment is
    read at a time: where several are, it is a thread too many for the processors.
    """

    store: ReadStore
    cutoffs: Cutoffs
    kind: Kind
    fields: Fields
    options: ScanOptions = SCAN_OPTIONS
    unpacks_ahead: bool = False

    def fields_of(self, fingerprint: Fingerprint) -> Fields:
        """Return the fields of a segment's lines, with its own time if that is theirs."""
        return fields_at(self.fields, fingerprint.mtime_ns)

    def classifier(self, fingerprint: Fingerprint, cutoffs: Cutoffs | None = None) -> Classifier:
        """Return a classifier for one piece of work on a segment, with nothing counted yet.

        It judges under these cutoffs, or the scan's.
        """
        return self.options.make_classifier(self.kind, cutoffs or self.cutoffs, self.fields_of(fingerprint))
