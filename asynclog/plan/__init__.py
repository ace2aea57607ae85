"""Statistics + cutoffs -> plan. Pure: no clock, no file."""
