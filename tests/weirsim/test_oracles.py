"""The oracles: each check of a log passes what is right and catches what is not, clocks and resets do what they say, and the
simulator is fast enough not to be what is measured."""
import concurrent.futures
import json
import os
import ssl
import subprocess
import sys
import time
import unittest
import urllib.request

from weirsim import check_log, control
from weirsim.apis import TRUTHS
from weirsim.check_log import Broken
from weirsim.raw_client import ask, post
from weirsim.server import Simulator
from weirsim.simulated import METNO, NOW, Simulated
from weirsim.times import iso

HERE = os.path.dirname(os.path.abspath(__file__))


def entry(start, end, **more):
    """A made-up one."""
    return {"number": 1, "start": start, "end": end, "method": "GET", "path": "/a", "host": "h", "headers": {}, "body": "", "status": 200,
            "answer": {}, "fault": None, "wait_until": None, **more}


class Checks(unittest.TestCase):
    """On made-up logs, whose times are exact."""

    def test_concurrency(self):
        log = [entry(0, 2), entry(1, 3), entry(2, 4), entry(2.5, None, host="other")]
        check_log.concurrency(log, 2)
        with self.assertRaises(Broken):
            check_log.concurrency(log, 1)
        with self.assertRaises(Broken):
            check_log.concurrency([*log, entry(1.5, 1.6)], 2)
        with self.assertRaises(Broken):
            check_log.concurrency([entry(0, None), entry(9, 10)], 1)
        with self.assertRaises(Broken):
            check_log.concurrency(log, 2, key=lambda entry: "all of them")

    def test_rate(self):
        log = [entry(at, at + 1) for at in (0, 0.5, 1, 1.5, 2)]
        check_log.rate(log, 2, 1)
        with self.assertRaises(Broken):
            check_log.rate([*log, entry(1.9, 2)], 2, 1)
        with self.assertRaises(Broken):  # a window that begins nowhere near a whole second
            check_log.rate([entry(at, at) for at in (0.9, 1.1, 1.3)], 2, 1)
        check_log.rate([entry(at, at) for at in (0, 0.1, 0.999)], 2, 1, slack=0.01)

    def test_waits(self):
        order = entry(0, 1, status=429, wait_until=5)
        check_log.waits([order, entry(0.5, 2), entry(5, 6), entry(2, 3, host="other")])
        for start in (1.5, 4.9):
            with self.assertRaises(Broken):
                check_log.waits([order, entry(start, 6)])

    def test_user_agent(self):
        check_log.user_agent([entry(0, 1, headers={"user-agent": "weir/0.1.0 (+ops@example.org)"})])
        for headers in ({}, {"User-Agent": "curl/8"}, {"User-Agent": "weir/0.1.0"}):
            with self.assertRaises(Broken):
                check_log.user_agent([entry(0, 1, headers=headers)])

    def test_validators(self):
        first = entry(0, 1, answer={"Last-Modified": "A", "ETag": '"x"'})
        right = {"if-modified-since": "A", "If-None-Match": '"x"'}
        check_log.validators([first, entry(2, 3, headers=right, status=304), entry(4, 5, headers=right)])
        check_log.validators([first, entry(0.5, 3)])  # it was not there yet
        check_log.validators([first, entry(2, 3, path="/b")])
        for headers in ({}, {"If-None-Match": '"x"'}, {**right, "if-modified-since": "a"}):
            with self.assertRaises(Broken):
                check_log.validators([first, entry(2, 3, headers=headers)])
        with self.assertRaises(Broken):  # out of nowhere
            check_log.validators([entry(0, 1), entry(2, 3, headers=right)])
        cut = entry(2, 3, headers=right, answer={"Last-Modified": "B", "ETag": '"x"'}, fault="cut")
        check_log.validators([first, cut, entry(4, 5, headers=right)])
        check_log.validators([first, cut, entry(4, 5, headers={**right, "if-modified-since": "B"})])
        with self.assertRaises(Broken):
            check_log.validators([first, cut, entry(4, 5, headers={**right, "if-modified-since": "C"})])

    def test_no_secret(self):
        log = [entry(0, 1, path="/eia/v2?api_key=s%2Fcret"), entry(0, 1, path="/a?b=c")]
        check_log.no_secret(log, ["s/cret"], but=["/eia/"])
        for path in ("/a?k=s%2Fcret", "/a/s/cret"):
            with self.assertRaises(Broken):
                check_log.no_secret([*log, entry(0, 1, path=path)], ["s/cret"], but=["/eia/"])

    def test_asked(self):
        check_log.asked([entry(0, 1)] * 6, 4)
        for count in (3, 7):
            with self.assertRaises(Broken):
                check_log.asked([entry(0, 1)] * count, 4)

    def test_no_page_twice(self):
        check_log.no_page_twice([entry(0, 1, fault="cut"), entry(2, 3), entry(4, 5, path="/b"), entry(6, 7, status=304)])
        with self.assertRaises(Broken):
            check_log.no_page_twice([entry(0, 1), entry(2, 3)])


class Caught(Simulated):
    """On logs of requests that were made."""

    def test_two_at_once_are_seen_and_one_behind_the_other_is_not(self):
        for _ in range(20):
            ask(self.port, "/slow?ms=1&rows=1")
        check_log.concurrency(check_log.read(self.sim.url), 1)
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda number: ask(self.port, f"/slow?ms=300&rows=1&id={number}"), range(3)))
        check_log.concurrency(check_log.read(self.sim.url), 3)
        with self.assertRaises(Broken):
            check_log.concurrency(check_log.read(self.sim.url), 2)

    def test_too_many_are_seen(self):
        for _ in range(5):
            ask(self.port, "/page")
        check_log.rate(check_log.read(self.sim.url), 5, 60)
        with self.assertRaises(Broken):
            check_log.rate(check_log.read(self.sim.url), 4, 60)

    def test_a_request_within_a_wait_is_seen(self):
        post(self.port, "/_sim/faults", [{"nth": 1, "fault": {"type": "status", "status": 429, "retry_after": 60}}])
        ask(self.port, "/page")
        check_log.waits(check_log.read(self.sim.url))
        ask(self.port, "/page")
        with self.assertRaises(Broken):
            check_log.waits(check_log.read(self.sim.url))

    def test_a_wait_that_is_told_in_words_is_one(self):
        post(self.port, "/_sim/limits", {"openmeteo": {"minute": 1}})
        for _ in range(3):
            ask(self.port, "/openmeteo/v1/forecast?latitude=1&longitude=1")
        waits = [entry["wait_until"] - entry["end"] for entry in check_log.read(self.sim.url) if entry["status"] == 429]
        self.assertTrue(waits and all(0 <= seconds <= 60 for seconds in waits), waits)

    def test_validators_that_are_not_sent_are_seen(self):
        path = METNO + "?lat=59.9133&lon=10.7389"
        modified = ask(self.port, path).headers["last-modified"]
        ask(self.port, path, headers={"If-Modified-Since": modified})
        check_log.validators(check_log.read(self.sim.url))
        ask(self.port, path)
        with self.assertRaises(Broken):
            check_log.validators(check_log.read(self.sim.url))

    def test_a_log_entry_has_what_was_asked_and_answered(self):
        answer = ask(self.port, "/page?size=1", headers={"X-Thing": "1"})
        found, = check_log.read(self.sim.url)
        self.assertEqual([found[key] for key in ("number", "method", "path", "status", "fault", "bytes")],
                         [1, "GET", "/page?size=1", 200, None, len(answer.data)])
        self.assertEqual((found["headers"]["X-Thing"], found["host"]), ("1", f"127.0.0.1:{self.port}"))
        self.assertLessEqual(found["start"], found["end"])


class Control(Simulated):
    def test_rows_come_with_the_clock(self):
        def count():
            return len(self.truth("generic", "2026-04-09T23:00Z", "2026-04-11T00:00Z", id="a"))
        before = count()
        post(self.port, "/_sim/clock", {"now": "2026-04-10T01:00:00Z"})
        self.assertEqual(count(), before + 60)
        post(self.port, "/_sim/clock", {"rate": 7200})
        until = time.monotonic() + 10
        while count() <= before + 120:
            self.assertLess(time.monotonic(), until)
        self.assertEqual(ask(self.port, "/_sim/clock", "POST", body=b'{"then": 1}').status, 400)

    def test_as_of_is_what_was_known_then(self):
        window = {"first": "2026-04-05", "end": "2026-04-09", "respondent": "BPAT", "type": "D"}
        then = self.truth("eia", as_of="2026-04-08T00:00:00Z", **window)
        now = self.truth("eia", **window)
        self.assertTrue(len(then) < len(now) and any(now.get(key) != values for key, values in then.items()))
        post(self.port, "/_sim/clock", {"now": "2026-04-08T00:00:00Z"})
        self.assertEqual(self.truth("eia", **window), then)

    def test_reset_is_another_beginning(self):
        post(self.port, "/_sim/faults", [{"fault": {"type": "bom"}}])
        post(self.port, "/_sim/rates", {"generic": {"null": 1}})
        post(self.port, "/_sim/limits", {"metno": {"second": 1}})
        post(self.port, "/_sim/clock", {"now": NOW + 5000})
        ask(self.port, "/page")
        post(self.port, "/_sim/reset", {})
        self.assertEqual(check_log.read(self.sim.url), [])
        with Simulator(**self.options) as fresh:
            for path in ("/_sim/faults", "/_sim/rates", "/_sim/limits", "/page?size=5"):
                self.assertEqual(ask(self.port, path).body, ask(fresh.port, path).body)
            post(self.port, "/_sim/reset", {"seed": 99})
            self.assertNotEqual(ask(self.port, "/page?size=5").body, ask(fresh.port, "/page?size=5").body)

    def test_what_is_asked_wrongly_is_told(self):
        for path, status in (("/_sim/truth?source=none", 400), ("/_sim/truth?source=eia&from=x", 400), ("/_sim/none", 404), ("/nowhere", 404)):
            self.assertEqual(ask(self.port, path).status, status)
        self.assertEqual(ask(self.port, "/_sim/reset").status, 405)
        self.assertEqual(ask(self.port, "/page", "DELETE").status, 405)

    def test_every_source_has_a_truth(self):
        for source in TRUTHS:
            query = f"/_sim/truth?source={source}&nulls=0&from={iso(NOW - 40 * 86400)}&to={iso(NOW)}" if source != "big" else \
                "/_sim/truth?source=big&from=2020-01-01&to=2021-01-01&rows=10"
            lines = ask(self.port, query).chunks.splitlines()
            self.assertGreaterEqual(len(lines), 3, source)
            self.assertNotIn(b":null", b"".join(lines))


class Program(unittest.TestCase):
    def start(self, *words):
        process = subprocess.Popen([sys.executable, os.path.join(HERE, "weirsim"), "--port", "0", *words], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.terminate)
        lines = []
        while not lines or "/oauth/token" not in lines[-1]:
            lines.append(process.stdout.readline().rstrip())
            self.assertTrue(lines[-1], lines)
        return lines

    def test_it_says_where_it_listens_and_each_line_works(self):
        lines = self.start("--now", "2026-04-10T00:00:00Z", "--rate", "0")
        examples = [line for line in lines if line.startswith("curl ")]
        self.assertEqual(len(examples), len(control.examples("")))
        for line in examples:
            if "/big?" not in line and "-o " not in line:
                done = subprocess.run(["sh", "-c", line.replace("curl ", "curl -sf ", 1)], capture_output=True, timeout=60)
                self.assertTrue(done.returncode == 0 and len(done.stdout) > 60, (line, done))

    def test_a_certificate_that_has_expired(self):
        lines = self.start("--tls-port", "0")
        path, address = lines[1].split(", ")[1], lines[1].split(" on ")[1]
        context = ssl.create_default_context(cafile=path)
        with self.assertRaisesRegex(OSError, "certificate has expired"):
            urllib.request.urlopen(address + "/page", timeout=10, context=context)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with urllib.request.urlopen(address + "/next?size=1", timeout=10, context=context) as answer:
            self.assertTrue(json.load(answer)["next"].startswith(address))


class Fast(Simulated):
    def test_a_hundred_slow_answers_at_once_take_as_long_as_one(self):
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(lambda number: ask(self.port, f"/slow?ms=1000&rows=1&id={number}"), range(100)))
        self.assertEqual({answer.status for answer in answers}, {200})
        self.assertLess(time.monotonic() - begun, 5)
        with self.assertRaises(Broken):
            check_log.concurrency(self.world.log.list(), 50)

    def test_a_large_page_is_not_what_one_waits_for(self):
        """200 MB; on a quiet machine ten times as fast as this, on a busy one still far from a generator that makes each row."""
        done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{size_download} %{speed_download}", f"{self.sim.url}/big?rows=2000000"],
                              capture_output=True, text=True, check=True, timeout=120)
        size, speed = map(int, done.stdout.split())
        self.assertEqual(size, 200000000 + 46 - 1)
        self.assertGreater(speed, 30e6)
