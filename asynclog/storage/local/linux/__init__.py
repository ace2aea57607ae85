"""Linux facilities that Python lacks: leases, and whether they can be trusted; renames; a file's metadata."""
