"""A way to a database that can be made bad: what is between Weir and the server passes through here, in threads."""
import socket
import threading
import time


class Proxy:
    """passes: as it is; slow: each reply waits so long; silent: nothing comes back; refuses: nobody listens and connections
    are reset; forgetful: the server does what it is asked and every so manieth reply is lost with its connection."""

    def __init__(self, target):
        self.target = target
        self.listener = None
        self.lock = threading.Lock()
        self.connections = set()
        self.mode, self.delay, self.every, self.replies, self.lost = "passes", 0, 0, 0, 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = probe.getsockname()
        self.listen()

    def listen(self):
        self.listener = socket.create_server(self.address, reuse_port=False)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            server = socket.create_connection(self.target, timeout=5)
        except OSError:
            connection.close()
            return
        server.settimeout(None)
        with self.lock:
            self.connections |= {connection, server}
        back = threading.Thread(target=self.pump, args=(server, connection, True), daemon=True)
        back.start()
        self.pump(connection, server, False)
        back.join()
        with self.lock:
            self.connections -= {connection, server}

    def pump(self, source, sink, replies):
        try:
            while True:
                piece = source.recv(1 << 16)
                if not piece:
                    break
                if replies and self.mode == "slow":
                    time.sleep(self.delay)
                if replies and self.mode == "forgetful":
                    self.replies += 1
                    if self.replies % self.every == 0:
                        self.lost += 1
                        break
                while self.mode == "silent" and replies:
                    time.sleep(0.02)
                sink.sendall(piece)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def set(self, mode, delay=0, every=0):
        self.mode, self.delay, self.every = mode, delay, every
        if mode == "refuses":
            # Else the thread in accept() keeps the socket alive.
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
            self.reset()
        elif self.listener is None:
            self.listen()

    def reset(self):
        with self.lock:
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        if self.listener:
            self.listener.close()
        self.mode = "passes"
        self.reset()
