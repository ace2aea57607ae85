"""Where units of work run: threads and processes; and how fast they may read and write."""
