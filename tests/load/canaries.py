"""Tokens in every place where a request can carry one, right ones and wrong ones; then everything that the server
leaves anywhere is searched for them: the log at debug level, /metrics, answers, command line and environment of the
process, wal, packs, index, what else lies in its directory.  Found nowhere: the tenants file alone has their hashes."""
import base64
import hashlib
import os
import tempfile
import urllib.parse

from server import Server, raw
from trial import Client, promise

# id -> secret part; the last ones are known to nobody.
KNOWN = {"Right1": "R1ght" + "canaryA" * 5 + "xyz", "Right2": "R1ght" + "canaryB" * 5 + "xyz", "Gone1": "G0ne1" + "canaryC" * 5 + "xyz"}
WRONG = "Wr0ng" + "canaryD" * 5 + "xyz"
POINT = b"canary f=1 1"


def token(name, secret):
    return f"weir_{name}_{secret}"


def tenants_file():
    text = "tenants:\n  birds:\n    tokens:\n"
    for name, secret in KNOWN.items():
        expires = ", expires: 2020-01-01T00:00:00Z" if name.startswith("Gone") else ""
        digest = hashlib.sha256(token(name, secret).encode()).hexdigest()
        text += f"      - {{id: {name}, sha256: {digest}, scopes: [read, write, admin, operator]{expires}}}\n"
    return text


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def headers_of(secret_token):
    yield "Bearer " + secret_token
    yield "bearer  " + secret_token
    yield "Token " + secret_token
    yield basic("anyone", secret_token)
    yield basic(secret_token, "")
    yield basic(secret_token, secret_token)
    yield "Digest " + secret_token
    yield secret_token
    yield "Bearer " + secret_token + " " + secret_token
    yield "Bearer " + secret_token + "\t"


def requests_of(secret_token):
    """(method, path, headers, body) for one token."""
    quoted = urllib.parse.quote(secret_token)
    text = {"Content-Type": "text/plain"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for header in headers_of(secret_token):
        for method, path, body in [("POST", "/v1/points", POINT), ("GET", "/v1/query?measurement=canary", None), ("GET", "/metrics", None),
                                   ("GET", "/nowhere", None), ("PUT", "/v1/points", POINT), ("POST", "/api/v2/write?bucket=b&org=o", POINT),
                                   ("POST", "/write?db=d", POINT), ("POST", "/v1/points?precision=bad", POINT)]:
            yield method, path, {**text, "Authorization": header}, body
    for name in ("token", "u", "p", "access_token", "api_key", "password"):
        for path in ("/v1/query?measurement=canary&", "/v1/points?", "/write?db=d&", "/api/v2/write?bucket=b&", "/query?q=x&", "/nowhere?", "/healthz?"):
            yield "POST" if "write" in path or "points" in path else "GET", f"{path}{name}={quoted}", text, POINT if "write" in path or "points" in path else None
    yield "POST", "/write?db=d&u=anyone&p=" + quoted, text, POINT
    yield "POST", "/v1/query", form, f"measurement=canary&token={quoted}".encode()
    yield "POST", "/query", form, f"q=x&u=a&p={quoted}".encode()
    yield "GET", "/v1/query?measurement=canary", {"Cookie": f"token={secret_token}", "X-Api-Key": secret_token, "Proxy-Authorization": "Bearer " + secret_token}, None
    yield "POST", "/v1/points", {**text, "Authorization": "Bearer " + token("Right2", KNOWN["Right2"])}, f"canary f={secret_token} 1".encode()


def send(server, secret_token, answers):
    for method, path, headers, body in requests_of(secret_token):
        client = Client(server.address)
        try:
            status, _, text = client.ask(method, path, body, **headers)
            answers.append((method, path.split("?")[0], status, text))
        except (OSError, ValueError):
            pass
        client.close()
    host = b"Host: localhost\r\n"
    bearer = b"Authorization: Bearer " + secret_token.encode() + b"\r\n"
    for head in (b"GET /metrics HTTP/1.1\r\n" + host + bearer + bearer, b"GET /metrics HTTP/1.1\r\n" + host + bearer + b"Content-Length: x\r\n",
                 b"GET /metrics HTTP/9.9\r\n" + host + bearer, b"GET http://a:" + secret_token.encode() + b"@localhost/metrics HTTP/1.1\r\n" + host):
        answers.append(("raw", head[:40].decode(), 0, raw(server.address, head + b"\r\n", 5, True)))


def forms_of(secret):
    """How the secret part can stand in a file: plain, and in base64 at each of the three offsets."""
    forms = {secret.encode()}
    for before in range(3):
        coded = base64.b64encode(b"x" * before + secret.encode())
        forms.add(coded[4:4 * ((before + len(secret)) // 3)])
    return forms


def files_below(folder):
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                yield os.path.join(path, name), file.read()


def proc_file(pid, name):
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()


def search(places, when):
    needles = {form: secret for secret in [*KNOWN.values(), WRONG] for form in forms_of(secret)}
    for place, content in places:
        for needle, secret in needles.items():
            promise(needle not in content, f"{when}: {place} holds the token ...{secret[:12]}...")


def core_limit(pid):
    for line in proc_file(pid, "limits").decode().split("\n"):
        if line.startswith("Max core file size"):
            return line.split()[4]
    return None


def canaries(run):
    # That the search can find what is there.
    try:
        search([("the example", b"x" + base64.b64encode(b"anyone:" + token("Right1", KNOWN["Right1"]).encode()))], "")
    except Exception:
        pass
    else:
        raise AssertionError("the search does not see a token in base64")
    with tempfile.TemporaryDirectory(prefix="weir-canary-") as folder:
        data = os.path.join(folder, "data")
        flags = ["--ballast-bytes", "1MiB", "--log-level", "debug", "--tenants", "{scratch}/tenants.yaml"]
        with Server(run.program, data, flags, {"tenants.yaml": tenants_file()}) as server:
            server.start()
            answers, admin = [], Client(server.address, token("Right1", KNOWN["Right1"]))
            for name, secret in [*KNOWN.items(), ("Right1", WRONG), ("Nobody", WRONG)]:
                send(server, token(name, secret), answers)
            statuses = {status for _, _, status, _ in answers}
            promise({200, 204, 400, 401, 404} <= statuses, f"the requests met only {sorted(statuses)}")
            own = [text for method, path, _, text in answers if not text.startswith(b"{") or b"invalid_points" not in text]
            search([(f"an answer: {text[:300]!r}", text) for text in own], "while running")
            server.signal(1)
            promise(admin.ask("POST", "/v1/admin/flush")[0] == 200, "flush")
            search([("/metrics", admin.ask("GET", "/metrics")[2]), ("/openapi.json", admin.ask("GET", "/openapi.json")[2]),
                    ("cmdline", proc_file(server.pid, "cmdline")), ("environ", proc_file(server.pid, "environ"))], "while running")
            promise(core_limit(server.pid) == "0", f"a core may be dumped, up to {core_limit(server.pid)} bytes")
            search(files_below(data), "while running")
            promise(server.stop() == 0, f"exit code after SIGTERM\n{server.log_tail()}")
            promise("level=debug" in server.log_text() or '"debug"' in server.log_text(), "the log has nothing of debug level")
            server.start()
            server.kill()
            seen = [*files_below(data), *((path, text) for path, text in files_below(server.scratch))]
            promise(len(seen) > 5, f"only {[path for path, _ in seen]} was searched")
            search(seen, "afterwards")
            run.say(f"{len(answers)} requests, {len(seen)} files of {sum(len(text) for _, text in seen) >> 10} KiB")
