"""query_rows_max counts the rows that a page goes through, however they are stored: a page that is answered from the head is answered
from packs too."""
import json

from steps import call, flush, query, request, scenario, write

MOST, ROWS = 100, 1000
FLAGS = ["--limit-query-rows-max", str(MOST)]


def pages(question="", before=0):
    """Pages of so many rows as may be read, and one less and one more; `before` rows are gone through without being told."""
    ask = "measurement=p&epoch=ns" + question
    return [query(f"{ask}&limit=1"), query(f"{ask}&limit={MOST - before - 1}"), query(f"{ask}&limit={MOST - before}"),
            query(f"{ask}&limit={MOST - before + 1}", 422, code="query_rows_limit", contains="a smaller limit")]


ASKED = [*pages(), *pages("&order=desc"), *pages("&where=v%3E%3D0"), *pages("&where=v%3E%3D10", before=10), *pages("&where=v%3C%3D909&order=desc", before=90),
         query("measurement=p", 422, code="query_rows_limit", contains="pages (limit=)"),
         query("measurement=p&agg=median", 422, code="query_rows_limit", contains="a shorter range or fewer series")]


def all_pages(run):
    """One page after another tells all rows, each of them as large as may be."""
    path, rows = f"/v1/query?measurement=p&epoch=ns&limit={MOST}", []
    cursor = ""
    while cursor is not None:
        answer = run.server.request("GET", path + (f"&cursor={cursor}" if cursor else ""))
        if answer.status != 200:
            run.fail(f"{len(rows)} rows, then {answer.status}: {answer.text()}")
        answer = json.loads(answer.text())
        rows += [row for series in answer["series"] for row in series["rows"]]
        cursor = answer["next"]
    if [row[0] for row in rows] != [1000 * n for n in range(ROWS)]:
        run.fail(f"{len(rows)} rows of {ROWS}")


SCENARIOS = [
    scenario("a page counts its own rows, in the head, sealed, and compacted",
             write("\n".join(f"p,a=b v={n} {n * 1000}" for n in range(ROWS))),
             *ASKED, call(all_pages), flush(), *ASKED, call(all_pages), request("POST", "/v1/admin/compact"), *ASKED, call(all_pages),
             flags=FLAGS),

    scenario("versions of a row count each, those of rows that are gone too, sealed as in the head",
             write("\n".join(f"p,a=b v={n} {n * 1000}" for n in range(ROWS))),
             write("p,a=b v=-1 0\np,a=b v=1 3000"),
             request("DELETE", "/v1/points?measurement=p&start=10000&end=20000", {200, 204}),
             *pages(before=12), flush(), *pages(before=12), query("measurement=p&limit=1&order=desc"),
             flags=FLAGS),
]
