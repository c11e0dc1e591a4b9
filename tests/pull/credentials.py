"""Where keys and passwords go, and where they are to be found afterwards: seen in what hosts were sent, and in all that a server leaves."""
import base64
import os
import re
import subprocess
import sys
import urllib.parse

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import apart  # noqa: E402
from apart import answer  # noqa: E402
from hostile import document, trial  # noqa: E402
from stand import check, shown, until  # noqa: E402

SECRET, CRUMB = "Zq7/tuna+salad=%26&x1", "crumb-of-a-cookie"
AUTHS = {"basic": {"type": "basic", "user": "${secret:key}", "password": "p-${secret:key}"}, "bearer": {"type": "bearer", "token": "${secret:key}"},
         "header": {"type": "header", "name": "X-Api-Key", "value": "${secret:key}"}, "query": {"type": "query", "name": "api_key", "value": "${secret:key}"}}
LEADS = {"redirect": {}, "next": {"page": {"type": "next_url", "path": "/next", "same_host": False}}, "link": {"page": {"type": "link", "same_host": False}}}
AWAY = ["http://other.test", "http://home.test:8080", "http://home.test.", "//other.test", "http://other.test:8080", "http://xhome.test", "http://home.test.other.test", "http://six.test"]
NAMES = {"home.test.": [[apart.HOME]], "xhome.test": [[apart.OTHER]], "home.test.other.test": [[apart.OTHER]]}
ROW = '{"rows":[{"t":"2024-01-01T00:00:%02dZ","v":1}],"next":%s}'


def forms(secret):
    """As it stands, and as it may be written."""
    plain = secret.encode()
    some = {plain, urllib.parse.quote(secret, safe="").encode(), urllib.parse.quote(secret).encode(), urllib.parse.quote_plus(secret).encode(), plain.hex().encode(),
            plain.hex().upper().encode(), plain[::-1], plain[:12], plain[-12:]}
    for before in (b"", b"x", b"xy"):  # within base64 it depends on what stands before
        some.add(base64.b64encode(before + plain)[4:-4])
    return some


def found_in(text):
    return [form for form in forms(SECRET) if form in text]


def lead(request):
    """Away from home, by what the address says; a host that knows the key writes it into the address."""
    cookie = f"Set-Cookie: baked={CRUMB}; Path=/; Domain=test"
    found = re.match(r"/(\w+)/(redirect|next|link)/(\d+)", request.target)
    if not found:
        return answer((ROW % (59, "null")).encode(), headers=[cookie])
    kind, how, number = found[1], found[2], int(found[3])
    url = f"{AWAY[number]}/away/{kind}/{how}/{number}"
    if "api_key=" in request.target:
        url += "?a=1&" + re.search(r"api_key=[^&]*", request.target)[0]
    if how == "redirect":
        return answer(b"", "307 Temporary Redirect", ["Location: " + url, cookie])
    if how == "link":
        return answer((ROW % (number, "null")).encode(), headers=[f'Link: <{url}>; rel="next"', cookie])
    return answer((ROW % (number, f'"{url}"')).encode(), headers=[cookie])


def at_home(request):
    return request.dialled == (apart.HOME, 80) and request.headers.get("host") == "home.test"


def keep_secret(case, server, *hosts):
    case.ask(server, "PUT", "/v1/secrets/key", {"value": SECRET, "hosts": list(hosts)}, want=None)


def declare_all(case, server, world):
    each = [{"n": str(number)} for number in range(len(AWAY))]
    for kind, auth in AUTHS.items():
        for how, blocks in LEADS.items():
            one = document(f"http://home.test/{kind}/{how}/${{each.n}}", name=f"{kind}-{how}", foreach=each, auth=auth, measurement=f"{kind}_{how}", tags={"n": "${each.n}"},
                           limits={"concurrency": 8}, **blocks)
            one["request"]["headers"] = {"Cookie": "session=" + CRUMB, "X-Custom": CRUMB, "Referer": "http://home.test/" + CRUMB, "Accept": "application/json"}
            case.declare(server, one)
    wanted = {f"/away/{kind}/{how}/{number}" for kind in AUTHS for how in LEADS for number in range(len(AWAY))}
    until(30, lambda: f"all ways away are gone: {shown(sorted(wanted - {request.target.split('?')[0] for request in list(world.requests)}))}",
          lambda: wanted <= {request.target.split("?")[0] for request in list(world.requests)})
    for kind in AUTHS:
        for how in LEADS:
            until(20, lambda kind=kind, how=how: case.how(server, f"{kind}-{how}"), lambda kind=kind, how=how: case.status(server, f"{kind}-{how}")["state"] == "resting")


def check_requests(world):
    home = [request for request in world.requests if at_home(request)]
    away = [request for request in world.requests if not at_home(request)]
    for request in away:
        check(not found_in(request.raw), f"the key went to {request.dialled}: {request.raw[:600]}")
        check(CRUMB.encode() not in request.raw, f"a cookie or header went to {request.dialled}: {request.raw[:600]}")
        check("authorization" not in request.headers and "x-api-key" not in request.headers, f"{request.raw[:600]}")
        check(request.headers.get("accept") == "application/json" and "weir/" in request.headers.get("user-agent", ""), f"what anybody may have went along: {request.raw[:600]}")
    for request in home:
        kind = request.target.split("/")[1]
        told = {"basic": request.headers.get("authorization", "").startswith("Basic "), "bearer": request.headers.get("authorization") == "Bearer " + SECRET,
                "header": request.headers.get("x-api-key") == SECRET, "query": "api_key=" + urllib.parse.quote(SECRET, safe="") in request.target}
        check(told.get(kind), f"at home the key is there: {request.raw[:600]}")
        check("baked=" not in request.headers.get("cookie", ""), f"no cookie is kept: {request.raw[:600]}")
    return len(home), len(away)


def credentials_go_to_their_host_alone(case):
    world = apart.World(NAMES, lead)
    server = case.server(flags=["--log-level", "debug"])
    keep_secret(case, server, "home.test")
    declare_all(case, server, world)
    home, away = check_requests(world)
    check(away >= len(AUTHS) * len(LEADS) * len(AWAY), f"{away} requests went away")
    case.tell(f"{home} requests with a key, {away} that were led to other hosts, ports and names: none of them had it")
    nothing_shows_the_secret(case, server)


def nothing_shows_the_secret(case, server):
    """Data, log, answers, a backup."""
    refused = trial(case, server, "http://other.test/", auth=AUTHS["bearer"])
    check(refused.status != 200 and "key" in refused.text(), f"a host that it is not bound to: {refused.status} {refused.text()}")
    texts = {"a refusal": refused.body, "a trial": trial(case, server, "http://home.test/query/next/0", auth=AUTHS["query"]).body}
    texts["a refused document"] = case.ask(server, "PUT", "/v1/sources/bad", document("http://home.test/?k=${secret:key}", name="bad"), want=None).body
    texts["a refused secret"] = case.ask(server, "PUT", "/v1/secrets/key", {"value": SECRET, "hosts": ["*"]}, want=None).body
    for path in ("/metrics", "/v1/sources", "/v1/secrets", "/v1/secrets/key", "/v1/status", *(f"/v1/sources/{kind}-{how}{more}" for kind in AUTHS for how in LEADS for more in ("", "/fetches"))):
        texts[path] = case.ask(server, "GET", path, want=None).body
    copy = os.path.join(case.scratch, "copy")
    done = subprocess.run([case.program, "backup", "--data", server.data, "--to", copy, "--url", "http://%s:%d" % server.address], capture_output=True, env=apart_environment())
    check(done.returncode == 0, f"a backup: {done.stderr[-500:]}")
    texts["what a backup says"] = done.stdout + done.stderr
    with open(server.log_path, "rb") as file:
        texts["the log"] = file.read()
    with open(f"/proc/{server.pid}/cmdline", "rb") as file:
        texts["its arguments"] = file.read()
    check(b"http://home.test/query/" in texts["/v1/sources/query-next/fetches"] + texts["the log"] + texts["a trial"], "addresses are shown")
    files = 0
    for root in (server.data, copy):
        for folder, _, names in os.walk(root):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    texts[os.path.join(folder, name)] = file.read()
                files += 1
    shows = [(where, found_in(text)[0]) for where, text in texts.items() if found_in(text)]
    check(not shows, f"the key is in {shown(shows)}")
    value = subprocess.run([case.program, "secret", "set", "key", "--host", "home.test", "--value", SECRET], capture_output=True, env=apart_environment())
    check(value.returncode != 0 and b"unknown flag --value" in value.stderr, f"a value is no argument: {value.stderr[-300:]}")
    case.tell(f"{files} files of a data directory and its backup, a log at debug and {len(texts) - files} answers: the key is in none")


def apart_environment():
    return {"PATH": os.environ["PATH"]}


def a_secret_is_bound_to_hosts_and_ports(case):
    world = apart.World(give=lambda request: answer(b'{"rows":[]}'))
    server = case.server()
    urls = ("http://home.test/", "http://home.test:80/", "http://home.test:8080/", "http://HOME.test/", "http://home.test./", "http://other.test/", "http://six.test:8080/", "http://[%s]/" % apart.SIX)
    for hosts, good in ((["home.test"], {0, 1, 2, 3}), (["home.test:80"], {0, 1, 3}), (["home.test:8080"], {2}), (["other.test", "home.test:443"], {5}),
                        ([f"[{apart.SIX}]"], {7}), ([f"[{apart.SIX}]:80"], {7}), ([f"[{apart.SIX}]:8080"], set()), (["six.test:8080", "test"], {6})):
        keep_secret(case, server, *hosts)
        before = len(world.requests)
        for at, url in enumerate(urls):
            given = trial(case, server, url, auth=AUTHS["bearer"])
            check((given.status == 200) == (at in good), f"bound to {hosts}, {url}: {given.status} {given.text()[:300]}")
        check(len(world.requests) - before == len(good), f"bound to {hosts}: {len(world.requests) - before} requests went out")


INSIDE = [credentials_go_to_their_host_alone, a_secret_is_bound_to_hosts_and_ports]
CASES = apart.cases(os.path.abspath(__file__), INSIDE)

if __name__ == "__main__":
    apart.main(sys.modules[__name__])
