"""Every way of paging is the truth, and the same seed gives the same bytes in whatever order they are asked for."""
import json
import random
import re
import urllib.parse

from weirsim import world as worlds
from weirsim.apis import ea, generic
from weirsim.raw_client import ask, post
from weirsim.server import Simulator
from weirsim.simulated import EIA, ELEXON, ENTSOE, METNO, NOW, OCTOPUS, OCTOPUS_KEY, Simulated, WATER
from weirsim.times import DAY, iso


OPENMETEO = "/openmeteo/v1/forecast?latitude=52.52&longitude=13.41&hourly=temperature_2m,precipitation"
OBSERVATION = "/ea/water-quality/data/observation?dateFrom=2025-03-01&dateTo=2026-02-28"


class Generic(Simulated):
    WINDOW = "from=2026-04-01T00:00:00Z&to=2026-04-01T03:00:00Z&size=50"

    def check_rows(self, rows):
        self.assertEqual(len(rows), 360)
        self.same([({"id": row["id"]}, row["time"], {"value": row["value"]}) for row in rows], self.truth("generic", "2026-04-01", "2026-04-01T03:00Z"))

    def test_every_way_of_paging_gives_the_truth(self):
        self.check_rows([row for page in range(1, 9) for row in self.get(f"/page?{self.WINDOW}&page={page}").json()["rows"]])
        rows, path = [], f"/link?{self.WINDOW}"
        while path:
            answer = self.get(path)
            rows += answer.json()
            found = re.search(r'<http://[^/]*([^>]*)>; rel="next"', answer.headers["link"])
            path = found and found[1]
        self.check_rows(rows)
        for relative in ("", "&relative=1"):
            rows, path = [], f"/next?{self.WINDOW}{relative}"
            while path:
                document = self.get(path).json()
                rows, path = rows + document["rows"], (document["next"] or "").removeprefix(self.sim.url)
            self.check_rows(rows)
        rows, after = [], ""
        while after is not None:
            document = self.get(f"/cursor?{self.WINDOW}&cursor={urllib.parse.quote(after)}").json()
            rows, after = rows + document["rows"], document["next_cursor"]
        self.check_rows(rows)

    def test_a_cursor_is_good_for_a_minute(self):
        self.world.wall.set(NOW, 0)
        after = self.get(f"/cursor?{self.WINDOW}").json()["next_cursor"]
        self.world.wall.set(NOW + 60)
        self.get(f"/cursor?size=50&cursor={after}")
        self.world.wall.set(NOW + 61)
        self.get(f"/cursor?size=50&cursor={after}", want=410)

    def test_a_large_page_has_what_it_says(self):
        for shape, framing in (("path", ""), ("bare", "&chunked=1")):
            answer = self.get(f"/big?rows=90000&shape={shape}{framing}")
            document = json.loads(answer.chunks if framing else answer.body)
            rows = document["data"]["rows"] if shape == "path" else document
            self.assertEqual(len({row["time"] for row in rows}), 90000)
            truth = self.truth("big", "2020-01-01", "2020-01-03", rows=90000)
            self.same([({"site": "north"}, row["time"], {name: row[name] for name in ("temperature", "humidity", "seq")}) for row in rows], truth)
        self.assertEqual(json.loads(self.get("/big?rows=0&shape=bare").body), [])
        self.get("/big?rows=-1", want=400)

    def test_a_slow_answer_takes_its_time(self):
        answer = self.get("/slow?ms=150&id=x&rows=3")
        self.assertEqual((len(answer.json()["rows"]), answer.took >= 0.15), (3, True))

    def test_a_token_is_needed_and_ends(self):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = f"grant_type=client_credentials&client_id={worlds.OAUTH[0]}&client_secret={worlds.OAUTH[1]}".encode()
        self.world.wall.set(NOW, 0)
        self.get("/oauth/data", want=401)
        answer = ask(self.port, "/oauth/token", "POST", form, body)
        bearer = {"Authorization": "Bearer " + answer.json()["access_token"]}
        self.assertEqual(len(self.get("/oauth/data", bearer).json()["rows"]), 240)
        self.get("/oauth/data", {"Authorization": bearer["Authorization"] + "0"}, want=401)
        self.world.wall.set(NOW + answer.json()["expires_in"])
        self.get("/oauth/data", bearer, want=401)
        self.assertEqual(ask(self.port, "/oauth/token", "POST", form, body.replace(b"secret=", b"secret=x")).status, 401)
        self.assertEqual(ask(self.port, "/oauth/token", "POST", form, b"grant_type=password").status, 400)


class Determined(Simulated):
    PATHS = [("GET", OPENMETEO, {}), ("GET", OCTOPUS + "?page_size=50", OCTOPUS_KEY), ("GET", EIA + "&start=2026-04-09T00", {}),
             ("GET", f"{ENTSOE}&documentType=A65&outBiddingZone_Domain=10Y1001A1001A83F&periodStart=202602010000&periodEnd=202602020000", {}),
             ("GET", f"{ENTSOE}&documentType=A80&BiddingZone_Domain=10Y1001A1001A83F&periodStart=202601010000&periodEnd=202603010000", {}),
             ("GET", ELEXON, {}), ("GET", METNO + "?lat=59.9133&lon=10.7389", {}), ("POST", OBSERVATION + "&determinand=0061", WATER),
             ("GET", "/page?size=20", {}),
             ("GET", ea.READINGS.format(measure=next(iter(ea.MEASURES))) + "?mineq-date=2026-04-01", {}), ("GET", "/big?rows=100", {})]

    def bodies(self, order, **options):
        rates = {"*": {"late": .1, "revised": .3, "deleted": .1, "null": .1, "duplicate": .1}}
        with Simulator(**{**self.options, "rates": rates, **options}) as sim:
            return {path: re.sub(rb":%d/" % sim.port, b":PORT/", ask(sim.port, path, method, headers).body)
                    for method, path, headers in order}

    def test_the_same_seed_is_the_same_bytes_in_any_order(self):
        shuffled = self.PATHS * 2
        random.Random(3).shuffle(shuffled)
        first = self.bodies(self.PATHS)
        self.assertEqual(first, self.bodies(shuffled))
        other = self.bodies(self.PATHS, seed=8)
        self.assertEqual([path for path in first if first[path] == other[path]], [])

    def test_rates_are_about_what_they_say(self):
        window = f"source=generic&id=a&from=2026-03-01&to={iso(NOW - 5 * DAY)}"

        def rows(**rates):
            post(self.port, "/_sim/rates", {"generic": {"late": 0, "deleted": 0, "null": 0, "revised": 0, **rates}})
            return [json.loads(line) for line in ask(self.port, "/_sim/truth?" + window).chunks.splitlines()]
        plain = rows()
        whole = len(plain)
        self.assertEqual(whole, 35 * DAY // generic.STEP)
        self.assertTrue(0.17 < 1 - len(rows(deleted=0.2)) / whole < 0.23)
        self.assertTrue(0.17 < sum(row["values"]["value"] is None for row in rows(null=0.2)) / whole < 0.23)
        self.assertTrue(0.17 < sum(row != old for row, old in zip(rows(revised=0.2), plain)) / whole < 0.23)
        late = rows(late=0.2, late_by=60 * DAY)
        self.assertTrue(0.17 < 1 - len(late) / whole < 0.23)
        self.assertEqual(ask(self.port, "/_sim/rates", "POST", body=b'{"generic": {"lat": 1}}').status, 400)

    def test_a_duplicate_is_twice_in_a_page_and_once_in_the_truth(self):
        post(self.port, "/_sim/rates", {"generic": {"duplicate": 0.2}})
        rows = [json.dumps(row) for row in self.get("/page?size=1000").json()["rows"]]
        self.assertGreater(len(rows), 260)
        self.assertEqual(len(set(rows)), 240)
        self.assertEqual(len(self.truth("generic", iso(NOW - 7200), iso(NOW))), 240)
