# SPDX-License-Identifier: MIT
"""A server that speaks HTTP/2 (RFC 9113) and nothing else, and ends streams and
connections in ways that nginx does only when it is in trouble.

    with Http2Server(certificate, ["reset", "whole"], body) as server:
        url = server.url("/image.sif", "https")

It reads no heads, so it answers all requests alike, with the whole body.
"""

import ssl
import struct

from .relay import Hangup, Middle, Wire

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PIECE = 1 << 14
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, ACK, END_HEADERS = 1, 1, 4
NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM = 0, 2, 7
# What a stream may have before it has to be granted more.
BODY_MAX = 65535


def head_of(length):
    """Status and length, without Huffman's code (RFC 7541, appendix A)."""
    digits = b"%d" % length
    return b"\x88\x0f\x0d" + bytes([len(digits)]) + digits


class Http2Server(Middle):
    """script: what each request gets, the last for all others.

    whole    the answer
    reset    half of it, then RST_STREAM
    refuse   RST_STREAM at once, which says that nothing was done
    goaway   half of it, then GOAWAY, then the rest: no more on this connection
    leave    GOAWAY that leaves the request out, and the end
    """

    def __init__(self, certificate, script, body):
        super().__init__()
        assert len(body) <= BODY_MAX
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.context.set_alpn_protocols(["h2"])
        self.script = list(script)
        self.body = body
        self.answered = []
        self.others = 0  # connections on which something else was spoken

    def serve(self, client):
        with self.context.wrap_socket(client.socket, server_side=True) as sock:
            if sock.selected_alpn_protocol() != "h2":
                with self.lock:
                    self.others += 1
                return
            wire = Wire(sock)
            wire.exactly(len(PREFACE))
            self.send(sock, SETTINGS, 0, 0)
            while True:
                self.take(sock, *self.read(wire))

    @staticmethod
    def read(wire):
        """Kind, flags, stream and payload of a frame."""
        head = wire.exactly(9)
        length = int.from_bytes(head[:3], "big")
        kind, flags, stream = struct.unpack(">BBL", head[3:])
        return kind, flags, stream, wire.exactly(length)

    @staticmethod
    def send(sock, kind, flags, stream, payload=b""):
        sock.sendall(len(payload).to_bytes(3, "big") +
                     struct.pack(">BBL", kind, flags, stream) + payload)

    def take(self, sock, kind, flags, stream, payload):
        if kind in (SETTINGS, PING) and not flags & ACK:
            self.send(sock, kind, ACK, 0, payload if kind == PING else b"")
        elif kind == HEADERS:
            with self.lock:
                what = self.script[0]
                if len(self.script) > 1:
                    self.script.pop(0)
                self.answered.append(what)
            self.answer(sock, stream, what)

    def answer(self, sock, stream, what):
        if what == "refuse":
            self.reset(sock, stream, REFUSED_STREAM)
        elif what == "leave":
            self.go_away(sock, 0)
            raise Hangup
        else:
            self.send(sock, HEADERS, END_HEADERS, stream,
                      head_of(len(self.body)))
            half = len(self.body) // 2
            self.send_body(sock, stream, self.body[:half], 0)
            if what == "reset":
                self.reset(sock, stream, INTERNAL_ERROR)
                return
            if what == "goaway":
                self.go_away(sock, stream)
            self.send_body(sock, stream, self.body[half:], END_STREAM)

    def send_body(self, sock, stream, data, flags):
        for at in range(0, len(data), PIECE):
            last = at + PIECE >= len(data)
            self.send(sock, DATA, flags if last else 0, stream,
                      data[at:at + PIECE])

    def reset(self, sock, stream, why):
        self.send(sock, RST_STREAM, 0, stream, struct.pack(">L", why))

    def go_away(self, sock, stream):
        self.send(sock, GOAWAY, 0, 0, struct.pack(">LL", stream, NO_ERROR))
