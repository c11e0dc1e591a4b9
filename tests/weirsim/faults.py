"""What goes wrong, and when: rules `{match, nth | probability, burst, of, fault}`, of which the first that fits a request decides.

Which requests a rule fits is a function of (seed, rule, address, how manyth request of that address), so the same requests meet the
same faults in whatever order they come.  `of: rule` counts what the rule matches instead: in the order of arrival."""
import json
import math
import re
import threading

from weirsim.message import Response, answer_html, answer_json, answer_text
from weirsim.times import http_date
from weirsim.values import share_of

# Each fault with its keys and what they are where they are not said.
FAULTS = {
    # time
    "delay": {"ms": 1000},                                             # the answer begins later
    "lognormal": {"median_ms": 500, "sigma": 1.0, "max_ms": 60000},    # the same, by chance
    "stall": {"ms": 600000},                                           # not a byte, then the connection ends
    "hang": {"at": 100, "ms": 600000},                                 # `at` bytes of the body, then silence, then the rest
    "dribble": {"chunks": 10, "ms": 1000},                             # the body in so many pieces over that time
    # framing
    "cut": {"at": 100},                                                # the connection ends behind `at` bytes of the body; -1: before the head
    "reset": {"at": 100},                                              # the same, by RST
    "bad_chunk": {"at": 100},                                          # a chunk's size is no number
    "wrong_length": {"by": 10},                                        # Content-Length is that much too large (or small)
    "gzip_truncated": {"by": 10},                                      # gzip without its last bytes, well framed
    # another answer
    "html": {"status": 200},
    "error_json": {"status": 200, "body": {"error": "Internal error, please try again later"}},
    "status": {"status": 503, "retry_after": None, "as": "seconds", "body": ""},
    "redirect_loop": {"status": 302},
    "redirect": {"to": "http://127.0.0.2:1", "status": 302},
    # pages and values: what the API itself does
    "duplicate_page": {},                                              # the page before once more
    "shifted_page": {"by": 1},                                         # as if so many rows had come in ahead since the page before
    "cursor_repeat": {},                                               # the cursor or address of this page as that of the next
    "values": {"as": "null", "share": 0.1},                            # null, nan, -, 0 in place of values
    "dst_twice": {},                                                   # rows of the hour that clocks show twice are there twice
    # bytes around
    "bom": {},
    "date": {"by_s": -3600},                                           # the header Date is wrong by that
}
QUIRKS = ("duplicate_page", "shifted_page", "cursor_repeat", "values", "dst_twice")
VALUES = {"null": None, "nan": float("nan"), "-": "-", "0": 0}
KEYS = {"match", "nth", "probability", "burst", "of", "fault"}


class Wrong(ValueError):
    """A rule that is none, with what is wrong."""


def full(fault):
    """A fault with all its keys."""
    if not isinstance(fault, dict) or fault.get("type") not in FAULTS:
        raise Wrong(f"fault {json.dumps(fault)}: type is one of {', '.join(FAULTS)}")
    known = FAULTS[fault["type"]]
    for key in fault:
        if key != "type" and key not in known:
            raise Wrong(f"fault {fault['type']}: no key {key!r}, only {', '.join(known) or 'none'}")
    if fault["type"] == "values" and fault.get("as", "null") not in VALUES:
        raise Wrong(f"fault values: as is one of {', '.join(VALUES)}")
    return {**known, **fault}


class Rule:
    def __init__(self, document, place):
        if not isinstance(document, dict) or set(document) - KEYS or "fault" not in document:
            raise Wrong(f"rule {place}: an object of {', '.join(sorted(KEYS))}; fault is required")
        match = document.get("match", {})
        if isinstance(match, str):
            match = {"path": match}
        if set(match) - {"path", "method", "query"}:
            raise Wrong(f"rule {place}: match has path (a regular expression), method, query")
        self.document, self.place = document, place
        self.path = re.compile(match.get("path", ""))
        self.method, self.query = match.get("method"), match.get("query", {})
        self.nth, self.probability = document.get("nth"), document.get("probability")
        self.burst, self.of = document.get("burst", 1), document.get("of", "url")
        if self.of not in ("url", "rule"):
            raise Wrong(f"rule {place}: of is url or rule")
        faults = document["fault"]
        self.faults = [full(fault) for fault in (faults if isinstance(faults, list) else [faults])]
        self.count = 0

    def matches(self, request):
        return (self.path.search(request.path) and self.method in (None, request.method)
                and all(request.one(name) == str(value) for name, value in self.query.items()))

    def chosen(self, seed, target, number):
        """Whether the rule begins with this request."""
        if number < 1:
            return False
        if self.nth is not None:
            if isinstance(self.nth, dict):
                first, last = self.nth.get("from", 1), self.nth.get("to", math.inf)
                return first <= number <= last and (number - first) % self.nth.get("every", 1) == 0
            return number in (self.nth if isinstance(self.nth, list) else [self.nth])
        if self.probability is not None:
            return share_of(seed, "fault", self.place, target, number) < self.probability
        return True

    def holds(self, seed, target, number):
        return any(self.chosen(seed, target, number - back) for back in range(self.burst))


class Script:
    def __init__(self, seed, rules=()):
        self.seed, self.lock = seed, threading.Lock()
        self.load(rules)

    def load(self, rules):
        if isinstance(rules, dict):
            rules = rules.get("rules", [rules])
        try:
            loaded = [Rule(rule, place) for place, rule in enumerate(rules)]
        except (TypeError, AttributeError, re.error) as error:
            raise Wrong(f"a list of rules is wanted: {error}") from None
        with self.lock:
            self.rules = loaded

    def of(self, request, number):
        """The faults of this request, by their types, each with a seed of its own."""
        with self.lock:
            for rule in self.rules:
                if not rule.matches(request):
                    continue
                count = number
                if rule.of == "rule":
                    rule.count += 1
                    count = rule.count
                target = "" if rule.of == "rule" else request.target
                if rule.holds(self.seed, target, count):
                    return {fault["type"]: {**fault, "salt": (target, count, rule.place)} for fault in rule.faults}
        if request.one("_loop") is not None:
            return {"redirect_loop": full({"type": "redirect_loop"})}  # where a loop led to, it goes on
        return {}


def seconds_of(seed, faults):
    """How long the answer waits before its first byte."""
    seconds = faults["delay"]["ms"] / 1000 if "delay" in faults else 0.0
    if "lognormal" in faults:
        fault = faults["lognormal"]
        first, second = (share_of(seed, "lognormal", which, *fault["salt"]) for which in (1, 2))
        normal = math.sqrt(-2 * math.log(1 - first)) * math.cos(2 * math.pi * second)
        seconds += min(fault["median_ms"] * math.exp(fault["sigma"] * normal), fault["max_ms"]) / 1000
    return seconds


def instead(request, faults):
    """The answer that stands for that of the API, or None."""
    if "html" in faults:
        return answer_html(faults["html"]["status"], "Service unavailable", "The site is under maintenance.")
    if "error_json" in faults:
        return answer_json(faults["error_json"]["body"], faults["error_json"]["status"])
    if "status" in faults:
        return refusal(request, faults["status"])
    if "redirect_loop" in faults:
        turn = int(request.one("_loop", "0")) + 1 if request.one("_loop", "0").isdigit() else 1
        return Response(faults["redirect_loop"]["status"], kind=None, headers=[("Location", request.address(_loop=str(turn)))])
    if "redirect" in faults:
        where = faults["redirect"]["to"].rstrip("/") + request.target
        return Response(faults["redirect"]["status"], kind=None, headers=[("Location", where)])
    return None


def refusal(request, fault):
    answer = answer_text(fault["body"] or f"{fault['status']}\n", fault["status"])
    if fault["retry_after"] is not None:
        until = request.wall + fault["retry_after"]
        answer.wait_until = until
        answer.set("Retry-After", http_date(math.ceil(until)) if fault["as"] == "date" else str(fault["retry_after"]))
        if fault["as"] == "date":
            answer.wait_until = math.ceil(until)
    return answer
