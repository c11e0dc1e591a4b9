"""downsample=: what a plot's line needs, from the head, from blocks and their headers, after compaction."""
import itertools
import json
import random
import urllib.parse

from steps import Saved, call, params, query, request, scenario, stable, write

SECOND = 1000000000


def problem(text, code, **rest):
    return query(text, 400, code=code, **rest)


def walk(count, seed=1):
    """A walk in quarters, a row a second, with a gap of a thousand seconds behind each 3000 rows."""
    chance, value, rows = random.Random(seed), 0, []
    for i in range(count):
        value += chance.randint(-4, 4)
        rows.append((i + 1000 * (i // 3000), value / 4))
    return rows


def lines(rows, name="f"):
    return "\n".join(f"m {name}={value} {time * SECOND}" for time, value in rows)


def m4(rows, start, end, points):
    """The obvious way; the range in ns, with the default gap."""
    length, out = end - start, []
    if len(rows) <= points:
        return [[time * SECOND, value] for time, value in rows]
    gap = max(2 * length // points, 4 * (rows[-1][0] - rows[0][0]) * SECOND // (len(rows) - 1))
    buckets = [list(group) for _, group in itertools.groupby(rows, lambda row: (row[0] * SECOND - start) * points // length)]
    for bucket, behind in zip(buckets, buckets[1:] + [None]):
        chosen = {bucket[0], bucket[-1], min(bucket, key=lambda row: (row[1], row[0])),
                  min(bucket, key=lambda row: (-row[1], row[0]))}
        out += [[time * SECOND, value] for time, value in sorted(chosen)]
        if behind and (behind[0][0] - bucket[-1][0]) * SECOND > gap:
            out.append([bucket[-1][0] * SECOND + 1, None])
    return out


WALK = walk(20000)
END = WALK[-1][0] + 1
CORRECTED = [(time, 1000.0 if time == 9500 else value) for time, value in WALK if not 2000 <= time < 2100]


def plot(rows, points, start=None, end=None, more=""):
    text = f"measurement=m&epoch=ns&downsample=m4&points={points}{more}"
    if start is not None:
        text += f"&start={start * SECOND}&end={end * SECOND}"
    inside = [row for row in rows if start is None or start <= row[0] < end]
    first = (start if start is not None else inside[0][0]) * SECOND
    last = end * SECOND if end is not None else inside[-1][0] * SECOND + 1
    return query(text, rows=m4(inside, first, last, points))


def alike(run):
    """minmax and lttb answer the same bytes from the head, packs, and what compaction made of them."""
    questions = [f"/v1/query?measurement=m&epoch=ns&format=csv&downsample={method}&points={points}{more}"
                 for method in ("m4", "minmax", "lttb") for points in (3, 50, 700)
                 for more in ("", "&gap=100s", f"&start={5000 * SECOND}", f"&end={15001 * SECOND}")]
    answers = []
    for step in (None, "/v1/admin/flush", "/v1/admin/compact"):
        if step:
            run.request("POST", step)
        answers.append([run.request("GET", question).body for question in questions])
    for question, head, sealed, compacted in zip(questions, *answers):
        if head != sealed or head != compacted:
            run.fail(f"{question} answers differently after a flush or compaction")
        if len(head.splitlines()) < 4:
            run.fail(f"{question} tells nothing: {head[:200]}")


SCENARIOS = [
    scenario("m4 is what the obvious way gives, from head, packs and compacted packs",
             write(lines(WALK)),
             stable(plot(WALK, 10), plot(WALK, 1000), plot(WALK, 100, 1234, 25001), plot(WALK, 19999),
                    plot(WALK, 30000, more="&gap=100h"), plot(WALK, 7, 0, END)),
             request("POST", "/v1/admin/flush"), request("POST", "/v1/admin/compact"),
             stable(plot(WALK, 10), plot(WALK, 1000), plot(WALK, 100, 1234, 25001))),
    scenario("only rows that pass a condition are in a plot, and computed columns have one",
             write(lines(WALK)),
             stable(plot([row for row in WALK if row[1] > 30], 20, more="&where=f>30"),
                    plot([row for row in WALK if row[1] > -1000], 20, more="&where=f>-1000"),
                    plot([(time, value * 2) for time, value in WALK], 30, more="&let=g=f*2&fields=g"))),
    scenario("corrections and deletions count, and as_of shows what was before",
             write(lines(WALK)), request("POST", "/v1/admin/flush"),
             query("measurement=m&limit=1", save={"before": "as_of"}),
             write(f"m f=1000 {9500 * SECOND}"),
             request("DELETE", f"/v1/points?measurement=m&start={2000 * SECOND}&end={2100 * SECOND}", {200, 204}),
             stable(plot(CORRECTED, 10), plot(CORRECTED, 500),
                    query("measurement=m&epoch=ns&downsample=m4&points=50", params=params(as_of=Saved("before")),
                          rows=m4(WALK, 0, WALK[-1][0] * SECOND + 1, 50))),
             request("POST", "/v1/admin/flush"), request("POST", "/v1/admin/compact"),
             stable(plot(CORRECTED, 10), plot(CORRECTED, 500),
                    query("measurement=m&epoch=ns&downsample=m4&points=50", params=params(as_of=Saved("before")),
                          rows=m4(WALK, 0, WALK[-1][0] * SECOND + 1, 50)))),
    scenario("all ways answer the same bytes wherever rows are stored",
             write(lines(WALK)), write(lines(walk(20000, 2)[::3], "g")), call(alike)),
    scenario("rows of a block that come in any order and step",
             write(lines(random.Random(3).sample([(t + t % 7, v) for t, v in WALK if t % 7 < 5], 9000))),
             stable(query("measurement=m&epoch=ns&downsample=minmax&points=2", that=lambda run, answer: extremes(run, answer)))),
    scenario("what does not go with a plot is named",
             problem("measurement=m&downsample=m5", "bad_parameter", contains="m4, minmax or lttb"),
             problem("measurement=m&points=5", "bad_parameter", contains="downsample="),
             problem("measurement=m&downsample=m4&points=100001", "bad_parameter", contains="100000"),
             problem("measurement=m&downsample=m4&points=0", "bad_parameter", contains="from 1"),
             problem("measurement=m&downsample=m4&agg=mean", "bad_parameter", contains="raw rows"),
             problem("measurement=m&downsample=m4&limit=5", "bad_parameter", contains="no pages"),
             problem("measurement=m&downsample=m4&order=desc", "bad_parameter", contains="asc")),
    scenario("texts and bools are left out and counted",
             write("m f=1,s=\"x\" 1\nm f=2,s=\"y\",on=true 2\nm s=\"z\" 3"),
             stable(query("measurement=m&epoch=ns&fields=f&downsample=m4", rows=[[1, 1.0], [2, 2.0]]),
                    query("measurement=m&epoch=ns&fields=s&downsample=lttb", json={"series": [], "skipped": 3}))),
]


def extremes(run, answer):
    body = json.loads(answer.text())
    rows = [row for row in body["series"][0]["rows"] if row[1] is not None]
    everything = run.request("GET", "/v1/query?" + urllib.parse.urlencode({"measurement": "m", "epoch": "ns"}))
    values = [row[1] for row in json.loads(everything.text())["series"][0]["rows"]]
    if min(values) != min(row[1] for row in rows) or max(values) != max(row[1] for row in rows):
        run.fail("the extremes are others than those of all rows")
