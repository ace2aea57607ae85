"""Files -> settings and policy. Reads; every error names the file, the line and the key."""
