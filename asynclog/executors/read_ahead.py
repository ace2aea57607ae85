"""Make the next item while the last one is worked on, in a thread of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from queue import SimpleQueue

T = TypeVar("T")

StartThread = Callable[[Callable[[], None]], Thread]


def start_thread(work: Callable[[], None]) -> Thread:
    """Start a thread that does this. Raise RuntimeError where a limit of the system is reached."""
    thread = Thread(target=work)
    thread.start()
    return thread


@contextmanager
def read_ahead(items: Iterator[T], start: StartThread = start_thread) -> Iterator[Iterator[T]]:
    """Make these items in a thread of its own, one ahead of who takes them; or here, where no thread can be started."""
    from queue import SimpleQueue  # noqa: PLC0415 - few jobs need it

    wanted: SimpleQueue[bool] = SimpleQueue()
    made: SimpleQueue[T | _Ended] = SimpleQueue()

    def make() -> None:
        while wanted.get():
            try:
                made.put(next(items))
            except BaseException as error:  # whoever waits has to be told
                made.put(_Ended(error))
                return

    try:
        thread = start(make)
    except RuntimeError:
        yield items
        return
    wanted.put(True)
    try:
        yield _take(wanted, made)
    finally:
        wanted.put(False)
        thread.join()


class _Ended:
    """The error that `next` raised instead of the next item."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def take_error(self) -> BaseException:
        """Return it once. Who raises it must not keep it, or all that its traceback holds would stay with it."""
        error = self._error
        del self._error
        return error


def _take(wanted: "SimpleQueue[bool]", made: "SimpleQueue[T | _Ended]") -> Iterator[T]:
    while not isinstance(item := made.get(), _Ended):
        wanted.put(True)
        yield item
    with suppress(StopIteration):
        raise item.take_error()
