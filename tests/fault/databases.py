"""Weir and the three databases of Debian as tests/fault/peers drives them: how each is started with what its package
ships as defaults, written to, read back as a whole, and which files it keeps."""
import glob
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

from server import clean_environment, request

PACKAGES = {"influxdb": "1.6.7", "prometheus": "2.42", "victoria-metrics": "1.79.5"}


class DidNotStart(Exception):
    """The text says what the process said last."""


class Unreadable(Exception):
    """The database answered that it cannot give all, which is what it should do then."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(folder):
    """The packages of the peers, unpacked below `folder` and not installed; their programs by name."""
    root = os.path.join(folder, "root")
    if not all(glob.glob(os.path.join(root, "usr/bin", name)) for name in ("influxd", "prometheus", "victoria-metrics")):
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["apt-get", "download", "-q", *PACKAGES], cwd=folder, check=True, capture_output=True)
        for name, version in PACKAGES.items():
            found = glob.glob(os.path.join(folder, f"{name}_{version}*.deb"))
            if not found:
                raise RuntimeError(f"Debian no longer has {name} {version}: the table would compare something else")
            subprocess.run(["dpkg", "-x", found[0], root], check=True)
    return root


class Database:
    """One data directory and the process on it."""
    kind, target = "points", "/write"
    ready_path, ready_status = "/health", 200
    complaint = r"corrupt|checksum|crc|damag|invalid|unexpected|cannot|panic"

    def __init__(self, root, data):
        self.root, self.data = root, data
        self.scratch = tempfile.mkdtemp(prefix="weir-peer-")
        self.log_path = os.path.join(self.scratch, "log")
        self.process = self.address = None

    def command(self, port):
        raise NotImplementedError

    def environment(self, port):
        return {}

    def start(self, seconds=30):
        port = free_port()
        self.address = ("127.0.0.1", port)
        self.log_start = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        os.makedirs(self.data, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(port), stdout=log, stderr=log, cwd=self.scratch, start_new_session=True,
                                            env={**clean_environment(), **self.environment(port)})
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            if self.process.poll() is not None:
                raise DidNotStart(f"exit {self.process.returncode}: {self.log_tail()}")
            try:
                if self.request("GET", self.ready_path, seconds=5).status == self.ready_status:
                    return time.monotonic() - begun
            except (OSError, ValueError):
                pass
            time.sleep(0.02)
        self.kill()
        raise DidNotStart(f"not ready in {seconds} s: {self.log_tail()}")

    def request(self, method, path, body=None, headers=None, seconds=120):
        return request(self.address, method, path, body, headers, seconds)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        if self.process:
            if self.alive():
                self.process.kill()
            self.process.wait()
        self.process = None

    def stop(self, seconds=60):
        """SIGTERM; False when it had to be killed."""
        if not self.process:
            return False
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
            self.process = None
            return True
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def log(self):
        """Of the last start."""
        with open(self.log_path, "rb") as file:
            file.seek(self.log_start)
            return file.read().decode("utf-8", "replace")

    def log_tail(self):
        return " | ".join(self.log().strip().split("\n")[-3:])[-500:]

    def complaints(self):
        return {re.sub(r"[0-9a-f]*[0-9][0-9a-f]*", "#", line) for line in self.log().split("\n") if re.search(self.complaint, line, re.I)}

    def create(self):
        """Once, on a disk that is well."""

    def hasten(self):
        """Before a start that is to be followed by settle()."""

    def settle(self):
        """Sees that what it has in memory goes into its files of data, where there is a way."""

    def read(self, base, first_ms, last_ms):
        """All (ms, value) with first_ms <= ms <= last_ms."""
        raise NotImplementedError

    def ask(self, path):
        try:
            answer = self.request("GET", path)
        except (OSError, ValueError) as error:
            raise Unreadable(f"no answer: {error}") from None
        if answer.status != 200:
            raise Unreadable(f"{answer.status} {answer.text()[:200]}")
        return answer.text()


def documents(text):
    """The JSON documents of an answer, one a line."""
    try:
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except ValueError as error:
        raise Unreadable(f"an answer that is cut: {error}") from None


class Weir(Database):
    name, target = "Weir", "/v1/points?precision=ms"
    ready_path = "/readyz"
    files = {"wal": "wal/*.wal", "pack": "packs/*/*.pack", "index": "index/data.mdb"}

    def command(self, port):
        return [self.root, "serve", "--data", self.data, "--listen", f"127.0.0.1:{port}"]

    def settle(self):
        self.request("POST", "/v1/admin/flush", b"")

    def read(self, base, first_ms, last_ms):
        lines = documents(self.ask(f"/v1/query?measurement=o&epoch=ms&format=ndjson&start={first_ms}&end={last_ms + 1}"))
        if not lines or "_end" not in lines[-1]:
            raise Unreadable("the answer has no end")
        points = [(line["time"], line["f"]) for line in lines[:-1] if "time" in line]
        if '"partial":true' in json.dumps(lines[-1], separators=(",", ":")):
            raise Unreadable("partial: " + json.dumps(lines[-1])[:200])
        return points


class Influx(Database):
    name, target = "InfluxDB 1.6.7", "/write?db=o&precision=ms"
    ready_path, ready_status = "/ping", 204
    cold = {}
    files = {"wal": "wal/o/*/*/*.wal", "tsm": "data/o/autogen/*/*.tsm", "fields": "data/o/autogen/*/fields.idx", "series": "data/o/_series/*/*",
             "meta": "meta/meta.db"}

    def command(self, port):
        return [os.path.join(self.root, "usr/bin/influxd"), "-config", os.path.join(self.root, "etc/influxdb/influxdb.conf")]

    def environment(self, port):
        return {"INFLUXDB_META_DIR": self.data + "/meta", "INFLUXDB_DATA_DIR": self.data + "/data", "INFLUXDB_DATA_WAL_DIR": self.data + "/wal",
                "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}", "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{free_port()}",
                "INFLUXDB_REPORTING_DISABLED": "true", "INFLUXDB_HTTP_LOG_ENABLED": "false", "INFLUXDB_MONITOR_STORE_ENABLED": "false",
                **self.cold}

    def create(self):
        self.request("POST", "/query?q=CREATE+DATABASE+o", b"")

    def hasten(self):
        """It writes its files after ten minutes without a write; there is no way to ask, but to shorten that for a start."""
        self.cold = {"INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION": "1s"}

    def settle(self):
        deadline = time.monotonic() + 20
        while not glob.glob(os.path.join(self.data, self.files["tsm"])) and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(1)  # its wal goes a moment later
        self.stop()
        self.cold = {}
        self.start()

    def read(self, base, first_ms, last_ms):
        question = urllib.parse.quote(f"SELECT f FROM o WHERE time >= {first_ms}ms AND time <= {last_ms}ms")
        points = []
        for document in documents(self.ask(f"/query?db=o&epoch=ms&chunked=true&chunk_size=50000&q={question}")):
            for result in [document, *document.get("results", [])]:
                if "error" in result:
                    raise Unreadable(result["error"])
            for result in document.get("results", []):
                for series in result.get("series", []):
                    points += [(row[0], row[1]) for row in series["values"] if row[1] is not None]
        return points


class Prometheus(Database):
    name, target, kind = "Prometheus 2.42", "/api/v1/write", "prometheus"
    ready_path = "/-/ready"
    files = {"wal": "wal/0*", "head chunks": "chunks_head/*", "block chunks": "0*/chunks/*", "block index": "0*/index", "block meta": "0*/meta.json"}

    def command(self, port):
        config = os.path.join(self.scratch, "prometheus.yml")
        with open(config, "w", encoding="ascii") as file:
            file.write("global: {}\n")
        return [os.path.join(self.root, "usr/bin/prometheus"), f"--config.file={config}", f"--storage.tsdb.path={self.data}",
                f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=90d"]

    def read(self, base, first_ms, last_ms):
        question = urllib.parse.quote(f"o_f[{last_ms - first_ms + 1}ms]")
        document = documents(self.ask(f"/api/v1/query?query={question}&time={last_ms / 1000:.3f}"))[0]
        if document["status"] != "success" or document.get("warnings"):
            raise Unreadable(str(document)[:200])
        return [(round(float(time_) * 1000), float(value)) for series in document["data"]["result"] for time_, value in series["values"]]


class VictoriaMetrics(Database):
    name, target = "VictoriaMetrics 1.79.5", "/write?precision=ms"
    files = {"values": "data/*/*/*/values.bin", "timestamps": "data/*/*/*/timestamps.bin", "index": "data/*/*/*/*index.bin",
             "index items": "indexdb/*/*/items.bin", "index lens": "indexdb/*/*/lens.bin", "index of the index": "indexdb/*/*/*index.bin",
             "metadata": "indexdb/*/*/metadata.json"}

    def command(self, port):
        return [os.path.join(self.root, "usr/bin/victoria-metrics"), f"-storageDataPath={self.data}", f"-httpListenAddr=127.0.0.1:{port}"]

    def settle(self):
        self.request("GET", "/internal/force_flush")

    def read(self, base, first_ms, last_ms):
        text = self.ask(f"/api/v1/export?match[]=o_f&start={first_ms / 1000:.3f}&end={last_ms / 1000:.3f}")
        return [pair for line in documents(text) for pair in zip(line["timestamps"], line["values"])]
