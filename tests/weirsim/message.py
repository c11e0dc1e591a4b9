"""A request as it came and an answer as it shall go, before anything goes wrong with it."""
import json
import urllib.parse


class Request:
    def __init__(self, method, target, headers, body=b"", secure=False):
        self.method, self.target, self.body, self.secure = method, target, body, secure
        self.headers = headers  # pairs, names as they came
        path, _, text = target.partition("?")
        self.path = urllib.parse.unquote(path)
        self.query = urllib.parse.parse_qsl(text, keep_blank_values=True)
        self.now = 0       # the data's clock, when the request came
        self.wall = 0.0    # that of the wall
        self.quirks = {}   # what a fault makes the API itself do
        self.client = ""

    def header(self, name, default=None):
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), default)

    def one(self, name, default=None):
        return next((value for key, value in self.query if key == name), default)

    def all(self, name):
        return [value for key, value in self.query if key == name]

    @property
    def origin(self):
        """`http://host:port`, as the client wrote the host: addresses in answers begin with it."""
        return ("https://" if self.secure else "http://") + self.header("Host", "localhost")

    def address(self, **changes):
        """This request's own address with other parameters; None takes one away.  New ones go behind."""
        pairs = [(key, changes.get(key, value)) for key, value in self.query]
        pairs += [(key, value) for key, value in changes.items() if key not in dict(self.query)]
        text = urllib.parse.urlencode([(key, value) for key, value in pairs if value is not None], safe=":")
        return self.origin + urllib.parse.quote(self.path) + ("?" + text if text else "")


class Response:
    """`body` is bytes, or pieces of it one after the other; `size` is then how many bytes they are, or None: chunks."""

    def __init__(self, status, body=b"", kind="application/json", headers=(), size=None, wait_until=None):
        self.status, self.body, self.size = status, body, size
        self.headers = ([("Content-Type", kind)] if kind else []) + list(headers)
        self.delay_s = 0  # of real time, before the first byte
        self.wait_until = wait_until  # of the wall's clock: what this answer orders, whatever words it has for that

    def set(self, name, value):
        self.headers = [pair for pair in self.headers if pair[0].lower() != name.lower()] + [(name, value)]


class Refusal(Exception):
    """Raised by an API where it answers at once."""

    def __init__(self, response):
        super().__init__(response.status)
        self.response = response


def dump(document):
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def answer_json(document, status=200, kind="application/json", **more):
    return Response(status, dump(document), kind, **more)


def answer_text(text, status=200, kind="text/plain; charset=utf-8", **more):
    return Response(status, text.encode(), kind, **more)


def answer_html(status, title, text, **more):
    page = f"<!DOCTYPE html>\n<html><head><title>{status} {title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>\n"
    return answer_text(page, status, "text/html; charset=utf-8", **more)


def whole(text, least, most):
    """The number that a text is, or None."""
    if text is None or not text.isascii() or not text.lstrip("-").isdigit():
        return None
    return int(text) if least <= int(text) <= most else None
