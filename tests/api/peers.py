"""The listener that members of a registry have for one another, by requests of somebody who may be anybody.  What nodes make of it: tests/delivery."""
import contextlib
import http.client
import json
import os
import random
import re
import shutil
import socket
import tempfile
import time

from limits import LIMITS
from registry import PLACE, begin, command, in_force
from server import Server, raw
from steps import call, scenario

LIMITS |= {"peer_reply_bytes_max", "peer_ms_max"}  # the latter: tests/delivery/asking.py
SECRET, OTHER = "canary-of-the-cluster-0123456789", "another-secret-of-the-cluster-98"
WHO = {"Weir-Peer": "1", "Weir-Clock": "1700000000000000000"}
ALL = '"start":-9223372036854775807,"end":9223372036854775807'
CHANCE = random.Random(7)
NOISE = "\n".join(f"big f={CHANCE.random()} {n}" for n in range(5000))


class Member:
    """A second node of the registry, which listens for others; its address is in its record."""

    def __init__(self, run, *flags):
        self.run, self.data, self.place = run, tempfile.mkdtemp(prefix="weir-peers-"), None
        self.server = Server(run.server.program, self.data, ["--ballast-bytes", "1MiB", "--registry", run.server.file("registry"), "--peer-listen", "127.0.0.1:0",
                                                             "--peer-secret-file", "{scratch}/secret", *flags])
        self.secret(SECRET)

    def secret(self, text, mode=0o600):
        with open(self.server.file("secret"), "w", encoding="ascii") as file:
            file.write(text + "\n")
        os.chmod(self.server.file("secret"), mode)

    def start(self):
        self.server.start()
        deadline = time.monotonic() + 5
        while True:
            found = [item for item in json.loads(command(self.run, "member", "list", "--json"))["members"] if item.get("address")]
            if found and self.ask("GET", "/peer/v1/pulse", 200, place=found[0]["address"]):
                self.place = found[0]["address"]
                return self
            if time.monotonic() > deadline:
                self.run.fail(f"no member says where it is reached: {found}")
            time.sleep(0.01)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        with self.server:
            shutil.rmtree(self.data, ignore_errors=True)

    @property
    def address(self):
        host, _, port = self.place.rpartition(":")
        return host, int(port)

    def ask(self, method, path, want, body=None, secret=SECRET, headers=None, code=None, contains=None, place=None):
        """The answer: status, headers, bytes; None where another node listens there."""
        host, _, port = (place or self.place).rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        head = {**WHO, **({"Authorization": "Bearer " + secret} if secret else {}), **(headers or {})}
        try:
            connection.request(method, path, body, head)
            answer = connection.getresponse()
            status, told, data = answer.status, dict(answer.getheaders()), answer.read()
        except ConnectionRefusedError:
            if place:
                return None
            raise
        finally:
            connection.close()
        if status != want:
            self.run.fail(f"{method} {path}: wanted {want}, got {status}: {data[:400]!r}")
        if code and f'"code":"{code}"'.encode() not in data:
            self.run.fail(f"{method} {path}: wanted code {code}: {data[:400]!r}")
        if contains and contains.encode() not in data:
            self.run.fail(f"{method} {path}: {contains} is not in it: {data[:400]!r}")
        if SECRET.encode() in data + repr(told).encode():
            self.run.fail(f"{method} {path} tells the secret")
        if status == 401 and any(name.lower().startswith("weir-") for name in told):
            self.run.fail(f"{method} {path} tells nobody in particular: {told}")
        return status, told, data

    def rows(self, want, measurement="m", **rest):
        return self.ask("POST", "/peer/v1/rows", want, f'{{"tenant":"acme","measurement":"{measurement}",{ALL}}}', **rest)

    def raw(self, data, seconds=5):
        return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", raw(self.address, data, seconds))]

    def no_secret_told(self):
        """Where others than the members could read it."""
        with open(f"/proc/{self.server.pid}/cmdline", encoding="utf-8", errors="replace") as file:
            line = file.read()
        told = {"the log": self.server.log_text(), "the command line": line}
        told["/metrics"] = self.server.request("GET", "/metrics", headers={"Authorization": self.run.saved["ops"]}).text()
        told["/readyz"] = self.server.request("GET", "/readyz").text()
        if "weir_" not in told["/metrics"]:
            self.run.fail("there are no metrics")
        for where, text in told.items():
            for secret in (SECRET, OTHER):
                if secret in text:
                    self.run.fail(f"{where} has the secret")


def tenant(run):
    """acme's token, good on both nodes."""
    begin(run)
    command(run, "tenant", "add", "acme")
    token = "Bearer " + command(run, "token", "add", "acme", "--scopes", "read,write,admin,operator")
    in_force(run, token, "/v1/measurements")
    return {"Authorization": token, "Content-Type": "text/plain"}


def post(run, member, headers, lines):
    deadline = time.monotonic() + 5
    while True:
        answer = member.server.request("POST", "/v1/points", lines.encode(), headers)
        if answer.status == 204:
            return
        if time.monotonic() > deadline:
            run.fail(f"{answer.status} {answer.text()}")
        time.sleep(0.02)


def members_alone(run):
    headers = tenant(run)
    with Member(run) as member:
        post(run, member, headers, "m f=1 1")
        for secret in (None, "", "x", SECRET[:-1], SECRET + "x", SECRET.upper(), OTHER, headers["Authorization"][7:], run.saved["ops"][7:]):
            for method, path, body in (("GET", "/peer/v1/pulse", None), ("POST", "/peer/v1/rows", "{}"), ("POST", "/peer/v1/rows", "x" * 1000),
                                       ("POST", "/peer/v1/erase", "{}")):
                member.ask(method, path, 401, body, secret=secret, code="unauthorized")
        for scheme in ("Basic", "Token", "Digest"):
            member.ask("GET", "/peer/v1/pulse", 401, headers={"Authorization": f"{scheme} {SECRET}"})
        for method, path in (("GET", "/v1/measurements"), ("GET", "/v1/query?measurement=m"), ("POST", "/v1/points"), ("GET", "/metrics"), ("GET", "/healthz"),
                             ("GET", "/v1/members"), ("GET", "/openapi.json"), ("POST", "/v1/admin/flush"), ("POST", "/write?db=x"), ("GET", "/"),
                             ("GET", "/peer/v1/"), ("GET", "/peer/v2/pulse"), ("GET", "/peer/v1/pulse/")):
            for secret in (None, SECRET, headers["Authorization"][7:]):
                member.ask(method, path, 404, "m f=1 1" if method == "POST" else None, secret=secret, code="not_found")
        for node in (run.server, member.server):  # and none of it is on the public one
            for secret in (SECRET, headers["Authorization"][7:], run.saved["ops"][7:]):
                for method, path, body in (("GET", "/peer/v1/pulse", None), ("POST", "/peer/v1/rows", b"{}"), ("POST", "/peer/v1/erase", b"{}")):
                    answer = node.request(method, path, body, {**WHO, "Authorization": "Bearer " + secret})
                    if answer.status != 404:
                        run.fail(f"{path} on the public listener is {answer.status}")
            answer = node.request("GET", "/v1/measurements", headers={"Authorization": "Bearer " + SECRET})
            if answer.status != 401:
                run.fail(f"the secret of the members is a token: {answer.status}")
        first = json.loads(command(run, "member", "list", "--json"))["members"][0]
        who = {"Weir-Incarnation": first["incarnation"]}
        _, told, data = member.ask("GET", "/peer/v1/pulse", 200, headers=who)
        pulse = json.loads(data)
        if pulse["number"] != 2 or pulse["state"] != "active" or not pulse["ready"] or not pulse["peer_known"] or told["Weir-Member"] != "2":
            run.fail(f"{pulse} {told}")
        for others in ({"Weir-Peer": "3", **who}, {"Weir-Incarnation": first["incarnation"][::-1]}, {}):
            if json.loads(member.ask("GET", "/peer/v1/pulse", 200, headers=others)[2])["peer_known"]:
                run.fail(f"there is no such member: {others}")
        member.ask("GET", "/peer/v1/pulse", 400, headers={"Weir-Peer": "1024"}, code="bad_request", contains="0 to 1023")
        member.rows(200)
        member.no_secret_told()


def hostile(run):
    headers = tenant(run)
    with Member(run, "--limit-header-ms-max", "500ms", "--limit-body-ms-max", "500ms") as member:
        post(run, member, headers, "m f=1 1")
        for body in ("", "{", "null", "[]", "\0" * 100, '{"tenant":' * 1000, "[" * 60000, "{" + '"a":1,' * 5000, '{"tenant":"acme"}', "x" * 65536,
                     f'{{"tenant":"acme","measurement":"m",{ALL},"more":1}}'):
            member.ask("POST", "/peer/v1/rows", 400, body, code="bad_request")
            member.ask("POST", "/peer/v1/erase", 400, body, code="bad_request")
        for route in ("rows", "erase"):
            member.ask("POST", f"/peer/v1/{route}", 413, "x" * 65537, code="body_too_large")
        member.ask("POST", "/peer/v1/rows", 404, f'{{"tenant":"../acme","measurement":"m",{ALL}}}', code="not_found")
        auth = f"Authorization: Bearer {SECRET}\r\nWeir-Peer: 1\r\nWeir-Clock: 1\r\n".encode()
        begun = time.monotonic()
        for what, want in (
                (b"GET /peer/v1/pulse HTTP/1.1\r\nHost: x\r\nX: " + b"x" * (1 << 20) + b"\r\n" + auth + b"\r\n", ([431], [400], [413], [])),
                (b"GET /peer/v1/pulse HTTP/1.1\r\nHost: x\r\n" + b"X: x\r\n" * 100000 + auth + b"\r\n", ([431], [400], [413], [])),
                (b"GET /peer/v1/pulse?" + b"a=1&" * (1 << 18) + b" HTTP/1.1\r\nHost: x\r\n" + auth + b"\r\n", ([414], [431], [400], [])),
                (b"POST /peer/v1/rows HTTP/1.1\r\nHost: x\r\n" + auth + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ([400],)),
                (b"POST /peer/v1/rows HTTP/1.1\r\nHost: x\r\n" + auth + b"Transfer-Encoding: chunked\r\n\r\n"
                 + (b"4000\r\n" + b"x" * 16384 + b"\r\n") * 8 + b"0\r\n\r\n", ([413],)),
                (b"POST /peer/v1/rows HTTP/1.1\r\nHost: x\r\n" + auth + b"Content-Length: 99999999999\r\n\r\n", ([413],)),
                (b"GET /peer/v1/pulse HTTP/1.1\r\nHost: x\r\nX-Slow: ", ([408], [])),
                (b"POST /peer/v1/rows HTTP/1.1\r\nHost: x\r\n" + auth + b"Content-Length: 1000\r\n\r\n{", ([408], [])),
                (bytes(range(256)) * 100, ([400], []))):
            got = member.raw(what)
            if got not in want:
                run.fail(f"{what[:80]!r}... is {got}, wanted {want}")
        if time.monotonic() - begun > 20:
            run.fail(f"who is slow was waited for {time.monotonic() - begun:.1f} s")
        with contextlib.ExitStack() as open_ones:  # more than it takes at once: others wait, and come to it when these have gone
            for _ in range(300):
                open_ones.enter_context(socket.create_connection(member.address, timeout=10))
        member.rows(200)
        if member.server.request("GET", "/v1/measurements", headers=headers).status != 200:
            run.fail("the public listener does not answer")
        member.no_secret_told()


def a_new_secret(run):
    tenant(run)
    with Member(run) as member:
        member.rows(204)
        for text, mode, told in (("short", 0o600, "32 to 256"), (OTHER, 0o644, "chmod o-rwx"), (OTHER + "\n" + OTHER, 0o600, "byte 33")):
            before = len(member.server.log_text())
            member.secret(text, mode)
            member.server.signal(1)
            deadline = time.monotonic() + 5
            while told not in member.server.log_text()[before:]:
                if time.monotonic() > deadline:
                    run.fail(f"the log does not say {told}: {member.server.log_text()[before:]}")
                time.sleep(0.01)
            member.rows(204)  # the old one holds
        member.secret(OTHER)
        member.server.signal(1)
        deadline = time.monotonic() + 5
        while raw(member.address, f"GET /peer/v1/pulse HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {OTHER}\r\n\r\n".encode())[9:12] == b"401":
            if time.monotonic() > deadline:
                run.fail("the new secret is not in force")
            time.sleep(0.01)
        member.rows(401)
        member.rows(204, secret=OTHER)
        member.no_secret_told()


def sizes(run):
    """At the limit it is told, beyond it is not."""
    headers = tenant(run)
    with Member(run) as member:
        post(run, member, headers, NOISE)
        size = len(member.rows(200, "big")[2])
        if size < 10000:
            run.fail(f"{size} bytes are no trial")
        flags = list(member.server.flags)
        for limit, want in ((size - 1, 422), (size, 200), (size + 1, 200)):
            member.server.stop()
            member.server.flags = [*flags, "--limit-peer-reply-bytes-max", str(limit)]
            member.start()
            answer = member.rows(want, "big", **({"code": "query_result_limit", "contains": "peer_reply_bytes_max"} if want == 422 else {}))
            if want == 200 and (len(answer[2]) != size or answer[1]["Content-Type"] != "application/vnd.weir.pack"):
                run.fail(f"{len(answer[2])} bytes of {answer[1]}, and not {size}")
            member.rows(204)


SCENARIOS = [
    scenario(name, call(function), flags=PLACE)
    for name, function in (("the listener for members is open to their secret alone", members_alone), ("the listener for members outlives whoever comes", hostile),
                           ("a new secret of the members is read by SIGHUP", a_new_secret), ("peer_reply_bytes_max: so much is told to a member", sizes))]
