"""What rooms and participants get from the worker that holds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from relay import sids
from relay.config import Settings
from relay.events import EventLog
from relay.media import MediaPlane
from relay.peer import Later
from relay.timeshares import TimeShares


@dataclass(slots=True)
class Context:
    """Shared by all rooms of one worker. `later` and `spawn` belong to its event loop."""

    settings: Settings
    media: MediaPlane
    later: Later
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    events: EventLog = field(default_factory=EventLog)
    counters: Counter[str] = field(default_factory=Counter)
    shares: TimeShares = field(default_factory=TimeShares)
    on_settled: Callable[[str], None] = lambda _sid: None  # a join is over, one way or the other
    node_id: str = field(default_factory=lambda: sids.new_sid(sids.NODE))
