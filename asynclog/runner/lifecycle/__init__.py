"""The life of a run, seen from outside: the hooks and pings of its profile, and a line in the history of its log."""
