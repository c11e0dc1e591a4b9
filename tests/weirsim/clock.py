"""A clock that can be set, be stopped and go faster.

There are two.  That of the data says which rows there are, and which revision of them.  That of the wall is in `Date`, `Expires`,
`Retry-After`, in limits and in the ends of tokens: what a client compares with its own clock, so it stays the machine's unless it
is set.  What takes time on the wire (a delay, a dribble) takes real time always."""
import threading
import time


class Clock:
    def __init__(self, now=None, rate=1.0):
        self.lock = threading.Lock()
        self.rate = rate
        self.set(time.time() if now is None else now)

    def now(self):
        with self.lock:
            return self.base + (time.monotonic() - self.begun) * self.rate

    def set(self, now=None, rate=None):
        """What is not given stays."""
        here = now if now is not None else self.now()
        with self.lock:
            self.base, self.begun = here, time.monotonic()
            self.rate = self.rate if rate is None else rate
