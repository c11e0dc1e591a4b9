"""Names that nobody knows: the answer is 200 and says so, as what is not known today may be known tomorrow."""
from steps import ABSENT, get, params, query, request, scenario, stable, write
from tenants import bearer, tenant, token

ROOM = [write("room,floor=1 temperature=20.5,wind=3 1000\nroom,floor=2 temperature=21.5,wind=4 2000\nroam,a=b v=1 1")]
FIELD = 'no field "temprature" in "room"; the nearest is "temperature"'
WIND = 'no field "wnd" in "room"; the nearest is "wind"'
TAG = 'no series of "room" has the tag "flor"; the nearest is "floor"'
NOPE = 'no measurement "nope"'


def warned(path, *texts, question="measurement=room", **given):
    """The header and the member, in JSON; in NDJSON's last line and in CSV's header, too."""
    head = {"Weir-Warning": texts[0] if len(texts) == 1 else ABSENT} if len(texts) < 2 else {}
    want = {"json": {"warnings": list(texts) if texts else ABSENT}, "headers_out": head}
    own = [(key, value) for key, value in params(**given)] + [tuple(part.split("=", 1)) for part in question.split("&")]
    steps = [get(path, params=own, **want)]
    if path == "/v1/query":
        steps.append(get(path, params=own + [("format", "csv")], headers_out=head))
    return steps


SCENARIOS = [
    scenario("a name that nobody knows is told, from the head, from packs and after a restart",
             *ROOM,
             stable(*warned("/v1/query"),
                    *warned("/v1/query", FIELD, fields="temprature"),
                    *warned("/v1/query", WIND, where="wnd>5"),
                    *warned("/v1/query", WIND, let="x=wind+wnd"),
                    *warned("/v1/query", TAG, group_by="flor", agg="mean"),
                    *warned("/v1/query", TAG, match="flor=1"),
                    *warned("/v1/query", NOPE, question="measurement=nope", fields="a", match="b=c"),
                    *warned("/v1/query", 'no measurement "rooms"; the nearest is "room"', question="measurement=rooms"),
                    *warned("/v1/query", FIELD, WIND, TAG, match="flor=1", fields="temprature,wnd"),
                    *warned("/v1/query", FIELD, fields="temprature", explain="true")[:1],
                    *warned("/v1/stats", FIELD, fields="temprature"),
                    *warned("/v1/changes", TAG, match="flor=1", since="0"))),

    scenario("what is right but empty is no warning",
             *ROOM,
             *warned("/v1/query", match="floor=7"),
             *warned("/v1/query", start="5000", end="6000"),
             *warned("/v1/query", fields="x,wind", let="x=wind*2", where="x>100"),
             *warned("/v1/query", group_by="*", agg="mean")),

    scenario("a name of tomorrow is known tomorrow",
             *ROOM,
             query("measurement=room&fields=later", json={"series": [], "warnings": ['no field "later" in "room"']}, headers_out={"Cache-Control": "no-cache"}),
             write("room,floor=1 later=1 3000"),
             query("measurement=room&fields=later&epoch=ns", json={"warnings": ABSENT}, headers_out={"Weir-Warning": ABSENT}, rows=[[3000, 1.0]])),

    scenario("selections of a join are told with their names",
             *ROOM,
             request("POST", "/v1/query", body='{"selections":{"a":{"measurement":"room","fields":"temprature","match":"floor=1"},"b":{"measurement":"nope"}}}',
                     headers={"Content-Type": "application/json"}, json={"warnings": [f'selection "a": {FIELD}', f'selection "b": {NOPE}']}),
             request("POST", "/v1/query", body='{"measurement":"room","fields":["temprature"]}', headers={"Content-Type": "application/json"},
                     json={"warnings": [FIELD]}, headers_out={"Weir-Warning": FIELD})),

    scenario("JSON that comes as a form, as curl -d sends it, is told the Content-Type it lacks",
             request("POST", "/v1/query", 400, body='{"measurement":"room"}', headers={"Content-Type": "application/x-www-form-urlencoded"},
                     code="unknown_parameter", contains="Content-Type: application/json"),
             request("POST", "/v1/points", 400, body='[{"measurement":"room"}]', headers={"Content-Type": "application/x-www-form-urlencoded"},
                     code="invalid_points", contains="Content-Type: application/json")),

    scenario("a tenant is told of its own names alone",
             write("room v=1 1", headers=bearer("one")),
             query("measurement=rooms", headers=bearer("one"), json={"warnings": ['no measurement "rooms"; the nearest is "room"']}),
             query("measurement=rooms", headers=bearer("two"), json={"series": [], "warnings": ['no measurement "rooms"']}),
             tenants=[tenant("first", token("one")), tenant("second", token("two"))]),
]
