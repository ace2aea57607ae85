"""Censuses + policy + now -> what is held, what comes in, what goes and when. Pure."""
