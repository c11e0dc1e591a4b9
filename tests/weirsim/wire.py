"""An answer as bytes on a connection, with everything that may go wrong there."""
import gzip
import http
import select
import socket
import struct
import time
import zlib

from weirsim.faults import seconds_of
from weirsim.times import http_date

PIECE = 1 << 18


class Gone(Exception):
    """The client has left, or the answer's end is that the connection ends."""


class Channel:
    """A connection; it knows when the client leaves while nothing is sent."""

    def __init__(self, sock):
        self.sock, self.sent = sock, 0

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Gone(str(error)) from None
        self.sent += len(data)

    def wait(self, seconds):
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            if left <= 0:
                return
            try:
                ready, _, _ = select.select([self.sock], [], [], min(left, 60))
                if not ready:
                    continue
                if hasattr(self.sock, "cipher") or self.sock.recv(1, socket.MSG_PEEK):
                    time.sleep(min(left, 0.05))  # it says more already: that is no leaving
                    continue
            except (OSError, ValueError):
                pass
            raise Gone("the client left")

    def reset(self):
        """RST in place of an orderly end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone("reset")


def packed(pieces):
    """One gzip stream of all pieces, piece by piece."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    for piece in pieces:
        data = packer.compress(piece)
        if data:
            yield data
    yield packer.flush()


def pieces_of(data):
    return [data[at:at + PIECE] for at in range(0, len(data), PIECE)] or [b""]


def encode(response, request, faults):
    """Sets body, size and headers as they would go out were the wire good."""
    wants = "gzip" in (request.header("Accept-Encoding") or "") or "gzip_truncated" in faults
    if isinstance(response.body, bytes):
        if "bom" in faults:
            response.body = b"\xef\xbb\xbf" + response.body
        if wants and (len(response.body) >= 256 or "gzip_truncated" in faults):
            response.body = gzip.compress(response.body, 1, mtime=0)
            response.set("Content-Encoding", "gzip")
        if "gzip_truncated" in faults:
            response.body = response.body[:max(1, len(response.body) - faults["gzip_truncated"]["by"])]
        response.size = len(response.body)
        response.body = pieces_of(response.body)
    elif wants:
        response.body, response.size = packed(response.body), None
        response.set("Content-Encoding", "gzip")


def head_of(response, request, faults, close):
    try:
        reason = http.HTTPStatus(response.status).phrase
    except ValueError:
        reason = "Unknown"
    date = request.wall + (faults["date"]["by_s"] if "date" in faults else 0)
    fields = [("Date", http_date(date)), ("Server", "weirsim"), *response.headers]
    if "bad_chunk" in faults:
        response.size = None
    if response.size is None:
        fields.append(("Transfer-Encoding", "chunked"))
    elif response.status not in (204, 304):
        fields.append(("Content-Length", str(max(0, response.size + faults.get("wrong_length", {}).get("by", 0)))))
    if close:
        fields.append(("Connection", "close"))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {response.status} {reason}\r\n{lines}\r\n".encode("latin-1", "replace")


def wrong_at(pieces, channel, faults, ending):
    """The pieces up to where the wire goes wrong there; what happens then."""
    (kind, fault), = [(kind, faults[kind]) for kind in ("cut", "reset", "hang", "bad_chunk") if kind in faults][:1]
    left, done = max(0, fault["at"]), False
    for piece in pieces:
        if done or left >= len(piece):
            left -= 0 if done else len(piece)
            yield piece
            continue
        if left:
            yield piece[:left]
        done = True
        if kind == "hang":
            channel.wait(fault["ms"] / 1000)
            yield piece[left:]
        elif kind == "bad_chunk":
            ending()
            channel.send(b"zz\r\n" + piece[left:] + b"\r\n0\r\n\r\n")
            raise Gone("bad chunk")
        elif kind == "reset":
            channel.reset()
        else:
            raise Gone("cut")
    if not done and kind != "hang":
        if kind == "bad_chunk":
            ending()
            channel.send(b"zz\r\n\r\n")
        if kind == "reset":
            channel.reset()
        raise Gone(kind)


def dribbled(pieces, channel, fault):
    data = b"".join(pieces)
    size = max(1, -(-len(data) // fault["chunks"]))
    for at in range(0, len(data), size):
        if at:
            channel.wait(fault["ms"] / 1000 / max(1, fault["chunks"] - 1))
        yield data[at:at + size]


def framed(pieces, size):
    """Pieces as they go out, each with whether it is the last."""
    left = size
    for piece in pieces:
        if not piece:
            continue
        if size is not None:
            left -= len(piece)
            yield piece, left == 0
        elif len(piece) < 1 << 16:
            yield b"%x\r\n%b\r\n" % (len(piece), piece), False
        else:
            yield b"%x\r\n" % len(piece), False
            yield piece, False
            yield b"\r\n", False
    if size is None:
        yield b"0\r\n\r\n", True


def send(channel, request, response, faults, seed, close, ending):
    """Sends all of it; ending() is called before the last bytes go.  Gone: the connection is to be closed."""
    channel.wait(seconds_of(seed, faults) + response.delay_s)
    if "stall" in faults:
        channel.wait(faults["stall"]["ms"] / 1000)
        raise Gone("stall")
    encode(response, request, faults)
    head = head_of(response, request, faults, close)
    breaks = any(kind in faults for kind in ("cut", "reset", "hang", "bad_chunk"))
    if request.method == "HEAD" or response.status in (204, 304) or (response.size == 0 and not breaks):
        ending()
        channel.send(head)
        return
    pieces = iter(response.body)
    if "dribble" in faults:
        pieces = dribbled(pieces, channel, faults["dribble"])
    if breaks:
        pieces = wrong_at(pieces, channel, faults, ending)
        if any(faults.get(kind, {}).get("at", 0) < 0 for kind in ("cut", "reset")):
            for _ in pieces:
                pass  # not even a head
        channel.send(head)  # it is seen even when nothing follows
        head = b""
    for piece, last in framed(pieces, response.size):
        if head and len(piece) <= PIECE:
            piece, head = head + piece, b""
        elif head:
            channel.send(head)
            head = b""
        if last:
            ending()
        channel.send(piece)
    if "wrong_length" in faults:
        raise Gone("wrong length")
