"""Running it: health, metrics, drain, restart, start-up refusals, commands, configuration."""
import json
import os
import random
import re
import shutil
import socket
import subprocess
import threading
import time

from live import Stream
from server import clean_environment, reset
from steps import call, get, query, refused, request, scenario, stable, write
from values import random_floats


def command(run, *words, input=None, environment=None):
    return subprocess.run([run.server.program, *words], capture_output=True, text=True, timeout=60, input=input,
                          env={**clean_environment(), **(environment or {})})


def expect(run, result, code, *words):
    """Exit code and words in either output."""
    text = result.stdout + result.stderr
    if (result.returncode != code if isinstance(code, int) else result.returncode == 0) or any(word not in text for word in words):
        run.fail(f"{result.args[1:]}: exit {result.returncode} (wanted {code if isinstance(code, int) else 'not 0'}), "
                 f"wanted {words} in:\n{text[-700:]}")
    return result


def balance(run):
    """accepted = stored + queued, exactly, for each tenant, at every moment."""
    numbers = run.metrics()
    named = {name for (name, _) in numbers}
    accepted = {labels: value for (name, labels), value in numbers.items() if name == "weir_points_accepted_total"}
    stored = {labels: value for (name, labels), value in numbers.items() if name == "weir_points_stored_total"}
    queued = {labels: value for (name, labels), value in numbers.items() if name == "weir_points_queued"}
    if not accepted:
        run.fail(f"weir_points_accepted_total is not there; there are {sorted(named)}")
    for labels, value in accepted.items():
        if value != stored.get(labels, 0) + queued.get(labels, 0):
            run.fail(f"{dict(labels)}: accepted {value} != stored {stored.get(labels)} + queued {queued.get(labels)}")
    return sum(accepted.values())


def balance_under_load(run):
    """The same while eight clients write."""
    stop = threading.Event()

    def send(k):
        n = 0
        while not stop.is_set():
            body = "\n".join(f"m,host=h{k} f={n} {n * 100 + i}" for i in range(100)).encode()
            run.server.request("POST", "/v1/points", body, {"Content-Type": "text/plain"})
            n += 1
    threads = [threading.Thread(target=send, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            balance(run)
            time.sleep(0.02)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    total = balance(run)
    if total % 100 or total == 0:
        run.fail(f"{total} accepted points are no whole requests")


def drain(run):
    """A request under way at SIGTERM is answered; new connections are not taken; the exit code is 0; the row is there."""
    body = b"m,host=drain f=1 1\n" * 100
    connection = socket.create_connection(run.server.address, timeout=10)
    connection.sendall(b"POST /v1/points HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:50])
    time.sleep(0.2)
    process = run.server.process
    run.server.signal(15)
    time.sleep(0.2)
    if process.poll() is not None:
        run.fail("it ended with a request under way")
    connection.sendall(body[50:])
    answer = connection.recv(4096)
    connection.close()
    if not answer.startswith(b"HTTP/1.1 204"):
        run.fail(f"the request under way got {answer[:200]!r}")
    code = run.server.stop()
    if code != 0:
        run.fail(f"exit {code}\n{run.server.log_tail()}")
    run.server.start()
    run.request("GET", "/v1/query?measurement=m&epoch=ns", rows=[[1, 1.0]])


def drain_soon(run):
    """A client that never finishes does not hold the end up."""
    connection = socket.create_connection(run.server.address, timeout=10)
    connection.sendall(b"POST /v1/points HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nm")
    time.sleep(0.1)
    begun = time.monotonic()
    code = run.server.stop(40)
    connection.close()
    if code != 0:
        run.fail(f"exit {code} after {time.monotonic() - begun:.0f} s\n{run.server.log_tail()}")
    run.server.start()


def left_clients(run):
    """Clients that leave in the middle cost nothing: no file descriptors, and the server goes on."""
    def count():
        return len(os.listdir(f"/proc/{run.server.pid}/fd"))
    run.request("GET", "/healthz")
    time.sleep(0.2)
    before = count()
    for n in range(200):
        connection = socket.create_connection(run.server.address, timeout=5)
        connection.sendall([b"GET /v1/query?measurement=m HTTP/1.1\r\nHost: localhost\r\n\r\n",
                            b"POST /v1/points HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nm f=1",
                            b"GET /v1/qu", b""][n % 4])
        reset(connection)
    deadline = time.monotonic() + 5
    while count() > before + 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    if count() > before + 2:
        run.fail(f"{count()} file descriptors, {before} before")
    run.request("GET", "/healthz")


def second_server(run):
    """A data directory has one server."""
    result = subprocess.run([run.server.program, "serve", "--data", run.data, "--listen", "127.0.0.1:0"], capture_output=True,
                            text=True, timeout=20, env=clean_environment())
    expect(run, result, None, run.data)
    run.request("GET", "/readyz")


def verify(run):
    """`weir verify` walks everything offline, and sees a flipped bit."""
    code = run.server.stop()
    if code != 0:
        run.fail(f"exit {code}")
    expect(run, command(run, "verify", "--data", run.data), 0)
    flipped = False
    for folder, _, names in os.walk(run.data):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(".pack") and os.path.getsize(path) > 200:
                with open(path, "r+b") as file:
                    file.seek(150)
                    byte = file.read(1)[0]
                    file.seek(150)
                    file.write(bytes([byte ^ 4]))
                flipped = path
                break
    if not flipped:
        run.fail("there is no pack file to damage")
    expect(run, command(run, "verify", "--data", run.data), None, os.path.basename(flipped))
    run.server.start()
    answer = run.server.request("GET", "/v1/query?measurement=m&format=json")
    if answer.status == 200 and not json.loads(answer.text())["partial"]:
        run.fail("an answer over a damaged pack is neither partial nor refused")
    answer = run.server.request("GET", "/v1/query?measurement=m&strict=true")
    if answer.status == 200:
        run.fail("strict=true answered 200 over a damaged pack")
    run.check("GET", "/v1/query", answer, {500, 503}, None, {})


def damaged_column(run):
    """A byte of one column of ten: who needs it is told, in every form; who does not gets all there is."""
    rows, chance = 4000, random.Random(1)
    run.request("POST", "/v1/points", body="\n".join("m " + ",".join(f"f{f}={chance.random()}" for f in range(10)) + f" {n + 1}"
                                                     for n in range(rows)), want=204)
    run.request("POST", "/v1/admin/compact")
    run.server.stop()
    pack, = (os.path.join(folder, name) for folder, _, names in os.walk(run.data) for name in names if name.endswith(".pack"))
    told, at = set(), os.path.getsize(pack) // 2
    with open(pack, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 4]))
    run.server.start()
    for fields in [[f"f{f}"] for f in range(10)] + [[f"f{f}" for f in range(10) if f != left] for left in range(10)]:
        answer = json.loads(run.server.request("GET", f"/v1/query?measurement=m&limit=10000&fields={','.join(fields)}").text())
        count = sum(len(series["rows"]) for series in answer["series"])
        if answer["partial"] != (count < rows) or count not in (0, rows):
            run.fail(f"{fields}: {count} rows, partial {answer['partial']}")
        if answer["partial"]:
            told.add(",".join(fields))
    single = {field for field in told if "," not in field}
    wide = {field for field in told if "," in field}
    if len(single) != 1 or len(wide) != 9 or any(next(iter(single)) not in field.split(",") for field in wide):
        run.fail(f"one column is damaged; told by {sorted(told)}")
    for path, wanted in ((f"fields={next(iter(single))}&", "missing"), ("", "missing"), (f"fields=f{0 if single != {'f0'} else 1}&", "rows")):
        stream = Stream(run, f"/v1/live?measurement=m&{path}since=0")
        event = stream.event()
        if event["event"] != wanted or wanted == "missing" and "block" not in event["data"][0]["missing"][0]:
            run.fail(f"{path}: wanted {wanted}, got {event['event']} {str(event['data'])[:200]}")
        stream.close()
    os.rename(pack, pack + ".away")
    answer = run.server.request("GET", "/v1/query?measurement=m&limit=10000")
    if answer.status != 200 or "is not there" not in str(json.loads(answer.text()).get("missing")):
        run.fail(f"the pack's file is not there: {answer.status} {answer.text()[:300]}")


def lost_index(run):
    """Packs without the index that names them are left alone; put back, it serves them."""
    run.server.stop()
    index, away = os.path.join(run.data, "index"), run.data + "-index"
    os.rename(index, away)
    for _ in range(2):  # the first try leaves nothing that would make the second believe it
        expect(run, command(run, "serve", "--data", run.data, "--listen", "127.0.0.1:0"), None, "put the index/ back")
    shutil.rmtree(index, ignore_errors=True)
    os.rename(away, index)
    expect(run, command(run, "verify", "--data", run.data), 0)
    run.server.start()


CONFIG = "# a comment\nlisten: 127.0.0.1:0\nlimits:\n  tags_max: 7\n"


def configuration(run):
    """YAML < environment < flags; unknown keys are refused with their line and the nearest name."""
    path = run.server.file("weir.yaml")

    def effective(text, *flags, environment=None):
        run.server.write_file("weir.yaml", text)
        return command(run, "check-config", "--print-effective", "--config", path, *flags, environment=environment)
    result = expect(run, effective(CONFIG), 0, "tags_max", "weir.yaml")
    if not re.search(r"tags_max\W+7\b", result.stdout):
        run.fail(f"tags_max is not 7: {result.stdout[:500]}")
    result = expect(run, effective(CONFIG, environment={"WEIR_LIMITS_TAGS_MAX": "8"}), 0)
    if not re.search(r"tags_max\W+8\b", result.stdout):
        run.fail(f"the environment does not win over the file: {result.stdout[:500]}")
    result = expect(run, effective(CONFIG, "--limit-tags-max", "9", environment={"WEIR_LIMITS_TAGS_MAX": "8"}), 0)
    if not re.search(r"tags_max\W+9\b", result.stdout):
        run.fail(f"a flag does not win over the environment: {result.stdout[:500]}")
    expect(run, effective("listen: 127.0.0.1:0\nlimits:\n  tag_max: 7\n"), None, "3", "tag_max", "tags_max")
    expect(run, effective("lisen: 127.0.0.1:0\n"), None, "1", "lisen", "listen")
    expect(run, effective("listen: 127.0.0.1:0\nlisten: 127.0.0.1:1\n"), None, "2")
    expect(run, effective("listen: [\n"), None)
    expect(run, effective("limits:\n  tags_max: many\n"), None, "2", "many")
    expect(run, command(run, "check-config", "--config", "/nonexistent.yaml"), None, "/nonexistent.yaml")


def commands(run):
    expect(run, command(run, "version"), 0)
    expect(run, command(run), None, "serve")
    expect(run, command(run, "sevre"), None, "serve")
    expect(run, command(run, "serve", "--dta", "x"), None, "--data")
    result = expect(run, command(run, "token"), 0)
    if not re.search(r"weir_\w+_\w{20,}", result.stdout + result.stderr):
        run.fail(f"`weir token` printed {result.stdout!r}")


def refusals(run):
    """A listener that others reach, without tokens, is refused unless a flag says so."""
    data = run.data + "-other"
    for listen in ("0.0.0.0:0", "[::]:0"):
        result = subprocess.run([run.server.program, "serve", "--data", data, "--listen", listen], capture_output=True, text=True, timeout=20,
                                env=clean_environment())
        expect(run, result, None, "--")
    for listen in ("127.0.0.1", "127.0.0.1:99999", "nowhere:1x", ":"):
        expect(run, subprocess.run([run.server.program, "serve", "--data", data, "--listen", listen], capture_output=True, text=True,
                                   timeout=20, env=clean_environment()), None)


def log_is_lines(run):
    """Each event is one line, whatever a client sends; JSON when asked for."""
    run.request("GET", "/v1/query?measurement=%0Ainjected%20level%3Derror%1b%5b31m", {200, 400})
    run.server.raw(b"GET /\x1b[31m\x01 HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a\x0bb\r\n\r\n")
    time.sleep(0.2)
    for line in run.server.log_text().strip().split("\n"):
        json.loads(line)
        if "\x1b" in line:
            run.fail(f"an escape byte is in the log: {line!r}")


MANY = "\n".join(f"m,host=h{n % 10} f={n}.5,s=\"{n * 7919 % 10007:06}\" {n}" for n in range(5000))
# More than 64 KiB that no codec makes smaller: a pack with a file of its own.
NOISE = "\n".join(f"m,host=h{n % 4} f={number:.17g} {n}" for n, number in enumerate(random_floats(2, 20000)))

SCENARIOS = [
    scenario("healthz and readyz", get("/healthz"), get("/readyz", headers_out={"Content-Type": re.compile("json")}),
             request("HEAD", "/healthz", empty=True)),
    scenario("metrics are exposition format, and count requests, points and refusals by reason",
             write("m f=1 1\nm f=2 2"), refused("m f=x 1", [(1, "bad_number")]), query("measurement=m"),
             get("/metrics", headers_out={"Content-Type": re.compile("^text/plain")},
                 contains=["# HELP", "# TYPE", "weir_points_accepted_total", "bad_number"]),
             call(lambda run: run.metrics())),
    scenario("metrics show every stage",
             write(MANY), request("POST", "/v1/admin/flush"), query("measurement=m"),
             get("/metrics", contains=["wal", "head", "pack", "quer", "watermark", "_bytes", "_seconds"])),
    scenario("accepted = stored + queued, exactly",
             write(MANY), call(lambda run: balance(run) == 5000 or run.fail("5000 points were accepted")),
             call(balance_under_load)),
    scenario("flush says what it did, and twice is fine",
             write(MANY), request("POST", "/v1/admin/flush", 200, json={}), request("POST", "/v1/admin/flush", 200, json={}),
             query("measurement=m&every=1d&agg=count&fields=f&epoch=ns", rows=[[0, 5000]])),
    scenario("many rows are the same from head, pack, restart and kill",
             write(MANY), stable(query("measurement=m&epoch=ns", series=[
                 ({"host": f"h{h}"}, [[n, n + 0.5, f"{n * 7919 % 10007:06}"] for n in range(h, 5000, 10)]) for h in range(10)]))),
    scenario("SIGTERM lets the request under way finish", call(drain)),
    scenario("SIGTERM does not wait for ever", call(drain_soon)),
    scenario("clients that leave in the middle", write(MANY), call(left_clients)),
    scenario("one data directory, one server", call(second_server)),
    scenario("verify offline, and a flipped bit is never an answer",
             write(NOISE), request("POST", "/v1/admin/flush"), write("m,host=x f=1 1"), call(verify)),
    scenario("of a block damaged in one column, who needs that is told, also live", call(damaged_column)),
    scenario("an index that was lost is no first start",
             write(NOISE), request("POST", "/v1/admin/flush"), call(lost_index),
             query("measurement=m&every=1d&agg=count&epoch=ns", rows=[[0, 20000]])),
    scenario("configuration", call(configuration)),
    scenario("commands", call(commands)),
    scenario("start-up refusals", call(refusals)),
    scenario("the log", call(log_is_lines), flags=["--log-format", "json"]),
    scenario("a killed server comes back with everything, ten times",
             *[step for n in range(10) for step in (write(f"m f={n}i {n}"), {"kind": "kill"}, query("measurement=m&epoch=ns", rows=[[k, k] for k in range(n + 1)]))]),
]
