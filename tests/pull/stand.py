"""What a case begins with: a simulator of remote APIs and a server that may reach it, each a process of its own, and the questions
that are asked of both."""
import datetime
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.dirname(HERE)]
from checking import Broken, check, until  # noqa: E402, F401
from server import Server, clean_environment  # noqa: E402
from weirsim import check_log  # noqa: E402

HOUR, DAY = 3600, 86400
SOURCES = os.path.join(os.path.dirname(HERE), "weirsim", "sources")


def iso(second):
    return datetime.datetime.fromtimestamp(second, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def second_of(text):
    return None if text is None else datetime.datetime.fromisoformat(text[:19] + "+00:00").timestamp()


def shown(some, most=4):
    return "; ".join(str(one) for one in list(some)[:most]) + (f" and {len(some) - most} more" if len(some) > most else "")


class Remote:
    """The simulator, whose data's clock stands at `now` until it is set."""

    def __init__(self, case, now, rates=None, host="127.0.0.1"):
        command = [os.path.join(os.path.dirname(HERE), "weirsim", "weirsim"), "--port", "0", "--host", host, "--seed", str(case.seed),
                   "--now", iso(now), "--rate", "0"]
        if rates:
            command += ["--rates", case.file("rates.json", rates)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        check("listens on" in line, f"the simulator says {line!r}")
        self.port = int(line.split(" (")[0].rpartition(":")[2])
        self.netloc = f"127.0.0.1:{self.port}"

    def close(self):
        """What went wrong with it, or ""."""
        self.process.terminate()
        try:
            self.process.wait(30)
            return ""
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "a simulator did not end"
        finally:
            self.process.stdout.close()

    def ask(self, path, document=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request("GET" if document is None else "POST", path, None if document is None else json.dumps(document))
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        check(answer.status == 200, f"the simulator, {path}: {answer.status} {body[:500]}")
        return body

    def set(self, what, document):
        self.ask("/_sim/" + what, document)

    def log(self, path=""):
        entries = [json.loads(line) for line in self.ask("/_sim/log").splitlines()]
        return check_log.only(entries, path)

    def since(self, count):
        """Behind so many."""
        return [json.loads(line) for line in self.ask(f"/_sim/log?after={count}").splitlines()]

    def truth(self, source, first, end, **more):
        """(tags, second, values) of each row with a value."""
        query = urllib.parse.urlencode({"source": source, "from": iso(first), "to": iso(end), "nulls": "0", **more})
        for line in self.ask("/_sim/truth?" + query).splitlines():
            row = json.loads(line)
            yield row["tags"], int(second_of(row["time"])), row["values"]


class Boxed(Server):
    """The wrapper becomes the server."""
    @property
    def pid(self):
        return self.process.pid


class Case:
    """Everything that it starts is ended with it."""

    def __init__(self, options, seed):
        self.program, self.build, self.long, self.seed = os.path.abspath(options.program), options.build, options.long, seed
        self.chance, self.told = random.Random(seed), []
        self.scratch = tempfile.mkdtemp(prefix="weir-pull-")
        self.remotes, self.servers, self.headers = [], [], {}
        self.ready_at = int(time.time()) // HOUR * HOUR

    def tell(self, text):
        self.told.append(text)

    def file(self, name, document):
        path = os.path.join(self.scratch, f"{len(os.listdir(self.scratch))}-{name}")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        return path

    def remote(self, now=None, rates=None, host="127.0.0.1"):
        """By default at the last full hour."""
        self.remotes.append(Remote(self, self.ready_at if now is None else now, rates, host))
        return self.remotes[-1]

    def server(self, *remotes, flags=(), allow=True, wrapper=(), becomes=False):
        allowed = [f"127.0.0.{host}:{remote.port}" for remote in remotes for host in (1, 2, 3)]
        flags = [*flags, *(["--pull-allow", ",".join(allowed)] if allow and allowed else [])]
        kind = Boxed if becomes else Server
        server = kind(self.program, os.path.join(self.scratch, f"data{len(self.servers)}"), ["--ballast-bytes", "1MiB", *flags], wrapper=wrapper)
        self.servers.append(server)
        return server.start()

    def close(self):
        faults = []
        for server in self.servers:
            if server.process:
                if not server.alive():
                    faults.append(f"a server ended by itself with {server.process.poll()}\n{server.log_tail()}")
                else:
                    code = server.stop()
                    if code:
                        faults.append(f"a server ended with {code}\n{server.log_tail()}")
            server.__exit__()
        faults += filter(None, [remote.close() for remote in self.remotes])
        shutil.rmtree(self.scratch, ignore_errors=True)
        return "\n".join(faults)

    # --- the server ---

    def ask(self, server, method, path, body=None, want=200, kind="application/json"):
        headers = dict(self.headers)
        if body is not None:
            headers["Content-Type"] = kind
            body = body if isinstance(body, str) else json.dumps(body)
        answer = server.request(method, path, None if body is None else body.encode(), headers)
        check(want is None or answer.status == want, f"{method} {path}: {answer.status}, wanted {want}: {answer.text()[:900]}")
        return answer if want is None else json.loads(answer.text() or "null")

    def declare(self, server, document, want=201):
        return self.ask(server, "PUT", "/v1/sources/" + document["name"], document, want)

    def show(self, server, name):
        return self.ask(server, "GET", "/v1/sources/" + name)

    def status(self, server, name):
        return self.show(server, name)["status"] or {"state": "unknown", "next": None, "written": 0, "error": None, "requests": 0, "windows": 0, "pulls": 0}

    def fetches(self, server, name, limit=32):
        return self.ask(server, "GET", f"/v1/sources/{name}/fetches?limit={limit}")["fetches"]

    def act(self, server, name, what, want=204, **query):
        """pause, resume, pull, backfill."""
        answer = self.ask(server, "POST", f"/v1/sources/{name}/{what}" + ("?" + urllib.parse.urlencode(query) if query else ""), want=None)
        check(answer.status == want, f"{what} of {name}: {answer.status}, wanted {want}: {answer.text()[:500]}")

    def how(self, server, name):
        """For the text of a failure."""
        status = self.status(server, name)
        return f"{json.dumps(status)}; the last fetches: " + shown([json.dumps(one) for one in self.fetches(server, name, 6)], 6)

    def pulled(self, server, name, times=1, seconds=60):
        """Waits until so many pulls more have ended.  The first may have begun before what was done a moment ago: after a change
        that they are to see, two are waited for.  Where pulls take longer than their schedule no rest is seen between two."""
        before = self.status(server, name)["pulls"]
        until(times * seconds, lambda: f"{times} pulls of {name} end, {before} had: {self.how(server, name)}",
              lambda: self.status(server, name)["pulls"] >= before + times)
        return self.status(server, name)

    def correct(self, server, keys):
        """Somebody puts rows of "generic" right; what they are by now."""
        lines = [f"generic,id={dict(tags)['id']} value={4000 + place}.5 {second * 10**9}" for place, (tags, second) in enumerate(keys)]
        self.ask(server, "POST", "/v1/points", "\n".join(lines), want=204, kind="text/plain")
        return {key: {"value": 4000.5 + place} for place, key in enumerate(keys)}

    def rows(self, server, measurement, first=None, end=None, whole=True, **more):
        """{(tags, second): values} of all rows; every one of them once.  `whole`: a part of them is refused."""
        query = {"measurement": measurement, "epoch": "s", **more}
        query |= {} if first is None else {"start": iso(first)}
        query |= {} if end is None else {"end": iso(end)}
        found, answer = {}, self.ask(server, "GET", "/v1/query?" + urllib.parse.urlencode(query), want=None)
        if answer.status == 404:
            return found
        check(answer.status == 200, f"a question of {measurement}: {answer.status} {answer.text()[:500]}")
        document = json.loads(answer.text())
        check(not whole or not document.get("partial"), f"a part of an answer: {answer.text()[-300:]}")
        for series in document["series"]:
            tags, columns = tuple(sorted(series["tags"].items())), series["columns"][1:]
            for time_s, *values in series["rows"]:
                check((tags, time_s) not in found, f"{measurement} {tags} has {iso(time_s)} twice")
                found[(tags, time_s)] = {name: value for name, value in zip(columns, values) if value is not None}
        return found


LOADED_S = 0.3  # what a loaded machine may take between a request's note and where it arrives


def rates_held(servers, log, rates):
    """In no span of a rate's length do more begin: exactly by what the servers noted as they asked, by their boot clock and over
    restarts; about so where requests arrived.  Nothing arrives that was not noted.  What a start made one note of several tells no
    times of its own."""
    noted, counts = {}, {}
    for server in servers:
        with open(os.path.join(server.data, "pull", "asked"), encoding="utf-8", errors="replace") as file:
            for words in (line.split(" ", 4) for line in file.read().split("\n")):
                if len(words) == 5 and not words[0].startswith("wait"):
                    weight, several, _ = words[3].partition("/")
                    counts[words[4]] = counts.get(words[4], 0) + int(weight)
                    noted.setdefault(words[4], []).extend([] if several else [int(words[1]) / 1e9] * int(weight))
    hosts = {entry["host"] for entry in log}
    mine = {name: sorted(times) for name, times in noted.items() if any(host in name for host in hosts)}
    for name, times in mine.items():
        for count, span in rates:
            for first, last in zip(times, times[count:]):
                check(last - first >= span, f"{name}: {count + 1} began within {last - first:.6f} s, {count} may in {span} s")
    known = sum(counts[name] for name in mine)
    check(len(log) <= known, f"{len(log)} requests arrived, {known} were noted")
    if len(mine) == 1:
        for count, span in rates:
            check_log.rate(log, count, span, slack=LOADED_S)


def told(key):
    return f"{dict(key[0])} {iso(key[1])}"


def differences(found, wanted):
    """What is not as it has to be, in words; "" where all is."""
    missing = sorted(set(wanted) - set(found), key=lambda key: key[::-1])
    more = sorted(set(found) - set(wanted), key=lambda key: key[::-1])
    other = [key for key in sorted(wanted, key=lambda key: key[::-1]) if key in found and found[key] != wanted[key]]
    parts = [f"{len(missing)} of {len(wanted)} rows are missing: " + shown([told(key) for key in missing])] if missing else []
    parts += [f"{len(more)} rows are there that ought not: " + shown([told(key) for key in more])] if more else []
    parts += [f"{len(other)} rows differ: " + shown([f"{told(key)} is {found[key]} and not {wanted[key]}" for key in other])] if other else []
    return "; ".join(parts)
