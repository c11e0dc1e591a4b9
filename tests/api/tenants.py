"""Tenants and tokens for tests: the file that `--tenants` reads (docs/reference/tenants.md)."""
import hashlib

ALL = ("read", "write", "admin", "operator")


def secret(id):
    """A token whose secret is the same in every run: tests need no chance."""
    return f"weir_{id}_" + hashlib.sha256(f"secret of {id}".encode()).hexdigest()[:43]


def token(id, scopes=ALL, expires=None, text=None):
    return {"id": id, "scopes": scopes, "expires": expires, "text": text or secret(id)}


def tenant(name, *tokens, limits=None, retention=None, history=None):
    return {"name": name, "tokens": tokens, "limits": limits or {}, "retention": retention, "history": history}


def bearer(id):
    return {"Authorization": "Bearer " + secret(id)}


def tenants_file(tenants):
    lines = ["tenants:"]
    for item in tenants:
        lines.append(f"  {item['name']}:")
        for name in ("retention", "history"):
            if item[name]:
                lines.append(f"    {name}: {item[name]}")
        if item["limits"]:
            lines.append("    limits:")
            lines += [f"      {name}: {value}" for name, value in item["limits"].items()]
        lines.append("    tokens:")
        for entry in item["tokens"]:
            lines.append(f"      - id: {entry['id']}")
            lines.append(f"        sha256: {hashlib.sha256(entry['text'].encode()).hexdigest()}")
            lines.append(f"        scopes: [{', '.join(entry['scopes'])}]")
            if entry["expires"]:
                lines.append(f"        expires: {entry['expires']}")
    return "\n".join(lines) + "\n"
