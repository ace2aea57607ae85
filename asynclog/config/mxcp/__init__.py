"""What an MXCP project's files say."""
