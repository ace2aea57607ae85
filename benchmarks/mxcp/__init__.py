"""What `mxcp log-cleanup` and asynclog announce and do on the same archives, which MXCP's own writer has written."""
