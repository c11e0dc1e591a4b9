"""NESO's CKAN: a table for each year, of settlement dates and periods of London; the tables' ids are found by another request."""
import json
import re

from weirsim.message import answer_json, whole
from weirsim.times import HALF_HOUR, LONDON, at, midnight, settlement
from weirsim.values import Series, hash_of
from weirsim.world import page_of, refuse

COLUMNS = {"ND": (28000, 9000, 600), "TSD": (30000, 9000, 600), "EMBEDDED_WIND_GENERATION": (1500, 300, 250)}
FIRST_YEAR = 2024
RECORDS_MAX = 32000


def series_of(column):
    return Series("neso", column, *COLUMNS[column], 0, HALF_HOUR)


def resource(world, year):
    """The id of a year's table: another one for each seed, as nobody should know it by heart."""
    text = f"{hash_of(world.seed, 'neso', year):016x}{hash_of(world.seed, 'neso', year, 1):016x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def years(now):
    return range(FIRST_YEAR, at(now, LONDON).year + 1)


def table(world, first, end, now):
    """(time, values) of each row; all columns come and go with the first, and are of its revision."""
    for row in world.values.rows(series_of("ND"), first, end, now):
        yield row, {column: world.values.measure(series_of(column), row.time, row.revision) for column in COLUMNS}


def wrong(status, kind, **what):
    refuse(answer_json({"help": "https://api.neso.energy/api/3/action/help_show?name=datastore_search", "success": False,
                        "error": {"__type": kind, **what}}, status))


def number_of(request, name, default):
    number = whole(request.one(name, str(default)), 0, 10**12)
    if number is None:
        wrong(409, "Validation Error", **{name: ["Invalid integer"]})
    return number


def search(world, request):
    wanted = request.one("resource_id")
    if not wanted:
        wrong(409, "Validation Error", resource_id=["Missing value"])
    year = next((year for year in years(request.now) if resource(world, year) == wanted), None)
    if year is None:
        wrong(404, "Not Found Error", message=f'Not found: Resource "{wanted}" was not found.')
    limit, offset = min(number_of(request, "limit", 100), RECORDS_MAX), number_of(request, "offset", 0)
    date = at(0).date()
    first, end = (midnight(date.replace(year=y, month=1, day=1), LONDON) for y in (year, year + 1))
    try:
        filters = json.loads(request.one("filters") or "{}")
    except ValueError:
        wrong(409, "Validation Error", filters=["Not a valid JSON object"])
    shape = {row.time: values for row, values in table(world, first, end, request.now)}
    records = []
    for row in world.rows(request, series_of("ND"), first, end):
        day, period = settlement(row.time)
        record = {"SETTLEMENT_DATE": str(day), "SETTLEMENT_PERIOD": period, **shape[row.time], "ND": row.value}
        if all(str(record.get(name)) in [str(one) for one in (value if isinstance(value, list) else [value])] for name, value in filters.items()):
            records.append({"_id": len(records) + 1, **record})
    shown, total = page_of(request, records, offset, limit)
    path = "/api/3/action/datastore_search?resource_id=" + wanted
    fields = [{"id": "_id", "type": "int"}, {"id": "SETTLEMENT_DATE", "type": "text"}, {"id": "SETTLEMENT_PERIOD", "type": "numeric"}]
    fields += [{"id": column, "type": "numeric"} for column in COLUMNS]
    return answer_json({"help": "https://api.neso.energy/api/3/action/help_show?name=datastore_search", "success": True, "result": {
        "include_total": True, "limit": limit, "offset": offset, "records_format": "objects", "resource_id": wanted, "records": shown,
        "fields": fields, "_links": {"start": path, "next": f"{path}&offset={offset + limit}"}, "total": total, "total_was_estimated": False}})


def package(world, request):
    resources = [{"id": resource(world, year), "name": f"Historic Demand Data {year}", "format": "CSV", "datastore_active": True}
                 for year in years(request.now)]
    return answer_json({"success": True, "result": {"name": "historic-demand-data", "resources": resources}})


def truth(world, _, first, end, as_of):
    for row, values in table(world, first, end, as_of):
        yield {}, row.time, {**values, "ND": row.value}


ROUTES = [({"GET", "POST"}, re.compile("/neso/api/3/action/datastore_search"), search),
          ({"GET"}, re.compile("/neso/api/3/action/datapackage_show"), package)]
TRUTHS = {"neso": truth}
EXAMPLES = ["'/neso/api/3/action/datapackage_show?id=historic-demand-data'   # the ids for .../datastore_search?resource_id=ID&limit=100"]
