"""A token endpoint of OAuth 2.0 (client credentials), and rows that want such a token."""
import base64
import re
import urllib.parse

from weirsim.apis.generic import table
from weirsim.message import answer_json
from weirsim.values import hash_of
from weirsim.world import OAUTH, refuse

SALT = "oauth token"


def client_of(request, form):
    """The client's name and secret, from the header or from the body."""
    scheme, _, text = (request.header("Authorization") or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
            return urllib.parse.unquote(name), urllib.parse.unquote(secret)
        except ValueError:
            return "", ""
    return form.get("client_id", ""), form.get("client_secret", "")


def token(world, request):
    form = dict(urllib.parse.parse_qsl(request.body.decode("utf-8", "replace")))
    if not (request.header("Content-Type") or "").startswith("application/x-www-form-urlencoded"):
        refuse(answer_json({"error": "invalid_request", "error_description": "application/x-www-form-urlencoded is wanted"}, 400))
    if form.get("grant_type") != "client_credentials":
        refuse(answer_json({"error": "unsupported_grant_type"}, 400))
    if client_of(request, form) != OAUTH:
        refuse(answer_json({"error": "invalid_client"}, 401, headers=[("WWW-Authenticate", "Basic")]))
    lasts = world.limits.allowed["oauth"]["expires_s"]
    until = int(request.wall + lasts)
    text = f"{until:x}.{hash_of(world.seed, SALT, until):016x}"
    return answer_json({"access_token": text, "token_type": "Bearer", "expires_in": lasts, **({"scope": form["scope"]} if "scope" in form else {})},
                       headers=[("Cache-Control", "no-store")])


def good(world, request):
    scheme, _, text = (request.header("Authorization") or "").partition(" ")
    until, _, sign = text.partition(".")
    if scheme.lower() != "bearer" or not re.fullmatch("[0-9a-f]{1,12}", until):
        return False
    return sign == f"{hash_of(world.seed, SALT, int(until, 16)):016x}" and request.wall < int(until, 16)


def data(world, request):
    if not good(world, request):
        refuse(answer_json({"error": "invalid_token"}, 401, headers=[("WWW-Authenticate", 'Bearer error="invalid_token"')]))
    return answer_json({"rows": table(world, request)})


ROUTES = [({"POST"}, re.compile("/oauth/token"), token), ({"GET"}, re.compile("/oauth/data"), data)]
TRUTHS = {}
EXAMPLES = [f"-u {OAUTH[0]}:{OAUTH[1]} -d grant_type=client_credentials /oauth/token   # then -H 'Authorization: Bearer TOKEN' .../oauth/data"]
