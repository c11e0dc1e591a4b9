"""What is asked of a source by requests, and whom a document may reach."""
import json
import socket
import time

from documents import load, made, of_generic
from stand import DAY, HOUR, check, differences, iso, second_of, until


def hourly(remote, end, days=1, every="1s", **more):
    return load("page", remote, every, window={"from": iso(end - days * DAY), "step": "2h", **more})


# --- hosts ---

def nothing_private_is_dialled_unless_it_is_allowed(case):
    remote = case.remote()
    server = case.server(remote, allow=False)
    for name, host in (("number", "127.0.0.1"), ("name", "localhost"), ("mapped", "[::ffff:127.0.0.1]")):
        document = hourly(remote, case.ready_at)
        document["name"], document["request"]["url"] = name, f"http://{host}:{remote.port}/page"
        case.declare(server, document)
        until(20, lambda name=name: f"it is told that it may not: {case.how(server, name)}",
              lambda name=name: "127.0.0.1" in (case.status(server, name)["error"] or "") or "::1" in (case.status(server, name)["error"] or ""))
    answer = case.ask(server, "POST", "/v1/sources:test", {"document": hourly(remote, case.ready_at)}, want=None)
    check(answer.status != 200 and "127.0.0.1" in answer.text(), f"a trial: {answer.status} {answer.text()[:400]}")
    check(not remote.log(), f"nothing was asked: {remote.log()[:1]}")


def another_port_or_address_than_the_allowed_one_is_refused(case):
    remote, other = case.remote(), case.remote(host="0.0.0.0")
    server = case.server(flags=["--pull-allow", remote.netloc])
    for name, netloc in (("port", other.netloc), ("address", f"127.0.0.2:{other.port}")):
        document = hourly(other, case.ready_at)
        document["name"], document["request"]["url"] = name, f"http://{netloc}/page"
        case.declare(server, document)
        until(20, lambda name=name: f"it is refused: {case.how(server, name)}",
              lambda name=name, host=netloc.split(":")[0]: host in (case.status(server, name)["error"] or ""))
    check(not other.log(), "nothing was asked")


def a_redirect_leads_nowhere_that_a_document_could_not(case):
    remote, other = case.remote(), case.remote()
    remote.set("faults", [{"match": {"path": "^/page"}, "fault": {"type": "redirect", "to": "http://" + other.netloc}}])
    server = case.server(remote)
    case.declare(server, hourly(remote, case.ready_at))
    until(20, lambda: f"it is refused: {case.how(server, 'page')}", lambda: "127.0.0.1" in (case.status(server, "page")["error"] or ""))
    check(remote.log() and not other.log(), "the first was asked, the other was not")
    check(not case.rows(server, "generic"), "and there are no rows")


def a_redirect_to_what_is_allowed_is_followed_and_a_loop_is_not(case):
    remote, other = case.remote(), case.remote()
    remote.set("faults", [{"match": {"path": "^/page"}, "fault": {"type": "redirect", "to": "http://" + other.netloc, "status": 307}},
                          {"match": {"path": "^/next"}, "fault": {"type": "redirect_loop"}}])
    server = case.server(remote, other)
    document = hourly(remote, case.ready_at)
    case.declare(server, document)
    wanted = of_generic(other, document, case.ready_at - DAY, case.ready_at)
    until(20, lambda: f"{differences(case.rows(server, 'generic'), wanted)}; {case.how(server, 'page')}",
          lambda: case.rows(server, "generic", case.ready_at - DAY, case.ready_at) == wanted)
    case.declare(server, load("next", remote, "1h", window={"from": iso(case.ready_at - HOUR), "step": "1h"}))
    until(20, lambda: f"it is told: {case.how(server, 'next')}", lambda: "redirect" in (case.status(server, "next")["error"] or ""))
    check(len(remote.log("^/next")) <= 2 * 6, f"{len(remote.log('^/next'))} requests")


# --- pause, resume, delete, replace ---

def silent(remote, seconds, what):
    """Nothing begins any more, once what was under way has ended."""
    time.sleep(0.5)
    before = len(remote.log())
    time.sleep(seconds)
    check(len(remote.log()) == before, f"{what}: {len(remote.log()) - before} requests more")


def paused_it_rests_and_resumed_it_goes_on(case):
    remote = case.remote()
    server = case.server(remote)
    case.declare(server, hourly(remote, case.ready_at))
    case.pulled(server, "page")
    case.act(server, "page", "pause")
    check(case.show(server, "page")["paused"] is True, "it is shown")
    silent(remote, 3, "paused")
    server.stop()
    server.start()
    silent(remote, 2, "paused and started again")
    case.declare(server, hourly(remote, case.ready_at), want=200)
    check(case.show(server, "page")["paused"] is True, "another document leaves it paused")
    silent(remote, 2, "paused, with another document")
    case.act(server, "page", "resume")
    count = len(remote.log())
    until(10, lambda: f"it is pulled again: {case.how(server, 'page')}", lambda: len(remote.log()) > count)
    check(case.show(server, "page")["paused"] is False, "it is shown")


def paused_amid_a_backfill_it_stops_and_goes_on_where_it_was(case):
    remote = case.remote()
    remote.set("faults", [{"fault": {"type": "delay", "ms": 100}}])
    server = case.server(remote)
    document = hourly(remote, case.ready_at, 2, "1h")
    case.declare(server, document)
    until(20, "it is amid it", lambda: len(remote.log()) > 20)
    case.act(server, "page", "pause")
    time.sleep(1)
    silent(remote, 2, "paused amid a backfill")
    wanted = of_generic(remote, document, case.ready_at - 2 * DAY, case.ready_at)
    check(len(case.rows(server, "generic", case.ready_at - 2 * DAY, case.ready_at)) < len(wanted), "it was amid it")
    case.act(server, "page", "resume")
    until(30, lambda: f"{differences(case.rows(server, 'generic', case.ready_at - 2 * DAY, case.ready_at), wanted)}; {case.how(server, 'page')}",
          lambda: case.rows(server, "generic", case.ready_at - 2 * DAY, case.ready_at) == wanted)


def deleted_it_is_gone_and_its_rows_stay(case):
    remote = case.remote()
    server = case.server(remote)
    case.declare(server, hourly(remote, case.ready_at))
    wanted = of_generic(remote, None, case.ready_at - DAY, case.ready_at)
    until(20, lambda: case.how(server, "page"), lambda: case.rows(server, "generic", case.ready_at - DAY, case.ready_at) == wanted)
    case.ask(server, "DELETE", "/v1/sources/page", want=None)
    for path in ("/v1/sources/page", "/v1/sources/page/fetches"):
        until(5, f"{path} is gone", lambda path=path: case.ask(server, "GET", path, want=None).status == 404)
    check(case.ask(server, "GET", "/v1/sources")["sources"] == [], "it is not listed")
    for what in ("pause", "pull"):
        case.act(server, "page", what, want=404)
    silent(remote, 3, "deleted")
    check(case.rows(server, "generic", case.ready_at - DAY, case.ready_at) == wanted, "the rows stay")
    names = json.dumps(case.ask(server, "GET", "/v1/measurements"))
    check("\\u0001" not in names and "generic" in names, f"what it knew of its work is no measurement of anybody: {names}")
    server.stop()
    server.start()
    silent(remote, 2, "deleted and started again")
    case.declare(server, hourly(remote, case.ready_at), want=201)
    count = len(remote.log())
    until(10, lambda: case.how(server, "page"), lambda: len(remote.log()) > count)


def pulled_on_request_it_asks_each_window_once(case):
    remote = case.remote()
    remote.set("faults", [{"fault": {"type": "delay", "ms": 300}}])
    server = case.server(remote)
    document = hourly(remote, case.ready_at // 7200 * 7200, 1, "1h", overlap="P1D")
    case.declare(server, document)
    until(10, "it is amid a pull", lambda: len(remote.log()) > 5)
    for _ in range(3):
        case.act(server, "page", "pull")  # while one is under way
        time.sleep(0.1)
    until(60, lambda: f"it rests: {case.how(server, 'page')}", lambda: case.status(server, "page")["state"] == "resting" and case.status(server, "page")["windows"] >= 13)
    time.sleep(1)
    until(60, lambda: f"it rests: {case.how(server, 'page')}", lambda: case.status(server, "page")["state"] == "resting")
    seen = {}
    for entry in remote.log():
        seen[entry["path"]] = seen.get(entry["path"], 0) + 1
    check(max(seen.values()) <= 2, f"asked for thrice while a pull was under way, a page was asked {max(seen.values())} times")
    before = len(remote.log())
    case.act(server, "page", "pull")
    until(10, "a pull begins", lambda: len(remote.log()) > before)


def a_range_is_asked_again_on_request(case):
    end = case.ready_at // 7200 * 7200
    remote = case.remote(end - DAY, {"generic": {"revised": 0.2}})
    server = case.server(remote)
    document = hourly(remote, end, 3, "1h")
    case.declare(server, document)
    first = end - 3 * DAY
    wanted = of_generic(remote, document, first, end - DAY)
    until(40, lambda: f"{differences(case.rows(server, 'generic', first, end), wanted)}; {case.how(server, 'page')}",
          lambda: case.rows(server, "generic", first, end - DAY) == wanted and case.status(server, "page")["windows"] >= 37)
    remote.set("clock", {"now": end + 2 * DAY})
    before = len(remote.log())
    case.act(server, "page", "backfill", start=iso(first + 12 * HOUR), end=iso(first + DAY))
    later = of_generic(remote, document, first, end)
    check(any(later[key] != values for key, values in wanted.items()), "something changed")
    mixed = {key: later[key] if first + 12 * HOUR <= key[1] < first + DAY else values for key, values in wanted.items()}
    until(20, lambda: f"{differences(case.rows(server, 'generic', first, end - DAY), mixed)}; {case.how(server, 'page')}",
          lambda: case.rows(server, "generic", first, end - DAY) == mixed)
    time.sleep(1)
    asked = {entry["path"].partition("from=")[2][:13].replace("%3A", ":") for entry in remote.log()[before:]}
    check(len(asked) == 6, f"six windows are asked, and no others: {sorted(asked)}")
    for query in ({"start": iso(end), "end": iso(first)}, {"start": iso(first)}, {"start": "nonsense", "end": iso(end)}):
        case.act(server, "page", "backfill", want=400, **query)
    case.act(server, "nobody", "backfill", want=404, start=iso(first), end=iso(end))


def a_document_that_is_replaced_while_it_is_pulled_is_in_force(case):
    end = case.ready_at // 7200 * 7200
    remote = case.remote()
    remote.set("faults", [{"fault": {"type": "delay", "ms": 60}}])
    server = case.server(remote)
    case.declare(server, hourly(remote, end, 2, "2s"))
    for turn in range(6):
        count = len(remote.log())
        until(20, lambda: f"it goes on with the document before: {case.how(server, 'page')}", lambda: len(remote.log()) > count + 3)
        time.sleep(case.chance.uniform(0, 0.3))
        document = hourly(remote, end, 2, "2s")
        document["tags"]["turn"] = str(turn)
        document["page"]["limit"] = 20 + turn
        case.declare(server, document, want=200)
    first = end - 2 * DAY
    wanted = of_generic(remote, document, end, case.ready_at + 1)
    case.act(server, "page", "backfill", start=iso(first), end=iso(end))
    wanted = {(tuple(sorted([*tags, ("turn", "5")])), at): values for (tags, at), values in of_generic(remote, document, first, end).items()}

    def newest():
        return {key: values for key, values in case.rows(server, "generic", first, end).items() if ("turn", "5") in key[0]}

    until(60, lambda: f"{differences(newest(), wanted)}; {case.how(server, 'page')}", lambda: newest() == wanted)


# --- documents ---

def a_wrong_document_is_told_all_that_is_wrong(case):
    remote = case.remote()
    server = case.server(remote)
    document = hourly(remote, case.ready_at)
    document["schedule"]["every"] = "never"
    document["windoww"] = document.pop("window")
    document["values"][0]["type"] = "complex"
    del document["measurement"]
    answer = case.ask(server, "PUT", "/v1/sources/page", document, want=None)
    check(answer.status == 400, f"{answer.status} {answer.text()[:300]}")
    errors = json.loads(answer.text())["errors"]
    pointers = {error["pointer"] for error in errors}
    check({"/schedule/every", "/windoww", "/values/0/type"} <= pointers and any("measurement" in error["pointer"] + error["detail"] for error in errors),
          f"pointers: {errors}")
    check(any("window" in error["detail"] and error["pointer"] == "/windoww" for error in errors), f"the nearest known key: {errors}")
    answer = case.ask(server, "POST", "/v1/sources:test", {"document": document, "body": "{}"}, want=None)
    check(answer.status == 400 and {"/document/windoww"} <= {error["pointer"] for error in json.loads(answer.text())["errors"]}, f"a trial: {answer.text()[:400]}")
    for body, kind in (("{", "application/json"), ("", "application/json"), ("schedule: [", "application/yaml"), ("[]", "application/json")):
        answer = server.request("PUT", "/v1/sources/page", body.encode(), {"Content-Type": kind})
        check(answer.status == 400, f"{body!r}: {answer.status} {answer.text()[:200]}")
    check(case.ask(server, "PUT", "/v1/sources/other", hourly(remote, case.ready_at), want=None).status == 400, "another name than its own")
    check(case.ask(server, "GET", "/v1/sources")["sources"] == [] and not remote.log(), "none of it is taken")


def a_document_of_yaml_is_that_of_json(case):
    remote = case.remote()
    server = case.server(remote)
    text = f"""
schedule: {{every: 1h, jitter: 0s}}
request: {{url: "http://{remote.netloc}/next", query: {{from: "${{window.start}}", to: "${{window.end}}"}}}}
window: {{from: {iso(case.ready_at - 2 * HOUR)}, step: 1h}}
page: {{type: next_url, path: /next}}
decode: json
rows: /rows/*
time: {{path: time}}
measurement: generic
values: [{{path: value, field: value}}]
tags: {{id: {{path: id}}}}
"""
    answer = server.request("PUT", "/v1/sources/next", text.encode(), {"Content-Type": "application/yaml"})
    check(answer.status == 201, f"{answer.status} {answer.text()[:400]}")
    wanted = of_generic(remote, None, case.ready_at - 2 * HOUR, case.ready_at)
    until(20, lambda: f"{differences(case.rows(server, 'generic'), wanted)}; {case.how(server, 'next')}",
          lambda: case.rows(server, "generic", case.ready_at - 2 * HOUR, case.ready_at) == wanted)


def a_trial_shows_rows_of_a_pasted_body_and_of_a_live_page(case):
    remote = case.remote()
    server = case.server(remote)
    document = hourly(remote, case.ready_at)
    start, end = case.ready_at - 2 * HOUR, case.ready_at
    body = json.dumps({"total": 3, "rows": [{"id": "a", "time": iso(start), "value": 1.5}, {"id": "b", "time": iso(end), "value": 2}, {"id": "c", "time": "?", "value": 3}]})
    shown = case.ask(server, "POST", "/v1/sources:test", {"document": {**document, "faults_max": 1}, "body": body, "start": iso(start), "end": iso(end)})
    check((shown["outcome"], shown["rows"], shown["clipped"], shown["faulty"], shown["points_made"]) == ("ok", 3, 1, 1, 1), f"{shown}")
    check(shown["faults"][0]["row"] in (2, 3) and shown["faults"][0]["detail"], f"{shown['faults']}")
    point = shown["points"][0]
    check((point["measurement"], point["tags"], point["fields"], second_of(point["time"])) == ("generic", {"id": "a"}, {"value": 1.5}, start), f"{point}")
    check(not remote.log(), "of a pasted body nothing is asked")
    shown = case.ask(server, "POST", "/v1/sources:test", {"document": document, "body": "<html>", "status": 503, "headers": {"Retry-After": "7"}})
    check(shown["outcome"] == "retry" and shown["points"] == [], f"{shown}")
    for wrong in ([], "text", 3, {"document": document, "headers": []}, {"document": document, "headers": 1}, {"document": document, "body": {}},
                  {"document": document, "partition": "one"}, {"document": document, "start": 5}, {"document": []}, {"document": 3}, {"document": None}, {}):
        answer = case.ask(server, "POST", "/v1/sources:test", wrong, want=None)
        check(answer.status == 400, f"a trial of {json.dumps(wrong)[-60:]}: {answer.status} {answer.text()[:200]}")
    shown = case.ask(server, "POST", "/v1/sources:test", {"document": document, "start": iso(start), "end": iso(end)})
    wanted = of_generic(remote, document, start, end)
    points = {((("id", point["tags"]["id"]),), int(second_of(point["time"]))): point["fields"] for point in shown["points"]}
    check(shown["status"] == 200 and shown["rows"] == 50 and shown["next"] == "2" and len(points) == 50, f"{json.dumps(shown)[:600]}")
    check(all(wanted[key] == values for key, values in points.items()), "the points are those of the truth")
    check(len(remote.log()) == 1 and f"{remote.netloc}/page?" in shown["request"]["url"], f"one request: {shown['request']}")
    check(case.ask(server, "GET", "/v1/sources")["sources"] == [] and not case.rows(server, "generic"), "nothing is kept")
    answer = case.ask(server, "POST", "/v1/sources:test", {"document": {**document, "request": {**document["request"], "url": f"http://127.0.0.1:{closed_port()}/"}}},
                      want=None)
    check(answer.status >= 400 and "127.0.0.1" in answer.text(), f"what cannot be reached: {answer.status} {answer.text()[:300]}")


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


CASES = [nothing_private_is_dialled_unless_it_is_allowed, another_port_or_address_than_the_allowed_one_is_refused,
         a_redirect_leads_nowhere_that_a_document_could_not, a_redirect_to_what_is_allowed_is_followed_and_a_loop_is_not,
         paused_it_rests_and_resumed_it_goes_on, paused_amid_a_backfill_it_stops_and_goes_on_where_it_was, deleted_it_is_gone_and_its_rows_stay,
         pulled_on_request_it_asks_each_window_once, a_range_is_asked_again_on_request, a_document_that_is_replaced_while_it_is_pulled_is_in_force,
         a_wrong_document_is_told_all_that_is_wrong, a_document_of_yaml_is_that_of_json, a_trial_shows_rows_of_a_pasted_body_and_of_a_live_page]
