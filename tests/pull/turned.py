"""Days on which clocks are turned: of 46 and 50 half hours, of 23 and 25 hours, beside one of 48; whatever way an API tells its times."""
import csv
import datetime
import http.server
import io
import json
import threading
import time
import zoneinfo

from documents import DEMAND, keyed, renamed
from examples import made
from stand import DAY, HOUR, check, differences, iso, until
from weirsim.control import SECRETS
from weirsim.times import LONDON, midnight, settlement

EASTERN = zoneinfo.ZoneInfo("America/New_York")
ONCE = {"every": "1h", "jitter": "0s"}
HALVES = {"spring": 46, "autumn": 50}


def last_turn(season, zone=LONDON):
    """The last day that is over, by a month at least, on which clocks of Europe were turned."""
    month = 3 if season == "spring" else 10
    for year in range(time.gmtime().tm_year, 2023, -1):
        date = max(datetime.date(year, month, day) for day in range(25, 32) if datetime.date(year, month, day).weekday() == 6)
        if midnight(date, zone) < time.time() - 14 * DAY:
            return date
    return None


def secrets(case, server):
    for secret in SECRETS:
        case.ask(server, "PUT", "/v1/secrets/" + secret, {"value": SECRETS[secret], "hosts": ["127.0.0.1"]}, want=None)


def of_neso(remote, document, first, end):
    return {keyed({}, time_s): renamed(values, DEMAND) for _, time_s, values in remote.truth("neso", first, end)}


def neso(remote, year, dates):
    """By settlement date and period; the table of that year."""
    tables = json.loads(remote.ask("/neso/api/3/action/datapackage_show?id=historic-demand-data"))["result"]["resources"]
    table = next(one["id"] for one in tables if one["name"].endswith(str(year)))
    return {"name": "neso", "schedule": ONCE, "decode": "json", "rows": "/result/records/*", "measurement": "demand",
            "request": {"url": f"http://{remote.netloc}/neso/api/3/action/datastore_search",
                        "query": {"resource_id": table, "filters": json.dumps({"SETTLEMENT_DATE": [str(date) for date in dates]})}},
            "page": {"type": "offset", "param": "offset", "limit_param": "limit", "limit": 60, "stop": ["short_page"], "expect_total": "/result/total"},
            "time": {"base": "SETTLEMENT_DATE", "index": "SETTLEMENT_PERIOD", "first": 1, "step": "PT30M", "tz": "Europe/London"},
            "values": [{"path": path, "field": field} for path, field in DEMAND.items()]}


def on_the_day(season):
    def of_each_api(case):
        turn = last_turn(season)
        end = midnight(turn + datetime.timedelta(days=2), LONDON)
        first = midnight(turn - datetime.timedelta(days=1), LONDON)
        remote = case.remote()
        server = case.server(remote)
        secrets(case, server)
        wanted = {}
        for name in ("elexon-fuelhh", "octopus-consumption", "entsoe-load", "eia-hourly-demand"):
            document, truth, _ = made(name, remote, case.ready_at)
            document["schedule"] = ONCE
            document["window"] |= {"from": iso(first), "until": iso(end), "step": "P1D", "overlap": "0s"}
            if name == "octopus-consumption":
                document["request"]["query"]["page_size"] = "25000"  # so that offsets change amid a page
                document["window"]["step"] = "P3D"
            case.declare(server, document)
            wanted[name] = (document["measurement"], truth(remote, document, first, end))
        document = neso(remote, turn.year, [turn + datetime.timedelta(days=day) for day in (-1, 0, 1)])
        case.declare(server, document)
        wanted["neso"] = ("demand", {key: values for key, values in of_neso(remote, document, first, end).items()})
        wanted["eia-hourly-demand"] = ("demand", wanted["eia-hourly-demand"][1] | wanted.pop("neso")[1])  # one measurement of two
        for name, (measurement, rows) in wanted.items():
            until(40, lambda name=name, measurement=measurement, rows=rows: f"{name}: {differences(case.rows(server, measurement, first, end), rows)}; "
                  f"{case.how(server, name)}", lambda measurement=measurement, rows=rows: case.rows(server, measurement, first, end) == rows)
            check(case.status(server, name)["faulty"] == 0, case.how(server, name))
        for tags in {key[0] for key in wanted["elexon-fuelhh"][1]}:
            days = [settlement(at)[0] for fuel, at in case.rows(server, "generation", first, end) if fuel == tags]
            counts = [days.count(turn + datetime.timedelta(days=day)) for day in (-1, 0, 1)]
            check(counts == [48, HALVES[season], 48], f"{tags}: half hours a day {counts}")
        case.tell(f"around {turn} of {HALVES[season]} half hours: " + ", ".join(f"{len(rows)} rows of {name}" for name, (_, rows) in wanted.items()))
    of_each_api.__name__ = f"half_hours_and_hours_of_a_day_of_{season}_are_where_they_were"
    return of_each_api


class Pages:
    """A host of our own, for what the simulator does not say: one body, whatever is asked."""

    def __init__(self, case, body, kind="application/json"):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        case.remotes.append(self)  # is closed with them

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def elexon_rows(date, periods):
    return [{"dataset": "FUELHH", "publishTime": f"{date}T12:00:00Z", "settlementDate": str(date), "settlementPeriod": period, "fuelType": "WIND",
             "generation": 1000 + period} for period in periods]


def a_half_hour_that_a_day_has_not_is_told_with_its_place(case):
    """The 47th of 46, the 49th of 48, the 51st of 50; the ones before are taken."""
    spring, autumn = last_turn("spring"), last_turn("autumn")
    plain = autumn - datetime.timedelta(days=3)
    remote = case.remote()
    bodies = {name: json.dumps(elexon_rows(date, range(1, count + 2))).encode() for name, date, count in
              (("spring", spring, 46), ("plain", plain, 48), ("autumn", autumn, 50))}
    pages = {name: Pages(case, body) for name, body in bodies.items()}
    server = case.server(*pages.values())
    for (name, page), (date, count) in zip(pages.items(), ((spring, 46), (plain, 48), (autumn, 50))):
        document, _, _ = made("elexon-fuelhh", remote, case.ready_at)
        document |= {"name": name, "measurement": name, "schedule": ONCE}
        document["request"]["url"] = f"http://127.0.0.1:{page.port}/"
        document["window"] |= {"from": iso(midnight(date, LONDON)), "until": iso(midnight(date + datetime.timedelta(days=1), LONDON)), "step": "P1D",
                               "overlap": "0s"}
        document["retry"] = {"base": "100ms", "cap": "100ms", "max": 1}
        trial = {"document": {**document, "faults_max": 1}, "body": bodies[name].decode(), "start": document["window"]["from"], "end": document["window"]["until"]}
        shown = case.ask(server, "POST", "/v1/sources:test", trial)
        check((shown["rows"], shown["faulty"], shown["points_made"]) == (count + 1, 1, count), f"{name}: {json.dumps(shown)[:400]}")
        fault = shown["faults"][0]
        check(fault["row"] == count + 1 and str(count + 1) in json.dumps(fault), f"{name}: {fault}")
        case.declare(server, document)
        until(20, lambda name=name: f"it is told: {case.how(server, name)}", lambda name=name: case.status(server, name).get("failures", 0) > 0)
        error = case.status(server, name)["error"]
        check(f"row {count + 1}, /{count}" in error, f"with its place: {error}")
        check(not case.rows(server, name), "nothing of the page is taken")
        case.declare(server, {**document, "faults_max": 1}, want=200)
        wanted = {keyed({"fuel": "WIND"}, midnight(date, LONDON) + 1800 * place): {"power": 1001 + place} for place in range(count)}
        until(20, lambda name=name, wanted=wanted: f"{differences(case.rows(server, name), wanted)}; {case.how(server, name)}",
              lambda name=name, wanted=wanted: case.rows(server, name) == wanted)


def local(second, zone):
    return datetime.datetime.fromtimestamp(second, zone).strftime("%Y-%m-%d %H:%M")


def what_clocks_showed_is_when_it_was(case):
    """Texts without an offset over both turns, the beginning or the end of what they mark, and times by hour ends of another zone."""
    for season in HALVES:
        begin = midnight(last_turn(season), LONDON) - 6 * HOUR
        times = range(begin, begin + 12 * HOUR, 1800)
        server = None
        for label, ahead in (("start", 0), ("end", 1800)):
            table = io.StringIO()
            csv.writer(table).writerows([["when", "power"], *[[local(at + ahead, LONDON), at % 1000] for at in times]])
            page = Pages(case, table.getvalue().encode(), "text/csv")
            server = case.server(page)
            name = f"{season}-{label}"
            case.declare(server, {
                "name": name, "schedule": ONCE, "request": {"url": f"http://127.0.0.1:{page.port}/"}, "decode": "csv", "measurement": name,
                "time": {"path": "when", "format": "%Y-%m-%d %H:%M", "tz": "Europe/London", "label": label, "step": "PT30M"},
                "values": [{"path": "power", "field": "power"}]})
            wanted = {keyed({}, at): {"power": at % 1000} for at in times}
            until(20, lambda name=name, wanted=wanted, server=server: f"{name}: {differences(case.rows(server, name), wanted)}; {case.how(server, name)}",
                  lambda name=name, wanted=wanted, server=server: case.rows(server, name) == wanted)


def hours_of_another_zone_that_say_their_offset_are_told_by_their_end(case):
    """EIA's local hours over both turns of its clocks: `2026-03-08T03-04`."""
    remote = case.remote()
    server = case.server(remote)
    secrets(case, server)
    year = max(year for year in range(2024, time.gmtime().tm_year + 1) if datetime.datetime(year, 11, 9).timestamp() < time.time())
    turns = (max(datetime.date(year, 3, day) for day in range(8, 15) if datetime.date(year, 3, day).weekday() == 6),
             max(datetime.date(year, 11, day) for day in range(1, 8) if datetime.date(year, 11, day).weekday() == 6))
    for turn in turns:
        first, end = (midnight(turn + datetime.timedelta(days=days), EASTERN) for days in (-1, 2))
        document, truth, _ = made("eia-hourly-demand", remote, case.ready_at)
        document |= {"name": f"local-{turn.month}", "measurement": f"local{turn.month}", "schedule": ONCE}
        document["request"]["query"]["frequency"] = "local-hourly"
        document["time"]["format"] = "%Y-%m-%dT%H%z"
        document["window"] |= {"from": iso(first), "until": iso(end), "step": "P3D", "overlap": "0s", "tz": "America/New_York", "format": "%Y-%m-%dT%H"}
        end -= HOUR  # as texts are compared there, the last hour is behind the end
        document["page"]["limit"] = 1000
        case.declare(server, document)
        rows = truth(remote, document, first, end)
        until(20, lambda document=document, rows=rows: f"{differences(case.rows(server, document['measurement'], first, end), rows)}; "
              f"{case.how(server, document['name'])}", lambda document=document, rows=rows: case.rows(server, document["measurement"], first, end) == rows)


CASES = [*map(on_the_day, HALVES), a_half_hour_that_a_day_has_not_is_told_with_its_place, what_clocks_showed_is_when_it_was,
         hours_of_another_zone_that_say_their_offset_are_told_by_their_end]
