"""The result of `asynclog show`, and its text: a plan or a saved report, for people."""
