"""How an answer goes over the wire: a small one in one piece with its length, a large one in chunks as it is made."""
from steps import ABSENT, Any, get, request, scenario, write

Q = "/v1/query?measurement=m&epoch=ns"
ROWS = "\n".join(f"m,host=h{n % 10} f={n}.25 {n}" for n in range(5000))

SCENARIOS = [
    scenario("a small answer has its length, a large one comes in chunks",
             write(ROWS),
             get(Q + "&limit=10", headers_out={"Content-Length": Any(str), "Transfer-Encoding": ABSENT}),
             get(Q + "&limit=10&format=csv", headers_out={"Content-Length": Any(str), "Transfer-Encoding": ABSENT}),
             get(Q, headers_out={"Content-Length": ABSENT, "Transfer-Encoding": "chunked"}),
             get(Q + "&start=1000000", headers_out={"Content-Length": Any(str)}, json={"series": []}),
             request("HEAD", Q + "&limit=10", empty=True)),
    scenario("a small answer is compressed when the client takes that",
             write(ROWS),
             get(Q + "&limit=200", headers={"Accept-Encoding": "gzip"},
                 headers_out={"Content-Length": Any(str), "Content-Encoding": "gzip", "Vary": "Accept, Accept-Encoding, Authorization"})),
]
