"""What `asynclog init` needs besides its options: where it may begin, and the files that it writes."""
