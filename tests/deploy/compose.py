"""docker-compose.yml and Containerfile as an engine reads them: services with what they mount, instructions with their words; and the
same on loopback: each container's port becomes a free port of 127.0.0.1, each mounted path a path below a folder of the test."""
import json
import os
import re
import shlex
import sys

try:
    import yaml
except ImportError:  # a Python of one's own does not see what Debian installed for its own
    sys.path.append("/usr/lib/python3/dist-packages")
    import yaml

from mongo_server import free_port


class Strict(yaml.SafeLoader):
    """A key that stands twice is a mistake."""


def mapping(loader, node, deep=False):
    own = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
    twice = {key for key in own if own.count(key) > 1}
    if twice:
        raise yaml.YAMLError(f"line {node.start_mark.line + 1}: {', '.join(sorted(twice))} twice")
    loader.flatten_mapping(node)
    return dict(loader.construct_pairs(node, deep=True))


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=Strict)


def mounts(service):
    """(source, target, read-only) of each; a source with a slash is a path, else a volume's name."""
    for text in service.get("volumes", []):
        parts = text.split(":")
        if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2] != "ro"):
            raise ValueError(f"volume {text}: SOURCE:TARGET or SOURCE:TARGET:ro")
        yield parts[0], parts[1], len(parts) == 3


def instructions(path):
    """(stage, line, instruction, words) of a Containerfile; a stage is its name, or its number."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    stage, stages, number = None, 0, 0
    while number < len(lines):
        first, text = number + 1, lines[number]
        number += 1
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        while text.endswith("\\"):
            text = text[:-1] + lines[number]
            number += 1
        word, _, rest = text.strip().partition(" ")
        if word == "FROM":
            parts = rest.split()
            stage = parts[2] if len(parts) == 3 and parts[1] == "AS" else stages
            stages += 1
        rest = rest.strip()
        yield stage, first, word, json.loads(rest) if rest.startswith("[") else rest if word == "RUN" else shlex.split(rest)


class Loopback:
    """Where each service is."""

    def __init__(self, compose, root, scratch):
        self.services, self.root, self.scratch = compose["services"], root, scratch
        self.ports = {}
        names = "|".join(sorted(map(re.escape, self.services), key=len, reverse=True))
        self.address = re.compile(rf"(?<![\w.-])({names}|127\.0\.0\.1|0\.0\.0\.0)([:/])(\d+)(?::(\d+))?(?:;(\d+))?")

    def port(self, service, inside):
        key = (service, int(inside))
        if key not in self.ports:
            self.ports[key] = free_port()
        return self.ports[key]

    def place(self, service, inside):
        return "127.0.0.1", self.port(service, inside)

    def volume(self, name):
        folder = os.path.join(self.scratch, "volumes", name)
        os.makedirs(folder, exist_ok=True)
        return folder

    def path(self, service, text):
        """Where a path in its container is here; any other text stays."""
        for source, target, _ in sorted(mounts(self.services[service]), key=lambda mount: -len(mount[1])):
            if text == target or text.startswith(target + "/"):
                base = os.path.join(self.root, source) if "/" in source else self.volume(source)
                return os.path.normpath(base + text[len(target):])
        return text

    def text(self, service, text):
        """Addresses and paths in what it reads."""
        def address(found):
            name, sign, *ports = found.groups()
            name = service if name[0].isdigit() else name
            first, *more = [port and str(self.port(name, port)) for port in ports]
            return f"127.0.0.1{sign}{first}" + (f":{more[0]}" if more[0] else "") + (f";127.0.0.1:{more[1]}" if more[1] else "")

        text = self.address.sub(address, text)
        text = re.sub(r"(?<=bind ):(\d+)", lambda found: "%s:%d" % self.place(service, found[1]), text)
        targets = sorted((target for _, target, _ in mounts(self.services[service])), key=len, reverse=True)
        if targets:
            text = re.sub(r"(?<![\w.:-])(" + "|".join(map(re.escape, targets)) + r")(?=[/\s\"',;=]|$)", lambda found: self.path(service, found[1]), text)
        return text

    def environment(self, service):
        return {name: self.text(service, str(value)) for name, value in self.services[service].get("environment", {}).items()}

    def words(self, service, words):
        return [self.text(service, word) for word in words]
