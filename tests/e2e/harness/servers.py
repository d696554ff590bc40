# SPDX-License-Identifier: MIT
"""An HTTP/1.1 server that does what it is told, lies and worse included.

    with FaultServer() as server:
        url = server.on("/image.sif", Reply(data, cut=1000), Reply(data))

The first request for a target gets the first reply, the next one the next;
the last reply stays. A reply may be a function of the Request. Every request
is recorded, with what was sent for it.
"""

import contextlib
import gzip
import itertools
import re
import socket
import socketserver
import ssl
import struct
import threading

from . import spull

PIECE = 1 << 16
HEAD_MAX = 1 << 16
# Seconds that a gate stays shut when a test has gone astray.
PATIENCE = spull.TIMEOUT

REASONS = {200: "OK", 206: "Partial Content", 301: "Moved Permanently",
           302: "Found", 303: "See Other", 307: "Temporary Redirect",
           308: "Permanent Redirect", 401: "Unauthorized", 403: "Forbidden",
           404: "Not Found", 410: "Gone", 416: "Range Not Satisfiable",
           429: "Too Many Requests", 500: "Internal Server Error",
           502: "Bad Gateway", 503: "Service Unavailable"}


class Gate:
    """Where a reply stops until the test lets it go on."""

    def __init__(self, at=0):
        self.at = at
        self.reached = threading.Event()
        self.opened = threading.Event()

    def open(self):
        self.opened.set()

    def wait_reached(self):
        if not self.reached.wait(PATIENCE):
            raise AssertionError("nobody came to the gate")


class Meeting:
    """A function to be called before replies: holds them back until so many are
    waited for at the same time. met: by then, over which connections they were
    asked for; the number that a server in between saw counts more.
    """

    def __init__(self, size):
        self.size = size
        self.here = []
        self.met = None
        self.news = threading.Condition()

    def __call__(self, request):
        number = request.header("X-Connection") or request.connection
        with self.news:
            self.here.append(number)
            if self.met is None and len(self.here) == self.size:
                self.met = list(self.here)
            self.news.notify_all()
            self.news.wait_for(lambda: self.met, PATIENCE)
            self.here.remove(number)


class Reply:
    """What one request gets.

    body     bytes, or a function that returns an iterator of bytes
    status   for a request without Range, or with one that is not honoured
    headers  further (name, value) pairs
    length   True: the truth; a number: a lie; None: no Content-Length, the
             body ends with the connection; "chunked": that
    cut      the connection ends after so many bytes of the body
    reset    and it ends with RST, not with FIN
    ranges   "honour", "ignore", "wrong" (a Content-Range that is one off) or
             "refuse" (416)
    shown    a function of (first, last, size): what Content-Range says, None
             to leave it out
    etag     as it stands, quotes included
    gzip     Content-Encoding, whatever the client accepts
    gate     a Gate: sends gate.at bytes of the body and waits
    drip     (bytes, seconds): so many, then a pause, and so on
    lines    a function that returns an iterator of raw header lines
    before   called with the Request before anything is sent
    version  of HTTP, in the status line
    """

    def __init__(self, body=b"", status=200, headers=(),
                 type="application/octet-stream", length=True, cut=None,
                 reset=False, ranges="honour", etag=None, gzip=False,
                 gate=None, drip=None, lines=None, before=None,
                 shown=None, version="1.1"):
        self.body = body
        self.status = status
        self.headers = list(headers)
        self.type = type
        self.length = length
        self.cut = cut
        self.reset = reset
        self.ranges = ranges
        self.etag = etag
        self.gzip = gzip
        self.gate = gate
        self.drip = drip
        self.lines = lines
        self.before = before
        self.shown = shown
        self.version = version


def page(text, status=200, **more):
    """A web page; a document of a static registry is one, too."""
    body = text if isinstance(text, bytes) else text.encode()
    more.setdefault("type", "text/html; charset=utf-8")
    return Reply(body, status, **more)


def html(title, status=200, **more):
    filler = "<p>There is nothing to see here.</p>\n" * 200
    return page("<!DOCTYPE html>\n<html><head><title>%s</title></head>\n"
                "<body><h1>%s</h1>\n%s</body></html>\n"
                % (title, title, filler), status, **more)


def not_found():
    return html("404: no such page", 404)


def redirect(to, status=302):
    return html("Moved", status, headers=[("Location", to)])


def xml_listing(status=200):
    """What an object store says to the URL of a folder."""
    return page('<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult '
                'xmlns="urn:example:store"><Name>registry</Name>'
                '<Prefix></Prefix><KeyCount>0</KeyCount></ListBucketResult>',
                status, type="application/xml")


def html_listing():
    """What a web server with automatic listings says to it."""
    return html("Index of /registry/")


def xml_denied():
    return page('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>'
                'AccessDenied</Code><Message>Access Denied</Message></Error>',
                403, type="application/xml")


class Request:
    """One request as it came, and what it got."""

    def __init__(self, method, target, headers):
        self.method = method
        self.target = target  # exactly as sent
        self.path = target.partition("?")[0]
        self.headers = headers  # list of (name, value)
        self.status = 0
        self.sent = 0  # bytes of the body that were handed to the kernel
        self.connection = 0  # the server's number for it

    def header(self, name):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    @property
    def range(self):
        return self.header("Range")

    @property
    def first(self):
        """Of the bytes that are asked for; 0 where all of them are."""
        asked = re.match(r"bytes=(\d+)-", self.range or "")
        return int(asked.group(1)) if asked else 0

    def __repr__(self):
        return "<%s %s: %d, %d bytes>" % (self.method, self.target,
                                          self.status, self.sent)


class Hangup(Exception):
    """The connection is to end here."""


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        # Head and body are sent apart: Nagle's algorithm would wait between.
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.server.context is not None:
                self.request = self.server.context.wrap_socket(
                    self.request, server_side=True)
            self.buffer = b""
            self.number = next(self.server.connections)
            while self.one_request():
                pass
        except (OSError, Hangup):
            pass

    def finish(self):
        # close_request() has the plain socket, which wrap_socket() emptied.
        if isinstance(self.request, ssl.SSLSocket):
            self.request.close()

    def read_head(self):
        while b"\r\n\r\n" not in self.buffer:
            more = self.request.recv(PIECE)
            if not more or len(self.buffer) > HEAD_MAX:
                return None
            self.buffer += more
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return head.decode("latin-1").split("\r\n")

    def one_request(self):
        lines = self.read_head()
        if lines is None:
            return False
        method, target, _ = lines[0].split(" ")
        headers = [tuple(part.strip() for part in line.split(":", 1))
                   for line in lines[1:]]
        request = Request(method, target, headers)
        request.connection = self.number
        reply = self.server.choose(request)
        if reply.before is not None:
            reply.before(request)
        return self.answer(request, reply)

    def answer(self, request, reply):
        status, headers, body = self.shape(request, reply)
        request.status = status
        head = "HTTP/%s %d %s\r\n" % (reply.version, status,
                                    REASONS.get(status, "Whatever"))
        head += "".join("%s: %s\r\n" % pair for pair in headers)
        self.request.sendall(head.encode("utf-8", "surrogateescape"))
        if reply.lines is not None:
            for line in reply.lines():
                self.request.sendall(line)
        self.request.sendall(b"\r\n")
        if request.method != "HEAD":
            self.send_body(request, reply, body)
        return isinstance(reply.length, (bool, str)) and reply.cut is None

    def shape(self, request, reply):
        """Status, headers and body of the answer."""
        status, body = reply.status, reply.body
        headers = [("Content-Type", reply.type)] + reply.headers
        if request.method != "GET":  # as signed URLs do
            status, body = 403, b""
        if reply.gzip:
            body = gzip.compress(body)
            headers.append(("Content-Encoding", "gzip"))
        if reply.etag is not None:
            headers.append(("ETag", reply.etag))
        if isinstance(body, bytes) and status == 200:
            status, body = self.apply_range(request, reply, headers, body)
        if reply.length == "chunked":
            headers.append(("Transfer-Encoding", "chunked"))
        elif reply.length is None:
            headers.append(("Connection", "close"))
        elif reply.length is not True:
            headers.append(("Content-Length", reply.length))
        elif isinstance(body, bytes):
            headers.append(("Content-Length", len(body)))
        return status, headers, body

    @staticmethod
    def apply_range(request, reply, headers, body):
        if reply.ranges == "ignore":
            return 200, body
        headers.append(("Accept-Ranges", "bytes"))
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.range or "")
        if_range = request.header("If-Range")
        if asked is None or asked.group(0) == "bytes=-" or \
                (if_range is not None and if_range != reply.etag):
            return 200, body
        first, last = asked.groups()
        if first == "":
            first, last = max(len(body) - int(last), 0), len(body) - 1
        else:
            first = int(first)
            last = min(int(last or len(body)), len(body) - 1)
        if reply.ranges == "refuse" or first > last:
            headers.append(("Content-Range", "bytes */%d" % len(body)))
            return 416, b""
        off = 1 if reply.ranges == "wrong" else 0
        shown = "bytes %d-%d/%d" % (first + off, last + off, len(body))
        if reply.shown is not None:
            shown = reply.shown(first, last, len(body))
        if shown is not None:
            headers.append(("Content-Range", shown))
        return 206, body[first:last + 1]

    def send_body(self, request, reply, body):
        pieces = body() if callable(body) else self.pieces(reply, body)
        end = reply.cut
        for piece in pieces:
            if end is not None:
                piece = piece[:end - request.sent]
            self.send_gated(request, reply, piece)
            if end is not None and request.sent >= end:
                self.hang_up(reply.reset)
            if reply.drip is not None:
                self.server.stopping.wait(reply.drip[1])
            if self.server.stopping.is_set():
                raise Hangup
        if reply.gate is not None:
            self.wait(request, reply.gate)
        if reply.length == "chunked":
            self.request.sendall(b"0\r\n\r\n")

    @staticmethod
    def pieces(reply, body):
        size = reply.drip[0] if reply.drip is not None else PIECE
        for at in range(0, len(body), size):
            yield body[at:at + size]

    def send_gated(self, request, reply, piece):
        if reply.gate is not None:
            before = max(reply.gate.at - request.sent, 0)
            if before <= len(piece):
                self.send(request, reply, piece[:before])
                self.wait(request, reply.gate)
                piece = piece[before:]
        self.send(request, reply, piece)

    def wait(self, request, gate):
        if request.sent >= gate.at:
            gate.reached.set()
            self.server.gates.add(gate)
            gate.opened.wait(PATIENCE)

    def send(self, request, reply, piece):
        if not piece:
            return
        if reply.length == "chunked":
            framed = b"%x\r\n%s\r\n" % (len(piece), piece)
        else:
            framed = piece
        # First counted, then sent: who has read a byte finds it counted.
        request.sent += len(piece)
        self.request.sendall(framed)

    def hang_up(self, reset):
        if reset:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                    struct.pack("ii", 1, 0))
            self.request.close()
        raise Hangup


class FaultServer(socketserver.ThreadingTCPServer):
    """Use as a context manager, or start() and stop()."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    address = "127.0.0.1"

    def __init__(self, certificate=None, client_ca=None):
        super().__init__((self.address, 0), Handler)
        # What was sent but not received, when a connection ends: that much.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)
        self.port = self.server_address[1]
        self.scheme = "https" if certificate else "http"
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        if client_ca:  # who shows no certificate of it is turned away
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(client_ca)
        self.connections = itertools.count(1)
        self.lock = threading.Lock()
        self.routes = {}
        self.record = []
        self.gates = set()
        self.stopping = threading.Event()
        self.thread = threading.Thread(
            target=self.serve_forever, args=(0.02,), daemon=True)

    def url(self, target="", host="127.0.0.1"):
        return "%s://%s:%d%s" % (self.scheme, host, self.port, target)

    def on(self, target, *replies):
        """Sets the replies for a target; one that has no "?" also stands for
        the same path with a query. Returns its URL."""
        with self.lock:
            self.routes[target] = list(replies)
        return self.url(target)

    def choose(self, request):
        with self.lock:
            self.record.append(request)
            replies = self.routes.get(request.target) or \
                self.routes.get(request.path)
            if not replies:
                return not_found()
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return reply(request) if callable(reply) else reply

    def requests(self, prefix=""):
        """Those whose target starts so, in the order they came."""
        with self.lock:
            return [request for request in self.record
                    if request.target.startswith(prefix)]

    def handle_error(self, request, client_address):
        """A test that made this thread fail says so itself."""

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.stopping.set()
        for gate in list(self.gates):
            gate.open()
        if self.thread.is_alive():
            self.shutdown()
        self.server_close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def mute_port():
    """A port that answers no attempt to connect, as behind a firewall: of a
    listener that has no room for one connection more.

    Returns (port, sockets); close them when the test is over.
    """
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(2):
            other = sockets.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
        return listener.getsockname()[1], sockets.pop_all()


def unused_port():
    """A port that refuses connections: bound by us, listened on by nobody.

    Returns (port, socket); close the socket when the test is over.
    """
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder.getsockname()[1], holder
