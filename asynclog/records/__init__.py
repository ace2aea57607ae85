"""The meaning of one line: the parser, strict JSON, why a line is unreadable; and the kernel in C."""
