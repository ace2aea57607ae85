"""Everything around a run: the hooks and pings of its profile, and a line in the history of its log."""
