"""Which keys of a line say what its record is of, and from when."""

import msgspec


class Fields(msgspec.Struct, frozen=True):
    """The top-level keys that hold a record's schema name, its schema version and its timestamp."""

    name: str = "schema_name"
    version: str = "schema_version"
    timestamp: str = "timestamp"

    def as_tuple(self) -> tuple[str, str, str]:
        """Return the three keys, in the order in which the kernel takes them."""
        return self.name, self.version, self.timestamp


MXCP_FIELDS = Fields()
