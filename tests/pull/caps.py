"""Answers that are too large, too deep, too long or endless: each is refused at its limit, told, and takes no memory."""
import gzip
import json
import os
import subprocess
import sys
import threading
import time
import zlib

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import apart  # noqa: E402
from apart import answer  # noqa: E402
from hostile import document, together, trial  # noqa: E402
from stand import check, until  # noqa: E402

MIB, HEAD_BYTES, HEADERS, DEPTH, LEAF = 1 << 20, 64 << 10, 256, 64, 1 << 20
GROWTH_BYTES_MAX = 32 * MIB  # of 12 at once, each of which would be 20 MiB to many GiB
ROWS = b'{"rows":[{"t":"2024-01-01","v":1}]}'
GZIP, CHUNKED = ["Content-Encoding: gzip"], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def rss_anon(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("RssAnon")).split()[1]) << 10


class Watch:
    """The most memory that the server has, from now on."""

    def __init__(self, server):
        self.server, self.least, self.most, self.over = server, rss_anon(server.pid), 0, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over:
            self.most = max(self.most, rss_anon(self.server.pid))
            time.sleep(0.01)

    def growth(self):
        self.over = True
        self.thread.join()
        return self.most - self.least


# --- answers ---

def padded(size):
    """A page of so many bytes."""
    return ROWS + b" " * (size - len(ROWS))


def endless(first, piece, count=None):
    """`count` pieces, or as many as are taken; nothing behind them."""
    def give(connection):
        connection.sendall(first)
        sent = 0
        while count is None or sent < count:
            connection.sendall(piece)
            sent += 1
    return give


def slowly(data, seconds):
    def give(connection):
        for at in range(len(data)):
            connection.sendall(data[at:at + 1])
            time.sleep(seconds)
    return give


def chunked(body, piece=4096):
    pieces = [body[at:at + piece] for at in range(0, len(body), piece)]
    return CHUNKED + b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"


def head_of(size):
    """An answer whose head has so many bytes."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(ROWS)
    while size - len(head) - 2 > 1100:
        head += b"X-Pad: " + b"p" * 991 + b"\r\n"
    return head + b"X-Rest: " + b"p" * (size - len(head) - 12) + b"\r\n\r\n" + ROWS


def headers_of(count):
    return answer(ROWS, headers=[f"X-{number}: y" for number in range(count - 1)])


def nested(depth):
    """JSON, `depth` levels with the document's own."""
    return answer(b'{"rows":[{"t":"2024-01-01","v":1}],"deep":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}")


def elements(depth):
    return answer(b"<D><rows><t>2024-01-01</t><v>1</v></rows>" + b"<a>" * (depth - 1) + b"</a>" * (depth - 1) + b"</D>")


def bomb(size):
    """Spaces, a thousand in a byte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return answer(packer.compress(b" " * size) + packer.flush(), headers=GZIP)


def zstd(data, *flags):
    return answer(subprocess.run(["zstd", "-q", "-c", *flags], input=data, stdout=subprocess.PIPE, check=True).stdout, headers=["Content-Encoding: zstd"])


LAUGHS = b'<?xml version="1.0"?><!DOCTYPE D [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + at, b"&%c;" % (97 + at) * 10) for at in range(12)) + b"]><D><rows><t>2024-01-01</t><v>&m;</v></rows></D>"
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE D [<!ENTITY a SYSTEM "%s">]><D><rows><t>2024-01-01</t><v>&a;</v></rows></D>'
XML = {"decode": "xml", "rows": "/D/rows/*", "faults_max": 0}
SMALL, PLAIN = {"limits": {"body_bytes_max": MIB}}, {"limits": {"plain_bytes_max": MIB}}
SOON = {"timeouts": {"connect": "3s", "first_byte": "1s", "idle": "1s", "total": "2s"}}

# Name: the answer, what of the document differs, what is told; "": it is a page.
CASES_OF = {
    "body/less": (lambda: answer(padded(MIB - 1)), SMALL, ""),
    "body/limit": (lambda: answer(padded(MIB)), SMALL, ""),
    "body/more": (lambda: answer(padded(MIB + 1)), SMALL, "file size"),
    "chunked/limit": (lambda: chunked(padded(MIB)), SMALL, ""),
    "chunked/more": (lambda: chunked(padded(MIB + 1)), SMALL, "the answer is larger than 1048576 bytes"),
    "chunked/endless": (lambda: endless(CHUNKED, b"1000\r\n" + b" " * 4096 + b"\r\n"), SMALL, "the answer is larger than 1048576 bytes"),
    "chunked/extension": (lambda: endless(CHUNKED + b"1;x=", b"y" * 65536), SOON, "(timeouts."),
    "chunked/size": (lambda: CHUNKED + b"f" * 40 + b"\r\n", {}, "hunk"),
    "chunked/trailers": (lambda: endless(chunked(ROWS)[:-2], b"X-Trailer: " + b"y" * 1000 + b"\r\n"), {}, "more than 65536 bytes or 256 headers"),
    "until-close/endless": (lambda: endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536), SMALL, "the answer is larger than 1048576 bytes"),
    "plain/limit": (lambda: answer(gzip.compress(padded(MIB)), headers=GZIP), PLAIN, ""),
    "plain/more": (lambda: answer(gzip.compress(padded(MIB + 1)), headers=GZIP), PLAIN, "more than the 1048576 bytes allowed after decompression"),
    "bomb/gzip": (lambda: bomb(256 * MIB), {}, "at most 1000 times are allowed"),
    "bomb/zstd": (lambda: zstd(b" " * (256 * MIB)), {}, "at most 1000 times are allowed"),
    "bomb/window": (lambda: zstd(os.urandom(1000) * 20000, "--ultra", "-22", "--long=27", "--no-content-size"), {}, "zstd"),
    "bomb/twice": (lambda: answer(gzip.compress(gzip.compress(ROWS)), headers=["Content-Encoding: gzip, gzip"]), {}, 'Content-Encoding \\"gzip, gzip\\"'),
    "bomb/unsaid": (lambda: answer(gzip.compress(gzip.compress(ROWS))), {}, "line 1"),
    "bomb/cut": (lambda: answer(gzip.compress(ROWS)[:-5], headers=GZIP), {}, "the stream is cut short"),
    "head/limit": (lambda: head_of(HEAD_BYTES), {}, ""),
    "head/more": (lambda: head_of(HEAD_BYTES + 1), {}, "more than 65536 bytes or 256 headers"),
    "head/count": (lambda: headers_of(HEADERS), {}, ""),
    "head/count-more": (lambda: headers_of(HEADERS + 1), {}, "more than 65536 bytes or 256 headers"),
    "head/endless": (lambda: endless(b"HTTP/1.1 200 OK\r\n", b"X-Pad: " + b"p" * 1000 + b"\r\n", 100 * 1024), {}, "more than 65536 bytes or 256 headers"),
    "head/line": (lambda: endless(b"HTTP/1.1 200 OK\r\nX-Pad: ", b"p" * 65536, 1600), {}, "line of the head too long"),
    "head/continues": (lambda: endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), {}, "more than 65536 bytes or 256 headers"),
    "head/hints": (lambda: endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"), {}, "more than 65536 bytes or 256 headers"),
    "slow/head": (lambda: slowly(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 0.2), SOON, "(timeouts."),
    "slow/lines": (lambda: endless_lines, SOON, "within 2000 ms (timeouts.total)"),
    "slow/body": (lambda: slowly_body, SOON, "within 2000 ms (timeouts.total)"),
    "slow/silent": (lambda: silent, SOON, "within 1000 ms (timeouts.idle)"),
    "depth/limit": (lambda: nested(DEPTH), {}, ""),
    "depth/more": (lambda: nested(DEPTH + 1), {}, "64 levels"),
    "depth/far": (lambda: answer(b"[" * 10 * MIB), {}, "64 levels"),
    "depth/xml": (lambda: elements(DEPTH), XML, ""),
    "depth/xml-far": (lambda: answer(b"<a>" * 3 * MIB), XML, "64"),
    "leaf/limit": (lambda: answer(ROWS[:-1] + b',"x":"' + b"y" * LEAF + b'"}'), {}, ""),
    "leaf/more": (lambda: answer(b'{"rows":[{"t":"' + b"y" * (LEAF + 1) + b'","v":1}]}'), {}, "longer than a text or number may be"),
    "leaf/number": (lambda: answer(b'{"rows":[{"t":"2024-01-01","v":1' + b"0" * 2 * MIB + b"}]}"), {}, "longer than a text or number may be"),
    "xml/laughs": (lambda: answer(LAUGHS), XML, "DOCTYPE"),
    "xml/file": (lambda: answer(OUTSIDE % b"file:///etc/passwd"), XML, "DOCTYPE"),
    "xml/address": (lambda: answer(OUTSIDE % b"http://127.0.0.1/"), XML, "DOCTYPE"),
    "xml/attributes": (lambda: answer(b"<D><rows " + b"".join(b'a%d="y" ' % at for at in range(200000)) + b"><t>2024-01-01</t><v>1</v></rows></D>"), XML, "a tag or comment longer than a text may be"),
    "xml/names": (lambda: answer(b"<D>" + b"".join(b"<n%d/>" % at for at in range(500000))), XML, "more different names of elements and attributes"),
    "xml/attribute-names": (lambda: answer(b"<D>" + b"".join(b'<n a%d=""/>' % at for at in range(500000))), XML, "more different names of elements and attributes"),
    "xml/comment": (lambda: answer(b"<D><!--" + b"x" * (20 * MIB)), XML, "a tag or comment longer than a text may be"),
    "csv/cells": (lambda: answer(b"t,v\n" + b"," * (20 * MIB)), {"decode": "csv", "rows": "*"}, "the line is longer than allowed"),
    "json/key": (lambda: answer(b'{"' + b"k" * (20 * MIB)), {}, "longer than a text or number may be"),
    "status/none": (lambda: b"HTTP/1.1 200\r\n\r\n", SOON, "(timeouts.idle)"),
    "status/other": (lambda: b"SSH-2.0-OpenSSH_9.0\r\n", {}, "HTTP/0.9"),
    "length/lies": (lambda: answer(ROWS, size=len(ROWS) + 1) + b"", {**SOON}, "(timeouts.idle)"),
    "length/two": (lambda: answer(ROWS, headers=[f"Content-Length: {len(ROWS) + 5}"]), SOON, None),
    "length/huge": (lambda: answer(ROWS, size=2**63), SOON, None),
    "length/negative": (lambda: answer(ROWS, size=-1), SOON, None),
}


def endless_lines(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X: y\r\n")
        time.sleep(0.2)


def slowly_body(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.2)


def silent(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
    connection.recv(1)


def every_cap_holds_at_its_limit(case):
    answers = {"/" + name: make() for name, (make, _, _) in CASES_OF.items()}
    world = apart.World(give=lambda request: answers[request.target])
    server = case.server(flags=["--limit-tenant-trials-max", "16"])
    check(trial(case, server, "http://home.test/body/limit").status == 200, "a page")
    watch, faults = Watch(server), []

    def look(name):
        _, blocks, told = CASES_OF[name]
        given = trial(case, server, "http://home.test/" + name, **{**blocks, "limits": {"concurrency": 16, **blocks.get("limits", {})}})
        text = given.text()
        page = given.status == 200 and json.loads(text)["outcome"] == "ok"
        if told is not None and (page != (told == "") or told not in text):
            faults.append(f"{name}: {'a page' if page else text[:400]}, wanted {told or 'a page'}")
    together(look, CASES_OF, 12)
    growth = watch.growth()
    check(not faults, "\n".join(faults))
    check(growth < GROWTH_BYTES_MAX, f"RssAnon grew by {growth >> 20} MiB")
    check(not [where for where in world.accepted if where[0] != apart.HOME], f"somebody else was dialled: {world.accepted}")
    case.tell(f"{len(CASES_OF)} answers at, below and above limits; RssAnon grew by {growth / MIB:.1f} MiB at most")


def chain(request):
    """/hops/N redirects N times; /pages/N has N pages."""
    kind, number = request.target.strip("/").split("/")
    number = int(number)
    if kind == "hops":
        return answer(b"", "302 Found", [f"Location: /hops/{number - 1}"]) if number else answer(ROWS)
    return answer(json.dumps({"rows": [{"t": f"2024-01-01T00:00:{number:02}Z", "v": number}], "next": f"/pages/{number - 1}" if number > 1 else None}).encode())


def redirects_and_pages_are_counted(case):
    world = apart.World(give=chain)
    server = case.server()
    for name, path, blocks, told in (
            ("hops5", "hops/5", {}, None), ("hops6", "hops/6", {}, "more than 5 redirects"), ("hops0", "hops/1", {"redirects": 0}, "more than 0 redirects"),
            ("pages3", "pages/3", {"page": {"type": "next_url", "path": "/next", "max": 3}}, None), ("pages4", "pages/4", {"page": {"type": "next_url", "path": "/next", "max": 3}}, "more than 3 pages")):
        one = document("http://home.test/" + path, name=name, measurement=name, **{key: value for key, value in blocks.items() if key != "redirects"})
        one["request"].update({key: value for key, value in blocks.items() if key == "redirects"})
        case.declare(server, one)
        until(20, lambda name=name: f"{name} ends: {case.how(server, name)}", lambda name=name: case.status(server, name)["state"] == "resting")
        error = case.status(server, name)["error"]
        check(told in error if told else not error, f"{name}: {case.how(server, name)}")
    check(len(world.asked("/hops")) == 6 + 6 + 1, f"{[request.target for request in world.asked('/hops')]}")


INSIDE = [every_cap_holds_at_its_limit, redirects_and_pages_are_counted]
CASES = apart.cases(os.path.abspath(__file__), INSIDE)

if __name__ == "__main__":
    apart.main(sys.modules[__name__])
