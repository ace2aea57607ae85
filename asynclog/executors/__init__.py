"""Executors, which run units of work in threads or processes; and how fast these may read and write."""
