"""A client that shows what is on the wire, right or wrong.  For the simulator's own tests."""
import json
import socket
import time


class Answer:
    def __init__(self, data, end, took, pieces):
        self.data, self.end, self.took, self.pieces = data, end, took, pieces  # end: "closed", "reset" or "timeout"
        self.head, found, self.body = data.partition(b"\r\n\r\n")
        lines = self.head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1]) if found else None
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}

    @property
    def chunks(self):
        """The body without its framing; ValueError where that is wrong."""
        rest, found = self.body, b""
        while True:
            line, mark, rest = rest.partition(b"\r\n")
            size = int(line, 16) if mark else -1
            if size < 0:
                raise ValueError("no chunk")
            if not size:
                return found
            found, rest = found + rest[:size], rest[size + 2:]

    def json(self):
        return json.loads(self.body)


def ask(port, path, method="GET", headers=None, body=b"", seconds=20, host="127.0.0.1"):
    """One request on a connection of its own, read to its end."""
    fields = {"Host": f"{host}:{port}", "User-Agent": "weir/1 (+ops@example.org)", "Connection": "close", **(headers or {})}
    if body:
        fields["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    begun, data, pieces, end = time.monotonic(), b"", [], "closed"
    with socket.create_connection((host, port), seconds) as sock:
        sock.sendall(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        try:
            while piece := sock.recv(1 << 18):
                data += piece
                pieces.append((time.monotonic() - begun, len(piece)))
        except ConnectionResetError:
            end = "reset"
        except TimeoutError:
            end = "timeout"
    return Answer(data, end, time.monotonic() - begun, pieces)


def post(port, path, document):
    answer = ask(port, path, "POST", body=json.dumps(document).encode())
    if answer.status != 200:
        raise AssertionError(f"{path}: {answer.status} {answer.body.decode()}")
    return answer.json()
