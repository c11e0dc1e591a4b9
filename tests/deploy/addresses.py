"""Case of tests/deploy/run: the shards' addresses as the step `secrets` made them, with user, password and replicaSet=, against sets of
scripted servers (tests/scripted_mongo.py) that let nobody in without the password.  All other cases have one server in place of three."""
import json
import os
import subprocess
import time

from scripted_mongo import ScriptedMongo
from server import Server

LINE = "room f=%d 1700000000000000000\n"


def check(good, text):
    if not good:
        raise AssertionError(text)


class Set:
    """A primary and two that have what it has, under the addresses of a set's members."""

    def __init__(self, places, name, members, password):
        self.peers = [ScriptedMongo(role, name=name, login=("weir", password)) for role in ("primary", "secondary", "secondary")]
        self.keys = [(member, 27017) for member in members]
        for key, peer in zip(self.keys, self.peers):
            peer.members, peer.kept = self.peers, self.peers[0].kept
            places.ports[key] = peer.address[1]

    def step_down(self):
        with self.peers[0].lock:
            self.peers[0].answer("replsetstepdown", {"replSetStepDown": 1, "$db": "admin"}, None, None)
        for peer in self.peers:
            peer.drop_connections()

    def close(self, places):
        for peer in self.peers:
            peer.close()
        for key in self.keys:  # others get their own ports later
            del places.ports[key]


def tenants_file(all_, shards, line):
    return "shards:\n" + "".join(f"  {name}: {{uri_file: {{scratch}}/{name}.uri}}\n" for name in shards) + "".join(
        ["tenants:\n", *(f"  {name}:\n    shard: {name}\n    tokens:\n      {line[name]}\n" for name in shards)])


def token(all_):
    done = subprocess.run(["weir", "token", "--scopes", "read,write", "--json"], capture_output=True, text=True, check=True, env=all_.files.tools)
    return json.loads(done.stdout)


def write(node, shown, number):
    """ack=shard, as often as it takes: a set without a primary takes nothing, and has one soon."""
    head = {"Authorization": "Bearer " + shown, "Content-Type": "text/plain"}
    deadline = time.monotonic() + 30
    while True:
        answer = node.request("POST", "/v1/points?ack=shard", (LINE % number).encode(), head, seconds=60)
        if answer.status == 204 or time.monotonic() > deadline:
            return answer
        time.sleep(0.05)


def addresses_are_taken_as_they_are(all_, sets):
    password = all_.secret("mongod-secrets", "weir")
    made = {name: Set(all_.places, name, members, password) for name, members in sets.items()}
    tokens = {name: token(all_) for name in sets}
    node = Server(all_.files.program, os.path.join(all_.places.scratch, "alone"), ["--tenants", "{scratch}/tenants.yaml", "--log-level", "debug"])
    try:
        for name, members in sets.items():
            address = all_.secret("weir-secrets", name + ".uri")
            hosts = ",".join(member + ":27017" for member in members)
            check(address == f"mongodb://weir:{password}@{hosts}/?replicaSet={name}&authSource=admin", f"the address of {name}")
            node.write_file(name + ".uri", all_.places.text("weir-1", address) + "\n")
            os.chmod(node.file(name + ".uri"), 0o600)
        node.write_file("tenants.yaml", tenants_file(all_, sets, {name: item["line"].strip() for name, item in tokens.items()}).replace("{scratch}", node.scratch))
        node.start()
        for name, of in made.items():
            for number in (1, 2):
                answer = write(node, tokens[name]["token"], number)
                all_.texts.append(answer.text())
                check(answer.status == 204, f"{name}, {number}: {answer.status} {answer.text()}\n{node.log_tail()}")
                check(of.peers[number - 1].commands("insert"), f"{name}: the primary of the time has nothing")
                of.step_down()
            check(of.peers[0].documents("weir_" + name, "packs"), f"{name}: no pack is there")
        check(node.stop() == 0, node.log_tail())
        all_.texts.append(node.log_text())
        check("AuthenticationFailed" not in node.log_text() and password not in node.log_text(), "the log")
    finally:
        with node:
            for of in made.values():
                of.close(all_.places)
