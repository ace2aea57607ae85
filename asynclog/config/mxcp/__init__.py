"""Read the files of an MXCP project."""
