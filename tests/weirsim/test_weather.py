"""Open-Meteo, MET Norway and the Environment Agency, read as a client has to read them, are what the oracle says."""
import csv
import datetime
import io
import re

from weirsim.apis import ea
from weirsim.raw_client import ask, post
from weirsim.simulated import METNO, NOW, Simulated, WATER, utc
from weirsim.times import DAY, LONDON, parse


class OpenMeteo(Simulated):
    PATH = "/openmeteo/v1/forecast?latitude=52.52&longitude=13.41&hourly=temperature_2m,precipitation"

    def rows(self, document, names):
        hourly, unit = document["hourly"], {"latitude": "52.52", "longitude": "13.41"}
        for place, time in enumerate(hourly["time"]):
            yield unit, utc(time), {name: hourly[name][place] for name in names}

    def test_columns_are_the_truth(self):
        document = self.get(self.PATH + "&past_days=2&forecast_days=2&timezone=UTC").json()
        truth = self.truth("openmeteo", "2026-04-08", "2026-04-12", hourly="temperature_2m,precipitation")
        self.same(self.rows(document, ["temperature_2m", "precipitation"]), truth, 96)
        self.assertEqual(document["hourly_units"], {"time": "iso8601", "temperature_2m": "°C", "precipitation": "mm"})

    def test_a_forecast_changes_and_what_is_over_does_not(self):
        path = self.PATH + "&past_days=1&forecast_days=2"
        before = self.get(path).json()["hourly"]["temperature_2m"]
        post(self.port, "/_sim/clock", {"now": "2026-04-10T06:00:00Z"})
        after = self.get(path).json()["hourly"]["temperature_2m"]
        self.assertEqual(before[:25], after[:25])
        self.assertNotEqual(before[30:], after[30:])

    def test_several_places_are_an_array(self):
        documents = self.get(self.PATH.replace("52.52", "52.52,53.55").replace("13.41", "13.41,9.99")).json()
        self.assertEqual([place.get("location_id") for place in documents], [None, 1])
        self.assertNotEqual(documents[0]["hourly"], documents[1]["hourly"])

    def test_the_archive_ends_in_nulls(self):
        path = "/openmeteo/v1/archive?latitude=52.52&longitude=13.41&hourly=temperature_2m&start_date=2026-04-01&end_date=2026-04-09"
        document = self.get(path).json()
        self.same(self.rows(document, ["temperature_2m"]), self.truth("openmeteo_archive", "2026-04-01", "2026-04-10"), 216)
        nulls = [value is None for value in document["hourly"]["temperature_2m"]]
        self.assertEqual(nulls, [time > NOW - 5 * DAY for time in range(parse("2026-04-01"), NOW, 3600)])

    def test_wrong_parameters_are_told(self):
        for change, reason in {"latitude=91": "Latitude must be", "latitude=1,2": "same number", "hourly=x": "invalid String value x",
                               "past_days=93": "0 to 92", "timezone=Nowhere": "Invalid timezone", "start_date=2026-04-01": "end_date"}.items():
            name = change.partition("=")[0]
            path = re.sub(rf"{name}=[^&]*", change, self.PATH) if name in self.PATH else f"{self.PATH}&{change}"
            document = self.get(path, want=400).json()
            self.assertTrue(document["error"] and reason in document["reason"], document)

    def test_limits_are_weighted_and_told_in_words_alone(self):
        post(self.port, "/_sim/limits", {"openmeteo": {"minute": 10, "hour": 20, "day": 25}})
        self.world.wall.set(NOW, 0)
        four = self.PATH.replace("52.52", "1,2,3,4").replace("13.41", "1,2,3,4")
        for words, forward in (("Minutely", 60), ("Hourly", 3600), ("Daily", 86400)):
            statuses = []
            while not statuses or statuses[-1] == 200:
                answer = ask(self.port, four)
                statuses.append(answer.status)
                if words != "Minutely" and "Minutely" in answer.body.decode():
                    self.world.wall.set(self.world.wall.now() + 60)
                    statuses[-1] = 200
            self.assertIn(words, answer.json()["reason"])
            self.assertNotIn("retry-after", answer.headers)
            self.world.wall.set(NOW + forward)
        self.assertEqual(self.world.log.list()[2]["status"], 429)  # 4 + 4 + 4 > 10


class MetNo(Simulated):
    PATH = METNO + "?lat=59.9133&lon=10.7389"

    def test_the_forecast_is_the_truth(self):
        rows = []
        for item in self.get(self.PATH).json()["properties"]["timeseries"]:
            rain = item["data"].get("next_1_hours", {}).get("details", {}).get("precipitation_amount")
            rows.append(({"lat": "59.9133", "lon": "10.7389"}, item["time"], {**item["data"]["instant"]["details"], "precipitation_amount": rain}))
        self.same(rows, self.truth("metno", "2026-04-01", "2026-05-01"), 70)

    def test_the_same_text_gets_304_and_another_does_not(self):
        answer = self.get(self.PATH)
        modified = answer.headers["last-modified"]
        again = self.get(self.PATH, {"If-Modified-Since": modified}, want=304)
        self.assertEqual((again.body, again.headers["last-modified"]), (b"", modified))
        later = datetime.datetime.strptime(modified, "%a, %d %b %Y %H:%M:%S GMT") + datetime.timedelta(days=1)
        self.get(self.PATH, {"If-Modified-Since": later.strftime("%a, %d %b %Y %H:%M:%S GMT")})  # later, but not the same
        post(self.port, "/_sim/clock", {"now": NOW + 12 * 3600})
        self.get(self.PATH, {"If-Modified-Since": modified})

    def test_expires_is_ahead_and_not_on_the_hour(self):
        headers = self.get(self.PATH).headers
        ahead = [datetime.datetime.strptime(headers[name], "%a, %d %b %Y %H:%M:%S GMT") for name in ("date", "expires")]
        self.assertTrue(1500 <= (ahead[1] - ahead[0]).total_seconds() <= 2400)

    def test_who_says_nothing_of_himself_is_refused(self):
        for agent in ("", "curl/8.1", "python-requests/2.31", "weir/1"):
            self.get(self.PATH, {"User-Agent": agent}, want=403)
        self.get(METNO + "?lat=59.91334&lon=10.7389", want=403)
        self.get(METNO + "?lon=10.7389", want=400)

    def test_the_old_version_is_deprecated_and_too_many_are_refused(self):
        self.get(self.PATH.replace("2.0", "1.9"), want=203)
        self.world.wall.set(NOW, 0)
        self.assertEqual([ask(self.port, self.PATH).status for _ in range(21)], [200] * 20 + [429])


class Agency(Simulated):
    PATH = "/ea/water-quality/data/observation?dateFrom=2025-03-01&dateTo=2026-02-28"

    def pages(self, determinand, limit):
        skip = 0
        while True:
            answer = self.get(f"{self.PATH}&determinand={determinand}&skip={skip}&limit={limit}", WATER, "POST")
            if not answer.body:
                return
            self.assertEqual("link" in answer.headers, answer.body.count(b"\r\n") > limit and self.more(determinand, skip + limit))
            yield from csv.DictReader(io.StringIO(answer.body.decode(), newline=""))
            skip += limit

    def more(self, determinand, skip):
        return bool(self.get(f"{self.PATH}&determinand={determinand}&skip={skip}&limit=1", WATER, "POST").body)

    def test_observations_are_the_truth_until_an_empty_body(self):
        post(self.port, "/_sim/limits", {"water": {"minute": 0}})
        kinds = set()
        for determinand in ea.DETERMINANDS:
            rows = []
            for row in self.pages(determinand, 50):
                text, qualifier = row["result"], row["result"][:1] if row["result"][:1] in "<>" else ""
                kinds.add("coded" if row["unit"] == "Coded Result" else qualifier)
                values = {"result": text if row["unit"] == "Coded Result" else float(text.strip("<>"))}
                rows.append(({"point": row["samplingPoint.notation"], "determinand": row["determinand.notation"]}, utc(row["phenomenonTime"], LONDON),
                             values | ({"qualifier": qualifier} if qualifier else {})))
            self.same(rows, self.truth("water", "2025-03-01", "2026-03-01", determinand=determinand), 150)
        self.assertEqual(kinds, {"", "<", ">", "coded"})

    def test_refusals(self):
        wrong = {"&determinand=0061,0111": 400, "&determinand=0061&determinand=0111": 400, "": 400, "&determinand=0061&limit=2501": 400,
                 "&determinand=0061&pointNotation=XX": 404}
        for more, status in wrong.items():
            self.get(self.PATH + more, WATER, "POST", want=status)
        self.get(self.PATH + "&determinand=0061", {"Accept": "text/csv"}, "POST", want=400)
        self.get(self.PATH + "&determinand=0061", {**WATER, "Accept": "application/json"}, "POST", want=406)
        long = self.PATH.replace("2025-03", "2024-03") + "&determinand=0061"
        self.get(long, WATER, "POST", want=400)
        self.get(long + "&pointNotation=AN-WEL040", WATER, "POST")

    def test_readings_are_the_truth(self):
        name = next(iter(ea.MEASURES))
        path = ea.READINGS.format(measure=name) + "?mineq-date=2026-03-27&max-date=2026-03-31"
        rows = list(csv.DictReader(io.StringIO(self.get(path).body.decode())))
        rows = [({"measure": name}, row["dateTime"] + "Z", {"value": float(row["value"]) if row["value"] else None, "quality": row["quality"]}) for row in rows]
        self.same(rows, self.truth("hydrology", "2026-03-27", "2026-03-31", measure=name), 360)
        self.assertIn("Missing", {values["quality"] for _, _, values in rows})
        self.assertEqual(len(self.get(path + "&_limit=10&_offset=5").body.splitlines()), 11)
        self.get(path + "&_limit=2000001", want=400)
