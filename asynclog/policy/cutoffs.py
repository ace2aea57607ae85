"""Which records have expired: a policy at one instant, as one value."""

import msgspec

from asynclog.policy.rules import Policy, retention_for
from asynclog.schemas import SchemaKey
from asynclog.timestamps import FUTURE_TOLERANCE


class Cutoffs(msgspec.Struct, frozen=True):
    """A policy at `now` (ns since 1970): from it follows for every record whether it has expired.

    `of_any_age` is how a drop by budget is proven: each record that can expire at all counts as expired.
    """

    policy: Policy
    now: int
    of_any_age: bool = False

    def before(self, key: SchemaKey) -> int | None:
        """Return the cutoff: records of `key` with an earlier instant have expired; None if they never do."""
        retention = retention_for(self.policy, key)
        if retention is None:
            return None
        return self.future + 1 if self.of_any_age else self.now - retention

    @property
    def future(self) -> int:
        """The horizon: a record with a later instant has one that can't be true yet."""
        return self.now + FUTURE_TOLERANCE

    def at(self, now: int) -> "Cutoffs":
        """Return the same policy at another instant."""
        return Cutoffs(self.policy, now)
