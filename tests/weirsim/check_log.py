"""What a polite client never does, asserted over a log of `GET /_sim/log`.  Each function takes entries, raises Broken with the first
requests that break its rule, and says nothing else.

Entries of one `key` are judged together: by default those of one Host, since limits are of hosts; started with `--host 0.0.0.0` the
simulator is as many hosts as there are addresses 127.0.0.N.  `only` picks an API out.  `slack` is what a loaded machine may take
between a client's clock and the server's."""
import json
import re
import urllib.parse
import urllib.request


class Broken(AssertionError):
    pass


def read(url):
    """The log of the simulator at `url`."""
    with urllib.request.urlopen(url + "/_sim/log", timeout=60) as answer:
        return [json.loads(line) for line in answer]


def only(log, path="", host=None, method=None):
    """Entries whose path has this regular expression in it."""
    return [entry for entry in log if re.search(path, entry["path"]) and host in (None, entry["host"]) and method in (None, entry["method"])]


def by_host(entry):
    return entry["host"]


def groups(log, key):
    found = {}
    for entry in sorted(log, key=lambda entry: entry["start"]):
        found.setdefault(key(entry), []).append(entry)
    return found.items()


def told(entry):
    return f"#{entry['number']} {entry['method']} {entry['path']} at {entry['start']:.3f}"


def concurrency(log, most, key=by_host, slack=0.0):
    """At no time more than `most` under way.  The end is before the last byte, so what follows an answer is not beside it."""
    for name, entries in groups(log, key):
        ends = [entry["start"] + 10**9 if entry["end"] is None else max(entry["start"], entry["end"] - slack) for entry in entries]
        for place, entry in enumerate(entries):
            beside = [other for other, end in zip(entries[:place + 1], ends) if end > entry["start"] or other is entry]
            if len(beside) > most:
                raise Broken(f"{name}: {len(beside)} under way where {most} may be: " + "; ".join(told(one) for one in beside[-3:]))


def rate(log, count, seconds, key=by_host, slack=0.0):
    """In no span of that length do more than `count` begin."""
    for name, entries in groups(log, key):
        for first, last in zip(entries, entries[count:]):
            if last["start"] - first["start"] < seconds - slack:
                raise Broken(f"{name}: {count + 1} began within {last['start'] - first['start']:.3f} s, {count} may in {seconds} s: "
                             f"{told(first)} to {told(last)}")


def waits(log, key=by_host, slack=0.0):
    """Nothing begins between an answer that says until when to wait, and then."""
    for name, entries in groups(log, key):
        orders = [entry for entry in entries if entry["wait_until"] is not None]
        for order in orders:
            told_at = order["start"] if order["end"] is None else order["end"]
            for entry in entries:
                if told_at + slack < entry["start"] < order["wait_until"] - slack:
                    raise Broken(f"{name}: {told(entry)} is within the wait until {order['wait_until']:.3f} that {told(order)} ordered")


def user_agent(log, pattern=r"^weir/\S+ \(\+\S.*\)$"):
    for entry in log:
        agent = field(entry["headers"], "User-Agent") or ""
        if not re.search(pattern, agent):
            raise Broken(f"{told(entry)}: User-Agent {agent!r}")


def field(headers, name):
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)


VALIDATORS = (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))


def validators(log):
    """What the last whole answer of an address had comes back byte for byte.  After one that a fault had its hands in, that
    answer's or the one's before it may."""
    for _, entries in groups(log, lambda entry: (entry["host"], entry["method"], entry["path"])):
        for answer_name, request_name in VALIDATORS:
            for place, entry in enumerate(entries):
                good = set()
                for before in reversed(entries[:place]):
                    value = field(before["answer"], answer_name)
                    if before["status"] not in (200, 203, 304) or value is None or before["end"] is None or before["end"] > entry["start"]:
                        continue
                    good.add(value)
                    if not before["fault"]:
                        break
                else:
                    good.add(None)  # there was none that had to be kept
                sent = field(entry["headers"], request_name)
                if sent not in good and (good != {None} or sent is not None):
                    raise Broken(f"{told(entry)}: {request_name} is {sent!r}, and ought to be {' or '.join(map(repr, good))}")


def no_secret(log, secrets, but=()):
    """No secret in an address, of whatever spelling, but where the API wants it there (`but`: parts of paths)."""
    for entry in log:
        if any(part in entry["path"] for part in but):
            continue
        for secret in secrets:
            if secret in entry["path"] or secret in urllib.parse.unquote_plus(entry["path"]):
                raise Broken(f"#{entry['number']} {entry['method']}: a secret is in the path")


def asked(log, needed, factor=1.5):
    """Neither fewer requests than are needed nor many more."""
    if not needed <= len(log) <= needed * factor:
        raise Broken(f"{len(log)} requests, where {needed} are needed and {needed * factor:g} may be")


def no_page_twice(log):
    """What came whole, without a validator and without a fault, is not fetched again."""
    seen = {}
    for entry in log:
        if entry["status"] != 200 or entry["fault"] or entry["end"] is None:
            continue
        other = seen.setdefault((entry["host"], entry["method"], entry["path"], entry["body"]), entry)
        if other is not entry:
            raise Broken(f"{told(entry)} had come already by {told(other)}")
