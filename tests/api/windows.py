"""Windows of the calendar and fixed ones, moved and filled, beside an evaluator that knows Python's zoneinfo and nothing of ours."""
import bisect
import datetime
import random
import re
import zoneinfo

from expect import match, parse
from steps import call, query, scenario, stable, write

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1)
SECOND = 10 ** 9
HOUR = 3600 * SECOND
DAY = 24 * HOUR
UNITS = {"ns": 1, "s": SECOND, "m": 60 * SECOND, "h": HOUR, "d": DAY, "w": 7 * DAY}


def zone_of(name):
    found = re.fullmatch(r"([+-])(\d\d):(\d\d)", name)
    if not found:
        return zoneinfo.ZoneInfo(name)
    ahead = datetime.timedelta(hours=int(found[2]), minutes=int(found[3]))
    return datetime.timezone(-ahead if found[1] == "-" else ahead)


def instant(wall, zone):
    """When clocks first show the (naive) time, in ns; of one they skip, the moment of the turn."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None, fold=0) != wall:  # skipped: the turn is in (second, first]
        behind = first.astimezone(zone).utcoffset()
        while first - second > datetime.timedelta(seconds=1):
            middle = second + (first - second) // 2
            middle -= datetime.timedelta(microseconds=middle.microsecond)
            if middle.astimezone(zone).utcoffset() == behind:
                first = middle
            else:
                second = middle
    return int((first.replace(tzinfo=None) - EPOCH).total_seconds()) * SECOND


def duration(text):
    sign = -1 if text.startswith("-") else 1
    return sign * sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)([a-z]+)", text))


def borders(every, tz, offset, first, last):
    """All starts of windows from one at or before `first` to one behind `last`."""
    moved = duration(offset) if offset else 0
    months = re.fullmatch(r"(\d+)(mo|y)", every)
    if not months and not (tz and re.fullmatch(r"(\d+[dw])+", every)):
        length = duration(every)
        base = (4 * DAY if length % (7 * DAY) == 0 else 0) + moved
        start = base + (first - base) // length * length
        return list(range(start, last + 2 * length, length))
    zone, shift = zone_of(tz or "UTC"), datetime.timedelta(seconds=moved // SECOND)
    walls = []
    if months:
        count = int(months[1]) * (12 if months[2] == "y" else 1)
        for number in range(1960 * 12 // count, 2045 * 12 // count + 1):
            walls.append(datetime.datetime(number * count // 12, number * count % 12 + 1, 1))
    else:
        days = duration(every) // DAY
        base = 4 if days % 7 == 0 else 0
        middle = first // DAY
        for number in range((middle - base) // days - 3, (last // DAY - base) // days + 4):
            walls.append(EPOCH + datetime.timedelta(days=base + number * days))
    starts = sorted({instant(wall + shift, zone) for wall in walls})
    return starts[max(0, bisect.bisect_right(starts, first) - 1):bisect.bisect_right(starts, last) + 1]


AGGREGATES = {
    "count": lambda values: len(values),
    "sum": lambda values: sum(values) if values else None,
    "max": lambda values: max(values, default=None),
    "last": lambda values: values[-1] if values else None,
}


def fill(rows, column, how):
    held = [(row[0], row[column]) for row in rows if row[column] is not None]
    for row in [row for row in rows if row[column] is None]:
        before, after = [pair for pair in held if pair[0] < row[0]][-1:], [pair for pair in held if pair[0] > row[0]][:1]
        if how == "previous" and before:
            row[column] = before[0][1]
        elif how == "linear" and before and after:
            (from_time, one), (to_time, other) = before[0], after[0]
            row[column] = float(one) + (float(other) - float(one)) * (float(row[0] - from_time) / float(to_time - from_time))
        elif how not in ("none", "null", "previous", "linear"):
            row[column] = float(how) if re.search("[.e]", how) else int(how)


def evaluate(points, fields, ask):
    """`points`: (time, {field: value}) of one group in order of time."""
    points = [point for point in points if ask["start"] is None or point[0] >= ask["start"]]
    points = [point for point in points if ask["end"] is None or point[0] < ask["end"]]
    if not points:
        return []
    first = ask["start"] if ask["start"] is not None else points[0][0]
    last = ask["end"] - 1 if ask["end"] is not None else points[-1][0]
    starts = borders(ask["every"], ask["tz"], ask["offset"], first, last)
    windows = {start: [] for start in starts if start <= last}
    for time, values in points:
        windows[starts[bisect.bisect_right(starts, time) - 1]].append(values)
    rows = []
    for start, held in windows.items():
        if held or ask["fill"] != "none":
            rows.append([start] + [AGGREGATES[name]([values[field] for values in held if field in values])
                                   for field in fields for name in ask["agg"]])
    for column in range(1, 1 + len(fields) * len(ask["agg"])):
        fill(rows, column, ask["fill"])
    return rows[::-1] if ask["order"] == "desc" else rows


def parameters(ask):
    return [("measurement", "m"), ("epoch", "ns"), ("agg", ",".join(ask["agg"]))] + \
           [(name, str(ask[name])) for name in ("every", "tz", "offset", "fill", "start", "end", "order", "group_by") if ask[name] is not None]


def answer_of(run, pairs):
    return parse(run.request("GET", "/v1/query", 200, params=pairs).text())


def compare(run, groups, fields, ask, limit):
    """The whole answer, and its pages put together, are what the evaluator says."""
    want = []
    for tags, points in groups:
        rows = evaluate(points, fields, ask)
        if rows:
            want.append((tags, rows))
    whole = answer_of(run, parameters(ask))
    match([{"tags": tags, "rows": rows} for tags, rows in want], whole["series"], str(ask))
    pages, cursor = [], None
    while cursor is not None or not pages:
        page = answer_of(run, parameters(ask) + [("limit", str(limit))] + ([("cursor", cursor)] if cursor else []))
        pages.append(page)
        cursor = page["next"]
    rows = [(one["tags"], row) for page in pages for one in page["series"] for row in one["rows"]]
    match([row for _, rows in want for row in rows], [row for _, row in rows], f"pages of {limit}: {ask}")


def at(text):
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def hours_of(first, end, step=HOUR):
    return range(at(first), at(end), step)


def days_of(name, first, end):
    """A row an hour through some years: each day counts its hours, and months and years are made of days."""
    times = list(hours_of(first, end))

    def run_it(run):
        for every in ("1d", "1w", "2w", "10d", "1mo", "3mo", "1y"):
            for offset in (None, "6h", "-90m") if every in ("1d", "1mo") else (None,):
                starts = borders(every, name, offset, times[0], times[-1])
                want = [[start, bisect.bisect_left(times, behind) - bisect.bisect_left(times, start)]
                        for start, behind in zip(starts, starts[1:] + [2 ** 63])]
                pairs = [("measurement", "m"), ("epoch", "ns"), ("agg", "count"), ("every", every), ("tz", name)] + ([("offset", offset)] if offset else [])
                match([row for row in want if row[1]], answer_of(run, pairs)["series"][0]["rows"], f"{every} {offset}")
    pieces = [times[at:at + 50000] for at in range(0, len(times), 50000)]
    return scenario(f"days of 23, 24 and 25 hours: {name}, {first} to {end}",
                    *[write("\n".join(f"m f={n}i {time}" for n, time in enumerate(piece))) for piece in pieces],
                    stable(call(run_it)))


def random_questions(seed, step, first, everys):
    """Rows with holes, of three hosts in two places: fills, orders, pages and groups in every combination that chance finds."""
    chance = random.Random(seed)
    hosts = {host: [] for host in ("a", "b", "c")}
    for host, points in hosts.items():
        time = first + chance.randrange(20 * step)
        for _ in range(40):
            time += chance.choice((1, 1, 2, 3, 25)) * step + chance.randrange(step)
            values = {name: value for name, value in (("f", chance.randrange(-8, 9) / 4), ("i", chance.randrange(-50, 50))) if chance.random() < 0.6}
            if values:
                points.append((time, values))
    text = [f"m,host={host},place={'x' if host == 'a' else 'y'} " + ",".join(f"{name}={value}{'i' if name == 'i' else ''}" for name, value in values.items())
            + f" {time}" for host, points in hosts.items() for time, values in points]
    one = sorted((point for points in hosts.values() for point in points), key=lambda point: point[0])
    places = [({"place": "x"}, hosts["a"]), ({"place": "y"}, sorted(hosts["b"] + hosts["c"], key=lambda point: point[0]))]
    asks = []
    for _ in range(16):
        every, tz, offsets = chance.choice(everys)
        start, end = chance.choice((None, first + 7 * step, first + 40 * step)), chance.choice((None, first + 150 * step, first + 151 * step + 1))
        asks.append(({"every": every, "tz": tz, "offset": chance.choice(offsets), "start": start, "end": end,
                      "fill": chance.choice(("none", "null", "previous", "linear", "0", "-1.5")), "order": chance.choice(("asc", "desc")),
                      "agg": chance.choice((["sum"], ["count", "max"], ["last", "count", "sum"])), "group_by": chance.choice((None, "place"))},
                     chance.choice((2, 7, 50))))

    def run_it(run):
        for ask, limit in asks:
            compare(run, places if ask["group_by"] else [({}, one)], ["f", "i"], ask, limit)
    return scenario(f"random questions of windows, seed {seed}", write("\n".join(text)), stable(call(run_it)))


CALENDAR = [("1d", "Europe/London", (None, "6h", "-1h")), ("1d", "America/Sao_Paulo", (None, "30m")), ("1w", "Australia/Sydney", (None, "-1d")),
            ("3d", "+05:45", (None,)), ("1mo", None, (None, "5d")), ("1mo", "America/New_York", (None, "6h")), ("1y", "Europe/Paris", (None,)),
            ("36h", "Europe/Paris", (None, "5h")), ("12h", None, (None, "-1h"))]
FIXED = [("10ns", None, (None, "3ns", "-9ns")), ("7ns", None, (None,)), ("25ns", "Europe/Paris", (None, "1ns"))]


def wrong(text, part, want=400, code="bad_parameter"):
    return query("measurement=m&" + text, want, code=code, contains=part)


ROWS = "m,host=a f=1,s=\"x\" 10\nm,host=a f=4 41\nm,host=b f=2 20"

SCENARIOS = [
    days_of("Europe/London", "2023-12-20", "2026-01-10"),
    days_of("Europe/Paris", "2000-01-01", "2002-02-01"),
    days_of("America/New_York", "2006-06-01", "2008-06-01"),
    days_of("Australia/Sydney", "2028-01-01", "2031-01-01"),
    days_of("America/Sao_Paulo", "2016-06-01", "2019-06-01"),
    days_of("Asia/Beirut", "2022-01-01", "2023-01-01"),
    days_of("Australia/Lord_Howe", "2021-01-01", "2022-06-01"),
    days_of("Pacific/Apia", "2011-11-01", "2012-06-01"),
    days_of("Europe/London", "1967-06-01", "1972-06-01"),
    random_questions(1, 3 * HOUR, at("2017-02-01"), CALENDAR),
    random_questions(2, 5 * HOUR, at("2024-09-20"), CALENDAR),
    random_questions(3, HOUR, at("1969-12-25"), CALENDAR),
    random_questions(4, 3, 1000, FIXED),
    random_questions(5, 2, -100, FIXED),
    scenario("what stands in an empty window",
             write(ROWS),
             *[stable(query(f"measurement=m&epoch=ns&every=10ns&agg=count,last&fields=f&match=host%3Da&fill={how}",
                            rows=[[10, 1, 1.0], [20, 0, *values[:1]], [30, 0, *values[1:]], [40, 1, 4.0]]))
               for how, values in (("null", [None, None]), ("previous", [1.0, 1.0]), ("linear", [2.0, 3.0]), ("0", [0, 0]), ("0.5", [0.5, 0.5]))],
             query("measurement=m&epoch=ns&every=10ns&agg=last&fields=s&fill=previous&match=host%3Da&end=50", rows=[[10, "x"], [20, "x"], [30, "x"], [40, "x"]]),
             query("measurement=m&epoch=ns&every=10ns&agg=count&fill=0&start=100&end=200", json={"series": []})),
    scenario("filled answers in other formats, and their ETag",
             write(ROWS),
             query("measurement=m&epoch=ns&every=10ns&agg=sum&fields=f&fill=null&format=csv&match=host%3Da",
                   contains="time,sum_f\n10,1.0\n20,\n30,\n40,4.0\n"),
             call(lambda run: etags(run))),
    scenario("windows that cannot be asked for are told",
             write(ROWS),
             wrong("agg=sum&every=1d&tz=Europe/Lundon", "Europe/London"), wrong("agg=sum&every=1d&tz=Nowhere/Atall", "Europe/Berlin"),
             wrong("agg=sum&every=1d&tz=", "tz"), wrong("agg=sum&every=1d&tz=..%2Fpasswd", "tz"),
             wrong("agg=sum&tz=UTC", "every="), wrong("tz=UTC", "every="), wrong("agg=sum&offset=1h", "every="), wrong("agg=sum&fill=null", "every="),
             wrong("fill=0", "every="), wrong("agg=sum&every=1h&offset=1h", "less than a window"), wrong("agg=sum&every=1h&offset=-1h", "less than a window"),
             wrong("agg=sum&every=1h&offset=soon", "offset"), wrong("agg=sum&every=0mo", "1mo"), wrong("agg=sum&every=293y", "292y"),
             wrong("agg=sum&every=1y6mo", "one number"), wrong("agg=sum&every=1M", "3mo"), wrong("agg=sum&every=1h&fill=spline", "linear"),
             query("measurement=m&agg=sum&every=1h&offset=59m59s", 200), query("measurement=m&agg=sum&every=292y&tz=Asia/Tokyo", 200),
             wrong("agg=sum&every=1ns&fill=null&start=0&end=9223372036854775806", "query_groups_max", 422, "query_groups_limit")),
    scenario("filled windows count, at the limit and one above it",
             write(ROWS),
             *[query(f"measurement=m&epoch=ns&every=1ns&agg=sum&fields=f&fill=0&start=0&end={end}", 200 if end <= 100 else 422,
                     code=None if end <= 100 else "query_groups_limit") for end in (99, 100, 101)],
             flags=["--limit-query-groups-max", "100"]),
]


def etags(run):
    texts = ["", "&fill=null", "&fill=previous", "&fill=0", "&fill=0.0", "&offset=1ns", "&tz=UTC"]
    tags = [run.request("GET", f"/v1/query?measurement=m&every=10ns&agg=sum&fields=f{text}", 200).headers["etag"] for text in texts]
    if len(set(tags)) != len(tags):
        run.fail(f"two answers have one ETag: {tags}")
    run.request("GET", "/v1/query?measurement=m&every=10ns&agg=sum&fields=f&fill=null", 304, headers={"If-None-Match": tags[1]})
