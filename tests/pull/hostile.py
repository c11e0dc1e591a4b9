"""Where a document, a redirect, a page or a resolver leads the server: seen from outside, in a network in which every address answers."""
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import apart  # noqa: E402
import hostile_urls  # noqa: E402
from apart import HOME, OTHER, SIX, answer  # noqa: E402
from stand import check, shown, until  # noqa: E402

PUBLIC = {HOME, OTHER, SIX}
EMPTY = b'{"rows":[]}'


def document(url, **more):
    return {"name": "page", "schedule": {"every": "1h", "jitter": "0s"}, "request": {"url": url}, "decode": "json", "rows": "/rows/*",
            "time": {"path": "t"}, "measurement": "m", "values": [{"path": "v", "field": "v"}], "retry": {"max": 0}, "timeouts": {"connect": "3s", "total": "5s"}, **more}


def watched(case, flags=()):
    """A server, and what it dials."""
    dialled = apart.Dialled(os.path.join(case.scratch, "dialled"))
    return case.server(flags=flags, wrapper=dialled.wrapper), dialled


def expect_public(world, dialled, wanted, also=()):
    """Nobody else was dialled; these were, so it would have been seen."""
    allowed = PUBLIC | set(also)
    wrong = sorted({where for where in dialled.tcp() if where[0] not in allowed} | {where for where in world.accepted if where[0] not in allowed})
    check(not wrong, f"dialled was {shown(wrong, 9)}")
    for address in wanted:
        check(any(where[0] == address for where in dialled.tcp()) and any(where[0] == address for where in world.accepted), f"{address} was not dialled: {dialled.tcp()[-3:]}")


def trial(case, server, url, **more):
    return case.ask(server, "POST", "/v1/sources:test", {"document": document(url, **more)}, want=None)


def together(function, items, jobs=4):
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(function, items))


def no_hostile_address_of_a_document_is_dialled(case):
    world = apart.World(hostile_urls.NAMES, lambda request: answer(EMPTY))
    server, dialled = watched(case)
    urls = hostile_urls.urls()
    told = {url: (given.status, given.text()) for url, given in zip(urls, together(lambda url: trial(case, server, url), urls))}
    check(len(told) == len(set(urls)), f"{len(told)} of {len(set(urls))} were tried")
    taken = [f"{url}: {told[url]}" for url in told if told[url][0] == 200]
    check(not taken, f"taken: {shown(taken)}")
    for url in ("http://home.test/", "http://other.test:8080/", "http://six.test/", f"http://[{SIX}]/", f"http://{HOME}/"):
        given = trial(case, server, url)
        check(given.status == 200, f"{url}: {given.status} {given.text()[:300]}")
    for where, blocks in (("oauth2", {"auth": {"type": "oauth2", "token_url": "http://127.0.0.1/token", "client_id": "a", "client_secret": "b"}}),
                          ("foreach", {"foreach": {"request": {"url": "http://127.0.0.1/list"}, "decode": "json", "rows": "/*", "vars": {"n": {"path": "n"}}, "every": "1h"}})):
        case.ask(server, "PUT", "/v1/sources/" + where, document("http://home.test/", name=where, **blocks), want=None)
        trial(case, server, "http://home.test/", **blocks)
    refused = sum(1 for status, text in told.values() if "/addresses" in text or " is " in text and status != 400)
    expect_public(world, dialled, PUBLIC)
    case.tell(f"{len(told)} hostile addresses of a document, {refused} of them refused when they were to be dialled: 0 connections")


# --- where answers lead ---

def leads(request):
    """/redirect/N leads to the Nth, /next/N tells it as the next page, /link/N by a header."""
    found = re.match(r"/(redirect|next|link)/(\d+)$", request.target)
    if not found:
        return answer(EMPTY)
    url = LEADS[int(found[2])]
    if found[1] == "redirect":
        return answer(b"", "302 Found", ["Location: " + url])
    if found[1] == "link":
        return answer(b'{"rows":[{"t":"2024-01-01","v":1}]}', headers=[f'Link: <{url}>; rel="next"'])
    return answer(('{"rows":[{"t":"2024-01-01","v":1}],"next":"%s"}' % url.replace("\\", "\\\\")).encode())


LEADS = [url for url in hostile_urls.urls() if not re.search(r"[\r\n\0\x7f<>]", url)] + ["http://other.test/found", f"http://[{SIX}]:8080/found"]


def no_hostile_address_of_an_answer_is_dialled(case):
    world = apart.World(hostile_urls.NAMES, leads)
    server, dialled = watched(case)
    kinds = {"redirect": {}, "next": {"page": {"type": "next_url", "path": "/next", "same_host": False}}, "link": {"page": {"type": "link", "same_host": False}}}
    for kind, blocks in kinds.items():
        each = [{"n": str(number)} for number in range(len(LEADS))]
        # Many lead to who cannot be reached, which would be waited for.
        case.declare(server, document(f"http://home.test/{kind}/${{each.n}}", name=kind, foreach=each, limits={"concurrency": 32, "host": "h"},
                                      retry={"max": 0, "base": "1ms", "cap": "1ms"}, **blocks))
    for kind in kinds:
        paths = {f"/{kind}/{number}" for number in range(len(LEADS))}
        until(30, lambda kind=kind, paths=paths: f"{kind}: {len(paths & {request.target for request in world.requests})} of {len(LEADS)} are asked; {case.how(server, kind)}",
              lambda paths=paths: paths <= {request.target for request in list(world.requests)})
        until(20, lambda kind=kind: f"the pull of {kind} ends: {case.how(server, kind)}", lambda kind=kind: case.status(server, kind)["state"] == "resting")
    check(len(world.asked("/found")) == 2 * len(kinds), f"what is public is asked: {len(world.asked('/found'))}")
    expect_public(world, dialled, PUBLIC)
    case.tell(f"{len(LEADS) - 2} hostile addresses, each by Location, in a body and by Link: 0 connections")


# --- names that change ---

def rebinding():
    """Of each name what the first look-up says, and the later ones."""
    loop, names = ["127.0.0.1"], {}
    pairs = [([HOME], loop), (loop, [HOME]), ([HOME], ["::1"]), (["::1"], [HOME]), ([HOME], ["::ffff:127.0.0.1"]), ([HOME], ["169.254.169.254"]), ([HOME], ["0.0.0.0"]),
             ([HOME], ["loopback.test"]), (["alias-of-alias.test"], [HOME]), ([SIX], ["::1"]), (["::1"], [SIX]), ([HOME], ["10.0.0.1", HOME]), ([HOME], ["64:ff9b::7f00:1"])]
    for at, (first, later) in enumerate(pairs):
        names[f"r{at}.test"] = [first, later]
        names[f"flip{at}.test"] = [first, later] * 40
    mixed = [["127.0.0.1", HOME], [HOME, "127.0.0.1"], ["::1", HOME], ["::1", "127.0.0.1", SIX, HOME], ["10.0.0.1", "169.254.169.254", HOME, "192.168.0.1"],
             [HOME, "::1"], [SIX, "127.0.0.1"], ["::ffff:10.0.0.1", HOME], ["fd00:ec2::254", HOME], [HOME, "0.0.0.0"]]
    names.update({f"mixed{at}.test": [some] for at, some in enumerate(mixed)})
    return names


def a_name_that_changes_leads_nowhere_else(case):
    names = rebinding()
    world = apart.World({**hostile_urls.NAMES, **names}, lambda request: answer(EMPTY, headers=["Connection: close"]))
    server, dialled = watched(case)

    def try_name(name):
        """Of the last port nobody listens at: the name's other addresses are tried."""
        given = [trial(case, server, f"http://{name}:{port}/").status == 200 for port in (80, 8080, 80, 8080, 81)]
        check(not given[-1], f"{name} at port 81")
        return sum(given)
    reached = sum(together(try_name, names))
    check(reached > len(names), f"{reached} trials came to where a name led first")
    lookups = sum(count for (name, kind), count in world.resolver.asked.items() if name in names and kind == 1)
    changed = sum(1 for name in names if world.resolver.asked.get((name, 1), 0) > 1)
    check(changed > len(names) / 2, f"{changed} of {len(names)} names were looked up again")
    expect_public(world, dialled, [HOME, SIX])
    check(any(port == 81 for _, port in dialled.tcp()), "the port without a listener was tried")
    case.tell(f"{len(names)} names that change or mix, {lookups} look-ups, {len(dialled.tcp())} connections, none to what is refused")


def what_is_allowed_is_that_network_and_port_alone(case):
    world = apart.World({"inside.test": [["10.1.2.3"]], "outside.test": [["10.2.0.1"]], "mixed.test": [["10.2.0.1", "10.1.9.9", "127.0.0.1"]]}, lambda request: answer(EMPTY))
    server, dialled = watched(case, ["--pull-allow", "10.1.0.0/16:8080,[fd00:1::]/32"])
    for url, good in (("http://10.1.2.3:8080/", True), ("http://10.1.2.3/", False), ("http://10.2.0.1:8080/", False), ("http://inside.test:8080/", True), ("http://inside.test/", False),
                      ("http://outside.test:8080/", False), ("http://mixed.test:8080/", True), ("http://[::ffff:10.1.2.3]:8080/", True), ("http://[64:ff9b::10.1.2.3]:8080/", False),
                      ("http://[::10.1.2.3]:8080/", False), ("http://[2002:0a01:0203::1]:8080/", False), ("http://[fd00:1::5]/", True), ("http://[fd00:2::5]/", False),
                      ("http://127.0.0.1:8080/", False)):
        given = trial(case, server, url)
        check((given.status == 200) == good, f"{url}: {given.status} {given.text()[:300]}")
    expect_public(world, dialled, ["10.1.2.3", "fd00:1::5"], ["10.1.2.3", "10.1.9.9", "fd00:1::5", "::ffff:10.1.2.3"])


INSIDE = [no_hostile_address_of_a_document_is_dialled, no_hostile_address_of_an_answer_is_dialled, a_name_that_changes_leads_nowhere_else,
          what_is_allowed_is_that_network_and_port_alone]
CASES = apart.cases(os.path.abspath(__file__), INSIDE)

if __name__ == "__main__":
    apart.main(sys.modules[__name__])
