"""Aggregates beside their definitions in Python's exact fractions: the same from the head, from blocks and their headers,
page by page and in groups of several series."""
import fractions
import json
import math
import random
import re

from expect import parse
from steps import call, query, scenario, stable, write

SECOND = 10 ** 9
HOSTS = ["a", "b", "c"]


def make(seed, rows=120):
    """(host, time, counter or None, gauge, state) of three hosts; counters begin anew now and then."""
    chance = random.Random(seed)
    made = []
    for host in HOSTS:
        counter, time = 0, 0
        for _ in range(rows):
            time += chance.choice([10, 10, 10, 5, 300]) * SECOND
            counter = 0 if chance.random() < 0.02 else counter + chance.randrange(50)
            made.append((host, time, None if chance.random() < 0.1 else counter,
                         round(chance.gauss(20, 5), 2), chance.choice(["on", "off", "idle"])))
    return made


def lines(made):
    return "\n".join(f'm,host={host} v={gauge},state="{state}"' + (f",c={counter}i" if counter is not None else "")
                     + f" {time}" for host, time, counter, gauge, state in made)


def quantile(values, percent):
    """As numpy's default: between the closest ranks."""
    position = (len(values) - 1) * fractions.Fraction(percent) / 100
    low = sorted(values)[math.floor(position)]
    high = sorted(values)[math.ceil(position)]
    return low + (high - low) * (position - math.floor(position))


def changes(series, inside, counter):
    """By series: (what it rose by, seconds), of changes whose later value is inside."""
    found = []
    for values in series:
        pairs = [(a, b) for a, b in zip(values, values[1:]) if inside(b[0])]
        if pairs:
            rise = sum(b[1] - a[1] if b[1] >= a[1] else b[1] for a, b in pairs) if counter else pairs[-1][1][1] - pairs[0][0][1]
            found.append((rise, fractions.Fraction(pairs[-1][1][0] - pairs[0][0][0], SECOND)))
    return found


def pieces(series, inside):
    return [((a[1] + b[1]) / 2 * (b[0] - a[0]), b[0] - a[0]) for values in series
            for a, b in zip(values, values[1:]) if inside(b[0])]


def work_out(name, series, inside):
    """What the aggregate is of the series' [(time, value)] in a window."""
    values = [value for one in series for time, value in one if inside(time)]
    unit = {"(1m)": 60, "(1h)": 3600}.get(name[name.find("("):] if "(" in name else "", 1)
    name = name.partition("(")[0]
    if name == "distinct":
        return len(set(values))
    if not values:
        return None
    if name == "mode":
        return min(values, key=lambda value: (-values.count(value), value))
    if name in ("variance", "stddev"):
        mean = sum(values) / len(values)
        if len(values) < 2:
            return None
        variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
        return variance if name == "variance" else math.sqrt(variance)
    if name == "median" or name[0] == "p":
        return quantile(values, "50" if name == "median" else name[1:])
    if name in ("increase", "rate", "delta", "derivative"):
        found = changes(series, inside, name in ("increase", "rate"))
        if not found:
            return None
        return sum(rise for rise, _ in found) if name in ("increase", "delta") else sum(rise / span for rise, span in found) * unit
    found = pieces(series, inside)
    area, time = sum(area for area, _ in found), sum(time for _, time in found)
    if name == "integral":
        return area / SECOND / unit if found else None
    return area / time if found else sum(values) / len(values)


def close(want, got):
    if want is None or got is None or isinstance(want, str):
        return want == got
    if isinstance(got, int):
        return want == got
    return abs(float(want) - got) <= 1e-9 * max(abs(float(want)), 1e-6)


NUMBERS = ["variance", "stddev", "median", "p5", "p99.9", "mode", "distinct", "increase", "rate(1m)", "delta", "derivative",
           "integral(1h)", "time_weighted_mean"]


def column(name, field):
    return f"{name.partition('(')[0]}_{field}"


def compare(made, every, names, field, group):
    """The answer of the server, window by window."""
    def step(run):
        index = {"c": 2, "v": 3, "state": 4}[field]
        text = f"measurement=m&agg={','.join(names)}&fields={field}&epoch=ns&shape=rows"
        text += f"&every={every}s" if every else "&start=0"
        answer = parse(run.request("GET", f"/v1/query?{text}&group_by={'host' if group else ''}").text())["rows"]
        seen = 0
        for hosts in ([[host] for host in HOSTS] if group else [HOSTS]):
            exact = (lambda value: value) if field == "state" else fractions.Fraction
            series = [[(row[1], exact(str(row[index]))) for row in made if row[0] == host and row[index] is not None]
                      for host in hosts]
            length = every * SECOND if every else 2 ** 62
            starts = sorted({time // length * length for one in series for time, _ in one})
            rows = [row for row in answer if not group or row["host"] == hosts[0]]
            if [row["time"] for row in rows] != starts:
                run.fail(f"{text}: windows at {[row['time'] for row in rows]}, not {starts}")
            for row in rows:
                for name in names:
                    want = work_out(name, series, lambda time, at=row["time"]: at <= time < at + length)
                    if not close(want, row[column(name, field)]):
                        run.fail(f"{text}: {name} at {row['time']} is {row[column(name, field)]}, not {want}")
                    seen += 1
        if seen == 0:
            run.fail("nothing was compared")
    return call(step)


def pages(text, page):
    """The pages one after another are what the whole is."""
    def walk(run):
        whole = json.loads(run.request("GET", f"/v1/query?{text}&shape=rows").text())["rows"]
        got, path = [], f"/v1/query?{text}&shape=rows&limit={page}"
        while path:
            answer = run.request("GET", path)
            got += json.loads(answer.text())["rows"]
            link = re.search(r'<([^>]+)>\s*;\s*rel="?next', answer.headers.get("link", ""))
            path = link.group(1) if link else None
            if path and path.startswith("http"):
                path = "/" + path.split("/", 3)[3]
        if got != whole or len(whole) <= page:
            run.fail(f"{len(got)} rows in pages of {page}, {len(whole)} in the whole: {got[:2]} {whole[:2]}")
    return call(walk)


def sketch(run):
    """p50 and p99 of 65,536 values are exact, of one more within 0.4 %; distinct counts exactly, then within 3 %."""
    chance = random.Random(5)
    values = [round(chance.lognormvariate(3, 1), 6) for _ in range(65537)]
    for first in range(0, len(values), 16000):
        body = "\n".join(f"s v={value},n={n}i {n}" for n, value in list(enumerate(values))[first:first + 16000])
        run.request("POST", "/v1/points", 204, body=body, headers={"Content-Type": "text/plain"})
    for count in (65535, 65536, 65537):
        row = parse(run.request("GET", f"/v1/query?measurement=s&agg=median,p99&fields=v&shape=rows&start=0&end={count}").text())["rows"][0]
        for name, percent in (("median_v", 50), ("p99_v", 99)):
            want = float(quantile([fractions.Fraction(str(value)) for value in values[:count]], percent))
            if abs(row[name] - want) > (1e-12 if count <= 65536 else 0.004) * want:
                run.fail(f"{name} of {count} values: {row[name]}, not {want}")
        row = parse(run.request("GET", f"/v1/query?measurement=s&agg=distinct&fields=n&shape=rows&start=0&end={count}").text())["rows"][0]
        if abs(row["distinct_n"] - count) > (0 if count <= 65536 else 0.03 * count):
            run.fail(f"distinct of {count} values: {row['distinct_n']}")


def bad(agg, text):
    def told(detail):
        return text in detail
    return query(f"measurement=m&agg={agg}", 400, code="bad_parameter", json={"detail": told})


DATA = make(1)

SCENARIOS = [
    scenario("every aggregate is its definition: over all, in windows, and of each host",
             write(lines(DATA)),
             stable(*[compare(DATA, every, NUMBERS, field, group)
                      for every in (None, 900) for field in ("c", "v") for group in (False, True)],
                    *[compare(DATA, every, ["mode", "distinct"], "state", group) for every in (None, 600) for group in (False, True)])),
    scenario("pages of aggregates that need the value before are the whole",
             write(lines(DATA)),
             *[pages(f"measurement=m&fields=c,v&epoch=ns&every=10m&agg={agg}&group_by={group}&order={order}", page)
               for agg in ("increase,rate,delta", "integral,time_weighted_mean,max", "median,mode") for group in ("", "host", "*")
               for order in ("asc", "desc") for page in (1, 7) if page == 7 or (group, order) == ("host", "asc")]),
    scenario("changes belong to the window of their later value, and a range begins with nothing",
             write("k c=1i 0\nk c=4i 10\nk c=2i 20\nk c=7i 30"),
             stable(query("measurement=k&agg=increase,delta&every=20ns&epoch=ns", rows=[[0, 3, 3], [20, 7, 3]]),
                    query("measurement=k&agg=increase,delta&epoch=ns&start=10", rows=[[10, 7, 3]]),
                    query("measurement=k&agg=increase,rate,delta,derivative,integral,time_weighted_mean&epoch=ns&start=30",
                          rows=[[30, None, None, None, None, None, 7.0]]))),
    scenario("an exact quantile becomes a sketch behind 65,536 values, a count of distinct ones an estimate", call(sketch)),
    scenario("distinct of a window without values is 0 whatever the fill, all else is filled",
             write("k v=1,c=2i 0\nk v=5 20\nk v=7,c=2i 40"),
             query("measurement=k&fields=c&agg=distinct,mode,stddev&every=20ns&epoch=ns&fill=previous&start=0&end=60",
                   rows=[[0, 1, 2, None], [20, 0, 2, None], [40, 1, 2, None]])),
    scenario("what is wrong with a call is told",
             write("m v=1,s=\"x\" 1"),
             bad("stdev", "did you mean \"stddev\"?"), bad("p100", "below 100"), bad("p5.1234567", "six digits"),
             bad("rate(5)", "as in rate(1m)"), bad("mean(1h)", "mean has no unit"), bad("rate(1s),rate(1m)", "want one unit"),
             bad("median&fields=s", "mode and distinct take any"),
             query("measurement=m&agg=median,mode&epoch=ns", columns=["time", "mode_s", "median_v", "mode_v"], rows=[[1, "x", 1.0, 1.0]])),
]
