"""One row that was written again and again: its versions are read together, within the query's memory."""
from steps import flush, params, query, request, restart, scenario, stable, write

VERSIONS, TEXT = 300, "x" * 10_000  # 3 MB of texts of one row


def version(number):
    return f'm,host=a s="{number:06}{TEXT}",n={number}i 7\nm,host=b n={number}i {number}'


def too_many(**rest):
    return query("measurement=m&match=host%3Da&epoch=ns", 422, params=params(**rest), code="query_memory_limit",
                 contains="query_memory_bytes_max")


def newest():
    return query("measurement=m&match=host%3Da&fields=n&epoch=ns", rows=[[7, VERSIONS - 1]])


def others():
    return query("measurement=m&match=host%3Db&fields=n&epoch=ns&agg=count,max", rows=[[0, VERSIONS, VERSIONS - 1]])


SCENARIOS = [
    scenario("versions of one row that are too many for a query are told with the limit, and nothing else is harmed",
             *[write(version(number)) for number in range(VERSIONS)],
             others(), flush(), too_many(versions="all"), too_many(versions="all", fields="s"), others(), newest(),
             restart(), too_many(versions="all"), others(), newest(),
             request("POST", "/v1/admin/compact", 200),
             stable(too_many(versions="all"), others(), newest(),
                    query("measurement=m&match=host%3Da&epoch=ns", rows=[[7, VERSIONS - 1, f"{VERSIONS - 1:06}{TEXT}"]])),
             flags=["--limit-query-memory-bytes-max", "1MiB"]),
]
