# SPDX-License-Identifier: MIT
"""What stands between spull and a server: a relay that cuts, and a proxy.

    with Relay(server.port, cuts=[4096]) as relay:
        url = "http://127.0.0.1:%d/image.sif" % relay.port
"""

import base64
import contextlib
import re
import socket
import struct
import threading

PIECE = 1 << 14
HEAD_MAX = 1 << 16
# What the kernel holds on either side: sent and passed on are nearly the same.
BUFFER = 1 << 16
AWAY = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST
ESTABLISHED = b"\1"  # the first field of TCP_INFO: linux/tcp.h


class Hangup(Exception):
    """This connection is to end here."""


class Wire:
    """A connection, and what was read of it too early."""

    def __init__(self, sock):
        self.socket = sock
        self.early = b""

    def read(self, most=PIECE):
        if self.early:
            piece, self.early = self.early[:most], self.early[most:]
            return piece
        return self.socket.recv(most)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.read(count - len(data))
            if not more:
                raise Hangup
            data += more
        return data

    def read_head(self):
        """All of a request's or an answer's head, or None at the end."""
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.read(HEAD_MAX)
            if not more or len(head) > HEAD_MAX:
                return None
            head += more
        head, mark, rest = head.partition(b"\r\n\r\n")
        self.early = rest + self.early
        return head + mark

    def send(self, data):
        self.socket.sendall(data)


def field(head, name):
    """The value of a header field, "" where there is none."""
    found = re.search(rb"(?im)^%s:[ \t]*(.*?)[ \t]*\r$" % name.encode(), head)
    return found.group(1).decode("latin-1") if found else ""


class Middle:
    """Listens, gives each connection a thread, and counts them.

    Before start(), its port refuses connections.
    """

    def __init__(self, host="127.0.0.1", port=0):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((host, port))
        self.host, self.port = self.socket.getsockname()
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.open = []
        self.accepted = 0
        self.most_open = 0

    def url(self, target="", scheme="http"):
        return "%s://%s:%d%s" % (scheme, self.host, self.port, target)

    def start(self):
        self.socket.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def stop(self):
        self.stopping.set()
        with contextlib.suppress(OSError):  # ends accept()
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        with self.lock:
            for client in self.open:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def accept(self):
        while not self.stopping.is_set():
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.open = [one for one in self.open if not has_ended(one)]
                self.open.append(client)
                self.accepted += 1
                self.most_open = max(self.most_open, len(self.open))
            threading.Thread(target=self.handle, args=(client,),
                             daemon=True).start()

    def handle(self, client):
        try:
            self.serve(Wire(client))
        except (OSError, Hangup):
            pass
        with contextlib.suppress(OSError):
            client.close()

    def serve(self, client):
        raise NotImplementedError

    def tunnel(self, client, server):
        """Both ways, blindly."""
        back = threading.Thread(target=self.pump, args=(client, server),
                                daemon=True)
        back.start()
        self.pump(server, client)

    def pump(self, source, sink):
        try:
            piece = source.read()
            while piece:
                self.pass_on(sink, piece)
                piece = source.read()
            sink.socket.shutdown(socket.SHUT_WR)
        except OSError:
            with contextlib.suppress(OSError):
                sink.socket.shutdown(socket.SHUT_RDWR)

    def pass_on(self, sink, piece):
        sink.send(piece)

    def pass_answer(self, server, client):
        """One answer, whose body ends as its head says."""
        head = server.read_head()
        if head is None:
            raise Hangup
        self.pass_head(client, head)
        length = field(head, "Content-Length")
        span = re.match(r"bytes (\d+)-", field(head, "Content-Range"))
        at = int(span.group(1)) if span else 0
        end = at + int(length) if length else None
        while end is None or at < end:
            piece = server.read(PIECE if end is None else min(PIECE, end - at))
            if not piece:
                raise Hangup
            self.pass_body(client, at, piece)
            at += len(piece)

    def pass_head(self, client, head):
        client.send(head)

    def pass_body(self, client, at, piece):
        self.pass_on(client, piece)


def has_ended(client):
    """Has its other end closed it? Asked of the kernel, which knows first, and
    whatever of its last words is still to be read."""
    try:
        return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO,
                                 1) != ESTABLISHED
    except OSError:
        return True


def connect(host, port):
    """To a server, whose bytes don't pile up here either."""
    sock = socket.socket()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        sock.connect((host, int(port)))
    except OSError:
        sock.close()
        raise
    return sock


class Relay(Middle):
    """In front of one server.

    cuts       where the connection ends that brings this byte of the blob,
               just before it, once for each
    head_cuts  the next answer's head is cut after so many bytes, and so on
    reset      they end with RST, not with FIN
    drip       (bytes, seconds): so many on each connection, then a pause
    blind      looks into nothing: for TLS
    """

    def __init__(self, port, cuts=(), head_cuts=(), reset=False, drip=None,
                 blind=False):
        super().__init__()
        self.target = ("127.0.0.1", port)
        self.cuts = sorted(cuts)
        self.head_cuts = list(head_cuts)
        self.reset = reset
        self.drip = drip
        self.blind = blind
        self.done = 0  # cuts
        self.passed = 0  # bytes of bodies

    def serve(self, client):
        with connect(*self.target) as sock:
            server = Wire(sock)
            if self.blind:
                self.tunnel(client, server)
                return
            request = client.read_head()
            while request is not None:
                server.send(request)
                self.pass_answer(server, client)
                request = client.read_head()

    def pass_on(self, sink, piece):
        if self.drip is None:
            sink.send(piece)
            return
        for at in range(0, len(piece), self.drip[0]):
            sink.send(piece[at:at + self.drip[0]])
            self.stopping.wait(self.drip[1])

    def cut(self, client):
        if self.reset:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                     AWAY)
        raise Hangup

    def pass_head(self, client, head):
        with self.lock:
            end = self.head_cuts.pop(0) if self.head_cuts else None
            self.done += end is not None
        client.send(head[:end])
        if end is not None:
            self.cut(client)

    def pass_body(self, client, at, piece):
        with self.lock:
            ends = [cut for cut in self.cuts if at <= cut < at + len(piece)]
            if ends:
                piece = piece[:ends[0] - at]
                self.cuts.remove(ends[0])
                self.done += 1
            self.passed += len(piece)
        self.pass_on(client, piece)
        if ends:
            self.cut(client)


class Proxy(Middle):
    """A proxy for plain http and, with CONNECT, for all else.

    seen     the first line of each request, and what Host said
    refusal  the status that CONNECT gets instead of a tunnel
    user     "NAME:PASSWORD" that has to be told
    """

    def __init__(self, refusal=None, user=None, **where):
        super().__init__(**where)
        self.seen = []
        self.refusal = refusal
        self.word = user and "Basic " + base64.b64encode(
            user.encode()).decode()

    def serve(self, client):
        head = client.read_head()
        while head is not None:
            method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
            with self.lock:
                self.seen.append((method, target))
            if self.word and field(head, "Proxy-Authorization") != self.word:
                client.send(b"HTTP/1.1 407 Who are you?\r\nProxy-Authenticate: "
                            b"Basic realm=x\r\nContent-Length: 0\r\n\r\n")
            elif method == "CONNECT":
                self.connect(client, target)
                return
            else:
                self.forward(client, head, target)
            head = client.read_head()

    def connect(self, client, target):
        if self.refusal is not None:
            client.send(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n"
                        % self.refusal)
            return
        host, port = target.rsplit(":", 1)
        with connect(host, port) as sock:
            client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.tunnel(client, Wire(sock))

    def forward(self, client, head, target):
        """One connection to the server for each request will do."""
        place, path = re.fullmatch(r"http://([^/]+)(/.*)", target).groups()
        host, port = place.rsplit(":", 1)
        with connect(host, port) as sock:
            server = Wire(sock)
            server.send(head.replace(target.encode(), path.encode(), 1))
            self.pass_answer(server, client)


class Socks(Middle):
    """A proxy by SOCKS 5 (RFC 1928), which looks into nothing.

    replies  what it answers to the first requests instead of connecting
    user     "NAME:PASSWORD" that has to be told (RFC 1929)
    """

    def __init__(self, replies=(), user=None):
        super().__init__()
        self.replies = list(replies)
        self.user = user
        self.asked = 0

    def serve(self, client):
        _, count = client.exactly(2)
        method = 2 if self.user else 0
        if method not in client.exactly(count):
            client.send(b"\x05\xff")
            return
        client.send(bytes([5, method]))
        if self.user and not self.knows(client):
            return
        target = self.read_target(client)
        with self.lock:
            self.asked += 1
            reply = self.replies.pop(0) if self.replies else 0
        if reply:
            client.send(bytes([5, reply, 0, 1]) + bytes(6))
            return
        with connect(*target) as sock:
            client.send(bytes([5, 0, 0, 1]) + bytes(6))
            self.tunnel(client, Wire(sock))

    def knows(self, client):
        client.exactly(1)
        told = b":".join(client.exactly(client.exactly(1)[0])
                         for _ in range(2))
        right = told == self.user.encode()
        client.send(bytes([1, 0 if right else 1]))
        return right

    def read_target(self, client):
        kind = client.exactly(4)[3]
        if kind == 1:
            host = socket.inet_ntoa(client.exactly(4))
        else:
            host = client.exactly(client.exactly(1)[0]).decode()
        return host, int.from_bytes(client.exactly(2), "big")
