"""Imported before all else: from here on `python -m asynclog` imports nothing from the working folder.

For `-m` Python puts that folder first, as if it were a library: whoever may write there could have any of our imports
be his. (The command `asynclog` has no such entry. What the package itself is found by has been used by now.)
"""

import sys

# The name that a program has while the package of a module that was named with -m is imported.
if getattr(sys, "argv", None) and sys.argv[0] == "-m" and not sys.flags.safe_path:
    del sys.path[0]
