"""One job at a time on a log: the lock file, the record in it, and the lock that a run holds."""
