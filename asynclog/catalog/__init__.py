"""Keep what later runs ask for in a state folder of its own: the results of scans, which save time, and a history."""
