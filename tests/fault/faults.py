"""The other side of faults.c: what is to happen to the nth call of a kind on a kind of file, and what was seen."""
import errno
import mmap
import os
import struct

CALLS = ("open", "write", "sync", "sync_dir", "rename", "unlink", "truncate", "make_dir")
PLACES = ("wal", "packs", "index", "other")
ACTIONS = ("count", "kill", "fail", "half")
HEAD = 9  # numbers before the tables
EVERY = (1 << 64) - 1


class Plan:
    def __init__(self, library, path):
        self.library, self.path = library, path
        size = 8 * (HEAD + len(CALLS) * len(PLACES))
        with open(path, "wb+") as file:
            file.write(bytes(size))
            file.flush()
            self.map = mmap.mmap(file.fileno(), size)

    def environment(self, root):
        """For a program whose files below `root` are meant; both names may hold a link, as mounts in /tmp do not."""
        return {"LD_PRELOAD": os.path.abspath(self.library), "FAULT_PLAN": self.path, "FAULT_ROOT": os.path.realpath(root)}

    def set(self, call, place, action, first, last=None, number=errno.EIO):
        self.map[:] = bytes(len(self.map))
        struct.pack_into("<6Q", self.map, 0, CALLS.index(call), PLACES.index(place), ACTIONS.index(action), number, first,
                         first if last is None else last)

    def lift(self):
        """The fault is over: the disk has room again."""
        struct.pack_into("<Q", self.map, 16, 0)

    @property
    def fired(self):
        return struct.unpack_from("<Q", self.map, 48)[0]

    @property
    def again(self):
        """Syncs of the file whose sync was the first to fail, after that."""
        return struct.unpack_from("<Q", self.map, 64)[0]

    def seen(self):
        """(call, place) -> how often."""
        numbers = struct.unpack_from(f"<{len(CALLS) * len(PLACES)}Q", self.map, 8 * HEAD)
        return {(call, place): numbers[c * len(PLACES) + p] for c, call in enumerate(CALLS) for p, place in enumerate(PLACES)}

    def close(self):
        self.map.close()
