"""The origin of a plan, which its file tells."""

import msgspec

from asynclog.report.provenance import Provenance


class PlanOrigin(msgspec.Struct, frozen=True):
    """The origin of a plan: the log's path, the policy's digest, when it was made, and by whom."""

    log: str
    policy: str
    created: int
    provenance: Provenance
