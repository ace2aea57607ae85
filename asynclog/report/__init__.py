"""Results -> document, text and metrics. Pure."""
