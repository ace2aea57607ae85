"""Plan -> outcomes: the only room that changes a log's folder, and `disk` the only module in it that does."""
