"""Idempotency-Key: a repeat gets the same 2xx and writes nothing; another body is 422."""
import threading

from steps import call, query, scenario, stable, write


def key(text):
    return {"Idempotency-Key": f'"{text}"'}


def both_at_once(run):
    """The same key and body many times at once: only 204 and 409, the row is there once."""
    statuses = []

    def send():
        answer = run.server.request("POST", "/v1/points", b"m f=1 1\n" * 2000, {"Content-Type": "text/plain", **key("race")})
        statuses.append(answer.status)
    threads = [threading.Thread(target=send) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not set(statuses) <= {204, 409} or 204 not in statuses:
        run.fail(f"wanted 204 and 409, got {sorted(statuses)}")


SCENARIOS = [
    scenario("a repeat answers the same and changes nothing, also after restart, seal and kill",
             write("m f=1 1", headers=key("a")), write("m f=2 1"),
             stable(write("m f=1 1", headers=key("a")), query("measurement=m&epoch=ns", rows=[[1, 2.0]]))),
    scenario("another body with a used key is 422, also after a restart",
             write("m f=1 1", headers=key("a")),
             stable(write("m f=9 1", 422, headers=key("a"), code="idempotency_mismatch"), query("measurement=m&epoch=ns", rows=[[1, 1.0]]))),
    scenario("a repeat of on_error=skip tells the same counts",
             write("m f=1 1\nm f=x 2", 200, query="on_error=skip", headers=key("s"), json={"accepted": 1, "rejected": 1}),
             stable(write("m f=1 1\nm f=x 2", 200, query="on_error=skip", headers=key("s"),
                          json={"accepted": 1, "rejected": 1, "errors": [{"line": 2, "code": "bad_number"}]}))),
    scenario("a refused request keeps no key",
             write("m f=x 1", 400, headers=key("a")), write("m f=1 1", headers=key("a")),
             query("measurement=m&epoch=ns", rows=[[1, 1.0]])),
    scenario("the same key with another precision or on_error is another request",
             write("m f=1 1", headers=key("a")), write("m f=1 1", 422, query="precision=s", headers=key("a"), code="idempotency_mismatch"),
             query("measurement=m&epoch=ns", rows=[[1, 1.0]])),
    scenario("a key without quotes is the same key", write("m f=1 1", headers={"Idempotency-Key": "bare"}),
             write("m f=2 2", 422, headers=key("bare"), code="idempotency_mismatch")),
    scenario("keys that are empty or too long are refused",
             *[write("m f=1 1", 400, headers={"Idempotency-Key": text}, code="bad_parameter", contains="Idempotency-Key")
               for text in ('""', '"' + "k" * 256 + '"')], write("m f=1 2", headers=key("k" * 255)), write("m f=1 2", headers=key("k" * 255)),
             query("measurement=m&epoch=ns", rows=[[2, 1.0]])),
    scenario("many at once with one key become one request", call(both_at_once), query("measurement=m&epoch=ns", rows=[[1, 1.0]])),
]
