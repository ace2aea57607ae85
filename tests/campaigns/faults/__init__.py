"""The fault campaign: the real job is killed, failed, interleaved and starved at every point, and must lose nothing."""
