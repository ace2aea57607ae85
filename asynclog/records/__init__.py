"""What one line means: the parser, strict JSON, why a line is unreadable; and the kernel in C."""
