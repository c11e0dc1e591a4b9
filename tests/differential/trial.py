"""One data set in a real Weir: carries out steps, asks questions and holds the answers against the evaluator's."""
import http.client
import itertools
import json
import math
import re
import urllib.parse

from answers import Page, csv_value
from documents import body_of
from evaluator import SECOND, Ambiguous, Estimate, Near, answer
from joins import joined
from ways import WAYS
from wire import Difference, as_stored, body, deletion, ns_of, parameters, rfc3339

PER = {"ns": 1, "us": 1000, "ms": 10**6, "s": SECOND}
PAGES = 25  # at most about so many of one question


class Got:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text


class Trial:
    """One measurement of a server, its history, and the ingest time of each step."""

    def __init__(self, server, measurement, history):
        self.server, self.measurement, self.history = server, measurement, history
        self.connection = None
        self.ingest = {}  # id of a step -> its ingest time
        self.last_text = None  # of the first page
        self.perturb = None  # the self-test's hands in answers: what they change, and how

    def request(self, method, path, pairs=(), content=None, kind=None):
        if pairs:
            path += "?" + urllib.parse.urlencode(pairs)
        for attempt in (0, 1):
            if not self.connection:
                self.connection = http.client.HTTPConnection(*self.server.address, timeout=60)
            try:
                self.connection.request(method, path, content, {"Content-Type": kind} if kind else {})
                response = self.connection.getresponse()
                return Got(response.status, response.headers, response.read().decode())
            except (http.client.RemoteDisconnected, ConnectionError):
                self.close()  # a connection that was kept may have been closed meanwhile
                if attempt or not self.server.alive():
                    raise
        return None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def must(self, wanted, got, what):
        if got.status != wanted:
            raise Difference(f"{what}: status {got.status}, wanted {wanted}: {got.text[:500]}")
        return got

    # --- steps ---

    def perform(self, step):
        getattr(self, "do_" + step["kind"])(step)

    def moment(self, step):
        """The ingest time of what was just written; nobody else writes."""
        got = self.must(200, self.request("GET", "/v1/query", [("measurement", self.measurement), ("limit", "1")]), "the moment")
        moment = ns_of(got.headers["Weir-As-Of"])
        if moment <= self.history.last:
            raise Difference(f"S is {moment} after a write, and was {self.history.last} before it")
        self.ingest[step["id"]] = moment
        return moment

    def do_write(self, step):
        kind, text = body(self.measurement, step)
        self.must(204, self.request("POST", "/v1/points", content=text.encode(), kind=kind), "write")
        self.history.write(self.moment(step), as_stored(step))
        self.history.series = self.series()

    def do_delete(self, step):
        self.must(200 if step["erase"] else 204, self.request("DELETE", "/v1/points", deletion(self.measurement, step)), "delete")
        self.history.delete(self.moment(step), step)

    def series(self):
        got = self.must(200, self.request("GET", "/v1/series", [("measurement", self.measurement), ("limit", "1000")]), "series")
        return [tuple(sorted(each["tags"].items())) for each in json.loads(got.text)["items"]]

    def do_flush(self, _):
        self.must(200, self.request("POST", "/v1/admin/flush"), "flush")

    def do_compact(self, _):
        self.must(200, self.request("POST", "/v1/admin/compact"), "compact")

    def do_restart(self, _):
        self.close()
        code = self.server.stop()
        if code != 0:
            raise Difference(f"exit {code} after SIGTERM\n{self.server.log_tail()}")
        self.server.start()

    def do_kill(self, _):
        self.close()
        self.server.kill()
        self.server.start()

    # --- questions ---

    def moment_of(self, step):
        """As a text; of a step that a shrunk case no longer has, the one before it."""
        known = [self.ingest[each] for each in self.ingest if each <= step]
        return rfc3339(max(known)) if known else "0"

    def ask(self, question):
        """None if the answer is right; raises Difference, or Ambiguous where nothing can be said."""
        since = question.get("since")
        since = max([self.ingest[each] for each in self.ingest if since and each <= since], default=0)
        moment = self.moment_meant(question)
        wanted = self.wanted(question, moment, since)
        if question.get("limit") and question["kind"] != "join":
            least = len(wanted.rows) // PAGES + 1
            question.update(limit=max(question["limit"], least), limits=[max(each, least) for each in question.get("limits", ())])
        erased = question["kind"] == "changes" and self.erased_behind(since)
        if erased:  # rows must be told apart
            question.update(epoch="ns", int64=None)
        columns, rows = self.pages(question, wanted.columns)
        if erased:
            wanted.rows, rows = self.tellable(wanted.rows, since), self.tellable(rows, since)
        rows = self.perturbed("rows", rows)
        if columns is not None and columns != wanted.columns:
            raise Difference(f"columns {columns}, wanted {wanted.columns}")
        self.compare(question, wanted, rows)
        for name, way in WAYS.items():
            if question.get(name):
                way(self, question, wanted, moment, since)

    def moment_told(self, question):
        """By the answer as its own; of a join that of selections without one of their own, else the first one's."""
        moments = [each["as_of"] for _, each in question.get("selections", ()) if each.get("as_of") is not None]
        if moments and len(moments) == len(question["selections"]):
            return self.moment_meant({"as_of": moments[0]})
        return self.moment_meant(question)

    def moment_meant(self, question):
        if question.get("as_of") is None:
            return self.history.last
        if not any(each <= question["as_of"] for each in self.ingest):
            raise Ambiguous("a shrunk case has no such moment")
        return ns_of(self.moment_of(question["as_of"]))

    def wanted(self, question, moment, since):
        if question["kind"] == "join":
            selections = [(name, {**each, "moment": moment if each.get("as_of") is None else self.moment_meant(each)})
                          for name, each in question["selections"]]
            return joined(self.history, {**question, "selections": selections}, moment)
        wanted = answer(self.history, question, moment, since)
        if question["format"] == "line_protocol":  # which has no rows of nulls, and no columns
            wanted.rows = [row for row in wanted.rows if any(value is not None for name, value in row[1].items() if name != "time")]
        return wanted

    def perturbed(self, what, thing):
        return self.perturb[what](thing) if self.perturb and what in self.perturb else thing

    def erased_behind(self, since):
        return any(each["erase"] for ingest, each in self.history.deletions if ingest > since)

    def tellable(self, rows, since):
        """Of changes those without the rows of which something was erased: what is told of them depends on whether the bytes are still there."""
        return rows if not self.erased_behind(since) else [(tags, row) for tags, row in rows if not self.history.was_erased(tags, row["time"], since)]

    def page(self, question, cursor=None):
        """One page, by the way that the question takes."""
        path = "/v1/" + question["kind"]
        if question["kind"] == "join":
            return self.by_document(question)
        pairs = parameters(question, self.measurement, self.moment_of) + ([("cursor", cursor)] if cursor else [])
        if question.get("form"):
            got = self.request("POST", path, (), urllib.parse.urlencode(pairs), "application/x-www-form-urlencoded")
        else:
            got = self.request("GET", path, pairs)
        if question.get("json") and got.status == 200:
            self.same_by_document(question, cursor, got)
        return got

    def by_document(self, question, more=()):
        return self.request("POST", "/v1/query", (), body_of(question, self.measurement, self.moment_of, more), "application/json")

    def same_by_document(self, question, cursor, got):
        other = self.must(200, self.by_document(question, [("cursor", cursor)] if cursor else []), "the same as JSON")
        text = self.perturbed("document", other.text)
        if text != got.text:
            at = next((at for at, (one, two) in enumerate(zip(got.text, text)) if one != two), min(len(got.text), len(text)))
            raise Difference(f"the same as JSON is another answer from character {at} on: {text[at:at + 100]!r}, and by parameters {got.text[at:at + 100]!r}")
        for name in ("Weir-As-Of", "Content-Type", "ETag"):
            if other.headers[name] != got.headers[name]:
                raise Difference(f"the same as JSON has {name} {other.headers[name]}, and by parameters {got.headers[name]}")

    def kinds(self, question, names):
        """name of a column -> whether it is a text where the form does not tell."""
        def texts(name):
            if question["kind"] == "join":
                name = name.partition(".")[2]
            return self.history.kinds.get(name) == "text" or (
                self.history.kinds.get(name.rpartition("_")[2]) == "text" and bool(re.match("first_|last_|mode_", name)))

        kinds = {name: name in ("change", "field") or texts(name) for name in names}
        if question.get("epoch") is None:
            kinds.update({name: True for name in ("time", "known_from", "known_to")})
        if question["kind"] == "stats":
            fields = self.history.fields() + [name for name, _ in question.get("let", ())]
            kinds.update({"text " + name: self.history.kinds.get(name) == "text" for name in fields})
        return kinds

    def pages(self, question, names):
        moment = self.moment_told(question)
        kinds = self.kinds(question, names)
        columns, rows, cursor = None, [], None
        limits = [question.get("limit"), *question.get("limits", ())]
        for number in itertools.count():
            limit = limits[number % len(limits)]
            got = self.must(200, self.page({**question, "limit": limit}, cursor), "question")
            self.last_text = self.last_text if number else got.text
            if ns_of(got.headers["Weir-As-Of"]) != moment:
                raise Difference(f"Weir-As-Of {got.headers['Weir-As-Of']}, wanted {rfc3339(moment)}")
            page = Page(question, names, kinds, got)
            columns = page.columns or columns
            rows += page.rows
            cursor = page.next
            if cursor is None:
                return columns, rows
            if not limit or len(page.rows) != limit:
                raise Difference(f"a page of {len(page.rows)} rows with a cursor, limit {limit}")

    def compare(self, question, wanted, rows):
        for place, ((wanted_tags, wanted_row), (tags, row)) in enumerate(zip(wanted.rows, rows)):
            if tags != wanted_tags:
                raise Difference(f"row {place}: tags {dict(tags)}, wanted {dict(wanted_tags)}\n  got    {row}\n  wanted {wanted_row}")
            for name in wanted.columns:
                if not self.same(question, name, wanted_row[name], row[name]):
                    raise Difference(f"row {place} of {dict(tags)}: {name} is {row[name]!r}, wanted {wanted_row[name]!r}\n"
                                     f"  got    {row}\n  wanted {wanted_row}")
        if len(rows) != len(wanted.rows):
            surplus = (rows if len(rows) > len(wanted.rows) else wanted.rows)[min(len(rows), len(wanted.rows))]
            raise Difference(f"{len(rows)} rows, wanted {len(wanted.rows)}; the first that is {'too much' if len(rows) > len(wanted.rows) else 'missing'}: {surplus}")

    @staticmethod
    def same(question, name, wanted, got):
        if wanted is None:
            return got is None
        if name in ("time", "known_from", "known_to"):
            if got is None:
                return False
            if question.get("epoch") is None:
                return ns_of(got) == wanted
            return int(got) == wanted // PER[question["epoch"]] and Trial.written_right(question, got)
        if question["format"] == "csv" and isinstance(got, str) and not isinstance(wanted, str):
            got = csv_value(got, False)  # fill put a number where texts are
        if question.get("int64") == "string" and question["format"] != "csv" and isinstance(wanted, Estimate):
            got = int(got)
        if isinstance(wanted, (Near, Estimate)):
            return wanted.fits(got)
        if question["format"] == "line_protocol" and type(got) is not type(wanted):
            return False
        if isinstance(wanted, int) and not isinstance(wanted, bool):
            if question.get("int64") == "string" and question["format"] != "csv":
                return isinstance(got, str) and got == str(int(wanted))
            return isinstance(got, int) and not isinstance(got, bool) and got == wanted
        if isinstance(wanted, float):
            signs = not question.get("agg") and question["kind"] not in ("stats", "join")  # of equal zeros any may be the least, or the most frequent
            return type(got) is float and got == wanted and not (signs and math.copysign(1, wanted) != math.copysign(1, got))
        return type(got) is type(wanted) and got == wanted

    @staticmethod
    def written_right(question, got):
        return isinstance(got, str) == (question.get("int64") == "string" and question["format"] != "csv")
