"""The origin of a plan, which its file tells."""

import msgspec

from asynclog.report.provenance import Provenance


class PlannedConfiguration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration that a plan was made under: its path and profile; None if the log was named without one.

    `log` and `schemas` are paths that the command line named, None if it named none. `digest` is of what the
    configuration says about segments, guard and rewriting.
    """

    path: str | None
    profile: str | None
    log: str | None
    schemas: str | None
    digest: str


class PlanOrigin(msgspec.Struct, frozen=True):
    """The origin of a plan: the log's path, the policy's digest, when it was made, and by whom."""

    log: str
    policy: str
    created: int
    provenance: Provenance
    configuration: PlannedConfiguration
