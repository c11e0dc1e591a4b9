"""A network of its own: a name space in which every address of the internet, of IPv4 and IPv6, is this machine, so that whatever is
dialled arrives and is seen; and a resolver that says what a case wants.  Nothing leaves it."""
import ctypes
import fcntl
import ipaddress
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from types import SimpleNamespace

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import stand  # noqa: E402

HOME, OTHER, SIX = "93.184.216.34", "93.184.216.35", "2606:2800:21f:cb07::1"  # public, and nobody's that matters here
PORTS = (80, 8080)
IFF_UP, SIOCSIFFLAGS, MS_BIND = 1, 0x8914, 4096
NAMES = {"home.test": [[HOME]], "other.test": [[OTHER]], "six.test": [[SIX]]}


def enter(arguments):
    """Runs them where this process, root or not, is root of a name space: its output and exit code."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "--net", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")


# --- the network ---

def netlink(kind, flags, body):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        link.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
        error = struct.unpack("=i", link.recv(4096)[16:20])[0]
    if error:
        raise OSError(-error, os.strerror(-error))


def make_network():
    """`lo` is up, and all that there is belongs to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", IFF_UP, b""))
    for family, scope in ((socket.AF_INET, 254), (socket.AF_INET6, 0)):
        route = struct.pack("=BBBBBBBBI", family, 0, 0, 0, 255, 4, scope, 2, 0)  # RT_TABLE_LOCAL, RTPROT_STATIC, RTN_LOCAL
        netlink(24, 0x1 | 0x4 | 0x400, route + struct.pack("=HHI", 8, 4, socket.if_nametoindex("lo")))


def put_file(text, over):
    """In the place of another, for this name space alone."""
    with tempfile.NamedTemporaryFile("w", delete=False, encoding="ascii") as file:
        file.write(text)
    if os.path.exists(over) and ctypes.CDLL(None, use_errno=True).mount(file.name.encode(), os.path.realpath(over).encode(), None, MS_BIND, None):
        raise OSError(ctypes.get_errno(), over)
    os.unlink(file.name)


# --- names ---

class Resolver:
    """Of each name the answers, one after another and the last for ever: addresses of both kinds, or a name it is an alias of."""

    def __init__(self, names):
        self.names, self.asked = {name: list(rounds) for name, rounds in names.items()}, {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        put_file("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", "/etc/resolv.conf")
        put_file("hosts: files dns\n", "/etc/nsswitch.conf")
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            question, sender = self.socket.recvfrom(4096)
            self.socket.sendto(self.answer(question), sender)

    def round(self, name, kind):
        rounds = self.names.get(name, [[]])
        count = self.asked[name, kind] = self.asked.get((name, kind), 0) + 1
        return rounds[min(count, len(rounds)) - 1]

    def answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode("latin-1"))
            at += 1 + question[at]
        kind, name, records = struct.unpack(">H", question[at + 1:at + 3])[0], ".".join(labels).lower(), []
        known, owner = name in self.names, name
        answer = self.round(name, kind)
        while answer and not re.fullmatch(r"[0-9.]+|.*:.*", answer[0]):
            records.append((owner, 5, wire_name(answer[0])))
            owner = answer[0]
            answer = self.round(owner, kind)
        for one in answer:
            family = ipaddress.ip_address(one)
            if {4: 1, 6: 28}[family.version] == kind:
                records.append((owner, kind, family.packed))
        head = question[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, len(records), 0, 0)
        return head + question[12:at + 5] + b"".join(wire_name(whose) + struct.pack(">HHIH", what, 1, 0, len(data)) + data for whose, what, data in records)


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode("latin-1") for label in name.split(".")) + b"\0"


# --- who listens ---

class Request:
    def __init__(self, dialled, raw):
        self.dialled, self.raw, self.at = dialled, raw, time.monotonic()
        line, *headers = raw.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        self.method, self.target = (line.split(" ") + ["", ""])[:2]
        self.headers = {name.lower(): value.strip() for name, _, value in (header.partition(":") for header in headers)}


class World:
    """Listens on all addresses; `give` makes the answer of a request, bytes or what takes the connection."""

    def __init__(self, names=None, give=None):
        make_network()
        self.resolver = Resolver({**NAMES, **(names or {})})
        self.give = give or (lambda request: answer(b"{}"))
        self.accepted, self.requests = [], []
        for port in PORTS:
            for family, host in ((socket.AF_INET, ""), (socket.AF_INET6, "::")):
                listener = socket.create_server((host, port), family=family, backlog=1000)
                threading.Thread(target=self.listen, args=(listener,), daemon=True).start()

    def listen(self, listener):
        while True:
            connection = listener.accept()[0]
            self.accepted.append(connection.getsockname()[:2])
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        dialled, have = connection.getsockname()[:2], b""
        with connection:
            try:
                while True:
                    while b"\r\n\r\n" not in have:
                        piece = connection.recv(65536)
                        if not piece:
                            return
                        have += piece
                    head, _, have = have.partition(b"\r\n\r\n")
                    size = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
                    while size and len(have) < int(size[1]):
                        have += connection.recv(65536)
                    body, have = have[:int(size[1]) if size else 0], have[int(size[1]) if size else 0:]
                    request = Request(dialled, head + b"\r\n\r\n" + body)
                    self.requests.append(request)
                    given = self.give(request)
                    if callable(given):
                        given(connection)
                        return
                    connection.sendall(given)
            except OSError:
                pass  # it was not wanted to its end

    def asked(self, prefix):
        return [request for request in list(self.requests) if request.target.startswith(prefix)]


def answer(body, status="200 OK", headers=(), size=None):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if size is None else size}", *headers]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body


# --- what was dialled ---

class Dialled:
    """All that a server connects to, as strace sees it from outside."""

    def __init__(self, path):
        self.path = path
        self.wrapper = ["strace", "-f", "-qq", "-yy", "--seccomp-bpf", "-o", path, "-e", "trace=connect"]

    def tcp(self):
        """(address, port) of each, dialled or only tried."""
        with open(self.path, encoding="utf-8", errors="replace") as file:
            lines = [line for line in file if "connect(" in line]
        found = []
        for line in lines:
            number = re.search(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"', line)
            if "<UDP" in line or "<NETLINK" in line or ("AF_UNIX" in line and "nscd" in line):
                continue  # a resolver's, and how it finds which address is nearest: no byte goes out by that
            if number is None and "resumed" in line:
                continue
            port = re.search(r"port=htons\((\d+)\)", line)
            found.append((number[1] or number[2], int(port[1])) if number and port else (line.strip(), 0))
        return found


def main(module):
    """The case of that name, inside."""
    name, program, build, seed, long = sys.argv[1:6]
    os.environ.update({key: "http://10.9.9.9:8080" for key in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")})
    case, fault = stand.Case(SimpleNamespace(program=program, build=build, long=long == "True"), int(seed)), ""
    try:
        getattr(module, name)(case)
    except stand.Broken as error:
        fault = str(error)
    finally:
        ends = case.close()
    print("".join(f"tells {line}\n" for line in case.told) + fault + ends)
    sys.exit(1 if fault or ends else 0)


def cases(path, functions):
    """For the runner: each in a network of its own."""
    def outside(function):
        def case_of(case):
            done = enter([sys.executable, "-B", path, function.__name__, case.program, case.build, str(case.seed), str(case.long)])
            lines = done.stdout.splitlines()
            for line in lines:
                if line.startswith("tells "):
                    case.tell(line[6:])
            if done.returncode:
                raise stand.Broken("\n".join(line for line in lines if not line.startswith("tells "))[-6000:])
        case_of.__name__ = function.__name__
        return case_of
    return [outside(function) for function in functions]
