"""Each fault as a client without any kindness sees it on the wire, and that it comes when the script says."""
import gzip
import json
import math
import re
import socket
import time
import unittest
import zlib

from weirsim.faults import FAULTS, Script, Wrong
from weirsim.message import Request
from weirsim.raw_client import ask, post
from weirsim.simulated import ENTSOE, NOW, OCTOPUS, OCTOPUS_KEY, Simulated
from weirsim.times import http_date

PAGE = "/page?from=2026-04-01T00:00:00Z&to=2026-04-01T01:00:00Z&size=40"


def met(rules, requests, seed=1):
    """The fault types of each of (target, number)."""
    script = Script(seed, rules)
    return ["+".join(script.of(Request("GET", target, []), number)) for target, number in requests]


class Scripts(unittest.TestCase):
    def test_the_first_rule_that_fits_decides(self):
        rules = [{"match": {"path": "^/a", "query": {"x": 1}}, "nth": 2, "fault": {"type": "bom"}},
                 {"match": "^/a", "nth": [2, 3], "fault": [{"type": "html"}, {"type": "delay", "ms": 1}]},
                 {"match": {"method": "POST"}, "fault": {"type": "cut"}}]
        self.assertEqual(met(rules, [("/a?x=1", 1), ("/a?x=1", 2), ("/a?x=1", 3), ("/a", 2), ("/b", 2)]), ["", "bom", "html+delay", "html+delay", ""])

    def test_numbers_ranges_and_bursts(self):
        def at(**rule):
            return [number for number in range(1, 13) if met([{"fault": {"type": "bom"}, **rule}], [("/a", number)])[0]]
        self.assertEqual(at(nth=3), [3])
        self.assertEqual(at(nth={"from": 2, "to": 9, "every": 3}), [2, 5, 8])
        self.assertEqual(at(nth=3, burst=4), [3, 4, 5, 6])
        self.assertEqual(at(), list(range(1, 13)))

    def test_chance_is_of_seed_address_and_number_alone(self):
        rules = [{"probability": 0.3, "fault": {"type": "bom"}}]
        asked = [(f"/{name}", number) for name in "abcdefghij" for number in range(1, 101)]
        first = dict(zip(asked, met(rules, asked)))
        self.assertEqual(first, dict(zip(reversed(asked), met(rules, list(reversed(asked))))))
        self.assertTrue(250 < sum(map(bool, first.values())) < 350)
        self.assertNotEqual(list(first.values()), met(rules, asked, seed=2))

    def test_of_a_rule_counts_what_it_matches(self):
        rules = [{"match": "^/a", "of": "rule", "nth": 3, "fault": {"type": "bom"}}]
        self.assertEqual(met(rules, [("/a?1", 1), ("/b", 1), ("/a?2", 1), ("/a?3", 1), ("/a?4", 1)]), ["", "", "", "bom", ""])

    def test_a_rule_that_is_none_is_refused(self):
        for rule in ({}, {"fault": {"type": "worse"}}, {"fault": {"type": "cut", "to": 1}}, {"fault": {"type": "bom"}, "when": 1},
                     {"fault": {"type": "bom"}, "match": {"path": "("}}, {"fault": {"type": "values", "as": "none"}}, "bom"):
            with self.assertRaises(Wrong, msg=str(rule)):
                Script(1, [rule])


class OnTheWire(Simulated):
    """A test for each type of fault has its name; the last one counts them."""

    def script(self, type, path=".", nth=1, burst=1, **fault):
        post(self.port, "/_sim/faults", [{"match": path, "nth": nth, "burst": burst, "fault": {"type": type, **fault}}])

    def good(self, path=PAGE, headers=None):
        post(self.port, "/_sim/faults", [])
        return ask(self.port, path, headers=headers)

    def met(self, type, path=PAGE, headers=None, seconds=20, **fault):
        """The answer with the fault; then, as its number is another, it is good again."""
        self.script(type, **fault)
        answer = ask(self.port, path, headers=headers, seconds=seconds)
        entry = self.world.log.list()[-1]
        self.assertEqual(entry["fault"], type)
        after = ask(self.port, path, headers=headers)
        self.assertIsNone(self.world.log.list()[-1]["fault"])
        self.assertEqual((after.status, after.end), (200, "closed"))
        return answer, after, entry

    def test_delay(self):
        answer, good, _ = self.met("delay", ms=200)
        self.assertEqual((answer.body, answer.pieces[0][0] >= 0.2, good.pieces[0][0] < 0.2), (good.body, True, True))

    def test_lognormal(self):
        post(self.port, "/_sim/faults", [{"fault": {"type": "lognormal", "median_ms": 10, "sigma": 1}}])
        waits = sorted(ask(self.port, f"/slow?ms=0&rows=0&id={number}").pieces[0][0] for number in range(40))
        self.assertTrue(0.004 < waits[20] < 0.04, waits)
        self.assertGreater(math.log(waits[-1] / waits[0]), 1)

    def test_stall(self):
        answer, _, entry = self.met("stall", ms=200)
        self.assertEqual((answer.data, answer.end, answer.took >= 0.2), (b"", "closed", True))
        self.assertTrue(0.19 <= entry["end"] - entry["start"] < 5)

    def test_a_client_that_leaves_is_seen_to_leave(self):
        self.script("stall", ms=60000)
        self.assertEqual(ask(self.port, PAGE, seconds=0.2).end, "timeout")
        until = time.monotonic() + 5
        while self.world.log.list()[0]["end"] is None and time.monotonic() < until:
            time.sleep(0.005)
        entry = self.world.log.list()[0]
        self.assertTrue(0.1 < entry["end"] - entry["start"] < 5, entry)

    def test_hang(self):
        answer, good, _ = self.met("hang", at=50, ms=200)
        self.assertEqual(answer.body, good.body)
        gaps = [after[0] - before[0] for before, after in zip(answer.pieces, answer.pieces[1:])]
        self.assertGreater(max(gaps), 0.15)

    def test_dribble(self):
        answer, good, _ = self.met("dribble", chunks=5, ms=200)
        self.assertEqual((answer.body, len(answer.pieces) >= 5, answer.took >= 0.19), (good.body, True, True))

    def test_cut(self):
        for at in (0, 57):
            self.setUp()
            answer, good, _ = self.met("cut", at=at)
            self.assertEqual((answer.body, answer.end), (good.body[:at], "closed"))
            self.assertEqual(int(answer.headers["content-length"]), len(good.body))
        self.setUp()
        answer, _, _ = self.met("cut", at=-1)
        self.assertEqual((answer.data, answer.end), (b"", "closed"))

    def test_reset(self):
        answer, _, _ = self.met("reset", at=57)
        self.assertEqual(answer.end, "reset")

    def test_bad_chunk(self):
        answer, good, _ = self.met("bad_chunk", at=57)
        self.assertEqual(answer.headers["transfer-encoding"], "chunked")
        self.assertTrue(answer.body.startswith(b"39\r\n" + good.body[:57]))
        with self.assertRaises(ValueError):
            answer.chunks  # noqa: B018

    def test_wrong_length(self):
        for by in (10, -10):
            self.setUp()
            answer, good, _ = self.met("wrong_length", by=by)
            self.assertEqual((int(answer.headers["content-length"]), answer.body), (len(good.body) + by, good.body))

    def test_gzip_truncated(self):
        zipped = {"Accept-Encoding": "gzip"}
        answer, good, _ = self.met("gzip_truncated", headers=zipped, by=12)
        self.assertEqual(int(answer.headers["content-length"]), len(answer.body))
        with self.assertRaises(EOFError):
            gzip.decompress(answer.body)
        whole = gzip.decompress(good.body)
        self.assertTrue(whole.startswith(zlib.decompressobj(31).decompress(answer.body)))

    def test_html(self):
        answer, _, _ = self.met("html")
        self.assertEqual((answer.status, answer.body[:15]), (200, b"<!DOCTYPE html>"))

    def test_error_json(self):
        answer, _, _ = self.met("error_json", body={"error": "no"})
        self.assertEqual((answer.status, answer.json()), (200, {"error": "no"}))

    def test_status(self):
        answer, _, entry = self.met("status", status=429)
        self.assertEqual((answer.status, answer.headers.get("retry-after"), entry["wait_until"]), (429, None, None))
        self.world.wall.set(NOW, 0)
        for kind, text in (("seconds", "7"), ("date", http_date(NOW + 7))):
            self.world.log.clear()
            answer, _, entry = self.met("status", status=429, retry_after=7, **{"as": kind})
            self.assertEqual((answer.status, answer.headers["retry-after"]), (429, text))
            self.assertAlmostEqual(entry["wait_until"] - entry["end"], 7, delta=0.5)

    def test_status_in_a_burst(self):
        self.script("status", nth=2, burst=3, status=503)
        self.assertEqual([ask(self.port, PAGE).status for _ in range(6)], [200, 503, 503, 503, 200, 200])

    def test_redirect_loop(self):
        self.script("redirect_loop")
        path, seen = PAGE, set()
        for _ in range(6):
            answer = ask(self.port, path)
            self.assertEqual(answer.status, 302)
            path = answer.headers["location"].removeprefix(self.sim.url)
            self.assertNotIn(path, seen)
            seen.add(path)

    def test_redirect(self):
        answer, _, _ = self.met("redirect", to="http://127.0.0.9:7")
        self.assertEqual((answer.status, answer.headers["location"]), (302, "http://127.0.0.9:7" + PAGE))

    def pages(self, path):
        return [[row["id"] + row["time"] for row in ask(self.port, f"{path}&page={page}").json()["rows"]] for page in (1, 2, 3)]

    def test_duplicate_page(self):
        good = self.pages(PAGE)
        self.world.log.clear()
        post(self.port, "/_sim/faults", [{"match": {"query": {"page": 2}}, "fault": {"type": "duplicate_page"}}])
        self.assertEqual(self.pages(PAGE), [good[0], good[0], good[2]])

    def test_shifted_page(self):
        good = self.pages(PAGE)
        post(self.port, "/_sim/faults", [{"match": {"query": {"page": 2}}, "fault": {"type": "shifted_page", "by": 1}}])
        self.assertEqual(self.pages(PAGE)[1], [good[0][-1], *good[1][:-1]])
        self.assertEqual(ask(self.port, PAGE + "&page=2").json()["total"], 121)
        post(self.port, "/_sim/faults", [{"match": {"query": {"page": 2}}, "fault": {"type": "shifted_page", "by": -1}}])
        self.assertEqual(self.pages(PAGE)[1], [*good[1][1:], good[2][0]])

    def test_cursor_repeat(self):
        cursor = "/cursor?size=20&cursor="
        first = self.good(cursor).json()["next_cursor"]
        second = self.good(cursor + first).json()["next_cursor"]
        self.assertNotEqual(first, second)
        self.script("cursor_repeat", nth=2)
        self.assertEqual(ask(self.port, cursor + first).json()["next_cursor"], first)
        self.world.log.clear()
        self.script("cursor_repeat")
        link = ask(self.port, "/link?size=20&page=2").headers["link"]
        self.assertEqual(re.search(r'page=(\d+)>; rel="next"', link)[1], "2")

    def test_values(self):
        _, good, _ = self.met("bom")
        for kind, text in (("null", b":null"), ("nan", b":NaN"), ("-", b':"-"'), ("0", b":0")):
            self.world.log.clear()
            answer, _, _ = self.met("values", share=0.3, **{"as": kind})
            self.assertNotIn(b'"value"' + text + b"}", good.body)
            self.assertTrue(5 < answer.body.count(b'"value"' + text + b"}") < 20, answer.body)
        self.world.values.set_rates({"generic": {"null": 1.0}})  # where there is no value none is put
        self.world.log.clear()
        answer, good, _ = self.met("values", share=1.0, **{"as": "0"})
        self.assertIn(b'"value":null}', good.body)
        self.assertEqual(answer.body, good.body)
        self.world.values.set_rates({"generic": {"null": 0.0}})
        answer, good, _ = self.met("values", path=f"{ENTSOE}&documentType=A65&outBiddingZone_Domain=10YDK-1--------W&periodStart=202602010000"
                                   "&periodEnd=202602020000", share=0.3, **{"as": "-"})
        self.assertIn(b"<quantity>-</quantity>", answer.body)
        self.assertNotIn(b"<quantity>-</quantity>", good.body)

    def test_dst_twice(self):
        path = f"{OCTOPUS}?period_from=2025-10-26T00:00Z&period_to=2025-10-26T04:00Z&order_by=period"
        answer, good, _ = self.met("dst_twice", path=path, headers=OCTOPUS_KEY)
        twice = [row["interval_start"] for row in answer.json()["results"]]
        once = [row["interval_start"] for row in good.json()["results"]]
        self.assertEqual(sorted(once + [time for time in once if "T01:" in time]), sorted(twice))
        self.assertEqual(len(twice), len(once) + 4)

    def test_bom(self):
        answer, good, _ = self.met("bom")
        self.assertEqual(answer.body, b"\xef\xbb\xbf" + good.body)

    def test_date(self):
        self.world.wall.set(NOW, 0)
        answer, good, _ = self.met("date", by_s=-3600)
        self.assertEqual((answer.headers["date"], good.headers["date"]), (http_date(NOW - 3600), http_date(NOW)))

    def test_there_is_a_test_of_every_fault(self):
        tested = {name.removeprefix("test_") for name in dir(self) if name.startswith("test_")}
        self.assertEqual(set(FAULTS) - tested, set())

    def test_a_connection_is_kept_where_nothing_is_wrong(self):
        with socket.create_connection(("127.0.0.1", self.port), 10) as sock:
            for _ in range(3):
                sock.sendall(b"GET /slow?ms=0&rows=1 HTTP/1.1\r\nHost: x\r\n\r\n")
                data = b""
                while b"\r\n\r\n" not in data or not data.endswith(b"}"):
                    data += sock.recv(65536)
                self.assertEqual(len(json.loads(data.partition(b"\r\n\r\n")[2])["rows"]), 1)
        self.assertEqual(len({entry["client"] for entry in self.world.log.list()}), 1)
