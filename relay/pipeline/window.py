"""
How many attempts a lane may have in flight: as many as its endpoint allows, fewer while that is too much.
"""

from __future__ import annotations


class Window:
    """
    Halves where the receiver asks for a wait or does not answer in time, and grows again by one for each
    window of successes.  After a start over it doubles for each until it is whole, or is halved.

    Args:
        most: attempts in flight that the endpoint allows.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.size = most
        self._is_doubling = False
        self._successes = 0
        self._narrowed_ms = 0

    @property
    def is_growing(self) -> bool:
        """
        Tell whether it is not whole.
        """
        return self.size < self.most

    def resize(self, most: int) -> None:
        """
        Allow so many from now on: at once, where the window was whole.
        """
        self.size = most if self.size == self.most else min(self.size, most)
        self.most = most

    def start_over(self) -> None:
        """
        Begin with one attempt at a time: what has waited drains gently.
        """
        self.size = 1
        self._is_doubling = True
        self._successes = 0

    def narrow(self, made_at_ms: int, now_ms: int) -> None:
        """
        Halve the window; not again for an attempt that was made before it was halved last.
        """
        if made_at_ms < self._narrowed_ms:
            return
        self.size = max(1, self.size // 2)
        self._is_doubling = False
        self._successes = 0
        self._narrowed_ms = now_ms

    def succeeded(self) -> None:
        """
        Note a success while the window is not whole.
        """
        self._successes += 1
        if self._is_doubling or self._successes >= self.size:
            self.size = min(self.size + 1, self.most)
            self._successes = 0
