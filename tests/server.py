"""A real Weir on a free loopback port and a temporary data directory, and a client for it.  Used by
the API scenarios, the fault campaign, the real data and the benchmark.  Standard library only."""
import http.client
import os
import signal
import socket
import struct
import subprocess
import tempfile
import time


def clean_environment():
    """Without WEIR_RESULTS and what else the suites know: Weir refuses variables that it does not.
    The fault that tests/sabotage chose stays."""
    return {name: value for name, value in os.environ.items() 
            if not name.startswith("WEIR_") or name == "WEIR_SABOTAGE"}


def send_signal(pid, number):
    """Of SIGSTOP it returns when every thread stands: kill() returns while some of them still run, and one may answer."""
    os.kill(pid, number)
    while number == signal.SIGSTOP and any(state not in "TtZX" for state in thread_states(pid)):
        time.sleep(0.001)


def thread_states(pid):
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/stat", encoding="utf-8", errors="replace") as file:
                yield file.read().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended


class ServerDied(Exception):
    """The server ended although nobody asked it to; the text holds its last log lines."""


class Server:
    """One data directory and the process that serves it, which may be stopped, killed and started
    again.  Close it: a `with` does."""

    def __init__(self, program, data, flags=(), files=None, wrapper=()):
        self.program, self.data, self.flags = program, data, list(flags)
        self.wrapper = list(wrapper)
        self.process = None
        self.scratch = tempfile.mkdtemp(prefix="weir-test-")
        self.log_path = os.path.join(self.scratch, "log")
        self.address = None
        for name, content in (files or {}).items():
            self.write_file(name, content)

    def file(self, name):
        return os.path.join(self.scratch, name)

    def write_file(self, name, content):
        with open(self.file(name), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)

    def start(self, seconds=60, ready=True):
        """Starts and waits until /readyz says 200 (or, ready=False, until it listens)."""
        port_file = self.file("port")
        if os.path.exists(port_file):
            os.unlink(port_file)
        flags = [flag.replace("{scratch}", self.scratch) for flag in self.flags]
        command = self.wrapper + [self.program, "serve", "--data", self.data, "--listen", "127.0.0.1:0",
                                  "--port-file", port_file] + flags
        environment = clean_environment()
        environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=99")
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        environment.setdefault("TSAN_OPTIONS", "exitcode=99")
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment,
                                        start_new_session=True)
        deadline = time.monotonic() + seconds
        while True:
            if self.process.poll() is not None:
                raise ServerDied(f"exit {self.process.returncode} at start\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ServerDied(f"not ready in {seconds} s\n{self.log_tail()}")
            address = self.read_port(port_file)
            if address:
                self.address = address
                if not ready:
                    return self
                try:
                    if self.request("GET", "/readyz").status == 200:
                        return self
                except OSError:
                    pass
            time.sleep(0.005)

    @staticmethod
    def read_port(path):
        try:
            with open(path, encoding="ascii") as file:
                text = file.read().strip()
        except FileNotFoundError:
            return None
        host, _, port = text.rpartition(":")
        return (host, int(port)) if port.isdigit() else None

    @property
    def pid(self):
        """Of Weir itself, also below a wrapper such as strace."""
        if not self.wrapper:
            return self.process.pid
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            return int(file.read().split()[0])

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds=60):
        """SIGTERM and wait; the exit code."""
        if not self.process:
            return None
        if self.alive():
            os.kill(self.pid, signal.SIGTERM)
        return self.reap(seconds)

    def kill(self):
        if self.alive():
            os.kill(self.pid, signal.SIGKILL)
        return self.reap(30)

    def reap(self, seconds):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise ServerDied(f"did not end in {seconds} s after SIGTERM\n{self.log_tail()}") from None
        finally:
            self.log.close()
            self.process = None
        return code

    def signal(self, number):
        send_signal(self.pid, number)

    def log_text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def log_tail(self, lines=25):
        return "\n".join(self.log_text().split("\n")[-lines:])

    def request(self, method, path, body=None, headers=None, seconds=60):
        return request(self.address, method, path, body, headers, seconds)

    def raw(self, data, seconds=10, end=False):
        """Sends bytes as they are and reads until the server closes or says nothing more."""
        return raw(self.address, data, seconds, end)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process:
            self.kill()
        import shutil
        shutil.rmtree(self.scratch, ignore_errors=True)


class Answer:
    """Status, headers (lower case names) and body of one response."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {}
        for name, value in headers:
            self.headers.setdefault(name.lower(), value)

    def text(self):
        return self.body.decode("utf-8", errors="replace")


def request(address, method, path, body=None, headers=None, seconds=60):
    """One request on its own connection.  `headers` as given: nothing is added but Host and, with a
    body, Content-Length."""
    connection = http.client.HTTPConnection(*address, timeout=seconds)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        given = {name.lower() for name in headers or {}}
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None and "content-length" not in given and "transfer-encoding" not in given:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        if body:
            try:
                connection.send(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused early: the answer is there to read
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


def raw(address, data, seconds=10, end=False):
    with socket.create_connection(address, timeout=seconds) as connection:
        try:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        received = b""
        try:
            while True:
                piece = connection.recv(65536)
                if not piece:
                    break
                received += piece
        except OSError:
            pass
        return received


def reset(connection):
    """Closes a socket so that the peer sees a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
