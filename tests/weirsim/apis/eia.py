"""EIA v2: offset and length, a total, numbers as texts, hours by their end; who asks too often has the key suspended."""
import re

from weirsim.message import answer_json, whole
from weirsim.times import DAY, HOUR, at, parse, zone
from weirsim.values import Series
from weirsim.world import EIA_KEY, page_of, refuse

RESPONDENTS = {"BPAT": "Bonneville Power Administration", "CISO": "California Independent System Operator",
               "MISO": "Midcontinent Independent System Operator, Inc.", "NYIS": "New York Independent System Operator"}
TYPES = {"D": "Demand", "DF": "Day-ahead demand forecast", "NG": "Net generation", "TI": "Total interchange"}
BEGIN = parse("2024-01-01T00:00:00Z")
LENGTH_MAX = 5000
COLUMNS = ("period", "respondent", "type", "value")
EASTERN = zone("America/New_York")


def series_of(respondent, kind):
    return Series("eia", f"{respondent}/{kind}", 6000 if kind != "TI" else -200, 2500, 300, 0, HOUR)


def wrong(text, status=400):
    refuse(answer_json({"error": text, "code": status}, status))


def admitted(world, request):
    key = request.one("api_key") or request.header("X-Api-Key")
    if not key:
        refuse(answer_json({"error": {"code": "API_KEY_MISSING", "message": "No api_key was supplied. Please register for one at "
                                      "https://www.eia.gov/opendata/register.php"}}, 403))
    if key != EIA_KEY:
        refuse(answer_json({"error": {"code": "API_KEY_INVALID", "message": "An invalid api_key was supplied. Please register for one at "
                                      "https://www.eia.gov/opendata/register.php"}}, 403))
    until = world.limits.shut_until("eia", key, request.wall)
    if not until and world.limits.take("eia", request.wall, 1, key):
        until = request.wall + world.limits.allowed["eia"]["suspended_s"]
        world.limits.shut("eia", key, until)
    if until:
        refuse(answer_json({"error": {"code": "API_KEY_SUSPENDED", "message": "The api_key has been temporarily suspended for exceeding the "
                                      "request limits."}}, 403, wait_until=until))


def facet(request, name, known):
    wanted = [value for key, value in request.query if re.fullmatch(rf"facets\[{name}\]\[\d*\]", key)]
    return [value for value in wanted if value in known] if wanted else list(known)


def period_of(row, local):
    """The hour that a row ends with."""
    when = at(row.time + HOUR, EASTERN) if local else at(row.time + HOUR)
    return when.strftime("%Y-%m-%dT%H") + (when.strftime("%z")[:3] if local else "")


def found(world, request, local):
    """(period, respondent, type, row) of all that start and end leave; they are compared as texts."""
    first, last = request.one("start"), request.one("end")
    low = max(BEGIN, (parse(first) or BEGIN) - 2 * DAY) if first else BEGIN
    high = (parse(last) or request.now) + 2 * DAY if last else request.now
    for respondent in facet(request, "respondent", RESPONDENTS):
        for kind in facet(request, "type", TYPES):
            for row in world.rows(request, series_of(respondent, kind), low, high):
                period = period_of(row, local)
                if (not first or period >= first) and (not last or period <= last):
                    yield period, respondent, kind, row


def sort(request, rows):
    keys = {}
    for name, value in request.query:
        match = re.fullmatch(r"sort\[(\d+)\]\[(column|direction)\]", name)
        if match:
            keys.setdefault(int(match[1]), {})[match[2]] = value
    order = [keys[number] for number in sorted(keys)] or [{"column": "period", "direction": "desc"}]
    for key in reversed(order):
        if key.get("column") not in COLUMNS:
            wrong(f"Invalid sort column '{key.get('column')}' provided. The only valid columns are {', '.join(COLUMNS)}.")
        place = COLUMNS.index(key["column"])
        rows.sort(key=lambda item: str(item[3].value) if place == 3 else item[place], reverse=key.get("direction", "asc") == "desc")


def region_data(world, request):
    admitted(world, request)
    frequency = request.one("frequency", "hourly")
    if frequency not in ("hourly", "local-hourly"):
        wrong(f"Invalid frequency '{frequency}' provided. The only valid frequencies are 'hourly','local-hourly'.")
    columns = [value for name, value in request.query if re.fullmatch(r"data(\[\d*\])+|data", name)]
    for column in columns:
        if column != "value":
            wrong(f"Invalid data '{column}' provided. The only valid data are 'value'.")
    for name in ("start", "end"):
        if request.one(name) and not parse(request.one(name)):
            wrong(f"Invalid {name} '{request.one(name)}' provided. The format is YYYY-MM-DD\"T\"HH24.")
    offset, length = whole(request.one("offset", "0"), 0, 10**12), whole(request.one("length", str(LENGTH_MAX)), 0, 10**12)
    if offset is None or length is None:
        wrong("Invalid offset or length provided.")
    rows = list(found(world, request, frequency == "local-hourly"))
    sort(request, rows)
    shown, total = page_of(request, rows, offset, min(length, LENGTH_MAX))
    data = []
    for period, respondent, kind, row in shown:
        item = {"period": period, "respondent": respondent, "respondent-name": RESPONDENTS[respondent], "type": kind, "type-name": TYPES[kind]}
        if columns:
            value = row.value
            item |= {"value": str(value) if isinstance(value, int) else value, "value-units": "megawatthours"}
        data.append(item)
    answer = {"total": str(total), "dateFormat": 'YYYY-MM-DD"T"HH24' + ("TZH" if frequency != "hourly" else ""), "frequency": frequency, "data": data}
    if total > offset + len(data):  # also while a client is paging
        answer["warnings"] = [{"warning": "incomplete return", "description": "The API can only return 5000 rows in JSON format.  Please consider "
                               "constraining your request with facet, start, or end, or using offset to paginate results."}]
    echo = {name: value for name, value in request.query if name != "api_key"}
    return answer_json({"response": answer, "request": {"command": "/v2/electricity/rto/region-data/data/", "params": echo}, "apiVersion": "2.1.12"})


def truth(world, query, first, end, as_of):
    for respondent in [query["respondent"]] if "respondent" in query else RESPONDENTS:
        for kind in [query["type"]] if "type" in query else TYPES:
            for row in world.values.rows(series_of(respondent, kind), max(BEGIN, first), end, as_of):
                yield {"respondent": respondent, "type": kind}, row.time, {"value": row.value}


ROUTES = [({"GET"}, re.compile("/eia/v2/electricity/rto/region-data/data/?"), region_data)]
TRUTHS = {"eia": truth}
EXAMPLES = [f"-g '/eia/v2/electricity/rto/region-data/data/?api_key={EIA_KEY}&data[]=value&facets[respondent][]=BPAT&facets[type][]=D"
            "&frequency=hourly&start=2026-01-01T00&end=2026-01-01T06&sort[0][column]=period&sort[0][direction]=asc&offset=0&length=5000'"]
