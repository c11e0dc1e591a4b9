"""Octopus Energy: half hours with the offset of London's clocks, which changes within a page; the next page's address in the body."""
import base64
import re

from weirsim.message import answer_json, whole
from weirsim.times import HALF_HOUR, LONDON, at, iso, midnight, parse
from weirsim.values import Series
from weirsim.world import OCTOPUS_KEY, page_of, refuse

METERS = {"2000012345678": "12L0123456", "2000087654321": "13L9876543"}
BEGIN = parse("2023-01-01T00:00:00Z")  # when the meters were put in
PAGE_MAX = 25000
PATH = "/octopus/v1/electricity-meter-points/{mpan}/meters/{serial}/consumption/"


def series_of(mpan):
    return Series("octopus", mpan, 250, 300, 120, 3, HALF_HOUR)


def authorized(request):
    scheme, _, text = (request.header("Authorization") or "").partition(" ")
    if not text:
        refuse(answer_json({"detail": "Authentication credentials were not provided."}, 401, headers=[("WWW-Authenticate", 'Basic realm="api"')]))
    try:
        user = base64.b64decode(text, validate=True).decode().partition(":")[0] if scheme == "Basic" else ""
    except ValueError:
        user = ""
    if user != OCTOPUS_KEY:
        refuse(answer_json({"detail": "Invalid username/password."}, 401, headers=[("WWW-Authenticate", 'Basic realm="api"')]))


def moment(request, name, default):
    """What has no offset is of London."""
    text = request.one(name)
    if text is None:
        return default
    second = parse(text, LONDON)
    if second is None:
        refuse(answer_json({name: ["Datetime has wrong format. Use one of these formats instead: "
                                   "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."]}, 400))
    return second


def grouped(rows, kind):
    """(start, end, sum) of each hour, day, week or month of London that has any row."""
    groups = {}
    for row in rows:
        local = at(row.time, LONDON)
        date = local.date()
        if kind == "hour":
            start = row.time - row.time % 3600
            key = (start, start + 3600)
        else:
            first = {"day": date, "week": date.fromordinal(date.toordinal() - date.weekday()), "month": date.replace(day=1)}[kind]
            days = {"day": 1, "week": 7, "month": 32}[kind]
            last = date.fromordinal(first.toordinal() + days)
            key = (midnight(first, LONDON), midnight(last.replace(day=1) if kind == "month" else last, LONDON))
        groups.setdefault(key, []).append(row.value or 0)
    return [(start, end, round(sum(values), 3)) for (start, end), values in sorted(groups.items())]


def consumption(world, request, mpan, serial):
    authorized(request)
    if METERS.get(mpan) != serial:
        refuse(answer_json({"detail": "Not found."}, 404))
    first = moment(request, "period_from", BEGIN)
    end = moment(request, "period_to", request.now)
    order, group = request.one("order_by", "-period"), request.one("group_by")
    if order not in ("period", "-period"):
        refuse(answer_json({"order_by": [f"Select a valid choice. {order} is not one of the available choices."]}, 400))
    if group not in (None, "hour", "day", "week", "month"):
        refuse(answer_json({"group_by": [f"Select a valid choice. {group} is not one of the available choices."]}, 400))
    size = min(whole(request.one("page_size", "100"), 1, 10**9) or 100, PAGE_MAX)  # more is cut down without a word
    # A half hour that the period only touches is there too.
    rows = world.rows(request, series_of(mpan), max(BEGIN, first - HALF_HOUR + 1), end)
    found = grouped(rows, group) if group else [(row.time, row.time + HALF_HOUR, row.value) for row in rows]
    if order == "-period":
        found.reverse()
    page = whole(request.one("page", "1"), 1, 10**9)
    if page is None or (page > 1 and (page - 1) * size >= len(found)):
        refuse(answer_json({"detail": "Invalid page."}, 404))
    shown, total = page_of(request, found, (page - 1) * size, size)
    step = 0 if "cursor_repeat" in request.quirks else 1
    more = request.address(page=str(page + step)) if page * size < total else None
    back = request.address(page=str(page - 1) if page > 2 else None) if page > 1 else None
    results = [{"consumption": value, "interval_start": iso(start, LONDON), "interval_end": iso(stop, LONDON)} for start, stop, value in shown]
    return answer_json({"count": total, "next": more, "previous": back, "results": results})


def truth(world, query, first, end, as_of):
    for mpan in [query["mpan"]] if "mpan" in query else METERS:
        for row in world.values.rows(series_of(mpan), max(BEGIN, first), end, as_of):
            yield {"mpan": mpan, "serial": METERS.get(mpan, "")}, row.time, {"consumption": row.value}


ROUTES = [({"GET"}, re.compile(PATH.format(mpan=r"(?P<mpan>\w+)", serial=r"(?P<serial>\w+)")), consumption)]
TRUTHS = {"octopus": truth}
EXAMPLES = [f"-u {OCTOPUS_KEY}: '" + PATH.format(mpan="2000012345678", serial="12L0123456")
            + "?period_from=2026-03-28T00:00Z&period_to=2026-03-30T00:00Z&order_by=period'"]
