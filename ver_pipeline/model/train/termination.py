"""SIGTERM as a request: the step in hand is finished and saved first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any


class Terminated:
    """Remembers a SIGTERM instead of dying of it; outside the main thread it does nothing."""

    def __enter__(self) -> Callable[[], bool]:
        self._seen = False
        self._old: Any = None
        if threading.current_thread() is threading.main_thread():
            self._old = signal.signal(signal.SIGTERM, self._note)
        return lambda: self._seen

    def __exit__(self, *_: object) -> None:
        if self._old is not None:
            signal.signal(signal.SIGTERM, self._old)

    def _note(self, *_: object) -> None:
        self._seen = True
