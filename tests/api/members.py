"""Members of a registry that leave, by requests.  Nodes of which several go on: tests/delivery/leaving.py."""
import json
import time

from registry import ETAG, PLACE, begin, in_force, ops
from steps import call, scenario


def state(run, want):
    """Of this node, when it has come to that."""
    deadline = time.monotonic() + 10
    while True:
        found = [item for item in json.loads(ops(run, "GET", "/v1/members", 200).text())["members"] if item["this_node"]]
        if found and found[0]["state"] == want:
            return found[0]
        if time.monotonic() > deadline:
            run.fail(f"it is not {want}: {found}")
        time.sleep(0.01)


def not_ready(run, state_there):
    deadline = time.monotonic() + 5
    while True:
        answer = run.server.request("GET", "/readyz")
        told = [item for item in json.loads(answer.text())["checks"] if item["name"] == "member"][0]
        if answer.status == 503 and told["status"] == "failed" and told["number"] == 1 and told["state"] == state_there and told["code"] == "not_a_member":
            return
        if time.monotonic() > deadline:
            run.fail(f"{answer.status} {told}")
        time.sleep(0.01)


def leaving(run):
    begin(run)
    ops(run, "PUT", "/v1/admin/tenants/acme", 201, "{}")
    made = json.loads(ops(run, "POST", "/v1/admin/tenants/acme/tokens", 201, '{"scopes":["read","write"]}').text())
    acme = {"Authorization": "Bearer " + made["token"], "Content-Type": "text/plain"}
    in_force(run, acme["Authorization"], "/v1/measurements")
    run.request("POST", "/v1/points", 204, body="m f=1 1", headers=acme)
    health = state(run, "active")
    if health["health"] != "ready" or "waits_for" in health:
        run.fail(f"{health}")
    ops(run, "POST", "/v1/members/1/forget", 409, code="conflict")
    ops(run, "POST", "/v1/members/2/forget", 404, code="not_found")
    ops(run, "POST", "/v1/members/2/drain", 404, code="not_found")
    ops(run, "POST", "/v1/members/UPPER/drain", 400, code="bad_parameter")
    ops(run, "POST", "/v1/members/1/drain?now=1", 400, code="unknown_parameter")
    ops(run, "POST", "/v1/members/1/drain", 412, headers={"If-Match": '"99"'}, code="precondition_failed")
    run.request("POST", "/v1/members/1/drain", 403, headers={"Authorization": acme["Authorization"]}, code="forbidden")
    run.request("POST", "/v1/members/1/forget", 401, code="unauthorized")
    ops(run, "GET", "/v1/members/1/drain", 405, code="method_not_allowed")
    etag = ops(run, "POST", "/v1/members/1/drain", 200, json={"number": 1, "this_node": True, "state": "draining"},
               headers_out={"ETag": ETAG}).headers["etag"]
    ops(run, "POST", "/v1/members/1/drain", 200, headers_out={"ETag": etag}, json={"state": "draining"})
    not_ready(run, "draining")
    run.request("POST", "/v1/points", 503, body="m f=2 2", headers=acme, code="not_a_member")
    run.request("GET", "/v1/query?measurement=m", 200, headers=acme)
    deadline = time.monotonic() + 10
    while "tenant acme has no shard: its rows are here alone" not in state(run, "draining").get("waits_for", ""):
        if time.monotonic() > deadline:
            run.fail(f"it does not say what it waits for: {state(run, 'draining')}")
        time.sleep(0.01)
    ops(run, "DELETE", "/v1/admin/tenants/acme", 204)  # nobody asks for its rows any more
    item = state(run, "drained")
    if not item["by"].startswith("token ") or "waits_for" in item or item["health"] != "not ready":
        run.fail(f"{item}")
    ops(run, "POST", "/v1/members/1/forget", 409, code="conflict")
    ops(run, "POST", "/v1/members/1/drain", 200, json={"state": "drained"})
    if run.server.stop() != 0:
        run.fail(f"it does not end well\n{run.server.log_tail()}")
    run.server.start(ready=False)
    not_ready(run, "drained")


SCENARIOS = [
    scenario("a member leaves by a request", call(leaving), flags=PLACE),
]
