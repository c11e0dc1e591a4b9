"""Octopus, EIA, ENTSO-E, Elexon and NESO, read as a client has to read them, are what the oracle says."""
import base64
import datetime
import io
import json
import re
import urllib.parse
import xml.etree.ElementTree
import zipfile

from weirsim import world as worlds
from weirsim.apis import eia, entsoe, neso
from weirsim.raw_client import ask, post
from weirsim.simulated import EIA, ELEXON, ENTSOE, NOW, OCTOPUS, OCTOPUS_KEY, SEARCH, Simulated, utc
from weirsim.times import DAY, HALF_HOUR, LONDON, iso, midnight, parse, settlement_periods


class Octopus(Simulated):
    def pages(self, path):
        while path:
            document = self.get(path, OCTOPUS_KEY).json()
            yield document
            path = (document["next"] or "").removeprefix(self.sim.url)

    def test_pages_are_the_truth_across_both_changes_of_clocks(self):
        for day in ("2025-10-25", "2026-03-28"):
            first, end = parse(day), parse(day) + 2 * DAY
            path = f"{OCTOPUS}?period_from={iso(first)}&period_to={iso(end)}&page_size=20&order_by=period"
            pages = list(self.pages(path))
            rows = [({"mpan": "2000012345678", "serial": "12L0123456"}, utc(row["interval_start"]), {"consumption": row["consumption"]})
                    for page in pages for row in page["results"]]
            self.same(rows, self.truth("octopus", day, iso(end), mpan="2000012345678"), 90)
            offsets = [row["interval_start"][19:] for page in pages for row in page["results"]]
            self.assertEqual(set(offsets), {"Z", "+01:00"})
            self.assertTrue(any(len({row["interval_start"][19:] for row in page["results"]}) == 2 for page in pages), "it changes within a page")

    def test_who_gives_no_key_or_another_is_refused(self):
        self.get(OCTOPUS, want=401)
        self.get(OCTOPUS, {"Authorization": "Basic " + base64.b64encode(b"sk_other:").decode()}, want=401)
        self.get(OCTOPUS.replace("12L", "13L"), OCTOPUS_KEY, want=404)

    def test_a_page_is_cut_down_without_a_word(self):
        document = self.get(f"{OCTOPUS}?page_size=1000000&period_to=2026-01-01T00:00Z", OCTOPUS_KEY).json()
        self.assertEqual(len(document["results"]), 25000)
        self.assertGreater(document["count"], 50000)
        self.assertTrue(document["next"].startswith("http://127.0.0.1"))

    def test_the_newest_are_first_and_a_period_that_touches_counts(self):
        rows = self.get(f"{OCTOPUS}?period_from=2026-01-05T00:10Z&period_to=2026-01-05T02:00Z", OCTOPUS_KEY).json()["results"]
        self.assertEqual([row["interval_start"][11:16] for row in rows], ["01:30", "01:00", "00:30", "00:00"])

    def test_days_are_of_london(self):
        rows = self.get(f"{OCTOPUS}?period_from=2026-03-28T00:00Z&period_to=2026-03-31T23:00%2B01:00&group_by=day&order_by=period", OCTOPUS_KEY).json()
        self.assertEqual([row["interval_start"] for row in rows["results"]][:3],
                         ["2026-03-28T00:00:00Z", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00+01:00"])

    def test_wrong_parameters_are_told(self):
        self.get(OCTOPUS + "?order_by=size", OCTOPUS_KEY, want=400)
        self.get(OCTOPUS + "?period_from=yesterday", OCTOPUS_KEY, want=400)
        self.get(OCTOPUS + "?period_from=2026-01-01T00:00Z&page=999", OCTOPUS_KEY, want=404)


class Eia(Simulated):
    ORDER = "&sort[0][column]=period&sort[0][direction]=asc"

    def test_pages_are_the_truth_and_periods_are_ends(self):
        rows, offset, total = [], 0, 1
        while offset < total:
            path = f"{EIA}&facets[respondent][]=BPAT&facets[type][]=D&start=2026-02-01T01&end=2026-02-11T00&offset={offset}&length=100{self.ORDER}"
            answer = self.get(path).json()["response"]
            self.assertIsInstance(answer["total"], str)
            total, offset = int(answer["total"]), offset + 100
            self.assertEqual("warnings" in answer, offset < total)
            for row in answer["data"]:
                start = parse(row["period"]) - 3600
                rows.append(({"respondent": row["respondent"], "type": row["type"]}, iso(start), {"value": row["value"] and int(row["value"])}))
        self.assertEqual(len(rows), total)
        self.same(rows, self.truth("eia", "2026-02-01", "2026-02-11", respondent="BPAT", type="D"), 200)
        post(self.port, "/_sim/limits", {"eia": {"second": 0}})

    def test_no_more_than_5000_and_no_values_unless_asked(self):
        path = EIA + "&start=2025-01-01T00&end=2025-06-01T00&facets[type][]=D&length=9000"
        self.assertEqual(len(self.get(path).json()["response"]["data"]), eia.LENGTH_MAX)
        rows = self.get(path.replace("data[]=value&", "") + "&facets[respondent][]=MISO").json()["response"]["data"]
        self.assertNotIn("value", rows[0])
        self.assertEqual(self.get(EIA + "&facets[respondent][]=XX").json()["response"]["data"], [])

    def test_refusals(self):
        self.assertEqual(self.get(EIA.replace(worlds.EIA_KEY, "other"), want=403).json()["error"]["code"], "API_KEY_INVALID")
        self.get(EIA.replace("hourly", "weekly"), want=400)
        self.get(EIA + "&sort[0][column]=colour", want=400)

    def test_who_asks_too_often_is_suspended(self):
        self.world.wall.set(NOW, 0)
        path = EIA + "&start=2026-02-01T01&end=2026-02-01T02"
        statuses = [ask(self.port, path).status for _ in range(7)]
        self.assertEqual(statuses, [200] * 5 + [403] * 2)
        self.world.wall.set(NOW + 29)
        self.get(path, want=403)
        self.world.wall.set(NOW + 30)
        self.get(path)


class Entsoe(Simulated):
    def read(self, text):
        """(time, quantity) of each point, filled where the curve says so, by the document alone."""
        tree = xml.etree.ElementTree.fromstring(text)
        for element in tree.iter():
            element.tag = element.tag.partition("}")[2]
        for series in tree.findall("TimeSeries"):
            for period in series.findall("Period"):
                start, end = (parse(period.find(f"timeInterval/{name}").text) for name in ("start", "end"))
                step = 60 * int(re.fullmatch(r"PT(\d+)M", period.find("resolution").text)[1])
                points = {start + (int(point.find("position").text) - 1) * step: int(point.find("quantity").text) for point in period.findall("Point")}
                value = None
                for time in range(start, end, step):
                    self.assertTrue(time in points or series.find("curveType").text == "A03")
                    value = points.get(time, value)
                    yield time, value

    def test_load_is_the_truth_with_points_left_out_or_not(self):
        for domain, (step, curve, _) in entsoe.DOMAINS.items():
            path = f"{ENTSOE}&documentType=A65&outBiddingZone_Domain={domain}&periodStart=202602012300&periodEnd=202602042300"
            text = self.get(path).body.decode()
            rows = [({"domain": domain}, iso(time), {"quantity": value}) for time, value in self.read(text)]
            self.same(rows, self.truth("entsoe", "2026-02-01T23:00Z", "2026-02-04T23:00Z", domain=domain), 3 * DAY // step * 9 // 10)
            self.assertEqual(text.count("<Point>") < len(rows) * 9 // 10, curve == "A03")

    def test_rows_lie_outside_what_was_asked(self):
        path = f"{ENTSOE}&documentType=A65&outBiddingZone_Domain=10YGB----------A&periodStart=202602011200&periodEnd=202602011300"
        times = [time for time, _ in self.read(self.get(path).body.decode())]
        self.assertEqual((iso(times[0]), iso(times[-1])), ("2026-01-31T23:00:00Z", "2026-02-01T22:30:00Z"))

    def test_generation_comes_by_kind(self):
        path = f"{ENTSOE}&documentType=A75&in_Domain=10YGB----------A&periodStart=202602010000&periodEnd=202602012300"
        self.assertEqual(re.findall("<psrType>(.*?)<", self.get(path).body.decode()), list(entsoe.PLANTS))

    def test_what_is_not_is_told_at_200(self):
        path = f"{ENTSOE}&documentType=A65&outBiddingZone_Domain=10YGB----------A&periodStart=203002010000&periodEnd=203002020000"
        text = self.get(path).body.decode()
        self.assertIn("<code>999</code><text>No matching data found", text)
        self.assertIn("Acknowledgement_MarketDocument", text)

    def test_too_much_is_told_and_less_is_not(self):
        for kind, place, days in (("A65", "outBiddingZone_Domain", 366), ("A80", "BiddingZone_Domain", 100)):
            for more, status in ((0, 200), (1, 400)):
                end = datetime.date(2025, 1, 1) + datetime.timedelta(days=days + more)
                path = f"{ENTSOE}&documentType={kind}&{place}=10Y1001A1001A83F&periodStart=202501010000&periodEnd={end:%Y%m%d}0000"
                answer = self.get(path, want=status)
                self.assertEqual(b"exceeds allowed limit" in answer.body, status == 400)

    def test_outages_are_documents_in_a_zip(self):
        path = f"{ENTSOE}&documentType=A80&BiddingZone_Domain=10Y1001A1001A83F&periodStart=202601010000&periodEnd=202603010000"
        rows = []
        with zipfile.ZipFile(io.BytesIO(self.get(path).body)) as archive:
            for name in archive.namelist():
                text = archive.read(name).decode()
                found = {key: re.search(pattern, text)[1] for key, pattern in {
                    "id": "<mRID>(.*?)<", "unit": 'Resource.mRID codingScheme="A01">(.*?)<', "start": "<Available_Period><timeInterval><start>(.*?)<",
                    "left": "<quantity>(.*?)<", "revision": "<revisionNumber>(.*?)<", "until": "<Available_Period>.*?<end>(.*?)<"}.items()}
                rows.append(({"domain": "10Y1001A1001A83F", "unit": found["unit"], "id": found["id"]}, utc(found["start"]),
                             {"quantity": int(found["left"]), "revision": int(found["revision"]), "until": found["until"]}))
        rows = [row for row in rows if row[1] >= "2026-01-01"]
        self.same(rows, self.truth("entsoe_outages", "2026-01-01", "2026-03-01", domain="10Y1001A1001A83F"), 3)

    def test_a_minute_too_full_is_ten_of_silence(self):
        post(self.port, "/_sim/limits", {"entsoe": {"minute": 2}})
        self.world.wall.set(NOW, 0)
        path = f"{ENTSOE}&documentType=A65&outBiddingZone_Domain=10YGB----------A&periodStart=202602010000&periodEnd=202602020000"
        self.assertEqual([ask(self.port, path).status for _ in range(3)], [200, 200, 429])
        self.world.wall.set(NOW + 599)
        self.get(path, want=429)
        self.world.wall.set(NOW + 600)
        self.get(path)
        self.get(path.replace(worlds.ENTSOE_TOKEN, "other"), want=401)


class Settlement(Simulated):
    DAYS = {"2025-10-26": 50, "2026-03-29": 46, "2026-03-30": 48}

    def test_days_have_46_48_and_50_periods(self):
        post(self.port, "/_sim/rates", {"*": {"late": 0, "null": 0, "deleted": 0}})
        ids = {item["name"][-4:]: item["id"] for item in self.get("/neso/api/3/action/datapackage_show?id=x").json()["result"]["resources"]}
        for day, count in self.DAYS.items():
            date = datetime.date.fromisoformat(day)
            self.assertEqual(settlement_periods(date), count)
            rows = self.get(f"{ELEXON}/stream?settlementDateFrom={day}&settlementDateTo={day}&fuelType=WIND").json()
            wanted = [(number, iso(midnight(date, LONDON) + (number - 1) * HALF_HOUR)) for number in range(1, count + 1)]
            self.assertEqual([(row["settlementPeriod"], row["startTime"]) for row in reversed(rows)], wanted)
            filters = urllib.parse.quote(json.dumps({"SETTLEMENT_DATE": day}))
            records = self.get(f"{SEARCH}{ids[day[:4]]}&filters={filters}&limit=100").json()["result"]["records"]
            self.assertEqual([record["SETTLEMENT_PERIOD"] for record in records], list(range(1, count + 1)))
            halves = self.get(f"{OCTOPUS}?period_from={day}T00:00&period_to={date + datetime.timedelta(days=1)}T00:00", OCTOPUS_KEY).json()
            self.assertEqual(halves["count"], count)

    def test_elexon_is_the_truth(self):
        rows = self.get(f"{ELEXON}?settlementDateFrom=2026-03-28&settlementDateTo=2026-03-30").json()["data"]
        rows = [({"fuelType": row["fuelType"]}, row["startTime"], {"generation": row["generation"], "publishTime": row["publishTime"]}) for row in rows]
        self.same(rows, self.truth("elexon", "2026-03-28", "2026-03-30T23:00Z"), 800)

    def test_elexon_publishes_again(self):
        """Asked by time of publication every revision is there, with its own time."""
        post(self.port, "/_sim/rates", {"elexon": {"revised": 1}})
        window = f"{ELEXON}/stream?fuelType=CCGT&publishDateTimeFrom=2026-04-05T00:00Z&publishDateTimeTo=2026-04-07T00:00Z"
        times = [row["startTime"] for row in self.get(window).json()]
        self.assertGreater(len(times), len(set(times)))
        truth = self.truth("elexon", "2026-04-05", "2026-04-06", fuelType="CCGT")
        earlier = self.truth("elexon", "2026-04-05", "2026-04-06", fuelType="CCGT", as_of="2026-04-05T06:00Z")
        self.assertTrue(any(truth[key] != earlier[key] for key in earlier))

    def test_elexon_refuses(self):
        self.get(f"{ELEXON}?settlementDateFrom=2026-03-01&settlementDateTo=2026-03-20", want=400)
        self.get(f"{ELEXON}/stream?settlementDateFrom=2026-03-01&settlementDateTo=2026-03-20&fuelType=WIND")
        self.get(f"{ELEXON}?fuelType=HOPE", want=400)
        self.get(f"{ELEXON}?settlementDateFrom=01-03-2026", want=400)
        self.assertTrue(self.get(f"{ELEXON}?fuelType=WIND&format=csv").body.startswith(b"Dataset,PublishTime,StartTime"))

    def test_neso_is_the_truth_page_by_page(self):
        wanted = neso.resource(self.world, 2026)
        rows, offset = [], 0
        while True:
            result = self.get(f"{SEARCH}{wanted}&limit=1000&offset={offset}").json()["result"]
            for row in result["records"]:
                start = midnight(datetime.date.fromisoformat(row["SETTLEMENT_DATE"]), LONDON) + (row["SETTLEMENT_PERIOD"] - 1) * HALF_HOUR
                rows.append(({}, iso(start), {name: row[name] for name in neso.COLUMNS}))
            offset += 1000
            if not result["records"]:
                break
        self.assertEqual(len(rows), result["total"])
        self.same(rows, self.truth("neso", "2026-01-01", "2026-04-10"), 4000)
        self.assertFalse(self.get(SEARCH + "none", want=404).json()["success"])
        self.assertFalse(self.get(f"{SEARCH}{wanted}&limit=x", want=409).json()["success"])
