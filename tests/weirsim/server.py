"""The server: raw sockets and a thread for each connection, since answers have to go wrong in ways that no library of HTTP lets them."""
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading

from weirsim import control, faults, wire
from weirsim.apis import ROUTES
from weirsim.message import Refusal, Request, answer_json, answer_text
from weirsim.world import World

HEAD_BYTES_MAX = 1 << 16
BODY_BYTES_MAX = 1 << 26


class Bad(Exception):
    """Bytes that are no request."""


class Reader:
    """What a client sends, request by request."""

    def __init__(self, sock):
        self.sock, self.kept = sock, b""

    def more(self):
        data = self.sock.recv(1 << 16)
        self.kept += data
        return bool(data)

    def until(self, mark, most):
        while mark not in self.kept:
            if len(self.kept) > most:
                raise Bad("too long")
            if not self.more():
                return None
        found, _, self.kept = self.kept.partition(mark)
        return found

    def exactly(self, count):
        while len(self.kept) < count:
            if not self.more():
                raise Bad("the client left")
        found, self.kept = self.kept[:count], self.kept[count:]
        return found

    def body(self, headers):
        fields = {name.lower(): value for name, value in headers}
        if fields.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in fields.get("transfer-encoding", "").lower():
            parts = []
            while True:
                line = self.until(b"\r\n", 1024)
                size = int((line or b"").split(b";")[0], 16)
                if not 0 <= size <= BODY_BYTES_MAX:
                    raise Bad("too long")
                parts.append(self.exactly(size))
                self.until(b"\r\n", 1024)
                if not size:
                    return b"".join(parts)
        length = int(fields.get("content-length", 0))
        if not 0 <= length <= BODY_BYTES_MAX:
            raise Bad("too long")
        return self.exactly(length)


class Simulator:
    """Listens when made (port 0: any) and serves from start() on, until close().  Its world is `.world`; one may look in."""

    def __init__(self, host="127.0.0.1", port=0, tls_port=None, **world):
        self.world = World(**world)
        self.listener = socket.create_server((host, port), backlog=1024)
        self.host, self.port = host, self.listener.getsockname()[1]
        self.tls_listener, self.tls_scratch, self.certificate = None, None, None
        if tls_port is not None:
            self.listen_tls(tls_port)
        self.lock, self.open, self.closed = threading.Lock(), set(), False

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def listen_tls(self, port):
        """With a certificate that has expired.  Without openssl there is none; `certificate` stays None."""
        self.tls_scratch = tempfile.mkdtemp(prefix="weirsim-")
        try:
            key, certificate = expired_certificate(self.tls_scratch)
        except (OSError, subprocess.CalledProcessError):
            return
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.tls_listener = socket.create_server((self.host, port), backlog=128)
        self.tls_port, self.certificate = self.tls_listener.getsockname()[1], certificate

    def start(self):
        for listener, secure in ((self.listener, False), (self.tls_listener, True)):
            if listener:
                threading.Thread(target=self.accept, args=(listener, secure), daemon=True).start()
        return self

    def close(self):
        self.closed = True
        for listener in (self.listener, self.tls_listener):
            if listener:
                end(listener)  # so that accept() comes back
                listener.close()
        with self.lock:
            for sock in self.open:
                end(sock)
        if self.tls_scratch:
            shutil.rmtree(self.tls_scratch, ignore_errors=True)

    __enter__ = start

    def __exit__(self, *_):
        self.close()

    def accept(self, listener, secure):
        while True:
            try:
                sock, address = listener.accept()
            except OSError:
                if self.closed:
                    return
                continue  # the client had left already
            threading.Thread(target=self.connection, args=(sock, address, secure), daemon=True).start()

    def connection(self, sock, address, secure):
        with self.lock:
            self.open.add(sock)
        plain = sock
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if secure:
                sock = self.context.wrap_socket(sock, server_side=True)
            reader, channel = Reader(sock), wire.Channel(sock)
            while self.one(reader, channel, f"{address[0]}:{address[1]}", secure):
                pass
        except (wire.Gone, Bad, ValueError, OSError):
            pass
        finally:
            with self.lock:
                self.open.discard(plain)
            sock.close()

    def one(self, reader, channel, client, secure):
        """A request and its answer; whether another may follow."""
        if not reader.kept and not reader.more():
            return False
        start = self.world.log.now()
        head = reader.until(b"\r\n\r\n", HEAD_BYTES_MAX)
        if head is None:
            return False
        line, *fields = head.decode("latin-1").split("\r\n")
        method, target, version = line.split(" ")
        headers = [(name.strip(), value.strip()) for name, _, value in (field.partition(":") for field in fields)]
        request = Request(method, target, headers, reader.body(headers), secure)
        request.client = client
        close = version == "HTTP/1.0" or (request.header("Connection") or "").lower() == "close"
        if request.path.startswith("/_sim") or request.path == "/":
            request.wall = self.world.wall.now()
            wire.send(channel, request, control.answer(self.world, request), {}, self.world.seed, close, lambda: None)
        else:
            self.serve(channel, request, start, close)
        return not close

    def serve(self, channel, request, start, close):
        world, log = self.world, self.world.log
        entry, number = log.begin(request, start)
        met = world.faults.of(request, number)
        request.now, request.wall = int(world.clock.now()), world.wall.now()
        request.quirks = {name: met[name] for name in faults.QUIRKS if name in met}
        before, entry["fault"] = channel.sent, "+".join(met) or None

        # The client may ask again as soon as it has the last byte: until then this one is under way, and not longer.
        api = "/".join(request.path.split("/")[1:3 if request.path.startswith("/ea/") else 2])
        request.under_way = world.limits.enter(api, 1)

        def ending():
            if entry["end"] is None:
                entry["end"] = log.now()
                world.limits.enter(api, -1)

        try:
            response = faults.instead(request, met) or dispatch(world, request)
            entry["status"], entry["answer"] = response.status, dict(response.headers)
            if response.wait_until is not None:
                entry["wait_until"] = log.now() + response.wait_until - world.wall.now()
            wire.send(channel, request, response, met, world.seed, close, ending)
        finally:
            ending()
            entry["bytes"] = channel.sent - before


def end(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def dispatch(world, request):
    allowed = set()
    for methods, pattern, function in ROUTES:
        found = pattern.fullmatch(request.path)
        if not found:
            continue
        if request.method in methods or (request.method == "HEAD" and "GET" in methods):
            try:
                return function(world, request, **found.groupdict())
            except Refusal as refusal:
                return refusal.response
        allowed |= methods
    if allowed:
        return answer_text("Method Not Allowed\n", 405, headers=[("Allow", ", ".join(sorted(allowed)))])
    return answer_json({"error": "Not Found", "path": request.path, "see": request.origin + "/"}, 404)


def expired_certificate(scratch):
    """Of localhost and 127.0.0.1, for the first day of 2020; it is its own authority."""
    key, certificate, config = (os.path.join(scratch, name) for name in ("key.pem", "certificate.pem", "config"))
    request = os.path.join(scratch, "request.pem")
    with open(config, "w", encoding="ascii") as file:
        file.write(f"[ca]\ndefault_ca=d\n[d]\nnew_certs_dir={scratch}\ndatabase={scratch}/index\nserial={scratch}/serial\n"
                   "default_md=sha256\npolicy=p\nx509_extensions=x\n[p]\ncommonName=supplied\n"
                   "[x]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:TRUE\n[req]\ndistinguished_name=n\n[n]\n")
    open(os.path.join(scratch, "index"), "w", encoding="ascii").close()
    with open(os.path.join(scratch, "serial"), "w", encoding="ascii") as file:
        file.write("01\n")

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    openssl("req", "-config", config, "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
            "-subj", "/CN=localhost", "-out", request)
    openssl("ca", "-config", config, "-batch", "-selfsign", "-keyfile", key, "-in", request, "-out", certificate, "-notext",
            "-startdate", "20200101000000Z", "-enddate", "20200102000000Z")
    return key, certificate
