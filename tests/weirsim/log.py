"""Every request that came, in order: what the checks of check_log.py are made of.

`end` is stamped before the answer's last bytes go out, so a client that waits for them cannot seem to have begun too early."""
import threading
import time


class Log:
    def __init__(self):
        self.lock = threading.Lock()
        self.clear()

    def clear(self):
        with self.lock:
            self.entries = []
            self.counts = {}
            self.zero = time.time() - time.monotonic()

    def now(self):
        """Of this machine and never backwards."""
        return self.zero + time.monotonic()

    def begin(self, request, start):
        """The entry, and which request of its method and address this is, from 1."""
        entry = {"number": 0, "start": start, "end": None, "method": request.method, "path": request.target,
                 "host": request.header("Host", ""), "client": request.client, "headers": dict(request.headers),
                 "body": request.body[:1024].decode("utf-8", "replace"), "status": None, "answer": {}, "bytes": 0,
                 "fault": None, "wait_until": None}
        key = (request.method, request.target)
        with self.lock:
            self.entries.append(entry)
            entry["number"] = len(self.entries)
            self.counts[key] = self.counts.get(key, 0) + 1
            return entry, self.counts[key]

    def list(self):
        with self.lock:
            return [dict(entry) for entry in self.entries]
