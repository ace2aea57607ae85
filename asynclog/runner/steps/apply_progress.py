"""Count the actions of a plan that have been carried out: first the drops, then the rewrites."""

from collections.abc import Callable, Sequence

from asynclog.actions import Action
from asynclog.progress import Progress, Step


class ApplyProgress:
    """The step that applying has come to, inside the `with`; `count` returns the bytes read and written so far.

    Empty segments, which come after the rewrites, are not counted.
    """

    def __init__(self, progress: Progress, actions: Sequence[Action], count: Callable[[], int]) -> None:
        self._progress = progress
        self._count = count
        self._drops = sum(1 for action in actions if action.kind == "drop" and not action.of_nothing)
        self._rewrites = [action for action in actions if action.kind == "rewrite"]
        self._dropped = self._rewritten = 0
        self._step: Step | None = None

    def __enter__(self) -> "ApplyProgress":
        self._begin()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.end()

    def add(self, action: Action) -> None:
        """Count an action that has been carried out."""
        self._dropped += action.kind == "drop" and not action.of_nothing
        self._rewritten += action.kind == "rewrite"
        if self._step is None or (self._dropped == self._drops and self._step.name == "drop"):
            self._begin()
        if self._step is not None:
            self._step.done = self._dropped if self._step.name == "drop" else self._rewritten

    def _begin(self) -> None:
        """Begin the step for what is left: several workers may have begun rewrites before the last drop is done."""
        if self._dropped < self._drops:
            self._step = self._progress.begin("drop", segments=self._drops, count=self._count)
        elif self._rewrites:
            size = sum(action.fingerprint.size for action in self._rewrites)
            work = size + sum(action.bytes_after for action in self._rewrites)
            self._step = self._progress.begin(
                "rewrite", segments=len(self._rewrites), size=size, work=work, count=self._count
            )
