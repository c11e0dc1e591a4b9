"""Cases of tests/delivery/run about what a member tells another one, as it comes over the wire: what no shard lists yet, and up to where
it is listed.  What comes of it in answers: asking.py."""
import http.client
import json
import re

from asking import SECRET, Asking
from outbox import check, within
from scripted_mongo import ScriptedMongo

ALL = '"start":-9223372036854775807,"end":9223372036854775807'


def rows(cluster, number, as_of=0, measurement="v"):
    """Status, headers and bytes of the member's reply."""
    listed = json.loads(cluster.weir("member", "list", "--json"))["members"]
    address = [item["address"] for item in listed if item["name"] == str(number)][0]
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("POST", "/peer/v1/rows", f'{{"tenant":"acme","measurement":"{measurement}",{ALL},"as_of":{as_of}}}',
                       {"Authorization": "Bearer " + SECRET, "Weir-Peer": "9", "Weir-Clock": "1"})
    answer = connection.getresponse()
    told = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    check(told[1].get("Weir-Member") == str(number), f"member {number} says that it is {told[1]}")
    return told


def entry(told):
    found = re.fullmatch(r"north=(\d+)", told[1].get("Weir-Delivered", ""))
    return int(found.group(1)) if found else -1


def what_is_not_delivered_is_told_and_nothing_else(ground):
    """A shard that takes packs, then none, then some again: what it lists is not told, what it does not list is; the entry that is named has it."""
    with ScriptedMongo(role="primary") as north:
        cluster = Asking(ground, {"north": north})
        one, two = cluster.node("one"), cluster.node("two")
        cluster.met([one, two])
        status, head, _ = rows(cluster, 1)
        check(status == 204 and int(head["Weir-Through"]) > 0, f"{status} {head}")
        cluster.write(one, *(f"v,k=a f={t} {t}" for t in range(50)))
        cluster.delivered(one)
        within(10, lambda: rows(cluster, 1)[0] == 204, "what is listed is not told")
        first = entry(rows(cluster, 1))
        check(first >= 0, f"no entry is named: {rows(cluster, 1)}")
        north.fail("insert", "cut", times=-1)
        cluster.write(one, *(f"v,k=a f={t} {t}" for t in range(50, 60)))
        before = rows(cluster, 1)
        check(before[0] == 200 and before[1]["Content-Type"] == "application/vnd.weir.pack" and entry(before) == first, f"{before[:2]}")
        cluster.ask(one, "POST", "/v1/admin/flush", "")  # the same of a pack that waits
        status, head, data = rows(cluster, 1, as_of=int(before[1]["Weir-Through"]))
        check(status == 200 and data == before[2], f"{status} {head}: {len(data)} bytes, and not the {len(before[2])} from before it was sealed")
        check(rows(cluster, 2)[0] == 204, "member 2 has nothing of it")
        answer, _ = cluster.kept(two, "measurement=v&match=k%3Da&agg=count&fields=f&every=1d&epoch=ns")
        check(answer["series"][0]["rows"][0][1] == 60, f"{answer['series']}")
        cluster.ask(one, "DELETE", "/v1/points?measurement=v&match=k%3Da&start=1970-01-01T00:00:00.00000005Z")
        cluster.ask(one, "POST", "/v1/admin/compact", "")
        check(rows(cluster, 1)[0] == 200, "deletions are told, too")
        north.faults.clear()
        within(60, lambda: rows(cluster, 1)[0] == 204, "all is listed")
        check(entry(rows(cluster, 1)) > first, "in a later entry")
        for node in (one, two):
            check(SECRET not in node.log_text(), f"{node.address} logs the secret")
        return f"{len(before[2])} bytes"


CASES = [what_is_not_delivered_is_told_and_nothing_else]
