"""What the disk alone takes for a read while a benchmark goes on: 4 KiB of a file of its own, past the page cache, at an
even pace.  A disk that hangs for half a second, as shared ones do, is then told apart from a database that does."""
import errno
import mmap
import os
import random
import threading
import time

FILE_BYTES = 256 << 20
READ_BYTES = 4096


class DiskProbe:
    """Begins and ends by `with`, then tells probe.percentile_ms(99); None where the file system knows no way
    past its cache.  Like the load's, times count from when a read was due."""

    def __init__(self, directory, pace=20):
        self.path, self.pace = os.path.join(directory, "probe"), pace
        self.times, self.stopping = [], threading.Event()
        self.thread = threading.Thread(target=self.run)
        with open(self.path, "wb") as file:
            for _ in range(FILE_BYTES >> 20):
                file.write(os.urandom(1 << 20))
            os.fsync(file.fileno())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        os.unlink(self.path)

    def run(self):
        chance, page = random.Random(1), mmap.mmap(-1, READ_BYTES)  # aligned, as O_DIRECT wants it
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_DIRECT)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return
        due = time.monotonic()
        while not self.stopping.wait(max(0, due - time.monotonic())):
            os.preadv(file, [page], chance.randrange(FILE_BYTES // READ_BYTES) * READ_BYTES)
            self.times.append(time.monotonic() - due)
            due += 1 / self.pace
        os.close(file)

    def percentile_ms(self, percent):
        if not self.times:
            return None
        return sorted(self.times)[min(len(self.times) - 1, len(self.times) * percent // 100)] * 1000
