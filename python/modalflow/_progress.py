"""Progress bars, by tqdm where it is installed."""

from __future__ import annotations

from types import TracebackType
from typing import Any


class Bar:
    """A bar to be used by ``with``; one that shows nothing where none is wanted or tqdm is missing."""

    def __init__(self, wanted: bool, **options: Any) -> None:
        self._bar: Any = None
        if wanted:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self._bar = tqdm(**options)

    @property
    def is_shown(self) -> bool:
        """Whether there is anything to show."""
        return self._bar is not None

    def show(self, done: float, words: str | None = None, total: float | None = None) -> None:
        """Show how much is done, and of how much where that changes."""
        if total is not None:
            self._bar.total = total
        if words is not None:
            self._bar.set_postfix_str(words, refresh=False)
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
