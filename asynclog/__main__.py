"""`python -m asynclog`."""

import sys

from asynclog.cli import main

if __name__ == "__main__":
    sys.exit(main())
