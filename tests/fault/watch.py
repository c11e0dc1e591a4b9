"""inotify by ctypes: waits for what a program does to its files, so that a fault can be aimed."""
import ctypes
import os
import select
import struct
import time

LIBC = ctypes.CDLL(None, use_errno=True)
MODIFY, MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x2, 0x40, 0x80, 0x100, 0x200
ANY = MODIFY | MOVED_FROM | MOVED_TO | CREATE | DELETE
IS_DIRECTORY = 0x40000000


class Watch:
    """Of directories below `root`, also of those that come later."""

    def __init__(self, root):
        self.handle = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.handle < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self.root, self.paths = root, {}
        for path, _, _ in os.walk(root):
            self.add(path)

    def add(self, path):
        number = LIBC.inotify_add_watch(self.handle, os.fsencode(path), ANY)
        if number >= 0:  # else it is gone again
            self.paths[number] = path

    def events(self, seconds):
        """(path below the root, mask) as they come, until `seconds` have passed."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.handle], [], [], left)[0]:
                return
            data, at = os.read(self.handle, 65536), 0
            while at < len(data):
                number, mask, _, size = struct.unpack_from("iIII", data, at)
                name = os.fsdecode(data[at + 16:at + 16 + size].rstrip(b"\0"))
                at += 16 + size
                path = os.path.join(self.paths.get(number, self.root), name)
                if mask & IS_DIRECTORY and mask & CREATE:
                    self.add(path)
                yield os.path.relpath(path, self.root), mask

    def wait(self, wanted, skip, seconds):
        """Returns True at the event number `skip` + 1 for which wanted(path, mask) is true."""
        for path, mask in self.events(seconds):
            if wanted(path, mask):
                if skip == 0:
                    return True
                skip -= 1
        return False

    def close(self):
        if self.handle >= 0:
            os.close(self.handle)
        self.handle = -1

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
