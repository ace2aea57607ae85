"""Linux facilities that Python lacks: file leases, all metadata of a file, the table of mounts."""
