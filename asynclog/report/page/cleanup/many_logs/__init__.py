"""The page of a cleanup of several logs: what it collects of each, its tables, and the whole."""
