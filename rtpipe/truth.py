"""What the true label of a window is, where the device tells it."""

from bisect import bisect_right


class Truth:
    """The true labels of one task along a stream.

    Each label holds from the sample it was told for up to the next one told.
    """

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._labels: list[str | None] = []

    def tell(self, index: int, label: str | None) -> None:
        """Note that `label` (None: unknown) holds from sample `index` on."""
        self._starts.append(index)
        self._labels.append(label)

    def of(self, start: int, stop: int) -> str | None:
        """Return the label of the samples start..stop-1, None if not all have one."""
        first = bisect_right(self._starts, start) - 1
        if first < 0:
            return None
        last = bisect_right(self._starts, stop - 1)
        told = set(self._labels[first:last])
        return told.pop() if len(told) == 1 else None

    def forget(self, before: int) -> None:
        """Drop what is not needed for windows that begin at `before` or later."""
        keep = max(0, bisect_right(self._starts, before) - 1)
        del self._starts[:keep], self._labels[:keep]
