"""A server that speaks MongoDB's protocol, for tests: what WEIR_TEST_MONGO_URI names, else `mongod` on PATH, else FerretDB as the
Makefile builds it.  One that is started here has a free loopback port, a folder of its own, and is stopped by its pid.  And a
client of a few lines, to look and to do what Weir never would.  Standard library only."""
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scripted_mongo import message_of, read_message  # noqa: E402
from server import send_signal  # noqa: E402


class MongoError(Exception):
    """What a server answered instead of ok; `code` is its number."""

    def __init__(self, reply):
        super().__init__(str(reply)[:500])
        self.code = reply.get("code")


class Wire:
    """One connection, one command after another."""

    def __init__(self, address, seconds=10):
        self.connection = socket.create_connection(address, timeout=seconds)
        self.number = 0

    def command(self, database, **words):
        self.number += 1
        self.connection.sendall(message_of(self.number, 0, {**words, "$db": database}))
        reply = read_message(self.connection).body
        if not reply.get("ok") or reply.get("writeErrors"):
            raise MongoError(reply)
        return reply

    def find(self, database, collection, **where):
        """All documents of a collection that is small."""
        return self.command(database, find=collection, filter=where, batchSize=100000)["cursor"]["firstBatch"]

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def primary_of(address):
    """A connection to the primary, where there is one.  Without credentials and TLS: what is named for tests needs none."""
    wire = Wire(address)
    said = wire.command("admin", hello=1)
    if said.get("primary") in (None, said.get("me")):
        return wire
    wire.close()
    host, _, port = said["primary"].rpartition(":")
    return Wire((host, int(port)))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MongoServer:
    """WEIR_TEST_MONGO_URI is of a server or a replica set that may be written to and that asks nobody who he is.  `build` is where the Makefile puts ferretdb.  Own: never what WEIR_TEST_MONGO_URI names, so that it may be killed.  Its
    port and folder stay the same however often it is started; close() ends it and takes its folder away: a `with` does."""

    def __init__(self, build, own=False, port=None):
        self.given = None if own else os.environ.get("WEIR_TEST_MONGO_URI")
        self.process = self.folder = None
        if self.given:
            self.kind, self.uri = "WEIR_TEST_MONGO_URI", self.given
            hosts = self.given.split("://", 1)[1].rpartition("@")[2].split("/", 1)[0]
            host, _, port = hosts.split(",")[0].partition(":")
            self.address = (host, int(port or 27017))
            return
        self.folder = tempfile.mkdtemp(prefix="weir-mongo-")
        self.address = ("127.0.0.1", port or free_port())
        self.uri = "mongodb://%s:%d/" % self.address
        self.log_path = os.path.join(self.folder, "log")
        self.data = data = os.path.join(self.folder, "data")
        os.mkdir(data)
        if shutil.which("mongod"):
            self.kind = "mongod"
            self.command = ["mongod", "--bind_ip", "127.0.0.1", "--port", str(self.address[1]), "--dbpath", data]
        else:
            self.kind = "FerretDB"
            program = os.path.join(os.path.abspath(build), "ferretdb")
            if not os.path.exists(program):
                raise FileNotFoundError(f"{program}: make it with: make BUILD={build} {build}/ferretdb")
            self.command = [program, "%s:%d" % self.address, data]

    def start(self, seconds=60):
        if self.given or self.process:
            return self
        deadline = time.monotonic() + seconds
        self.launch()
        while True:
            if self.process.poll() is not None:
                if self.mended():
                    self.launch()
                    continue
                raise RuntimeError(f"{self.kind}: exit {self.process.returncode}\n{self.log_tail()}")
            try:
                with Wire(self.address, seconds=2) as wire:
                    wire.command("admin", ping=1)
                return self
            except OSError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{self.kind}: does not answer in {seconds} s\n{self.log_tail()}") from None
                time.sleep(0.02)

    def launch(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, start_new_session=True)

    def mended(self):
        """FerretDB killed while it makes a database does not start any more: a file is there, and no table in it.  Nothing that it
        confirmed can be in such a file; without it, it starts."""
        if self.kind != "FerretDB" or "no such table: _ferretdb_collections" not in self.log_tail(3):
            return False
        mended = 0
        for name in os.listdir(self.data):
            path = os.path.join(self.data, name)
            if not name.endswith(".sqlite"):
                continue
            connection = sqlite3.connect(path)
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            connection.close()
            if tables == 0:
                for beside in ("", "-wal", "-shm"):
                    if os.path.exists(path + beside):
                        os.unlink(path + beside)
                mended += 1
        return mended > 0

    def wire(self):
        return primary_of(self.address)

    def signal(self, number):
        send_signal(self.process.pid, number)

    def kill(self):
        self.end(signal.SIGKILL)

    def stop(self):
        self.end(signal.SIGTERM)

    def end(self, number):
        if not self.process:
            return
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def replica_set(self):
        """Whether what is there is one, so that elections can be tried."""
        with self.wire() as wire:
            return bool(wire.command("admin", hello=1).get("setName"))

    def log_tail(self, lines=15):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return "\n".join(file.read().split("\n")[-lines:])

    def close(self):
        if self.process:
            try:
                self.signal(signal.SIGCONT)
            except OSError:
                pass
            self.kill()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.close()
