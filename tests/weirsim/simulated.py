"""What the simulator's own tests begin with: a simulator each, and how its APIs are asked."""
import base64
import datetime
import json
import unittest
import urllib.parse

from weirsim import world as worlds
from weirsim.raw_client import ask
from weirsim.server import Simulator
from weirsim.times import iso, parse

NOW = parse("2026-04-10T00:00:00Z")
OCTOPUS = "/octopus/v1/electricity-meter-points/2000012345678/meters/12L0123456/consumption/"
OCTOPUS_KEY = {"Authorization": "Basic " + base64.b64encode(f"{worlds.OCTOPUS_KEY}:".encode()).decode()}
WATER = {"Accept": "text/csv", "CSV-Header": "present", "API-Version": "1"}
EIA = f"/eia/v2/electricity/rto/region-data/data/?api_key={worlds.EIA_KEY}&data[]=value&frequency=hourly"
ENTSOE = f"/entsoe/api?securityToken={worlds.ENTSOE_TOKEN}&processType=A16"
ELEXON = "/elexon/bmrs/api/v1/datasets/FUELHH"
METNO = "/metno/weatherapi/locationforecast/2.0/compact"
SEARCH = "/neso/api/3/action/datastore_search?resource_id="


class Simulated(unittest.TestCase):
    """A simulator whose clock stands, as it is started, for each test."""
    options = {"seed": 7, "now": NOW, "rate": 0}

    def setUp(self):
        self.sim = Simulator(**self.options).start()
        self.addCleanup(self.sim.close)
        self.port, self.world = self.sim.port, self.sim.world

    def get(self, path, headers=None, method="GET", want=200):
        answer = ask(self.port, path, method, headers)
        self.assertEqual(answer.status, want, answer.data[:600])
        return answer

    def truth(self, source, first, end, **more):
        """{(tags, time): values}"""
        query = urllib.parse.urlencode({"source": source, "from": first, "to": end, **more})
        lines = ask(self.port, "/_sim/truth?" + query).chunks.splitlines()
        rows = [json.loads(line) for line in lines]
        found = {(tuple(sorted(row["tags"].items())), row["time"]): row["values"] for row in rows}
        self.assertEqual(len(found), len(rows))
        return found

    def same(self, rows, truth, least=1):
        """Rows as (tags, time, values)."""
        found = {(tuple(sorted(tags.items())), time): values for tags, time, values in rows}
        self.assertEqual(found, truth)
        self.assertGreaterEqual(len(found), least)


def utc(text, tz=datetime.timezone.utc):
    """As a client would: what says no offset is of `tz`."""
    when = datetime.datetime.fromisoformat(text)
    return iso(int((when if when.tzinfo else when.replace(tzinfo=tz)).timestamp()))
