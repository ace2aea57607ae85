"""The page of a cleanup: of one log, or of several with a part for each."""
