"""Elexon Insights, FUELHH: settlement periods (46, 48 or 50 a day) by kind of fuel, published again as they are revised."""
import re

from weirsim.message import answer_json, answer_text, whole
from weirsim.times import DAY, HALF_HOUR, LONDON, day_of, iso, midnight, parse, settlement
from weirsim.values import Series
from weirsim.world import refuse

FUELS = {"BIOMASS": 2000, "CCGT": 9000, "COAL": 0, "NUCLEAR": 4500, "PS": -300, "WIND": 7000}
COLUMNS = ("dataset", "publishTime", "startTime", "settlementDate", "settlementPeriod", "fuelType", "generation")


def series_of(fuel):
    return Series("elexon", fuel, FUELS[fuel], FUELS[fuel] // 3, 150 if FUELS[fuel] else 0, 0, HALF_HOUR)


def wrong(name, text):
    refuse(answer_json({"type": "https://tools.ietf.org/html/rfc7231#section-6.5.1", "title": "One or more validation errors occurred.",
                        "status": 400, "errors": {name: [text]}}, 400, kind="application/problem+json; charset=utf-8"))


def days(request):
    """[first, end) of the settlement days asked for."""
    texts = request.one("settlementDateFrom"), request.one("settlementDateTo")
    for name, text in zip(("settlementDateFrom", "settlementDateTo"), texts):
        if text is not None and not day_of(text):
            wrong(name, f"The value '{text}' is not valid for {name}.")
    last = day_of(texts[1]) if texts[1] else None
    first = day_of(texts[0]) if texts[0] else (last or None)
    if first is None:
        return request.now - DAY, request.now
    last = last or settlement(request.now)[0]
    return midnight(first, LONDON), midnight(last.fromordinal(last.toordinal() + 1), LONDON)


def published(request):
    """[first, end) of times of publication, or None."""
    texts = request.one("publishDateTimeFrom"), request.one("publishDateTimeTo")
    if not any(texts):
        return None
    moments = [parse(text) if text else None for text in texts]
    for name, text, moment in zip(("publishDateTimeFrom", "publishDateTimeTo"), texts, moments):
        if text is None or moment is None:
            wrong(name, f"The value '{text or ''}' is not valid for {name}.")
    return moments


def found(world, request, fuel):
    window = published(request)
    if window is None:
        return world.rows(request, series_of(fuel), *days(request))
    rates = world.values.rates["elexon"]
    back = rates["delay"] + rates["late_by"] + rates["revisions"] * rates["revise_every"]
    rows = world.values.history(series_of(fuel), int(window[0] - back), window[1], request.now)
    return world.spoiled(request, series_of(fuel), [row for row in rows if window[0] <= row.published <= window[1]])


def fuelhh(world, request, stream):
    full = world.limits.take("elexon", request.wall)
    if full:
        refuse(answer_json({"statusCode": 429, "message": "Rate limit is exceeded. Try again later."}, 429, wait_until=full[1]))
    fuels = request.all("fuelType") or list(FUELS)
    for fuel in fuels:
        if fuel not in FUELS:
            wrong("fuelType", f"The value '{fuel}' is not valid.")
    first, end = published(request) or days(request)
    if not stream and end - first > (world.limits.allowed["elexon"]["days"] or 10**6) * DAY + 3600:
        wrong("", "The date range between From and To inclusive must not exceed 7 days")
    period = request.one("settlementPeriod")
    rows = []
    for fuel in fuels:
        for row in found(world, request, fuel):
            date, number = settlement(row.time)
            if period is None or whole(period, 1, 50) == number:
                rows.append({"dataset": "FUELHH", "publishTime": iso(row.published), "startTime": iso(row.time), "settlementDate": str(date),
                             "settlementPeriod": number, "fuelType": fuel, "generation": row.value})
    rows.sort(key=lambda row: (row["startTime"], row["publishTime"], row["fuelType"]), reverse=True)
    if request.one("format") == "csv":
        lines = [",".join(name[0].upper() + name[1:] for name in COLUMNS)]
        lines += [",".join("" if row[name] is None else str(row[name]) for name in COLUMNS) for row in rows]
        return answer_text("\r\n".join(lines) + "\r\n", kind="text/csv")
    return answer_json(rows if stream else {"data": rows}, kind="application/json; charset=utf-8")


def truth(world, query, first, end, as_of):
    """With `versions=1` every revision that has been published, else the last of each row."""
    for fuel in [query["fuelType"]] if "fuelType" in query else FUELS:
        series = series_of(fuel)
        rows = world.values.history(series, first, end, as_of) if query.get("versions") else world.values.rows(series, first, end, as_of)
        for row in rows:
            yield {"fuelType": fuel}, row.time, {"generation": row.value, "publishTime": iso(row.published)}


ROUTES = [({"GET"}, re.compile("/elexon/bmrs/api/v1/datasets/FUELHH(?P<stream>/stream)?"), fuelhh)]
TRUTHS = {"elexon": truth}
EXAMPLES = ["'/elexon/bmrs/api/v1/datasets/FUELHH/stream?settlementDateFrom=2026-03-29&settlementDateTo=2026-03-29&fuelType=WIND'"]
