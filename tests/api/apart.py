"""Tenants are apart: a customer beta asks everything that openapi.json has, in every way that could name another
customer, of a server on which alpha is and has data, and of one where nobody else is.  Promised:

- no word of alpha's that beta does not send itself is in any answer to beta, in status line, headers or body;
- both servers answer the same, byte for byte, but for request ids, and each with the times of its own commits. Beta
  commits last: S is the node's (docs/reference/tenants.md), and so tells when anybody did;
- alpha's own answers are what they were.

Requests are made from openapi.json (apart_requests.py): a new route, parameter or body is asked for without a line here.  Of a cluster:
apart_cluster.py."""
import base64
import http.client
import json
import os
import random
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse

from apart_requests import ALPHA, HIDDEN, KEYED, KNOWN, Matrix, Request, operations
from server import Server, clean_environment
from steps import call, scenario
from tenants import bearer, secret, tenant, tenants_file, token

CANARIES = [ALPHA, *KNOWN.values(), *HIDDEN, "zebra_only_alpha", "alphareader"]
BETA_SERIES_MAX = 12

TYPED = {"Content-Type": "text/plain"}


def tenants(alone, later=False):
    """What both servers have of beta, and alpha or not.  `later`: after tokens were taken away."""
    beta = tenant("beta", *[token(*item) for item in (("ball", ("read", "write", "admin")), ("bread", ("read",)), ("bwrite", ("write",)),
                                                       ("badmin", ("admin",)), ("bold", ("read",), "2020-01-01T00:00:00Z"))],
                  *([] if later else [token("bgone", ("read", "write"))]),
                  limits={"series_max": BETA_SERIES_MAX})
    rest = [tenant("gamma", token("gall"), limits={"live_max": 2}), tenant("ops", token("node", ("operator",)))]
    if alone:
        return [beta, *rest]
    alpha = tenant(ALPHA, token("aall", ("read", "write", "admin")), *([] if later else [token("alphareader", ("read",))]),
                   limits={"live_max": 2})
    return [alpha, beta, *rest]


class World:
    """One of the two servers."""

    def __init__(self, program, alone):
        self.alone, self.program = alone, program
        self.data = tempfile.mkdtemp(prefix="weir-data-")
        self.server = Server(program, self.data, ["--ballast-bytes", "1MiB", "--tenants", "{scratch}/tenants.yaml", "--log-level", "debug",
                                                  "--limit-live-heartbeat-ms-max", "100ms", "--limit-live-interval-ms-max", "10ms"],
                             {"tenants.yaml": tenants_file(tenants(alone))})
        self.mine = {}       # handles of beta that differ between the servers: name -> text
        self.moments = {}    # texts of the times of beta's commits -> what stands for them
        self.written = set()  # words of alpha's that beta has written itself

    def ask(self, method, path, body=None, headers=None):
        return self.server.request(method, path, body.encode() if isinstance(body, str) else body, headers or {}, 30)

    def must(self, who, method, path, body=None, want=(200, 204), **headers):
        answer = self.ask(method, path, body, {**bearer(who), **(TYPED if body is not None else {}), **headers})
        if answer.status not in want:
            raise AssertionError(f"{method} {path} of {who}: {answer.status} {answer.text()[:500]}")
        return answer

    def note_moment(self):
        """Beta commits, so that S is a time of its own, and its commits are numbered, here as on the other server."""
        self.must("ball", "POST", "/v1/points", f"shared,host=b0 f={len(self.moments)} 7")
        path = "/v1/query?measurement=shared&versions=all&format=ndjson"
        for form in ("", "&epoch=ns"):
            for text in sorted(set(re.findall(r'"known_from":"?([^",}]+)', self.must("ball", "GET", path + form).text()))):
                self.moments.setdefault(text, f"<moment {len(self.moments)}>")
        assert self.must("ball", "GET", path).headers["weir-as-of"] in self.moments

    def flush(self):
        self.must("node", "POST", "/v1/admin/flush")

    def plain(self, text):
        """Without what is another in each world for reasons of its own."""
        return STAMP.sub(lambda found: self.moments.get(found.group(), found.group()), text)

    def close(self):
        if self.server.process:
            self.server.kill()
        shutil.rmtree(self.server.scratch, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)


# --- what the two have ---

def alpha_writes(world, round):
    """Much of it: more series than beta may have, a deletion, keys, versions, with the names that beta has too."""
    base = round * 1000
    lines = [f"{name},{tag}={value},host=zebra_only_alpha {field}=8675309.5,f={n}.5,s=\"{text}\" {base + n}"
             for n, (name, tag, value, field, text) in enumerate((
                 (KNOWN["measurement"], KNOWN["tag"], KNOWN["value"], KNOWN["field"], KNOWN["text"]),
                 ("quokka_roomy", "quokka_flower", "quokka_attica", "quokka_heath", "quokka_notes"), ("shared", "host2", "x", "f2", "quokkasecret")))]
    lines += [f"shared,host=b{n} f={n}.25,s=\"quokkasecret\" {base + n}" for n in range(40)]
    world.must("aall", "POST", "/v1/points", "\n".join(lines), **{"Idempotency-Key": f"{KNOWN['key']}s{round}"})
    if round == 1:
        world.must("aall", "POST", "/v1/points", KEYED, **{"Idempotency-Key": KNOWN["key"]})
    world.must("aall", "POST", "/v1/points", f"shared,host=b1 f=8675309.25 {base + 1}", **{"X-Request-Id": KNOWN["id"]})
    world.must("aall", "DELETE", f"/v1/points?measurement=shared&match=host%3Db{round}&start=0&end=99999")


def beta_writes(world, round):
    base = round * 1000
    world.must("ball", "POST", "/v1/points", "\n".join(f"shared,host=b{n} f={n},s=\"mine\" {base + n}" for n in range(4)), **{"Idempotency-Key": f"beta{round}"})
    world.note_moment()
    world.must("ball", "POST", "/v1/points", f"shared,host=b1 f=7 {base + 1}\nbeta_room,floor=1 heat=3.5 {base}")
    world.note_moment()
    world.must("ball", "DELETE", f"/v1/points?measurement=shared&match=host%3Db{round}&start={base}&end={base + 3}")
    world.note_moment()


READS = ["/v1/query?measurement=shared", "/v1/query?measurement=shared&epoch=ns&format=csv", "/v1/query?measurement=shared&every=1us&agg=count,mean&fields=f",
         "/v1/query?measurement=shared&versions=all", "/v1/changes?measurement=shared&since=0", "/v1/stats?measurement=shared"]
LISTS = ["/v1/measurements", "/v1/series?measurement=shared", "/v1/fields?measurement=shared", "/v1/tags", "/v1/tags/host/values"]


def next_of(answer):
    if answer.headers.get("content-type", "").startswith("application/json"):
        return json.loads(answer.text()).get("next")
    found = re.search(r"[?&]cursor=([^&>]+)", answer.headers.get("link", ""))
    return urllib.parse.unquote(found.group(1)) if found else None


def handles(world, who):
    """What an answer gave `who` to come back with: {"etag": [...], "cursor": [...], "moment": [...]}."""
    found = {"etag": [], "cursor": [], "moment": []}
    for path in READS:
        answer = world.must(who, "GET", path)
        found["etag"].append(answer.headers["etag"])
        found["moment"].append(answer.headers["weir-as-of"])
    for path in READS[:4] + LISTS:
        cursor = next_of(world.must(who, "GET", path + ("&" if "?" in path else "?") + "limit=1"))
        if cursor:
            found["cursor"].append(cursor)
    return {name: list(dict.fromkeys(values)) for name, values in found.items()}


# --- answers ---

STAMP = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|\b1[678]\d{17}\b")
# Opaque texts that hold moments: both servers have their own.  What is in them is looked at for alpha's words.
OPAQUE = [(re.compile(r'("next":\s*")([^"]+)(")'), "cursor"), (re.compile(r"([?&]cursor=)([^&>;\s]+)()"), "cursor")]
LEFT_OUT = {"date", "x-request-id", "content-length", "retry-after"}  # the last has jitter


def opened(cursor):
    """What base64 there is in it, read from each of its first places: a letter or two say which version it is."""
    found = []
    for text in (cursor, cursor[1:], cursor[2:]):
        text = re.sub(r"[^A-Za-z0-9_-]", "", text)
        text = text[:len(text) - (len(text) % 4 == 1)]
        found.append(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "replace"))
    return "\n".join(found)


class Seen:
    """An answer, as it is compared and as it is searched."""

    def __init__(self, world, status, headers, body):
        self.status = status
        self.raw = f"{status}\n" + "\n".join(f"{name}: {value}" for name, value in headers) + "\n\n" + body.decode("utf-8", "replace")
        named = [(name.lower(), value) for name, value in headers]
        text = "\n".join(f"{name}: {'<etag>' if name == 'etag' else value}" for name, value in sorted(named) if name not in LEFT_OUT)
        text = f"{status}\n{text}\n\n" + body.decode("utf-8", "replace")
        for name, value in named:
            if name == "x-request-id":
                text = text.replace(value, "<id>")
        for pattern, what in OPAQUE:
            for found in pattern.finditer(self.raw):
                self.raw += "\n" + opened(urllib.parse.unquote(found.group(2)))
            text = pattern.sub(rf"\1<{what}>\3", text)
        text = re.sub(r'("bytes_at_\w+":)\d+', r"\1<bytes>", text)  # of blocks, in which the times of commits are packed
        self.text = world.plain(text)


def send(world, request):
    """The whole answer; of a stream what comes at once."""
    connection = http.client.HTTPConnection(*world.server.address, timeout=30)
    try:
        head = request.head(world)
        connection.putrequest(request.method, request.target(world), skip_host="Host" in head, skip_accept_encoding=True)
        for name, value in head.items():
            connection.putheader(name, value)
        if request.body is not None:
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders()
        if request.body:
            connection.send(request.body)
        response = connection.getresponse()
        if response.status == 200 and response.headers.get("content-type") == "text/event-stream" and request.method != "HEAD":
            body = b""
            while True:  # up to the first comment, which says that all there was is told
                line = response.fp.readline() if not response.chunked else response.readline()
                body += line
                if not line or line.startswith(b":"):
                    break
        else:
            body = response.read()
        return Seen(world, response.status, response.getheaders(), body)
    finally:
        connection.close()


def difference(a, b):
    """The first line in which two texts differ."""
    for one, other in zip(a.split("\n") + [""], b.split("\n") + [""]):
        if one != other:
            at = next((i for i, (x, y) in enumerate(zip(one, other)) if x != y), min(len(one), len(other)))
            return f"{one[max(0, at - 60):at + 120]!r} with alpha, {other[max(0, at - 60):at + 120]!r} without"
    return "nothing"


def leak(world, request, seen):
    """A word of alpha's that beta did not say."""
    said = request.said(world)
    if request.method not in ("GET", "HEAD"):
        world.written.update(word for word in CANARIES if word in said)
    return next((word for word in CANARIES if word in seen.raw and word not in said and word not in world.written), None)


def fault_of(worlds, request):
    seen = [send(world, request) for world in worlds]
    word = leak(worlds[0], request, seen[0])
    if word:
        return f"{word!r} of alpha is in the answer: {seen[0].raw[:600]!r}", seen
    if seen[0].text != seen[1].text:
        return f"it shows that alpha is there: {difference(seen[0].text, seen[1].text)}", seen
    return "", seen


def compare(worlds, request, counts):
    fault, seen = fault_of(worlds, request)
    counts["requests"] += 1
    status = counts["statuses"]
    status[seen[0].status] = status.get(seen[0].status, 0) + 1
    if fault:
        counts["faults"].append(f"{request.title()}: {fault}")
    return seen[0]


# --- the scenario ---

def alpha_sees(world):
    """All that alpha may ask, but for what is of the moment."""
    return [re.sub("<moment \\d+>", "<S>", STAMP.sub("<S>", Seen(world, answer.status, answer.headers.items(), answer.body).text)) for answer in
            [world.must("aall", "GET", path) for path in READS + LISTS + [f"/v1/query?measurement={KNOWN['measurement']}", "/v1/series?measurement=quokka_roomy"]]]


def is_read(request):
    return request.method in ("GET", "HEAD") or request.path.endswith("/query")


def oracle_can_fail(run, worlds):
    """What alpha itself is told has its words, and differs from what is where there is no alpha."""
    question = Request("GET", "/v1/measurements", who="aall")
    seen = [send(world, question) for world in worlds]
    if not leak(worlds[0], question, seen[0]) or seen[0].text == seen[1].text:
        run.fail("the oracle does not see what is alpha's")
    if ALPHA not in worlds[0].must("node", "GET", "/metrics").text():
        run.fail("an operator's metrics have no tenant")


def prepare(run, worlds):
    """Alpha's handles; what both tenants have is in packs and in the head, written before and after the other's."""
    alpha_writes(worlds[0], 1)
    early = worlds[0].must("aall", "GET", READS[0]).headers["weir-as-of"]
    for world in worlds:
        beta_writes(world, 1)
    for world in worlds:
        world.flush()
        beta_writes(world, 2)
        world.mine = handles(world, "ball")
    alpha_writes(worlds[0], 2)
    for world in worlds:
        world.flush()
    alpha_writes(worlds[0], 3)
    alpha = handles(worlds[0], "aall")
    for world in worlds:
        for path, etag in zip(READS, world.mine["etag"]):
            if world.ask("GET", path, headers={**bearer("ball"), "If-None-Match": etag}).status != 304:
                run.fail(f"beta's ETag of {path} is good no longer{'' if world.alone else ', since alpha wrote'}")
        beta_writes(world, 3)
        mine = handles(world, "ball")
        world.mine = {"etag": mine["etag"][0], "cursor": mine["cursor"][0]}
    return {**alpha, "early": early}


def streams(worlds, counts):
    """Alpha writes and reads live as much as it may while beta and gamma do, who are told nothing of it and may no less."""
    held = [Live(worlds[0], "aall") for _ in range(2)]
    for who in ("ball", "gall", "gall"):
        held += [Live(world, who) for world in worlds]
    compare(worlds, Request("GET", "/v1/live", [("measurement", "shared")], who="gall", why="one reader too many"), counts)
    alpha_writes(worlds[0], 4)
    told = [stream.collect() for stream in held[2:]]
    texts = []
    for stream, text in zip(held[2:], told):
        counts["requests"] += 1
        word = next((word for word in CANARIES if word in text), None)
        if word or "event:" in text:
            counts["faults"].append(f"a live stream tells {word or 'an event'}: {text[:500]!r}")
        texts.append(set(STAMP.sub("<S>", text).split("\n")))
    if any(text != texts[0] for text in texts):
        counts["faults"].append(f"live streams differ: {[sorted(text) for text in texts]}")
    for stream in held:
        stream.close()


class Live:
    """A stream of changes, up to its first comment."""

    def __init__(self, world, who):
        self.world = world
        self.socket = socket.create_connection(world.server.address, 10)
        self.socket.sendall(f"GET /v1/live?measurement=shared HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret(who)}\r\n\r\n".encode())
        self.text = b""
        while b"\n: " not in self.text and b"\r\n: " not in self.text:
            piece = self.socket.recv(65536)
            if not piece or b" 200 " not in (self.text + piece).split(b"\r\n")[0]:
                raise AssertionError(f"live of {who}: {self.text + piece!r}")
            self.text += piece

    def take(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise AssertionError("a live stream ended")
        return piece

    def collect(self):
        """What came, and comes until it was quiet three times more, without the sizes of chunks."""
        text = b""
        while select.select([self.socket], [], [], 0)[0]:
            text += self.take()
        beats = re.compile(rb"(?m)^: ")
        before = len(beats.findall(text))
        while len(beats.findall(text)) < before + 3 or not text.endswith(b"\n\r\n"):
            text += self.take()
        return re.sub(r"(?m)^[0-9a-f]{1,5}\r\n|\r\n$", "", text.decode())

    def close(self):
        self.socket.close()


def limits(run, worlds, counts):
    """Beta meets the limit of its series where it would alone; alpha has three times as many."""
    for n in range(BETA_SERIES_MAX + 1):
        compare(worlds, Request("POST", "/v1/points", [], TYPED, f"limited,n={n} f=1 {n}", why="up to series_max"), counts)
    if worlds[0].ask("POST", "/v1/points", b"limited,n=x f=1 1", {**bearer("ball"), **TYPED}).status != 400:
        run.fail("beta did not meet its series_max")


def commands(worlds, counts):
    """What the commands give to who has a token of beta's."""
    for words in (["query", "-m", KNOWN["measurement"]], ["query", "--measurement", "shared"], ["query", "--measurement", "quokka_roo"], ["export", "--to", "-"]):
        said = []
        for world in worlds:
            world.server.write_file("token", secret("ball"))
            done = subprocess.run([world.program, *words, "--url", "http://%s:%d" % world.server.address, "--token-file", world.server.file("token")],
                                  capture_output=True, env=clean_environment(), timeout=60, check=False)
            text = f"{done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}"
            text = text.replace("%s:%d" % world.server.address, "<address>").replace(world.server.scratch, "<scratch>")
            said.append(world.plain(text))
        counts["requests"] += 1
        word = next((word for word in CANARIES if word in said[0] and word not in " ".join(words) and word not in worlds[0].written), None)
        if word or said[0] != said[1]:
            counts["faults"].append(f"weir {' '.join(words)}: {word or difference(*said)}")


def taken_away(run, worlds, counts):
    """Tokens that were taken away, of either, are as unknown as any other."""
    for world in worlds:
        world.server.write_file("tenants.yaml", tenants_file(tenants(world.alone, later=True)))
        world.server.signal(1)
        end = time.monotonic() + 5
        while world.ask("GET", "/v1/tags", headers=bearer("bgone")).status != 401:
            if time.monotonic() > end:
                run.fail("a token that was taken away is good after 5 s")
            time.sleep(0.02)
    for who in ("bgone", "alphareader", "never", "bold", "ball"):
        for path in READS + LISTS:
            compare(worlds, Request("GET", path.partition("?")[0], urllib.parse.parse_qsl(path.partition("?")[2]), who=who, why="after SIGHUP"), counts)


def damage(run, worlds, counts):
    """A pack of alpha's is lost: beta's answers are whole all the same, and say nothing of it."""
    chance = random.Random(1)  # small packs are in the index: these are not
    worlds[0].must("aall", "POST", "/v1/points", "\n".join(f"shared,host=b{n % 40} f={chance.random()} {n * 1000003}" for n in range(40000)))
    for world in worlds:
        world.note_moment()
        world.flush()
        world.server.stop()
    folder = os.path.join(worlds[0].data, "packs", ALPHA)
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "r+b") as file:
            file.seek(-64, os.SEEK_END)
            file.write(b"\0" * 64)
    for world in worlds:
        world.server.start()
    if "missing" not in worlds[0].must("aall", "GET", READS[0]).text():
        run.fail("the damage to alpha's packs is not told to alpha")
    for path in READS:
        for strict in ("", "&strict=true"):
            pairs = urllib.parse.parse_qsl((path + strict).partition("?")[2])
            compare(worlds, Request("GET", path.partition("?")[0], pairs, why="after alpha lost a pack"), counts)
    compare(worlds, Request("GET", "/readyz", who=None, why="after alpha lost a pack"), counts)


def alpha_is_as_it_was(run, world, before):
    for had, has in zip(before, alpha_sees(world)):
        if had != has:
            run.fail(f"what beta asked for changed alpha's answer: {difference(has, had)}")
    again = world.must("aall", "POST", "/v1/points", KEYED, **{"Idempotency-Key": KNOWN["key"]})
    if again.headers.get("idempotency-replayed") != "true":
        run.fail("alpha's idempotency key is not known any more")


def tell(run, counts, what, started):
    if counts["faults"]:
        run.fail(f"{len(counts['faults'])} of {counts['requests']} requests {what}:\n" + "\n".join(counts["faults"][:12]))
    if counts["requests"] < 500:
        run.fail(f"only {counts['requests']} requests were made")
    statuses = ", ".join(f"{status}: {number}" for status, number in sorted(counts["statuses"].items()))
    print(f"apart: {counts['requests']} requests {what} in {time.monotonic() - started:.1f} s; {statuses}", flush=True)


def matrix(run):
    worlds = [World(run.server.program, alone) for alone in (False, True)]
    counts, started = {"requests": 0, "statuses": {}, "faults": []}, time.monotonic()
    try:
        for world in worlds:
            world.server.start()
        alpha = prepare(run, worlds)
        oracle_can_fail(run, worlds)
        before = alpha_sees(worlds[0])
        document = json.loads(worlds[0].ask("GET", "/openapi.json").text())
        requests = list(Matrix(document, alpha).requests())
        for request in requests:
            if is_read(request):
                compare(worlds, request, counts)
        for request in requests:
            if not is_read(request):
                compare(worlds, request, counts)
        for world in worlds:
            world.note_moment()
        alpha_is_as_it_was(run, worlds[0], before)
        streams(worlds, counts)
        limits(run, worlds, counts)
        for world in worlds:
            world.note_moment()
        commands(worlds, counts)
        taken_away(run, worlds, counts)
        damage(run, worlds, counts)
        for world in worlds:
            if secret("ball")[12:] in world.server.log_text() or secret("aall")[12:] in world.server.log_text():
                run.fail("a token is in the log")
        tell(run, counts, f"of {len(list(operations(document)))} operations", started)
    finally:
        for world in worlds:
            world.close()


SCENARIOS = [scenario("a tenant is told nothing of another, whatever it asks", call(matrix))]
