"""No API of anybody's: every way of paging once, a slow one, and a very large page."""
import base64
import itertools
import json
import re

from weirsim.message import Response, answer_json, dump, whole
from weirsim.times import DAY, HOUR, at, iso, parse
from weirsim.values import Series, hash_of
from weirsim.world import page_of, refuse

IDS = ("a", "b")
STEP = 60


def series_of(name):
    return Series("generic", name, 2000, 500, 200, 2, STEP)


def wrong(text, status=400):
    refuse(answer_json({"error": text}, status))


def number(request, name, default, most=10**9, least=0):
    found = whole(request.one(name, str(default)), least, most)
    if found is None:
        wrong(f"{name} is a whole number from {least} to {most}")
    return found


def moment(request, name, default):
    text = request.one(name)
    found = default if text is None else parse(text)
    if found is None:
        wrong(f"{name} is no time")
    return found


def table(world, request, first=None, end=None):
    """[from, to) of both series, by time; the last two hours where nothing is said."""
    end = moment(request, "to", request.now) if end is None else end
    first = moment(request, "from", end - 2 * HOUR) if first is None else first
    rows = [(row.time, name, row.value) for name in IDS for row in world.rows(request, series_of(name), first, end)]
    return [{"id": name, "time": iso(time), "value": value} for time, name, value in sorted(rows, key=lambda row: row[:2])]


def page(world, request):
    rows, size = table(world, request), number(request, "size", 100, 100000, 1)
    at_page = number(request, "page", 1, least=1)
    shown, total = page_of(request, rows, (at_page - 1) * size, size)
    return answer_json({"page": at_page, "pages": -(-total // size), "total": total, "rows": shown})


def link(world, request):
    rows, size = table(world, request), number(request, "size", 100, 100000, 1)
    at_page = number(request, "page", 1, least=1)
    shown, total = page_of(request, rows, (at_page - 1) * size, size)
    links = [f'<{request.address(page="1")}>; rel="first"']
    if at_page * size < total:
        after = at_page if "cursor_repeat" in request.quirks else at_page + 1
        links.append(f'<{request.address(page=str(after))}>; rel="next"')
    return answer_json(shown, headers=[("Link", ", ".join(links))])


def next_url(world, request):
    rows, size = table(world, request), number(request, "size", 100, 100000, 1)
    at_page = number(request, "page", 1, least=1)
    shown, total = page_of(request, rows, (at_page - 1) * size, size)
    after = None
    if at_page * size < total:
        after = request.address(page=str(at_page if "cursor_repeat" in request.quirks else at_page + 1))
        if request.one("relative"):
            after = after[len(request.origin):]
    return answer_json({"rows": shown, "next": after})


def cursor(world, request):
    """What is asked first is kept in the cursor, which is good for a minute."""
    text, size = request.one("cursor"), number(request, "size", 100, 100000, 1)
    if text:
        try:
            first, end, offset, made = json.loads(base64.urlsafe_b64decode(text))
        except ValueError:
            wrong("invalid cursor")
        if request.wall > made + world.limits.allowed["cursor"]["expires_s"]:
            wrong("cursor expired", 410)
    else:
        end = moment(request, "to", request.now)
        first, offset = moment(request, "from", end - 2 * HOUR), 0
    shown, total = page_of(request, table(world, request, first, end), offset, size)
    after = None
    if offset + size < total:
        after = text if text and "cursor_repeat" in request.quirks else base64.urlsafe_b64encode(
            dump([first, end, offset + size, int(request.wall)])).decode()
    return answer_json({"rows": shown, "next_cursor": after})


def slow(world, request):
    """Rows of any id, after `ms` of real time."""
    name, end = request.one("id", "0"), request.now // STEP * STEP
    series = Series("generic", f"slow/{name}", 2000, 500, 200, 2, STEP)
    count = number(request, "rows", 10, 10000)
    rows = world.rows(request, series, end - count * STEP, end)
    answer = answer_json({"rows": [{"id": name, "time": iso(row.time), "value": row.value} for row in rows]})
    answer.delay_s = number(request, "ms", 2000, 3600000) / 1000
    return answer


# --- one very large page ---

ROW_BYTES = 100
BIG_BEGIN = parse("2020-01-01T00:00:00Z")
LINE = '{"time":"%s","site":"north","temperature":%6.2f,"humidity":%5.1f,"seq":%5d},\n'


def big_values(seed, second):
    """Of the second of the day: days differ in their date alone, so that a day's bytes are made once."""
    bits = hash_of(seed, "big", second)
    return bits % 4000 / 100 - 10, (bits >> 20) % 1000 / 10


def big_day(world):
    """The rows of one day, ROW_BYTES each, as something that can be written into."""
    with world.big_lock:
        if world.big[0] != world.seed:
            rows = []
            for second in range(DAY):
                temperature, humidity = big_values(world.seed, second)
                row = LINE % (iso(BIG_BEGIN + second), temperature, humidity, second)
                rows.append(row[:-2].ljust(ROW_BYTES - 2) + row[-2:])
            world.big = (world.seed, "".join(rows).encode())
        return bytearray(world.big[1])


def big_pieces(world, count, head, tail):
    day = big_day(world)
    yield head
    place = day.index(b"2020-01-01")
    for number_of_day in range(-(-count // DAY)):
        date = at(BIG_BEGIN + number_of_day * DAY).strftime("%Y-%m-%d").encode()
        for index, byte in enumerate(date):
            day[place + index::ROW_BYTES] = bytes([byte]) * DAY
        left = count - number_of_day * DAY
        if left > DAY:
            yield day
        else:
            yield memoryview(day)[:left * ROW_BYTES - 2]  # no comma behind the last
    yield tail


def big(world, request):
    """`rows` of a second each from 2020 on, 100 bytes a row, below /data/rows (`shape=path`) or bare; `chunked=1` says no length."""
    count, shape = number(request, "rows", 10000, 10**9), request.one("shape", "path")
    if shape not in ("path", "bare"):
        wrong("shape is path or bare")
    head, tail = (b'{"meta":{"rows":%d},"data":{"rows":[\n' % count, b"\n]}}\n") if shape == "path" else (b"[\n", b"\n]\n")
    size = len(head) + len(tail) + max(0, count * ROW_BYTES - 2)
    pieces = big_pieces(world, count, head, tail) if count else itertools.chain([head], [tail])
    return Response(200, pieces, size=None if request.one("chunked") else size)


def truth(world, query, first, end, as_of):
    for name in [query["id"]] if "id" in query else IDS:
        for row in world.values.rows(series_of(name), first, end, as_of):
            yield {"id": name}, row.time, {"value": row.value}


def truth_of_big(world, query, first, end, _):
    last = BIG_BEGIN + (int(query["rows"]) if query.get("rows") else 10000)
    for time in range(max(first, BIG_BEGIN), min(end, last)):
        temperature, humidity = big_values(world.seed, time % DAY)
        yield {"site": "north"}, time, {"temperature": float(f"{temperature:.2f}"), "humidity": humidity, "seq": time % DAY}


GET = {"GET"}
ROUTES = [(GET, re.compile("/page"), page), (GET, re.compile("/link"), link), (GET, re.compile("/next"), next_url),
          (GET, re.compile("/cursor"), cursor), (GET, re.compile("/slow"), slow), (GET, re.compile("/big"), big)]
TRUTHS = {"generic": truth, "big": truth_of_big}
EXAMPLES = ["'/page?page=1&size=10'   # and /link, /next, /cursor?cursor=", "'/slow?ms=2000&id=7&rows=3'", "'/big?rows=10000000&shape=path' | wc -c"]
