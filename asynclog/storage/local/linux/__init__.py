"""Linux facilities that Python lacks: file leases, all metadata of a file, whether leases can be trusted."""
