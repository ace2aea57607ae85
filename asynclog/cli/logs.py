"""What a command tells on its way: log lines on stderr."""

import logging


def log_to_stderr(*, debug: bool) -> None:
    """Warnings, and with `debug` every decision, each on a line behind the program's name."""
    logging.basicConfig(format="asynclog: %(message)s", level="DEBUG" if debug else "WARNING")
    logging.getLogger("asyncio").setLevel("WARNING")
