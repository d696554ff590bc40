# SPDX-License-Identifier: MIT
"""Pulls that something stands between: what was asked, and over how many
connections."""

import ctypes
import re

from .engine import SIZE, Engine, image
from .relay import Proxy, Relay
from .servers import FaultServer, Reply

DATA = image(SIZE)
SMALL = image(1 << 16)
SECRET = "s3cret-Wort"


class Network(Engine):
    def proxy(self, kind=Proxy, **how):
        proxy = kind(**how).start()
        self.addCleanup(proxy.stop)
        return proxy

    def relay(self, port, **how):
        relay = Relay(port, **how).start()
        self.addCleanup(relay.stop)
        return relay

    def server_of(self, **how):
        server = FaultServer(**how).start()
        self.addCleanup(server.stop)
        return server

    def over_relay(self, scene, size="bytes", data=DATA, **how):
        """An image whose blob comes through a relay, which is returned."""
        relay = self.relay(scene.server.port, **how)
        scene.blob(Reply(data, etag='"1"'), path="/blobs/x")
        scene.image(data=data, size=size,
                    urls=[relay.url(scene.prefix + "/blobs/x")])
        return relay


def libcurl():
    """What libcurl says of itself, and its version; (0, 0): it is hidden."""
    try:
        version = ctypes.CDLL("libcurl.so.4").curl_version
    except OSError:
        return "", (0, 0)
    version.restype = ctypes.c_char_p
    text = version().decode()
    found = re.match(r"libcurl/(\d+)\.(\d+)", text)
    return text, tuple(map(int, found.groups())) if found else (0, 0)


def is_old():
    """Is it one of those that Debian 11 and Enterprise Linux 9 have?"""
    return (7, 0) < libcurl()[1] < (7, 88)
