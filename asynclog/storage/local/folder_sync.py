"""Make the changes that many threads make to names in a folder durable: one call serves all that wait for it."""

import threading
from collections.abc import Callable


class FolderSync:
    """The syncs of one folder, each of which is one call of `sync`. Its methods are thread-safe.

    A later call may succeed without what a failed one lost: once it has failed, it fails for good.
    """

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._turn = threading.Condition()
        self._syncing = False
        self._asked = self._synced = 0
        self._failure: OSError | None = None

    @property
    def has_failed(self) -> bool:
        """Whether it has failed, and so will always fail."""
        return self._failure is not None

    def ticket(self) -> int:
        """Return a ticket with which `wait` makes durable the changes of names up to now, and no later ones."""
        with self._turn:
            return self._asked + 1

    def wait(self, ticket: int | None) -> None:
        """Return once all of this thread's changes of names are durable; with a ticket, all up to that.

        Raise OSError.
        """
        with self._turn:
            mine = self._asked + 1 if ticket is None else ticket
            self._asked = max(self._asked, mine)
            while self._syncing and self._synced < mine:
                self._turn.wait()
            if self._failure is not None:
                raise self._failure
            if self._synced >= mine:
                return
            self._syncing, served = True, self._asked
        try:
            self._sync()
        except OSError as error:
            self._failure = error
            raise
        finally:
            with self._turn:
                self._syncing, self._synced = False, served
                self._turn.notify_all()
