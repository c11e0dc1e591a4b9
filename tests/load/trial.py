"""What the load trials share: a plain HTTP client over one connection, numbers of a process, and the
way a broken promise is told."""
import http.client
import os
import socket
import time


class Broken(Exception):
    """A promise was broken; the text says which, and the figure."""


def promise(held, text):
    if not held:
        raise Broken(text)


class Client:
    """One connection, opened when it is needed and again after it was closed."""

    def __init__(self, address, token=None, seconds=60):
        self.address, self.seconds, self.connection = address, seconds, None
        self.headers = {"Authorization": "Bearer " + token} if token else {}

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def ask(self, method, path, body=None, **headers):
        """(status, Retry-After or None, body); OSError when no answer came."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(*self.address, timeout=self.seconds)
                self.connection.connect()
                self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self.connection.request(method, path, body, {**self.headers, **headers})
            except (BrokenPipeError, ConnectionResetError):
                if body is None:
                    raise
                # refused before all of the body was sent: the answer is there to read
            response = self.connection.getresponse()
            answer = response.status, response.getheader("Retry-After"), response.read()
            if response.will_close:
                self.close()
            return answer
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise OSError(str(error)) from error


def retry_fault(status, retry):
    """What is wrong with the Retry-After of an answer, or None."""
    if status in (503, 429):
        if retry is None or not retry.isdigit() or not 1 <= int(retry) <= 60:
            return f"{status} with Retry-After {retry}"
    return None


def status_of(pid, name):
    """A figure of /proc/PID/status: bytes for sizes, else the number."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(name + ":"):
                words = line.split()
                return int(words[1]) * (1024 if words[-1] == "kB" else 1)
    raise KeyError(name)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def wait_for(what, seconds, held, pause=0.05):
    """Seconds until held() was true; Broken when it was not in time."""
    begun = time.monotonic()
    while not held():
        promise(time.monotonic() - begun < seconds, f"{what}: not within {seconds} s")
        time.sleep(pause)
    return time.monotonic() - begun


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def free_descriptors(count):
    """Whether this process may have so many."""
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count <= hard or (hard == resource.RLIM_INFINITY and soft < count):
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
        soft = count
    return soft >= count
