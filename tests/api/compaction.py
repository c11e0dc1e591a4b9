"""Compaction: every answer stays what it was, to the byte, but for what nobody may ask for any more; erasure."""
import base64
import hashlib
import json
import os
import random
import time

from deletes import delete
from steps import Saved, call, flush, kill, params, query, refused, request, restart, scenario, write
from tenants import bearer, tenant, token


def compact(**rest):
    return request("POST", "/v1/admin/compact", 200, json={"compacted": True}, **rest)


def mark(name, measurement="m"):
    return query("measurement=" + measurement, save={name: "as_of"})


QUESTIONS = [
    "measurement=m&epoch=ns", "measurement=n&epoch=ns", "measurement=m&epoch=ns&versions=all", "measurement=n&epoch=ns&versions=all",
    "measurement=m&epoch=ns&order=desc", "measurement=m&format=csv", "measurement=m&epoch=ns&match=host%3Db&fields=f,s",
    "measurement=m&epoch=ns&every=7ns&agg=count,sum,mean,min,max,first,last", "measurement=m&epoch=ns&every=1h&agg=sum,count&group_by=host",
    "measurement=m&epoch=ns&start=3&end=40", "measurement=m&epoch=ns&every=1h&agg=sum,mean&start=1&end=45",
]


def ask(run, marks):
    """Every question, now and as of each mark: text and ETag."""
    answers = {}
    for question in QUESTIONS:
        for name in (None, *marks):
            answer = run.request("GET", "/v1/query", 200, params=[(pair.split("=")[0], pair.split("=")[1].replace("%3D", "=")) for pair in question.split("&")]
                                 + ([("as_of", run.saved[name])] if name else []))
            text = answer.text()
            if name is None and answer.headers["content-type"].startswith("application/json"):
                body = json.loads(text)
                body.pop("as_of")
                text = json.dumps(body)
            answers[question, name] = (text, answer.headers.get("etag"))
    return answers


def remember(*marks):
    def go(run):
        run.saved["answers"] = ask(run, marks)
        if not any('"rows"' in text and len(text) > 300 for text, _ in run.saved["answers"].values()):
            run.fail("there is nothing to compare")
    return call(go)


def unchanged(*marks):
    def go(run):
        for (question, name), (text, etag) in ask(run, marks).items():
            was = run.saved["answers"][question, name]
            if "match=" in question:  # an ETag goes by whole blocks, which series share
                was, etag = (was[0], None), None
            if was != (text, etag):
                run.fail(f"{question} as of {name}: was {was[1]} {was[0][:700]}\nis {etag} {text[:700]}")
    return call(go)


def packs(kinds):
    """The counts of packs of the tenant are these: {"compactions": n} and more of /metrics."""
    def go(run):
        numbers = run.metrics()
        for name, want in kinds.items():
            got = sum(value for (metric, _), value in numbers.items() if metric == name)
            if not want(got):
                run.fail(f"{name} is {got}")
    return call(go)


def digits(first, count, host="a"):
    """Floats whose sum needs every digit, integers near 2^53, strings."""
    return "\n".join(f"m,host={host} f={0.1 + 1e15 * (n % 3 - 1) + n / 7:.17g},i={2**53 + n}i,s=\"text {n % 5}\" {n}"
                     for n in range(first, first + count))


def many_packs(*between):
    """Steps that leave eight packs of corrections, retractions, deletions and rows out of order."""
    steps = [write(digits(10, 20)), write(digits(10, 20, "b")), flush(), mark("one"),
             write("m,host=a f=1.5 12\nm,host=a s=\"new\" 13\nn v=1 5"), flush(), mark("two"),
             write(digits(0, 10)), write(digits(30, 20)), flush(),
             write([{"measurement": "m", "tags": {"host": "a"}, "time": 14, "fields": {"f": None}}], query="precision=ns"), flush(), mark("three"),
             delete("measurement=m&match=host%3Db&start=1970-01-01T00:00:00.000000015Z&end=1970-01-01T00:00:00.000000018Z"), flush(), mark("four"),
             write("m,host=b f=7 16"), write("n v=2 5\nn v=3 6"), flush(), mark("five"),
             delete("measurement=m&fields=i&start=1970-01-01T00:00:00.00000002Z&end=1970-01-01T00:00:00.000000022Z"),
             write("m,host=a f=1.5 12"), flush()]
    return [*steps, *between]


MARKS = ("one", "two", "three", "four", "five")


def pages(run, question, between):
    """All pages of 7 rows; `between` after the first."""
    rows, cursor = [], None
    while True:
        answer = run.request("GET", "/v1/query", 200, params=[*(pair.split("=") for pair in question.split("&")), ("limit", "7")]
                             + ([("cursor", cursor)] if cursor else []))
        body = json.loads(answer.text())
        rows += [(json.dumps(item["tags"], sort_keys=True), row) for item in body["series"] for row in item["rows"]]
        if cursor is None:
            between()
        cursor = body.get("next")
        if not cursor:
            return rows


def paging(run):
    for question in ("measurement=m&epoch=ns", "measurement=m&epoch=ns&order=desc", "measurement=m&epoch=ns&versions=all"):
        want = pages(run, question, lambda: None)

        def between(question=question):
            run.request("POST", "/v1/points", 204, body=f"m,host=a f=99 {11 + len(question) % 3}", headers={"Content-Type": "text/plain"})
            run.request("POST", "/v1/admin/compact", 200)
        got = pages(run, question, between)
        if got != want:
            run.fail(f"{question}: pages across a compaction are not those of before:\n{want}\n{got}")


def not_modified(run):
    etag = run.request("GET", "/v1/query?measurement=m", 200).headers["etag"]
    run.request("POST", "/v1/admin/compact", 200)
    run.request("GET", "/v1/query?measurement=m", 304, headers={"If-None-Match": etag})
    run.request("POST", "/v1/points", 204, body="m,host=a f=5 12", headers={"Content-Type": "text/plain"})
    run.request("GET", "/v1/query?measurement=m", 200, headers={"If-None-Match": etag})


def pack_files(run, name):
    folder = os.path.join(run.data, "packs", name)
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def noise(seed, count, size=3000):
    """Lines that no packing makes small."""
    def text(n):
        data = b"".join(hashlib.sha256(f"{seed} {n} {k}".encode()).digest() for k in range(size // 43 + 1))
        return base64.b64encode(data).decode()[:size]
    return [f"s=\"{text(n)}\"" for n in range(count)]


def retention(run):
    """Rows past an hour are not served, and their files go; answers say where they begin."""
    now = time.time_ns()
    for part in range(3):
        lines = [f"m,host=a {cells} {now - 7200 * 10**9 + n}" for n, cells in enumerate(noise(part, 60))]
        lines += [f"m,host=b f={n} {now - n - 100 * part}" for n in range(10)]
        run.request("POST", "/v1/points", 204, body="\n".join(lines), headers={**bearer("t"), "Content-Type": "text/plain"})
        run.request("POST", "/v1/admin/flush", 200, headers=bearer("t"))
    if not pack_files(run, "t"):
        run.fail("no pack is a file")
    run.request("POST", "/v1/admin/compact", 200, headers=bearer("t"))
    body = json.loads(run.request("GET", "/v1/query?measurement=m&start=now-3h", 200, headers=bearer("t")).text())
    if [len(item["rows"]) for item in body["series"] if item["tags"]["host"] == "b"] != [30] or len(body["series"]) != 1:
        run.fail(f"{body}")
    if "clamped_start" not in body:
        run.fail("the answer does not say that it begins later than asked")
    deadline = time.monotonic() + 10
    while pack_files(run, "t"):
        if time.monotonic() > deadline:
            run.fail(f"files of rows past retention: {pack_files(run, 't')}")
        time.sleep(0.1)


def history(run):
    """Versions below the floor go with a compaction; as_of within it stays right, older is 410."""
    def go(method, path, want, body=None, **rest):
        return run.request(method, path, want, body=body, headers={**bearer("t"), **({"Content-Type": "text/plain"} if body else {})}, **rest)

    def versions():
        body = json.loads(go("GET", "/v1/query?measurement=m&epoch=ns&versions=all", 200).text())
        return [row[body["series"][0]["columns"].index("f")] for item in body["series"] for row in item["rows"]]

    def as_of():
        return json.loads(go("GET", "/v1/query?measurement=m&epoch=ns", 200).text())["as_of"]

    go("POST", "/v1/points", 204, "m f=1 1")
    first = as_of()
    go("POST", "/v1/points", 204, "m f=2 1")
    go("POST", "/v1/admin/compact", 200)
    if versions() != [1, 2]:
        run.fail(f"within the floor every version is there: {versions()}")
    go("GET", "/v1/query?measurement=m&epoch=ns", 200, params=params(as_of=first), rows=[[1, 1.0]])
    time.sleep(4.5)
    go("POST", "/v1/points", 204, "m f=3 1")
    third = as_of()
    go("POST", "/v1/points", 204, "m f=4 1")
    go("POST", "/v1/admin/compact", 200)
    go("GET", "/v1/query?measurement=m&epoch=ns", 410, params=params(as_of=first), code="before_history")
    go("GET", "/v1/query?measurement=m&epoch=ns", 200, params=params(as_of=third), rows=[[1, 3.0]])
    go("GET", "/v1/query?measurement=m&epoch=ns", 200, rows=[[1, 4.0]])
    if 1 in versions() or versions()[-2:] != [3, 4]:
        run.fail(f"a version that lost below the floor is still there: {versions()}")


def bytes_found(run, secret):
    """Files below the data directory that have the bytes."""
    found = []
    for folder, _, names in os.walk(run.data):
        for name in names:
            path = os.path.join(folder, name)
            try:
                with open(path, "rb") as file:
                    if secret in file.read():
                        found.append(os.path.relpath(path, run.data))
            except FileNotFoundError:
                pass
    return found


SECRET = base64.b64encode(hashlib.sha256(b"a secret of 32 bytes").digest()).decode()[:32]


def erase(run, in_packs, count):
    """Rows with a secret among others; after the 200 it is in no answer and in no file."""
    plain = {"Content-Type": "text/plain"}

    def go(method, path, want, body=None, **rest):
        return run.request(method, path, want, body=body, headers=plain if body else None, **rest)

    cells = noise("others", count)
    go("POST", "/v1/points", 204, "\n".join([f"m,host=a s=\"{SECRET}\",g=1 5", f"m,host=a s=\"old {SECRET}\" 6",
                                            *(f"m,host=b {cell} {n}" for n, cell in enumerate(cells))]))
    before = json.loads(go("GET", "/v1/query?measurement=m&match=host%3Da", 200).text())["as_of"]
    go("POST", "/v1/points", 204, "m,host=a s=\"new\" 6")
    if in_packs:
        go("POST", "/v1/admin/flush", 200)
    if in_packs == "compacted":
        go("POST", "/v1/points", 204, "m,host=a g=2 5")
        go("POST", "/v1/admin/compact", 200)
    if not in_packs and not bytes_found(run, SECRET.encode()):
        run.fail("the secret is nowhere to begin with")
    go("DELETE", "/v1/points?measurement=m&match=host%3Da&fields=s&erase=true", 200, json={"erased": True})

    def check(when):
        for question in ("measurement=m&epoch=ns&match=host%3Da", "measurement=m&epoch=ns&match=host%3Da&versions=all"):
            for at in ([], [("as_of", before)]):
                answer = go("GET", "/v1/query?" + question, 200, params=at)
                if SECRET in answer.text() or '"new"' in answer.text():
                    run.fail(f"{when}: {question} {at}: {answer.text()[:500]}")
        body = json.loads(go("GET", "/v1/query?measurement=m&match=host%3Db&epoch=ns", 200).text())
        if len(body["series"][0]["rows"]) != count:
            run.fail(f"{when}: rows of others went too")
        found = bytes_found(run, SECRET.encode())
        if found:
            run.fail(f"{when}: the secret is in {found}")
    check("at once")
    run.do_restart(None)
    check("after a restart")
    run.do_kill(None)
    check("after a kill")


def erase_among_others(run):
    """Small packs of many shapes, beside names and deletions in the same transactions: pages of the index that stay in
    use must not keep them either."""
    plain, chance = {"Content-Type": "text/plain"}, random.Random(7)
    for n in range(16):
        secret = base64.b64encode(hashlib.sha256(b"secret %d" % n).digest()).decode()[:32]
        for _ in range(chance.choice([1, 1, 2, 3])):
            run.request("POST", "/v1/points", 204, body=f"m,who=eve note=\"{secret}{'x' * chance.choice([0, 500, 2500])}\"", headers=plain)
            if chance.random() < 0.5:
                run.request("POST", "/v1/points", 204, body=f"m{chance.randrange(3)},who=bob{chance.randrange(99)} note=\"kept\"", headers=plain)
            if chance.random() < 0.6:
                run.request("POST", "/v1/admin/flush", 200)
            if chance.random() < 0.3:
                run.request("POST", "/v1/admin/compact", 200)
            if chance.random() < 0.4:
                run.request("DELETE", "/v1/points?measurement=m&match=who%3Deve", 204)
        run.request("DELETE", "/v1/points?measurement=m&match=who%3Deve&erase=true", 200)
        found = bytes_found(run, secret.encode())
        if found:
            run.fail(f"erasure {n}: the secret is in {found}")


def audited(run):
    text = run.server.log_text()
    lines = [line for line in text.split("\n") if "audit" in line and "erase" in line]
    for words in (("hidden from every question",), ("gone from the disk",)):
        if not any(all(word in line for word in (*words, '"tenant":"t"', '"token":"root"', "measurement=m match=host=b", "request")) for line in lines):
            run.fail(f"no line of the log tells {words}: {lines}")


SCENARIOS = [
    scenario("every answer stays what it was, to the byte",
             *many_packs(remember(*MARKS), compact(), unchanged(*MARKS), restart(), unchanged(*MARKS),
                         compact(), unchanged(*MARKS), kill(), unchanged(*MARKS))),
    scenario("merged twice, with packs and rows in the head between",
             *many_packs(compact()), write("m,host=a f=8 13\nm,host=c f=1 7"), write(digits(100, 10)), flush(), write("m,host=b f=9 29"),
             delete("measurement=m&match=host%3Da&start=1970-01-01T00:00:00.000000025Z&end=1970-01-01T00:00:00.000000027Z"), mark("six"),
             remember(*MARKS, "six"), compact(), unchanged(*MARKS, "six"), compact(), restart(), unchanged(*MARKS, "six")),
    scenario("pages go on across a compaction", *many_packs(call(paging))),
    scenario("what a client holds is still good after a compaction", *many_packs(call(not_modified))),
    scenario("corrections and rows out of order after a compaction",
             write("m f=1 10\nm f=2 20"), compact(), write("m f=3 10"), write("m f=4 5\nm f=5 15"),
             query("measurement=m&epoch=ns", rows=[[5, 4.0], [10, 3.0], [15, 5.0], [20, 2.0]]), compact(),
             query("measurement=m&epoch=ns", rows=[[5, 4.0], [10, 3.0], [15, 5.0], [20, 2.0]]),
             delete("measurement=m&start=1970-01-01T00:00:00.00000001Z&end=1970-01-01T00:00:00.000000011Z"),
             query("measurement=m&epoch=ns", rows=[[5, 4.0], [15, 5.0], [20, 2.0]]), compact(),
             query("measurement=m&epoch=ns", rows=[[5, 4.0], [15, 5.0], [20, 2.0]]),
             write("m f=6 10"), query("measurement=m&epoch=ns", rows=[[5, 4.0], [10, 6.0], [15, 5.0], [20, 2.0]]),
             query("measurement=m&epoch=ns&every=1s&agg=sum,count", rows=[[0, 17.0, 4]])),
    scenario("nothing to compact is no fault", compact(), compact(), restart(), compact(),
             packs({"weir_compactions_total": lambda count: count == 0})),
    scenario("rows past retention go with their packs", call(retention), tenants=[tenant("t", token("t"), retention="1h")]),
    scenario("versions below the history floor go", call(history), tenants=[tenant("t", token("t"), history="2s")]),

    scenario("what is erased is nowhere: from the head", call(lambda run: erase(run, False, 3))),
    scenario("what is erased is nowhere: from a small pack", call(lambda run: erase(run, True, 3))),
    scenario("what is erased is nowhere: from a pack with a file", call(lambda run: erase(run, True, 100))),
    scenario("what is erased is nowhere: from small compacted packs", call(lambda run: erase(run, "compacted", 3))),
    scenario("what is erased is nowhere: from compacted packs with files", call(lambda run: erase(run, "compacted", 100))),
    scenario("what is erased is nowhere: from small packs among others", call(erase_among_others)),
    scenario("to erase takes the scope admin, and is told in the log",
             write("m,host=a f=1 1\nm,host=b f=2 1", headers=bearer("root")),
             delete("measurement=m&match=host%3Da&erase=true", 403, headers=bearer("writer"), code="forbidden"),
             query("measurement=m&epoch=ns&match=host%3Da", headers=bearer("root"), rows=[[1, 1.0]]),
             delete("measurement=m&match=host%3Da&erase=perhaps", 400, headers=bearer("root"), code="bad_parameter"),
             delete("measurement=m&match=host%3Da&erase=false", 204, headers=bearer("writer")),
             delete("measurement=m&match=host%3Db&erase=true", 200, headers=bearer("root")),
             query("measurement=m&epoch=ns", headers=bearer("root"), rows=[]), call(audited),
             tenants=[tenant("t", token("root"), token("writer", ("read", "write")))]),
]
