"""Statistics + policy -> what is held, what comes in, what expires and when. Pure."""
