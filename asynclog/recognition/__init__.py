"""Some lines of a log -> the preset that they fit, or the keys that look like its time and its schema."""
