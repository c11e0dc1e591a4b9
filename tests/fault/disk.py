"""A loop file system that can lose its power: everything that was not synced is thrown away, and the kernel then fails
every access, which shows what the living process does as well.  Needs root, and xfsprogs for mkfs.xfs."""
import fcntl
import os
import struct
import subprocess
import tempfile
import time

# ioctl(_IOR('X', 125, u32)) of ext4 and xfs; 2: without writing the journal out.
SHUTDOWN, NO_LOG_FLUSH = 0x8004587d, 2


class Disk:
    """Nothing stays mounted, whatever happens."""
    mounts = set()

    def __init__(self, kind, megabytes):
        self.image = tempfile.mktemp(prefix="weir-disk-", suffix=".img")
        self.mount_point = tempfile.mkdtemp(prefix="weir-mount-")
        self.kind, self.mounted = kind, False
        subprocess.run(["truncate", "-s", f"{megabytes}M", self.image], check=True)
        subprocess.run(["mkfs.xfs", "-q", self.image] if kind == "xfs" else ["mkfs.ext4", "-q", "-m", "0", self.image], check=True)
        try:
            self.mount()
        except BaseException:
            self.close()
            raise

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.mount_point], check=True)
        self.mounted = True
        Disk.mounts.add(self.mount_point)
        self.handle = os.open(self.mount_point, os.O_RDONLY | os.O_DIRECTORY)

    def cut(self):
        """From here on nothing reaches the disk, and what was not synced is gone.  A few microseconds."""
        fcntl.ioctl(self.handle, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))

    def write_back(self, chance):
        """What a kernel may do at any moment: one file, not the others, reaches the disk although nobody asked."""
        files = [os.path.join(path, name) for path, _, names in os.walk(self.mount_point) for name in names]
        try:
            handle = os.open(chance.choice(sorted(files)), os.O_RDONLY)
        except (IndexError, FileNotFoundError):
            return
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def remount(self):
        self.unmount()
        self.mount()

    def unmount(self):
        os.close(self.handle)
        for _ in range(200):
            if subprocess.run(["umount", self.mount_point], capture_output=True).returncode == 0:
                self.mounted = False
                Disk.mounts.discard(self.mount_point)
                return
            time.sleep(0.05)
        self.handle = os.open("/", os.O_RDONLY)
        raise RuntimeError(f"{self.mount_point} cannot be unmounted")

    def close(self):
        if self.mounted:
            os.close(self.handle)
            if subprocess.run(["umount", "-l", self.mount_point], capture_output=True).returncode == 0:
                Disk.mounts.discard(self.mount_point)
            self.mounted = False
        if os.path.isdir(self.mount_point):
            os.rmdir(self.mount_point)
        if os.path.exists(self.image):
            os.unlink(self.image)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
