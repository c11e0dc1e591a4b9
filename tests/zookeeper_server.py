"""ZooKeeper of Debian for tests, standalone or an ensemble, on free loopback ports, each server with a folder of its own, stopped
by its pid; a client of a few lines, to look and to do what Weir never would; and a relay between the two that loses what it is
told to.  tests/zookeeper/unpack fetches the server, Java is the one on PATH.  Standard library only."""
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import send_signal  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
JARS = ("zookeeper zookeeper-jute slf4j-api slf4j-simple netty-handler netty-transport netty-common netty-buffer metrics-core snappy-java "
        "commons-cli jackson-core jackson-databind jackson-annotations").split()
TICK_MS = 100
NO_NODE, NO_RIGHTS, NODE_EXISTS, NOT_EMPTY = -101, -102, -110, -111


class ZooKeeperError(Exception):
    """What a server answered instead of 0; `code` is its number."""

    def __init__(self, code):
        super().__init__(f"ZooKeeper's code {code}")
        self.code = code


def text_of(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">i", len(value)) + value


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0] if len(values) == 1 else values

    def text(self):
        size = self.take("i")
        self.at += max(size, 0)
        return self.data[self.at - max(size, 0):self.at]

    def stat(self):
        names = "created changed ctime mtime version cversion aversion owner size children pzxid".split()
        return dict(zip(names, self.take("qqqqiiiqiiq")))


def read_frame(connection):
    head = b""
    while len(head) < 4:
        piece = connection.recv(4 - len(head))
        if not piece:
            raise ConnectionError("closed")
        head += piece
    size, body = struct.unpack(">i", head)[0], b""
    while len(body) < size:
        piece = connection.recv(size - len(body))
        if not piece:
            raise ConnectionError("closed")
        body += piece
    return body


class Wire:
    """One session, one request after another.  `session`: (id, password) of one that exists, which moves here."""

    def __init__(self, address, digest=None, session=(0, bytes(16)), timeout_ms=2000):
        self.connection = socket.create_connection(address, timeout=10)
        self.number = 0
        self.send(struct.pack(">iqiq", 0, 0, timeout_ms, session[0]) + text_of(session[1]) + b"\0")
        reply = Reader(read_frame(self.connection))
        _, self.timeout_ms, self.session = reply.take("iiq")
        if digest:
            self.send(struct.pack(">iii", -4, 100, 0) + text_of("digest") + text_of(digest))
            self.answer(-4)

    def send(self, body):
        self.connection.sendall(struct.pack(">i", len(body)) + body)

    def answer(self, number):
        while True:
            reply = Reader(read_frame(self.connection))
            xid, _, code = reply.take("iqi")
            if xid == number:
                if code:
                    raise ZooKeeperError(code)
                return reply

    def ask(self, kind, body):
        self.number += 1
        self.send(struct.pack(">ii", self.number, kind) + body)
        return self.answer(self.number)

    def create(self, path, data=b"", flags=0):
        rights = struct.pack(">ii", 1, 31) + text_of("world") + text_of("anyone")
        self.ask(1, text_of(path) + text_of(data) + rights + struct.pack(">i", flags))

    def remove(self, path):
        self.ask(2, text_of(path) + struct.pack(">i", -1))

    def get(self, path):
        reply = self.ask(4, text_of(path) + b"\0")
        return reply.text(), reply.stat()

    def set(self, path, data):
        return self.ask(5, text_of(path) + text_of(data) + struct.pack(">i", -1)).stat()

    def give(self, path, scheme="world", who="anyone"):
        """All rights on it are theirs alone."""
        self.ask(7, text_of(path) + struct.pack(">ii", 1, 31) + text_of(scheme) + text_of(who) + struct.pack(">i", -1))

    def children(self, path):
        reply = self.ask(8, text_of(path) + b"\0")
        return sorted(reply.text().decode() for _ in range(reply.take("i")))

    def wipe(self, path):
        """It and all below it, but for what somebody makes meanwhile."""
        for name in self.children(path):
            self.wipe(path + "/" + name)
        try:
            self.remove(path)
        except ZooKeeperError as error:
            if error.code not in (NOT_EMPTY, NO_NODE):
                raise

    def end(self):
        """Ends the session, not only the connection."""
        self.number += 1
        self.send(struct.pack(">ii", self.number, -11))
        try:
            self.answer(self.number)
        except (OSError, ConnectionError):
            pass
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.end()


TAKEN = set()


def free_port():
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in TAKEN:
            TAKEN.add(port)
            return port


def unpack(build, base):
    """Once, whoever comes first: suites run beside each other."""
    os.makedirs(build, exist_ok=True)
    with open(os.path.join(build, "zookeeper.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(base, "zookeeper.jar")):
            subprocess.run([os.path.join(HERE, "zookeeper", "unpack"), build], check=True)


class ZooKeeperServer:
    """One server; its port and folder stay the same however often it is started."""

    def __init__(self, build, number=0, port=None, session_ms_max=20000):
        base = os.path.join(os.path.abspath(build), "zookeeper", "usr", "share", "java")
        if not shutil.which("java"):
            raise FileNotFoundError("java is not on PATH: tests/install test")
        unpack(build, base)
        self.folder = tempfile.mkdtemp(prefix="weir-zookeeper-")
        self.address = ("127.0.0.1", port or free_port())
        self.number, self.session_ms_max, self.process, self.paused = number, session_ms_max, None, False
        self.peers = (free_port(), free_port()) if number else None
        self.command = ["java", "-Xmx96m", "-Xshare:auto", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.jmx.log4j.disable=true",
                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", ":".join(os.path.join(base, jar + ".jar") for jar in JARS),
                        "org.apache.zookeeper.server.quorum.QuorumPeerMain", os.path.join(self.folder, "config")]
        if not number:
            self.configure([])

    @property
    def hosts(self):
        return "%s:%d" % self.address

    def configure(self, members, through=None):
        """`through`: by number, on which port else it reaches a member that leads."""
        data = os.path.join(self.folder, "data")
        os.makedirs(data, exist_ok=True)
        with open(os.path.join(self.folder, "config"), "w", encoding="ascii") as file:
            file.write(f"tickTime={TICK_MS}\ninitLimit=100\nsyncLimit=20\nmaxSessionTimeout={self.session_ms_max}\ndataDir={data}\nclientPort={self.address[1]}\n"
                       "clientPortAddress=127.0.0.1\nadmin.enableServer=false\n4lw.commands.whitelist=*\nmaxClientCnxns=0\n")
            for member in members:
                file.write("server.%d=127.0.0.1:%d:%d\n" % (member.number, (through or {}).get(member.number, member.peers[0]), member.peers[1]))
        if self.number:
            with open(os.path.join(data, "myid"), "w", encoding="ascii") as file:
                file.write(str(self.number))

    def ask(self, word):
        """One of its words of four letters; "" when it does not answer."""
        try:
            with socket.create_connection(self.address, timeout=2) as connection:
                connection.sendall(word.encode())
                answer = b""
                while piece := connection.recv(4096):
                    answer += piece
                return answer.decode()
        except OSError:
            return ""

    def mode(self):
        return next((line.split(": ")[1] for line in self.ask("srvr").splitlines() if line.startswith("Mode: ")), "")

    def launch(self):
        if not self.process:
            with open(os.path.join(self.folder, "log"), "ab") as log:
                # In a session of its own: when a shell ends that began the tests, the kernel has all go on that stand still in its group.
                self.process = subprocess.Popen(self.command, cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        return self

    def ready(self, seconds=60):
        deadline = time.monotonic() + seconds
        while not self.mode():
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
                    raise RuntimeError(f"ZooKeeper: exit {self.process.poll()}\n" + log.read()[-2000:])
            time.sleep(0.02)
        return self

    def start(self):
        return self.launch().ready()

    def signal(self, number):
        send_signal(self.process.pid, number)

    def pause(self):
        self.signal(signal.SIGSTOP)
        self.paused = True

    def go_on(self):
        self.signal(signal.SIGCONT)
        self.paused = False

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process, self.paused = None, False

    def close(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


class Ensemble:
    """Three of them."""

    def __init__(self, build):
        self.members = [ZooKeeperServer(build, number) for number in (1, 2, 3)]
        for member in self.members:
            member.configure(self.members)

    @property
    def hosts(self):
        return ",".join(member.hosts for member in self.members)

    def start(self):
        for member in self.members:
            member.launch()
        for member in self.members:
            member.ready()
        return self

    def leader(self, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for member in self.members:
                if member.process and not member.paused and member.mode() == "leader":
                    return member
            time.sleep(0.05)
        raise RuntimeError("no leader")

    def close(self):
        for member in self.members:
            member.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


class Relay:
    """Between one client and a server: knows the session, and may cut, keep silent, or lose the answer to the next write."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.session, self.silent, self.refusing, self.lose, self.lost, self.closing = None, False, False, 0, 0, False
        self.pairs, self.lock = [], threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def hosts(self):
        return "%s:%d" % self.address

    def accept(self):
        while not self.closing:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            try:
                if self.refusing:
                    raise ConnectionError
                server = socket.create_connection(self.target, timeout=5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            pair = {"client": client, "server": server, "doomed": False, "first": True}
            with self.lock:
                self.pairs.append(pair)
            threading.Thread(target=self.carry, args=(pair, client, server, self.request), daemon=True).start()
            threading.Thread(target=self.carry, args=(pair, server, client, self.reply), daemon=True).start()

    def carry(self, pair, source, sink, look):
        try:
            first = True
            while True:
                body = read_frame(source)
                look(pair, body, first)
                first = False
                while self.silent and not self.closing:
                    time.sleep(0.005)
                if pair["doomed"] and look == self.reply:
                    raise ConnectionError("as told")
                sink.sendall(struct.pack(">i", len(body)) + body)
        except OSError:
            self.end(pair)

    def request(self, pair, body, first):
        if first or len(body) < 8:
            return
        kind = struct.unpack_from(">i", body, 4)[0]
        if kind in (1, 5, 15) and self.lose > 0:  # a create or a set: it arrives, and the answer does not
            self.lose -= 1
            self.lost += 1
            pair["doomed"] = True

    def reply(self, _, body, first):
        if first:
            reply = Reader(body)
            reply.take("ii")
            self.session = (reply.take("q"), reply.text())

    def end(self, pair):
        for side in ("client", "server"):
            try:
                pair[side].shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            pair[side].close()
        with self.lock:
            if pair in self.pairs:
                self.pairs.remove(pair)

    def cut(self):
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            self.end(pair)

    def expire(self):
        """The session ends, as if it had not been heard of."""
        self.refusing = True  # else the client comes back in the middle, and the session with it
        Wire(self.target, session=self.session).end()
        self.refusing = False

    def close(self):
        self.closing = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # which wakes who waits there
        except OSError:
            pass  # it is closed
        self.listener.close()
        self.cut()


class Strand(Relay):
    """Between a server and the one that leads it: what the leader says may be held back, so that the other one falls behind."""

    def __init__(self, target):
        self.asked = 0  # bytes that the leader was sent
        super().__init__(target)

    def carry(self, pair, source, sink, look):
        try:
            while piece := source.recv(65536):
                while self.silent and look == self.reply and not self.closing:
                    time.sleep(0.005)
                sink.sendall(piece)
                if look == self.request:
                    self.asked += len(piece)
        except OSError:
            pass
        self.end(pair)
