"""Which relay slot a room belongs to: rendezvous hash, so that every process finds the same answer by itself."""

from __future__ import annotations

import hashlib


def slots_of(room_name: str, slots: int) -> list[int]:
    """All slots, the room's own first. The order of the rest is where it goes when slots are drained."""
    return sorted(range(slots), key=lambda slot: _weight(room_name, slot), reverse=True)


def _weight(room_name: str, slot: int) -> bytes:
    # Not `hash()`: that differs from process to process.
    return hashlib.blake2b(f"{slot}:{room_name}".encode(), digest_size=8).digest()
