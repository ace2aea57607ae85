"""The paths of logs: what a path may be, which folders a pattern stands for, and whose they are."""
