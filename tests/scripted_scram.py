"""The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) as MongoDB speaks it, for scripted_mongo.py: one conversation of a connection.
Standard library only."""
import base64
import hashlib
import hmac
import os

ITERATIONS = 4096  # the least that drivers take


def keyed(key, text):
    return hmac.digest(key, text, "sha256")


def refused(code, name, text):
    return {"ok": 0.0, "code": code, "codeName": name, "errmsg": text}


class Door:
    """Of one connection: who has not shown the password of `login`, a user and it, is let do nothing.  No login: it is open."""

    def __init__(self, login):
        self.login, self.open = login, login is None
        self.first = self.asked = None  # what both have said so far
        self.salt = os.urandom(28)

    def answer(self, name, body):
        """What is said instead of carrying out the command; None: it may be."""
        if name in ("saslstart", "saslcontinue"):
            said = self.start(body) if name == "saslstart" else self.proceed(body["payload"])
            if said is None:
                return refused(18, "AuthenticationFailed", "Authentication failed.")
            return {"conversationId": 1, "done": self.open, "payload": said, "ok": 1.0}
        if self.open or name in ("hello", "ismaster"):
            return None
        return refused(13, "Unauthorized", f"command {name} requires authentication")

    def start(self, body):
        """client-first: "n,,n=user,r=nonce"."""
        self.first = body["payload"].decode().partition(",,")[2]
        parts = dict(part.split("=", 1) for part in self.first.split(","))
        if (body["mechanism"], body["$db"], parts["n"]) != ("SCRAM-SHA-256", "admin", self.login[0]):
            return None
        nonce = parts["r"] + base64.b64encode(os.urandom(18)).decode()
        self.asked = f"r={nonce},s={base64.b64encode(self.salt).decode()},i={ITERATIONS}"
        return self.asked.encode()

    def proceed(self, payload):
        """client-final: "c=biws,r=nonce,p=proof"."""
        without, _, proof = payload.decode().partition(",p=")
        told = f"{self.first},{self.asked},{without}".encode()
        salted = hashlib.pbkdf2_hmac("sha256", self.login[1].encode(), self.salt, ITERATIONS)
        client = keyed(salted, b"Client Key")
        signature = keyed(hashlib.sha256(client).digest(), told)
        want = bytes(a ^ b for a, b in zip(client, signature))
        self.open = self.asked.split(",")[0] in without.split(",") and hmac.compare_digest(base64.b64decode(proof), want)
        return b"v=" + base64.b64encode(keyed(keyed(salted, b"Server Key"), told)) if self.open else None
