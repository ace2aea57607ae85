"""One page of HTML about a run, with charts, that needs nothing else: for a browser, a screen reader and paper."""
