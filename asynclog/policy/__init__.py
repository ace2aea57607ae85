"""The rules of retention: the one that governs a record, and when the record expires. Pure."""
