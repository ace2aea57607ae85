"""Cutoffs, which say what records have expired: a policy at one instant, as one value."""

from functools import cached_property

import msgspec

from asynclog.policy.rules import Policy, retention_for
from asynclog.schemas import SchemaKey
from asynclog.timestamps import FUTURE_TOLERANCE

_MOST_KNOWN = 4096  # keys whose cutoff is remembered: a hostile log may have any number
_USUAL = 256  # characters of a name; longer ones are not remembered, because they may have any length


class Cutoffs(msgspec.Struct, frozen=True, dict=True):
    """A policy at `now` (ns since 1970): from it follows for every record whether it has expired.

    `of_any_age` is how a drop by budget is proven: each record that can expire at all counts as expired.
    """

    policy: Policy
    now: int
    of_any_age: bool = False

    def before(self, key: SchemaKey) -> int | None:
        """Return the cutoff: records of `key` with an earlier instant have expired; None if they never do."""
        try:
            return self._known[key]
        except KeyError:
            cutoff = self._of_its_rule(key)
        if len(self._known) < _MOST_KNOWN and len(key.name) <= _USUAL:
            self._known[key] = cutoff
        return cutoff

    def _of_its_rule(self, key: SchemaKey) -> int | None:
        retention = retention_for(self.policy, key)
        if retention is None:
            return None
        return self.future + 1 if self.of_any_age else self.now - retention

    @cached_property
    def _known(self) -> dict[SchemaKey, int | None]:
        """The cutoffs that were asked for: the segments of a log name the same few keys again and again."""
        return {}

    @property
    def future(self) -> int:
        """The horizon: a record with a later instant has one that can't be true yet."""
        return self.now + FUTURE_TOLERANCE

    def at(self, now: int) -> "Cutoffs":
        """Return the same policy at another instant."""
        return Cutoffs(self.policy, now)
