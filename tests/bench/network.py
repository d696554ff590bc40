# SPDX-License-Identifier: MIT
"""A long wire with a server at one end and its clients at the other.

Two network namespaces that have no names: they live as long as the descriptors
that hold them, so that nothing is left behind however the bench ends. Between
them a veth pair with netem, or, where the kernel has none, two TUN devices and
a relay.
"""

import contextlib
import fcntl
import os
import socket
import struct
import subprocess

from machine import Child, Missing, check, compile_helper, find, libc

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000

# RFC 2544's addresses: networks under test, and nobody else's.
SERVER = "198.18.0.1"
CLIENT = "198.18.0.2"

# Linux's own defaults, so that no tuned machine flatters a single connection;
# and nothing that one contestant learnt about the path helps the next.
SETTINGS = {
    "tcp_rmem": "4096 131072 6291456",
    "tcp_wmem": "4096 16384 4194304",
    "tcp_no_metrics_save": "1",
}
SEED = 20130401


class Wire:
    """What the path is like: seconds, a share, bytes a second, bytes."""

    def __init__(self, rtt, loss, rate, congestion):
        self.rtt = rtt
        self.loss = loss
        self.rate = rate
        self.buffer = int(2 * rate * rtt)
        self.congestion = congestion

    def __str__(self):
        return ("%g ms round trip, %g %% loss each way, bottleneck %g Mbit/s "
                "with a buffer of 2 BDP, %s" % (
                    self.rtt * 1000, self.loss * 100, self.rate * 8 / 1e6,
                    self.congestion))


class Namespace:
    """A network namespace; path is how other programs enter it."""

    def __init__(self):
        home = self.current()
        try:
            check(libc.unshare(CLONE_NEWNET))
            self.fd = self.current()
            check(libc.setns(home, CLONE_NEWNET))
        except PermissionError:
            raise Missing("network namespaces need root") from None
        finally:
            os.close(home)
        self.path = "/proc/%d/fd/%d" % (os.getpid(), self.fd)

    @staticmethod
    def current():
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    @contextlib.contextmanager
    def entered(self):
        """Sockets, devices and processes made inside belong to it."""
        home = self.current()
        check(libc.setns(self.fd, CLONE_NEWNET))
        try:
            yield
        finally:
            check(libc.setns(home, CLONE_NEWNET))
            os.close(home)

    def command(self, *argv):
        """Runs a command inside; returns whether it succeeded."""
        with self.entered():
            return subprocess.run(argv, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL).returncode == 0

    def ip(self, *args):
        if not self.command("ip", *args):
            raise Missing("ip %s failed" % " ".join(args))

    def set(self, settings):
        with self.entered():
            for name, value in settings.items():
                try:
                    with open("/proc/sys/net/ipv4/" + name, "w") as file:
                        file.write(value)
                except OSError as why:
                    raise Missing("%s = %s: %s" % (
                        name, value, why.strerror)) from None

    def close(self):
        os.close(self.fd)


class Network:
    """The wire, laid. Use as a context manager; note says of what it is."""

    def __init__(self, wire, folder, relay=False):
        self.wire = wire
        self.folder = folder
        self.relay = relay
        self.stack = contextlib.ExitStack()
        self.link = None
        self.note = ""

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.server = Namespace()
            stack.callback(self.server.close)
            self.client = Namespace()
            stack.callback(self.client.close)
            for end in (self.server, self.client):
                end.set(SETTINGS)
                end.ip("link", "set", "lo", "up")
            if self.relay or not self.has_netem():
                self.lay_tun(stack)
                self.note = "%s; relay between TUN devices" % self.wire
            else:
                self.lay_veth()
                self.note = "%s; netem" % self.wire
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def netem(self, device):
        """Its limit counts packets on the wire too, not only the buffer."""
        packets = int((self.wire.buffer + self.wire.rate * self.wire.rtt)
                      / 1500)
        return ("tc", "qdisc", "add", "dev", device, "root", "netem",
                "delay", "%dus" % (self.wire.rtt / 2 * 1e6),
                "loss", "%f%%" % (self.wire.loss * 100),
                "rate", "%dbit" % (self.wire.rate * 8),
                "limit", "%d" % packets)

    def has_netem(self):
        return find("tc") is not None and \
            self.server.command(*self.netem("lo")) and \
            self.server.command("tc", "qdisc", "del", "dev", "lo", "root")

    def address(self, end, device, own, other):
        end.ip("address", "add", own, "peer", other, "dev", device)
        end.ip("link", "set", device, "up")

    def lay_veth(self):
        self.server.ip("link", "add", "wire0", "type", "veth", "peer", "name",
                       "wire1", "netns", self.client.path)
        self.address(self.server, "wire0", SERVER, CLIENT)
        self.address(self.client, "wire1", CLIENT, SERVER)
        for end, device in ((self.server, "wire0"), (self.client, "wire1")):
            # A lost packet shall be one packet, not 64 KiB of them.
            end.ip("link", "set", device, "gso_max_segs", "1")
            if not end.command(*self.netem(device)):
                raise Missing("tc refuses netem")

    def lay_tun(self, stack):
        ends = ((self.server, "wire0", SERVER, CLIENT),
                (self.client, "wire1", CLIENT, SERVER))
        fds = []
        for end, device, own, other in ends:
            fds.append(self.open_tun(end, device))
            stack.callback(os.close, fds[-1])
            # Bursts wait for the relay: its bottleneck is the only one.
            end.ip("link", "set", device, "txqueuelen", "20000")
            self.address(end, device, own, other)
        self.link = stack.enter_context(Child(
            [compile_helper("tunlink", self.folder), *map(str, fds),
             "%d" % (self.wire.rtt / 2 * 1e6), "%d" % (self.wire.loss * 1e6),
             "%d" % self.wire.rate, "%d" % self.wire.buffer, str(SEED)],
            fds=fds, stdout=subprocess.PIPE))

    @staticmethod
    def open_tun(end, device):
        with end.entered():
            try:
                fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            except OSError as why:
                raise Missing("/dev/net/tun: %s" % why.strerror) from None
            fcntl.ioctl(fd, TUNSETIFF, struct.pack(
                "16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
            return fd

    def listen(self):
        """The server's socket. It is the one that sends, so that the wire's
        congestion control is its own; namespaces may not choose each."""
        with self.server.entered():
            listener = socket.create_server((SERVER, 0), backlog=64)
        try:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION,
                                self.wire.congestion.encode())
        except OSError as why:
            listener.close()
            raise Missing("congestion control %s: %s" % (
                self.wire.congestion, why.strerror)) from None
        return listener

    def finish(self):
        """Ends the relay; returns its account, or "" for netem's."""
        return "" if self.link is None else \
            "; ".join(self.link.stop().split("\n")).strip("; ")
