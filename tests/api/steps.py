"""The words in which scenarios are told.  A scenario is data: a name, how the server is configured, and
steps.  A step is one of the values made here; run (beside this file) carries them out.

    scenario("a point comes back",
             write("cpu,host=a user=1.5 1"),
             query("measurement=cpu&epoch=ns", rows=[[1, 1.5]]))
"""
import json
import urllib.parse


class Saved:
    """Stands for a value that an earlier answer gave; see save=."""

    def __init__(self, name):
        self.name = name


class Any:
    """Matches every value, in an expectation; `kind` narrows it to a Python type."""

    def __init__(self, kind=object):
        self.kind = kind

    def __repr__(self):
        return f"any {self.kind.__name__}"


class Absent:
    """In an expected object: the member must not be there."""

    def __repr__(self):
        return "absent"


ABSENT = Absent()


def scenario(name, *steps, flags=(), files=None, tenants=None):
    """`flags` go to `weir serve`; `files` (name -> text) are written to the scratch folder, "{scratch}"
    in a flag names it; `tenants` is a list for tenants_file()."""
    return {"name": name, "steps": steps, "flags": list(flags), "files": dict(files or {}),
            "tenants": tenants}


def request(method, path, want=200, body=None, headers=None, params=None, code=None, **checks):
    """One request.  `want` is a status or a set of them; `code` the problem's slug.  Checks:
    json= (an expected part of the body), text= (exact), contains=, headers_out= (name -> value or
    Any or ABSENT), rows= (of the only series), series= ([(tags, rows)]), columns=, errors=
    ([(line, code)]), lines= (NDJSON objects), save= ({name: JSON member or "header:name"}),
    empty=True (no body)."""
    return {"kind": "request", "method": method, "path": path, "want": want, "code": code,
            "body": body, "headers": dict(headers or {}), "params": params, "checks": checks}


def get(path, want=200, **rest):
    return request("GET", path, want, **rest)


def write(body, want=204, type="text/plain", query="", headers=None, **rest):
    """POST /v1/points."""
    if not isinstance(body, (str, bytes)):
        body, type = json.dumps(body, ensure_ascii=False), "application/json"
    head = {"Content-Type": type} if type else {}
    head.update(headers or {})
    return request("POST", "/v1/points" + ("?" + query if query else ""), want, body=body, headers=head,
                   **rest)


def refused(body, errors, query="", type="text/plain", **rest):
    """POST /v1/points of which lines are bad: 400 invalid_points with exactly these (line, code)."""
    return write(body, 400, type=type, query=query, code="invalid_points", errors=errors, **rest)


def query(text="", want=200, **rest):
    """GET /v1/query."""
    return get("/v1/query" + ("?" + text if text else ""), want, **rest)


def params(**values):
    """A query string; list values repeat, an underscore at the end of a name is dropped."""
    return [(name.rstrip("_"), item) for name, value in values.items()
            for item in (value if isinstance(value, list) else [value])]


def quote(text):
    return urllib.parse.quote(text, safe="")


def flush():
    return request("POST", "/v1/admin/flush", 200)


def restart():
    """SIGTERM, exit code 0, start."""
    return {"kind": "restart"}


def kill():
    """SIGKILL, start."""
    return {"kind": "kill"}


def hangup(file=None, content=None):
    """Writes a scratch file if one is named, then SIGHUP; the next steps are retried for a second."""
    return {"kind": "hangup", "file": file, "content": content}


def stable(*steps):
    """The same answers from the head, after sealing, after a restart and after a SIGKILL."""
    return {"kind": "stable", "steps": steps}


def raw(data, statuses, **checks):
    """Bytes as they are; `statuses` is the list of response statuses that come back ([] = closed
    without an answer), or a set of tuples of them."""
    return {"kind": "raw", "data": data, "statuses": statuses, "checks": checks}


def call(function):
    """For what a table cannot say: function(run) with run.server, run.request(), run.fail()."""
    return {"kind": "call", "function": function}


def metric(name, value, **labels):
    """A metric of /metrics has exactly this value."""
    return {"kind": "metric", "name": name, "value": value, "labels": labels}


def times(count, make):
    """make(0), make(1), ... as a list, for * unpacking."""
    return [make(i) for i in range(count)]
