"""How an answer goes over the wire: a small one in one piece with its length, a large one in chunks as it is made."""
import http.client
import time

from steps import ABSENT, Any, call, get, request, scenario, write

Q = "/v1/query?measurement=m&epoch=ns"
ROWS = "\n".join(f"m,host=h{n % 10} f={n}.25 {n}" for n in range(5000))

def cut_is_noticed(run):
    """Whoever reads sees the end of the connection, not only what is missing."""
    for turn in range(40):
        connection, began = http.client.HTTPConnection(*run.server.address, timeout=20), time.monotonic()
        connection.request("GET", Q)
        answer = connection.getresponse()
        if answer.status != 200:
            run.fail(f"it is refused, with {answer.status}")
        try:
            run.fail(f"it is whole, with {len(answer.read())} bytes")
        except (http.client.IncompleteRead, ConnectionError):
            pass
        connection.close()
        if time.monotonic() - began > 5:
            run.fail(f"turn {turn}: the client learned after {time.monotonic() - began} s that it was cut")


SCENARIOS = [
    scenario("a small answer has its length, a large one comes in chunks",
             write(ROWS),
             get(Q + "&limit=10", headers_out={"Content-Length": Any(str), "Transfer-Encoding": ABSENT}),
             get(Q + "&limit=10&format=csv", headers_out={"Content-Length": Any(str), "Transfer-Encoding": ABSENT}),
             get(Q, headers_out={"Content-Length": ABSENT, "Transfer-Encoding": "chunked"}),
             get(Q + "&start=1000000", headers_out={"Content-Length": Any(str)}, json={"series": []}),
             request("HEAD", Q + "&limit=10", empty=True)),
    scenario("a client learns at once that an answer was cut",
             write("\n".join(f"m,host=h{n % 10} f={n}.25 {n}" for n in range(20000))), call(cut_is_noticed), flags=["--limit-query-result-bytes-max", "300000"]),
    scenario("a small answer is compressed when the client takes that",
             write(ROWS),
             get(Q + "&limit=200", headers={"Accept-Encoding": "gzip"},
                 headers_out={"Content-Length": Any(str), "Content-Encoding": "gzip", "Vary": "Accept, Accept-Encoding, Authorization"})),
]
