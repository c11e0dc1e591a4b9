"""A peer that speaks MongoDB's protocol and fails as it is told: the answers that a real server gives once a year.  It keeps
documents in memory, and plays one server, a primary of a replica set, a secondary, or mongos; several that have each other as
`members` are a set, in which `kept` may be shared (all is replicated) or not (what one has is rolled back).  With a `login`, a user
and his password, nothing is done for who did not show it (scripted_scram.py).

    peer = ScriptedMongo(role="primary")
    peer.fail("insert", "lost")                  # the next insert is done, its answer is lost
    peer.fail("insert", "concern", 64, times=2)  # done, and WriteConcernFailed is told beside

Commands that came in are in peer.seen, as (name, document).  Standard library only."""
import datetime
import socket
import struct
import threading
import time

from scripted_scram import Door

# --- BSON, as much of it as is used ---


class Raw(bytes):
    """Of a type that nobody looks into."""


def bson(document):
    body = b"".join(element(name, value) for name, value in document.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def element(name, value):
    name = name.encode() + b"\0"
    if isinstance(value, bool):
        return b"\x08" + name + (b"\1" if value else b"\0")
    if isinstance(value, int):
        small = -2**31 <= value < 2**31
        return (b"\x10" if small else b"\x12") + name + struct.pack("<i" if small else "<q", value)
    if isinstance(value, float):
        return b"\x01" + name + struct.pack("<d", value)
    if isinstance(value, str):
        text = value.encode() + b"\0"
        return b"\x02" + name + struct.pack("<i", len(text)) + text
    if isinstance(value, bytes):
        return b"\x05" + name + struct.pack("<iB", len(value), 0) + value
    if isinstance(value, dict):
        return b"\x03" + name + bson(value)
    if isinstance(value, (list, tuple)):
        return b"\x04" + name + bson({str(i): item for i, item in enumerate(value)})
    if isinstance(value, datetime.datetime):
        return b"\x09" + name + struct.pack("<q", int(value.timestamp() * 1000))
    if value is None:
        return b"\x0a" + name
    raise TypeError(f"{name}: {type(value)}")


FIXED = {0x01: 8, 0x07: 12, 0x08: 1, 0x09: 8, 0x0a: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0xff: 0, 0x7f: 0}


def unbson(data, at=0):
    """The document that begins at `at`, and where it ends."""
    end = at + struct.unpack_from("<i", data, at)[0]
    at += 4
    document = {}
    while data[at] != 0:
        kind = data[at]
        stop = data.index(b"\0", at + 1)
        name, at = data[at + 1:stop].decode(), stop + 1
        if kind in (0x02, 0x0d):
            size = struct.unpack_from("<i", data, at)[0]
            document[name], at = data[at + 4:at + 3 + size].decode(), at + 4 + size
        elif kind in (0x03, 0x04):
            inner, at = unbson(data, at)
            document[name] = inner if kind == 0x03 else list(inner.values())
        elif kind == 0x05:
            size = struct.unpack_from("<i", data, at)[0]
            document[name], at = bytes(data[at + 5:at + 5 + size]), at + 5 + size
        else:
            size = FIXED[kind]
            raw, at = bytes(data[at:at + size]), at + size
            document[name] = {0x01: lambda r: struct.unpack("<d", r)[0], 0x08: lambda r: r == b"\1", 0x0a: lambda r: None,
                              0x10: lambda r: struct.unpack("<i", r)[0], 0x12: lambda r: struct.unpack("<q", r)[0]}.get(kind, Raw)(raw)
    return document, end


# --- messages ---

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013


class Message:
    """A command, or an answer to one."""

    def __init__(self, number, operation, body):
        self.number, self.operation, self.body = number, operation, body


def message_of(number, answers, document, operation=OP_MSG):
    if operation == OP_REPLY:
        body = struct.pack("<iqii", 8, 0, 0, 1) + bson(document)
    else:
        body = struct.pack("<IB", 0, 0) + bson(document)
    return struct.pack("<iiii", 16 + len(body), number, answers, operation) + body


def receive(connection, size):
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1 << 20))
        if not piece:
            raise ConnectionError("the connection was closed")
        data += piece
    return bytes(data)


def read_message(connection):
    size, number, _, operation = struct.unpack("<iiii", receive(connection, 16))
    data = receive(connection, size - 16)
    if operation == OP_QUERY:
        stop = data.index(b"\0", 4)
        body, _ = unbson(data, stop + 9)
        return Message(number, operation, {**body, "$db": data[4:stop].decode().split(".")[0]})
    if operation != OP_MSG:
        raise ConnectionError(f"operation {operation}")
    flags, at, body = struct.unpack_from("<I", data)[0], 4, {}
    end = len(data) - (4 if flags & 1 else 0)
    while at < end:
        kind, at = data[at], at + 1
        if kind == 0:
            document, at = unbson(data, at)
            body.update(document)
            continue
        stop = at + struct.unpack_from("<i", data, at)[0]
        name_end = data.index(b"\0", at + 4)
        name, at = data[at + 4:name_end].decode(), name_end + 1
        body[name] = []
        while at < stop:
            document, at = unbson(data, at)
            body[name].append(document)
    return Message(number, operation, body)


# --- the peer ---

NAMES = {11000: "DuplicateKey", 10107: "NotWritablePrimary", 13435: "NotPrimaryNoSecondaryOk", 189: "PrimarySteppedDown", 91: "ShutdownInProgress", 64: "WriteConcernFailed",
         18: "AuthenticationFailed", 13: "Unauthorized", 14031: "OutOfDiskSpace", 100: "UnsatisfiableWriteConcern",
         112: "WriteConflict", 134: "ReadConcernMajorityNotAvailableYet", 50: "MaxTimeMSExpired", 2: "BadValue"}


class Fault:
    def __init__(self, command, kind, value, times, where):
        self.command, self.kind, self.value, self.left, self.where, self.met = command, kind, value, times, where, 0


class ScriptedMongo:
    """Faults, each of the next `times` commands of a name (-1 = all):
      error CODE       refused, nothing is done       write_error CODE  the same, told for each document
      concern CODE     done, and the code is told as what came of the write concern
      lost             done, the connection closes instead of an answer
      cut              nothing is done, the connection closes
      half             done, the answer is cut
      garbage          done, the answer is no message
      mute             nothing is done, no answer ever
      slow SECONDS     done, the answer comes late
      other_hash       a find tells another hash      absent            a find tells that nothing is there"""

    def __init__(self, role="standalone", page=101, name="set", login=None):
        self.role, self.page, self.name, self.login = role, page, name, login
        self.kept = {}  # (database, collection) -> {_id: document}
        self.faults, self.seen, self.cursors, self.connections = [], [], {}, 0
        self.members = [self]
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.closing = threading.Event()
        self.open = set()
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def uri(self):
        return "mongodb://%s:%d/" % self.address

    def fail(self, command, kind, value=None, times=1, where=None):
        """Where: only for commands whose text has this in it."""
        fault = Fault(command, kind, value, times, where)
        with self.lock:
            self.faults.append(fault)
        return fault

    def documents(self, database, collection):
        with self.lock:
            return dict(self.kept.get((database, collection), {}))

    def commands(self, name):
        with self.lock:
            return [document for seen, document in self.seen if seen == name]

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections += 1
                self.open.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        door = Door(self.login)
        try:
            while self.one(connection, read_message(connection), door):
                pass
        except (OSError, ConnectionError):
            pass
        finally:
            with self.lock:
                self.open.discard(connection)
            connection.close()

    def one(self, connection, message, door):
        name = next(iter(message.body))
        with self.lock:
            self.seen.append((name, message.body))
            fault = next((one for one in self.faults if one.command == name and one.left != 0
                          and (one.where is None or one.where in str(message.body))), None)
            if fault:
                fault.left -= 1
                fault.met += 1
        kind, value = (fault.kind, fault.value) if fault else (None, None)
        if kind == "cut":
            return False
        if kind == "mute":
            self.closing.wait(120)
            return False
        if kind == "error":
            reply = {"ok": 0.0, "errmsg": f"told to fail: {NAMES.get(value, value)}", "code": value, "codeName": NAMES.get(value, "?")}
        else:
            with self.lock:
                reply = door.answer(name.lower(), message.body) or self.answer(name.lower(), message.body, kind, value)
        if kind == "slow":
            time.sleep(value)
        if kind == "lost":
            return False
        sent = message_of(1, message.number, reply, OP_REPLY if message.operation == OP_QUERY else OP_MSG)
        if kind == "half":
            connection.sendall(sent[:len(sent) // 2])
            return False
        connection.sendall(b"\xff" * 64 if kind == "garbage" else sent)
        return kind != "garbage"

    def answer(self, name, body, kind, value):
        """Under the lock."""
        place = (body.get("$db"), body.get(next(iter(body))))
        if name in ("hello", "ismaster"):
            return self.hello()
        if name == "ping":
            return {"ok": 1.0}
        if name == "replsetstepdown":
            self.role = "secondary"
            self.members[(self.members.index(self) + 1) % len(self.members)].role = "primary"
            return {"ok": 1.0}
        if self.role == "secondary":
            code = 13435 if name == "find" else 10107
            return {"ok": 0.0, "errmsg": "not primary", "code": code, "codeName": NAMES.get(code, "?")}
        if name == "insert":
            return self.insert(self.kept.setdefault(place, {}), body["documents"], kind, value)
        if name == "delete":
            return self.delete(self.kept.setdefault(place, {}), body["deletes"], kind, value)
        if name == "find":
            return self.find(place, body, kind)
        if name == "getmore":
            return self.more(body["getMore"], "nextBatch", f"{body['$db']}.{body['collection']}")
        return {"ok": 0.0, "errmsg": f"no such command: {name}", "code": 59, "codeName": "CommandNotFound"}

    def hello(self):
        me = "%s:%d" % self.address
        reply = {"ismaster": self.role != "secondary", "maxBsonObjectSize": 16 << 20, "maxMessageSizeBytes": 48000000,
                 "maxWriteBatchSize": 100000, "localTime": datetime.datetime.now(), "minWireVersion": 0, "maxWireVersion": 17,
                 "readOnly": False, "logicalSessionTimeoutMinutes": 30}
        if self.login:
            reply["saslSupportedMechs"] = ["SCRAM-SHA-256"]
        if self.role == "mongos":
            reply["msg"] = "isdbgrid"
        elif self.role in ("primary", "secondary"):
            reply.update(setName=self.name, hosts=["%s:%d" % one.address for one in self.members], setVersion=1, me=me,
                         secondary=self.role == "secondary")
            reply.update({"primary": "%s:%d" % one.address for one in self.members if one.role == "primary"})
        return {**reply, "ok": 1.0}

    def insert(self, kept, documents, kind, value):
        errors, done = [], 0
        for index, document in enumerate(documents):
            code = value if kind == "write_error" else 11000 if document["_id"] in kept else None
            if code:
                errors.append({"index": index, "code": code, "errmsg": f"told to fail: {NAMES.get(code, code)}"})
            else:
                kept[document["_id"]] = document
                done += 1
        return self.written(done, errors, kind, value)

    def delete(self, kept, deletes, kind, value):
        done = 0
        for one in deletes:
            done += kept.pop(one["q"]["_id"], None) is not None
        return self.written(done, [], kind, value)

    @staticmethod
    def written(done, errors, kind, value):
        reply = {"n": done}
        if errors:
            reply["writeErrors"] = errors
        if kind == "concern":
            reply["writeConcernError"] = {"code": value, "codeName": NAMES.get(value, "?"), "errmsg": f"told to fail: {NAMES.get(value, value)}"}
        return {**reply, "ok": 1.0}

    def find(self, place, body, kind):
        kept = self.kept.get(place, {})
        wanted = body.get("filter", {})
        if set(wanted) == {"_id"}:
            names = wanted["_id"]["$in"] if isinstance(wanted["_id"], dict) else [wanted["_id"]]
            found = [kept[name] for name in names if name in kept]
        else:
            found = [document for document in kept.values() if all(
                document.get(name) in value["$in"] if isinstance(value, dict) else document.get(name) == value for name, value in wanted.items())]
        if kind == "absent":
            found = []
        if kind == "other_hash":
            found = [{**document, "h": bytes(16)} for document in found]
        chosen = body.get("projection")
        if chosen:
            found = [{name: value for name, value in document.items() if name == "_id" or chosen.get(name)} for document in found]
        if body.get("limit"):
            found = found[:body["limit"]]
        number = len(self.cursors) + 1
        self.cursors[number] = found
        return self.more(number, "firstBatch", ".".join(place), body.get("singleBatch"), body.get("batchSize"))

    def more(self, number, name, namespace, single=False, page=None):
        page = page or self.page
        batch, self.cursors[number] = self.cursors[number][:page], self.cursors[number][page:]
        over = single or not self.cursors[number]
        return {"cursor": {name: batch, "id": 0 if over else number, "ns": namespace}, "ok": 1.0}

    def drop_connections(self):
        with self.lock:
            for connection in list(self.open):
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.closing.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # who waits in accept() would take one connection more
        except OSError:
            pass
        self.listener.close()
        self.drop_connections()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
