"""Requests by which a tenant might get at another: of each operation in openapi.json the right one, and that with each thing
beside or in place of what it has.  Used by apart.py."""
import base64
import gzip
import json
import urllib.parse

from tenants import bearer, secret

# Words of alpha.  Each has a neighbour that beta may ask for, so that hints and cursors have something to lead to.
ALPHA = "quokka"
KNOWN = {"measurement": "quokka_room", "tag": "quokka_floor", "value": "quokka_attic", "field": "quokka_heat",
         "text": "quokka_note", "key": "quokka-key", "id": "quokka.request"}
HIDDEN = ["quokka_roomy", "quokka_flower", "quokka_attica", "quokka_heath", "quokka_notes", "quokka-keys", "8675309", "quokkasecret"]
KEYED = "shared,host=b1 f=1.75 1001"  # alpha's request with the key that beta knows


class Request:
    """A value that begins with NUL names a handle of beta's, which each server made itself; a header of None is left out."""

    def __init__(self, method, path, params=(), headers=None, body=None, who="ball", why="", raw_path=None):
        self.method, self.path, self.params, self.headers = method, path, list(params), dict(headers or {})
        self.body = body.encode() if isinstance(body, str) else body
        self.who, self.why = who, why
        self.raw_path = raw_path

    def target(self, world):
        path = self.raw_path or self.path
        pairs = [(name, self.own(world, value)) for name, value in self.params]
        return path + ("?" + urllib.parse.urlencode(pairs) if pairs else "")

    def head(self, world):
        head = bearer(self.who) if self.who else {}
        head.update({name: self.own(world, value) for name, value in self.headers.items()})
        return {name: value for name, value in head.items() if value is not None}

    @staticmethod
    def own(world, value):
        return world.mine[value[1:]] if value and value.startswith("\0") else value

    def said(self, world):
        """All that beta sends, as it may come back in a text."""
        body = self.body or b""
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        text = urllib.parse.unquote_plus(self.target(world)) + "\n" + "\n".join(f"{k}: {v}" for k, v in self.head(world).items())
        return text + "\n" + urllib.parse.unquote_plus(body.decode("utf-8", "replace"))

    def title(self):
        return f"{self.method} {self.raw_path or self.path} {self.params} {self.headers} {self.body[:80] if self.body else ''} as {self.who} ({self.why})"


def operations(document):
    """(method, path, operation, parameters) of all, with references resolved."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in ("get", "post", "put", "delete", "patch"):
                parameters = [document["components"]["parameters"][entry["$ref"].rpartition("/")[2]] if "$ref" in entry else entry
                              for entry in item.get("parameters", []) + operation.get("parameters", [])]
                yield method.upper(), path, operation, parameters


# Of parameters whose value decides what is asked for; any other gets what its schema allows.
OURS = {"measurement": "shared", "since": "0", "key": "host", "q": "SHOW DATABASES", "match": "host=b1"}


def fit(parameter):
    """A value that is right for it."""
    schema = parameter.get("schema", {})
    if parameter["name"] in OURS:
        return OURS[parameter["name"]]
    for value in (parameter.get("example"), schema.get("default"), *schema.get("enum", [])[:1]):
        if value is not None:
            return str(value[0] if isinstance(value, list) else value)
    return str(schema.get("minimum", "1"))


def bodies(path, operation):
    """(content type, body) of each kind that it takes, of the names that both have."""
    for type, content in operation.get("requestBody", {}).get("content", {}).items():
        example = content.get("example", "x")
        if type.endswith("x-www-form-urlencoded"):
            fields = {**example, **({"measurement": "shared"} if "measurement" in example else {}), **({"q": "SHOW DATABASES"} if "q" in example else {})}
            yield type, urllib.parse.urlencode({name: value for name, value in fields.items() if name != "start"})
        elif type == "application/json" and path.endswith("query"):
            yield type, json.dumps({"measurement": "shared"})
        elif type == "*/*":
            yield "application/json", "{}"
        else:
            text = example if isinstance(example, str) else json.dumps(example)
            yield type, text.replace("cpu", "shared").replace("user", "f").replace('"sys":2', '"f":2').replace(",sys=2i", "")


def basis(method, path, operation, parameters, token_needed):
    """Requests of this operation that are right, one for each kind of body."""
    params = [(entry["name"], fit(entry)) for entry in parameters if entry.get("required") and entry["in"] == "query"]
    if not params and any(entry["name"] == "measurement" for entry in parameters) and "lp" not in path and method == "GET" and "query" in path:
        params = [("measurement", "shared")]
    if any(entry["name"] == "q" for entry in parameters):
        params = [("q", "SHOW DATABASES")]
    for entry in parameters:
        if entry["in"] == "path":
            path = path.replace("{" + entry["name"] + "}", fit(entry))
    headers = {entry["name"]: fit(entry) for entry in parameters if entry.get("required") and entry["in"] == "header"}
    who = "ball" if token_needed else None
    kinds = list(bodies(path, operation)) or [(None, None)]
    for type, body in kinds:
        own = [] if body is not None and (type == "application/json" and "query" in path or "form" in type) else params
        if type == "text/csv":
            own = own + [("measurement", "shared")]
        yield Request(method, path, own, {**headers, **({"Content-Type": type} if type else {})}, body, who, "as it should be")


class Matrix:
    def __init__(self, document, alpha):
        self.document, self.alpha = document, alpha
        self.tenant_texts = [ALPHA, KNOWN["measurement"], "quokka_rooms", KNOWN["value"]]

    def values(self, name):
        """What beta may put into the parameter or header `name` to get at alpha."""
        alpha = self.alpha
        special = {
            "cursor": alpha["cursor"] + ["\0cursor"], "If-None-Match": [*alpha["etag"], ", ".join(alpha["etag"]), "*", "\0etag"],
            "Idempotency-Key": [KNOWN["key"], f"\"{KNOWN['key']}\""], "as_of": alpha["moment"] + [alpha["early"]],
            "since": alpha["moment"] + [alpha["early"], "0"], "Last-Event-ID": alpha["moment"] + [alpha["early"], "0"],
            "match": [f"{KNOWN['tag']}={KNOWN['value']}", f"{KNOWN['tag']}=~.*", "host=~.*", "host!=b1", f"{KNOWN['tag']}!=x"],
            "measurement": [KNOWN["measurement"], "quokka_roo", "quokka_roomyy", f"{ALPHA}/{KNOWN['measurement']}", f"{ALPHA}.shared", f"../{ALPHA}/shared", "*", f"/v1/{ALPHA}"],
            "fields": [KNOWN["field"], "quokka_hea", f"f,{KNOWN['field']}"], "where": [f"{KNOWN['field']}>0", "quokka_hea>0", f"{KNOWN['text']}=x"],
            "let": [f"x={KNOWN['field']}*2", f"{KNOWN['field']}=f*2"], "group_by": [KNOWN["tag"], "quokka_floo", "*"],
            "explain": ["true"], "key": [KNOWN["tag"], "quokka_floo", ALPHA], "ack": ["shard"], "erase": ["true"],
            "u": [ALPHA, "aall"], "p": [secret("ball"), secret("alphareader")[:-1] + "x"],
            "q": ["SHOW DATABASES", f"CREATE DATABASE {ALPHA}", f"SHOW MEASUREMENTS ON {ALPHA}", f"SELECT * FROM {ALPHA}..{KNOWN['measurement']}"],
        }
        return special.get(name, []) + self.tenant_texts

    def variants(self, base, parameters, path, open_to_all):
        """The request `base` with each thing beside or in place of what it has."""
        def but(why, params=None, headers=None, body=base.body, who=base.who, method=base.method, raw_path=None, extra=(), path=base.path):
            return Request(method, path, (base.params if params is None else params) + list(extra), {**base.headers, **(headers or {})}, body, who, why,
                           raw_path)

        yield base
        for entry in parameters:
            name = entry["name"]
            kept = [(other, value) for other, value in base.params if other != name]
            for value in dict.fromkeys(self.values(name)):
                if entry["in"] == "query":
                    yield but(f"{name}=", params=kept, extra=[(name, value)])
                elif entry["in"] == "header":
                    yield but(name, headers={name: value})
                elif entry["in"] == "path":
                    yield but(f"{name} in the path", path=path.replace("{" + name + "}", urllib.parse.quote(value, safe="")))
        for name in ("tenant", "namespace", "database"):
            yield but("a parameter that is none", extra=[(name, ALPHA)])
        for name in ("X-Tenant", "X-Scope-OrgID", "Weir-Tenant", "X-Forwarded-User", "X-Forwarded-Host", "Cookie", "Referer", "X-Request-Id", "Idempotency-Key", "If-None-Match",
                     "Last-Event-ID"):
            value = {"X-Request-Id": KNOWN["id"], "Idempotency-Key": KNOWN["key"], "If-None-Match": self.alpha["etag"][0], "Cookie": f"tenant={ALPHA}",
                     "Last-Event-ID": self.alpha["moment"][0], "Referer": f"http://{ALPHA}.example/"}.get(name, ALPHA)
            yield but("a header", headers={name: value})
        yield but("another host", headers={"Host": f"{ALPHA}.example"})
        yield but("another target", headers={"X-Original-URL": f"/{ALPHA}{path}", "X-HTTP-Method-Override": "GET"})
        for prefix in (f"/{ALPHA}", f"/v1/tenants/{ALPHA}", f"/v1/points/../../{ALPHA}", f"/%2e%2e/{ALPHA}", "/"):
            yield but("a path that is none", raw_path=prefix + base.path)
        yield but("a path that is none", raw_path=f"{base.path};tenant={ALPHA}")
        yield but("a target with a host", raw_path=f"http://{ALPHA}.example{base.path}")
        for method in ("HEAD", "PUT", "OPTIONS"):
            yield but("another method", method=method, body=None if method == "HEAD" else base.body)
        if open_to_all:
            yield but("with a token", who="ball")
            return
        own = secret("ball")
        for why, text in (("a user", "Basic " + base64.b64encode(f"{ALPHA}:{own}".encode()).decode()), ("a user", f"Token {ALPHA}:{own}"),
                          ("the id of another", f"Bearer weir_aall_{own[-43:]}"), ("the id of another", f"Bearer weir_alphareader_{own[-43:]}"),
                          ("the id of nobody", f"Bearer weir_nobody_{own[-43:]}"), ("two tokens", f"Bearer {own}, Bearer weir_aall_{own[-43:]}"),
                          ("no token", None)):
            yield but(why, headers={"Authorization": text})
        for who in ("bread", "bwrite", "badmin", "bold"):
            yield but("another token", who=who)

    def documents(self):
        """JSON questions, alone and joined."""
        texts = [KNOWN["measurement"], "quokka_roo", "shared"]
        for text in texts:
            yield {"measurement": text}
            yield {"measurement": text, "fields": [KNOWN["field"]], "match": {KNOWN["tag"]: KNOWN["value"]}}
            yield {"measurement": text, "every": "1us", "agg": ["count"], "group_by": ["*"]}
            yield {"measurement": text, "where": [f"{KNOWN['field']}>0"], "explain": True}
            yield {"measurement": "shared", "tenant": ALPHA, "database": text}
            yield {"selections": {"a": {"measurement": "shared", "every": "1us", "agg": ["count"]}, "b": {"measurement": text, "every": "1us", "agg": ["count"]}}}
            yield {"selections": {"a": {"measurement": "shared", "tenant": ALPHA}, "b": {"measurement": text}}}
        for moment in self.alpha["moment"] + [self.alpha["early"]]:
            yield {"measurement": "shared", "as_of": moment}
        for cursor in self.alpha["cursor"]:
            yield {"measurement": "shared", "limit": 1, "cursor": cursor}

    def requests(self):
        seen = set()
        for method, path, operation, parameters in operations(self.document):
            open_to_all = operation.get("security", None) == []
            for base in basis(method, path, operation, parameters, not open_to_all):
                for request in self.variants(base, parameters, path, open_to_all):
                    yield from once(seen, request)
                if base.body is not None and "Content-Encoding" in [entry["name"] for entry in parameters]:
                    head = {**base.headers, "Content-Encoding": "gzip"}
                    for body in (base.body, base.body.replace(b"shared", KNOWN["measurement"].encode())):
                        yield from once(seen, Request(method, base.path, base.params, head, gzip.compress(body, mtime=0), base.who, "compressed"))
                    yield from once(seen, Request(method, base.path, base.params, {**base.headers, "Idempotency-Key": KNOWN["key"]},
                                                  KEYED, base.who, "alpha's request again"))
            if method == "POST" and "application/json" in operation.get("requestBody", {}).get("content", {}) and path.endswith("/query") and not open_to_all:
                for document in self.documents():
                    yield from once(seen, Request(method, path, [], {"Content-Type": "application/json"}, json.dumps(document), "ball", "a document"))


def once(seen, request):
    key = (request.method, request.raw_path or request.path, str(request.params), str(sorted(request.headers.items(), key=str)), request.body, request.who)
    if key not in seen:
        seen.add(key)
        yield request
