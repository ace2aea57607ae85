"""Read a configuration file: its text, its YAML, and what is wrong in it."""
