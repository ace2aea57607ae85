"""Facts and calls that Linux has and Python does not: file leases, all that belongs to a file, the table of mounts."""
