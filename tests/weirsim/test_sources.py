"""Each document in sources/ asks what its API answers, and its paths lead to what is there: as docs/reference/sources.md has them, read
here by the plainest means."""
import base64
import csv
import glob
import io
import json
import os
import re
import urllib.parse
import xml.etree.ElementTree
import zipfile

from weirsim import control
from weirsim.raw_client import ask
from weirsim.simulated import Simulated
from weirsim.times import at, parse

HERE = os.path.dirname(os.path.abspath(__file__))
KEYS = set("""name schedule request auth foreach window page conditional timeouts limits retry outcomes decode rows where time measurement values
tags versions faults_max""".split())
FIRST, END = parse("2026-03-01"), parse("2026-03-08")


def filled(text, each, window, page):
    """A text with its places."""
    def place(found):
        kind, _, name = found[1].partition(".")
        if kind.startswith("secret:"):
            return control.SECRETS[kind[7:]]
        return {"each": each, "window": window, "page": page}[kind][name]
    return re.sub(r"\$\{([^}]*)\}", place, text)


def moments(window):
    pattern = {"iso8601": "%Y-%m-%dT%H:%M:%SZ", "date": "%Y-%m-%d"}.get(window.get("format", "iso8601"), window.get("format"))
    return {"start": at(FIRST).strftime(pattern), "end": at(END - (86400 if window.get("end") == "inclusive" else 0)).strftime(pattern)}


def request_of(document, each):
    """(method, path, headers) of the first page."""
    page = document.get("page", {})
    values = {"value": str(page.get("first", 1 if page.get("type") == "page" else 0)), "limit": str(page.get("limit", ""))}
    window = moments(document["window"]) if "window" in document else {}
    request, auth = document["request"], document.get("auth", {})
    pairs = [(name, one) for name, value in request.get("query", {}).items() for one in (value if isinstance(value, list) else [value])]
    if page.get("type") in ("page", "offset") and "param" in page:
        pairs += [(page["param"], values["value"]), (page["limit_param"], values["limit"])]
    headers = dict(request.get("headers", {}))
    if auth.get("type") == "query":
        pairs.append((auth["name"], auth["value"]))
    if auth.get("type") == "basic":
        text = filled(auth["user"] + ":" + auth["password"], {}, {}, {})
        headers["Authorization"] = "Basic " + base64.b64encode(text.encode()).decode()
    query = urllib.parse.urlencode([(name, filled(value, each, window, values)) for name, value in pairs])
    path = filled(request["url"], each, window, values).removeprefix("http://127.0.0.1:8099")
    return request.get("method", "GET"), path + ("?" + query if query else ""), headers


def element(node):
    """An element as an object of lists, or its text; namespaces and attributes left out."""
    if not len(node):
        return node.text or ""
    found = {}
    for child in node:
        found.setdefault(child.tag.rpartition("}")[2], []).append(element(child))
    return found


def trees(decode, body):
    """The documents that a body is."""
    if isinstance(decode, dict) and "zip" in decode:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return [tree for name in archive.namelist() for tree in trees(decode["zip"], archive.read(name))]
    if decode == "json":
        return [json.loads(body)]
    if decode == "xml":
        root = xml.etree.ElementTree.fromstring(body)
        return [{root.tag.rpartition("}")[2]: [element(root)]}]
    return [list(csv.DictReader(io.StringIO(body.decode(), newline="")))]


def step(node, token):
    node = node[0] if isinstance(node, list) else node
    return node.get(token) if isinstance(node, dict) else None


def walk(stack, tokens):
    """What each row is in, from the document to itself; arrays are not among it."""
    if not tokens:
        yield stack
    elif len(tokens) > 1 and tokens[1] == "*" or tokens[0] == "*":
        node = stack[-1] if tokens[0] == "*" else step(stack[-1], tokens[0])
        for item in node or []:
            yield from walk(stack + [item], tokens[1 if tokens[0] == "*" else 2:])
    else:
        yield from walk(stack + [step(stack[-1], tokens[0])], tokens[1:])


def rows_of(document, tree):
    rows = document.get("rows", "/*")
    if isinstance(rows, str):
        return list(walk([tree], rows.strip("/").split("/")))
    columns = tree
    for token in rows["zip"].strip("/").split("/"):
        columns = step(columns, token)
    return [[tree, columns, dict(zip(columns, values))] for values in zip(*columns.values())]


def leads(stack, path):
    """What a path leads to from a row."""
    node, stack = (stack[0], stack) if path.startswith("/") else (stack[-1], stack)
    while path.startswith("../"):
        stack, path = stack[:-1], path[3:]
        node = stack[-1]
    for token in path.strip("/").split("/"):
        node = step(node, token)
    return node[0] if isinstance(node, list) else node


def paths_of(document):
    yield from (document["time"][key] for key in ("path", "base", "index", "step_path") if key in document["time"])
    yield from (value["path"] for value in document["values"])
    yield from (tag["path"] for tag in document.get("tags", {}).values() if isinstance(tag, dict))
    if document.get("versions", {}).get("known_at", "fetch") != "fetch":
        yield document["versions"]["known_at"]
    yield from (document["page"][key] for key in ("path", "expect_total") if key in document.get("page", {}))


class Sources(Simulated):
    def partitions(self, document):
        """Those that are listed; or the last of those that another request tells."""
        each = document.get("foreach", [{}])
        if isinstance(each, list):
            return each
        method, path, headers = request_of({"request": each["request"]}, {})
        tree = json.loads(ask(self.port, path, method, headers).body)
        stack = list(walk([tree], each["rows"].strip("/").split("/")))[-1]
        return [{name: leads(stack, where["path"]) for name, where in each["vars"].items()}]

    def authorized(self, document, headers):
        if document.get("auth", {}).get("type") == "oauth2":
            auth = document["auth"]
            form = {"grant_type": "client_credentials", **{key: filled(auth[key], {}, {}, {}) for key in ("client_id", "client_secret")}}
            answer = ask(self.port, auth["token_url"].removeprefix("http://127.0.0.1:8099"), "POST",
                         {"Content-Type": "application/x-www-form-urlencoded"}, urllib.parse.urlencode(form).encode())
            headers = {**headers, "Authorization": "Bearer " + answer.json()["access_token"]}
        return headers

    def test_each_document_asks_what_is_answered_and_finds_what_it_names(self):
        found = glob.glob(os.path.join(HERE, "sources", "*.json"))
        self.assertGreaterEqual(len(found), 18)
        for path in sorted(found):
            with self.subTest(os.path.basename(path)), open(path, encoding="utf-8") as file:
                document = json.loads(file.read().replace('"rows": "10000000"', '"rows": "1000"'))
                self.assertEqual((set(document) - KEYS, document["name"] + ".json"), (set(), os.path.basename(path)))
                for each in self.partitions(document)[:2]:
                    method, target, headers = request_of(document, each)
                    answer = ask(self.port, target, method, self.authorized(document, headers))
                    self.assertEqual(answer.status, 200, answer.body[:300])
                    rows = [stack for tree in trees(document["decode"], answer.body) for stack in rows_of(document, tree)]
                    self.assertTrue(rows, answer.body[:300])
                    for wanted in paths_of(document):
                        self.assertTrue(any(leads(stack, wanted) not in (None, "") for stack in rows) or wanted == "/next", wanted)
