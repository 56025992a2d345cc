"""Skeleton: the final signatures; the bodies follow."""

from __future__ import annotations

from collections.abc import Callable


class DataChannels:
    on_message: Callable[[str, bytes], None] | None
    on_open: Callable[[], None] | None
    on_overflow: Callable[[], None] | None
    is_open: bool

    def create(self) -> None:
        raise NotImplementedError

    def send(self, label: str, payload: bytes) -> bool:
        raise NotImplementedError
