"""Which rule governs a record, and when its records expire. Pure."""
