#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The way to the servers: names, addresses, and manners: how quick, how long,
how many connections."""

import os
import re
import signal
import socket
import time
import unittest

from harness import registry, servers, spull
from harness.case import main
from harness.engine import CUT, MIB, REF, SIZE, Blob, Pull, image, put_down
from harness.network import DATA, SMALL, Network, is_old, libcurl
from harness.nginx import Nginx
from harness.preload import preload
from harness.servers import FaultServer, Gate, Reply, redirect
from harness.trace import WHY_NO_TRACE, injected

PACE = (1 << 15, 0.002)


class V6Server(FaultServer):
    address_family = socket.AF_INET6
    address = "::1"


def leaves_names_alone():
    """Does libcurl end a transfer whose name is still being looked up? It can
    since 7.87, where threads do that."""
    text, version = libcurl()
    return "c-ares" not in text and version >= (7, 87)


class Names(Network):
    def test_no_answer(self):
        """Neither a signal nor a timer waits for a name server."""
        if not leaves_names_alone():
            self.skipTest("this libcurl waits for names")
        deaf = preload(self.folder, "deaf_resolver")
        for what, args, number, code in (
                ("signal", [], signal.SIGINT, -signal.SIGINT),
                ("max-time", ["--max-time", "1"], None, 4),
                ("connect-timeout", ["--connect-timeout", "1"], None, 4)):
            for where in ("manifest", "blob"):
                with self.subTest(what, where=where):
                    scene = self.scene()
                    nowhere = "http://nowhere.invalid"
                    scene.image(data=SMALL, urls=[nowhere + "/x"])
                    asked = os.path.join(scene.folder, "asked")
                    base = nowhere if where == "manifest" else scene.base
                    process = scene.start("-r", base, *args, REF,
                                          env=dict(deaf, ASKED=asked))
                    self.addCleanup(put_down, process)
                    self.until("a question",
                               lambda asked=asked: os.path.exists(asked))
                    if number is not None:
                        process.send_signal(number)
                    self.assertExit(spull.finish(process), code)
                    self.assertFiles(scene)


class Addresses(Network):
    def test_ip_version(self):
        """The server listens on 127.0.0.1 alone, and localhost is both."""
        for number, code in ((0, 0), (4, 0), (6, 4)):
            for option in (True, False):
                with self.subTest(number, option=option):
                    scene = self.scene()
                    scene.image(data=SMALL)
                    scene.env["SPULL_REGISTRY"] = scene.server.url(
                        scene.prefix, host="localhost")
                    if not option:
                        scene.rc("ip-version = %d\n" % number)
                    result = scene.run(*(["--ip-version", str(number)]
                                         if option else []), REF)
                    self.assertExit(result, code)
                    self.assertEqual(bool(scene.requests()), code == 0)

    def test_ipv6(self):
        try:
            server = V6Server().start()
        except OSError as why:
            self.skipTest(str(why))
        self.addCleanup(server.stop)
        for number, code in ((0, 0), (6, 0), (4, 4)):
            with self.subTest(number):
                scene = self.scene(server)
                base = server.url(scene.prefix, host="[::1]")
                scene.blob(Reply(SMALL), path="/blobs/x")
                scene.image(data=SMALL, urls=[base + "/blobs/x"])
                result = scene.run("-v", "--ip-version", number, "-r", base,
                                   REF)
                if number == 4 and is_old():
                    continue  # it takes an address as it is
                self.assertExit(result, code)
                if code == 0:
                    self.assertPulled(scene, result, SMALL)
                    self.assertSays(result, "from ::1")


class Manners(Network):
    def test_user_agent(self):
        for what, args, rc, expected in (
                ("default", [], "", r"spull/\d.*"),
                ("option", ["--user-agent", "me/1"], "", "me/1"),
                ("key", [], "user-agent = me/2\n", "me/2")):
            with self.subTest(what):
                scene = self.scene()
                scene.image(data=SMALL)
                scene.rc(rc)
                self.assertPulled(scene, scene.run(*args, REF), SMALL)
                self.assertEqual(len(scene.requests()), 2)
                for request in scene.requests():
                    self.assertRegex(request.header("User-Agent") or "",
                                     "^%s$" % expected)

    def test_limit_rate(self):
        """It holds for one stream, so there is one."""
        for limited in (True, False):
            with self.subTest(limited=limited):
                scene = self.scene()
                relay = self.over_relay(scene, drip=PACE)
                result = scene.run("--connections", "4", "--limit-rate",
                                   "40M" if limited else "0", REF)
                self.assertPulled(scene, result, DATA)
                self.assertEqual(relay.most_open > 1, not limited)
                self.assertEqual(len(scene.blobs()) > 1, not limited)

    def test_limit_rate_at_a_quick_server(self):
        """It is no burst: a machine may be slow, but it can't be quick. Nor is
        what is slow because it was told so taken for stalled."""
        folder = os.path.join(self.folder, "registry")
        made = registry.Registry(folder)
        data = image(MIB)
        made.add(REF, data, size="bytes")
        with Nginx(folder, os.path.join(self.folder, "nginx")) as server:
            scene = self.scene()
            start = time.monotonic()
            self.assertPulled(scene, scene.run(
                "--limit-rate", "400K", "-r", server.base, REF), data)
            self.assertGreater(time.monotonic() - start, 1)
            self.assertFails(self.scene().run(
                "--limit-rate", "800", "--stall-timeout", "1", "--retries",
                "0", "--max-time", "4", "-r", server.base, REF), 4,
                "not done after 4 seconds")

    def test_limit_rate_of_what_is_small(self):
        """From the first byte on, whatever the protocol, and for what comes
        after a retry, too: a machine may be slow, but it can't be quick."""
        folder = os.path.join(self.folder, "registry")
        authority = self.authority()
        made = registry.Registry(folder)
        plain = self.scene()
        with Nginx(folder, os.path.join(self.folder, "nginx"),
                   authority.issue(), http2=True) as two, \
                FaultServer(authority.issue()) as tls:
            made.write("x.sif", SMALL)
            for what, url in (
                    ("http", plain.blob(Reply(SMALL), path="/blobs/1")),
                    ("chunked", plain.blob(Reply(SMALL, length="chunked"),
                                           path="/blobs/2")),
                    ("cut", plain.blob(Blob(SMALL).fault(30000, cut=True),
                                       path="/blobs/3")),
                    ("https", tls.on("/x", Reply(SMALL))),
                    ("http2", two.base + "/x.sif")):
                with self.subTest(what):
                    scene = self.scene()
                    made.add(REF, SMALL, [url], size="bytes")
                    start = time.monotonic()
                    self.assertPulled(scene, scene.run(
                        "--limit-rate", "32K", "--stall-timeout", "1",
                        "--ca-file", authority.ca_file, "-r", folder, REF),
                        SMALL)
                    self.assertGreater(time.monotonic() - start, 1.5)

    def test_limit_rate_and_a_full_disk(self):
        """A piece that waited is refused as any other is."""
        scene = self.scene()
        scene.image(data=image(300000), size="kib")
        result = scene.run("--limit-rate", "400K", REF, wrap=(
            "sh", "-c", "ulimit -f 128; exec \"$@\"", "sh"))
        self.assertFails(result, 7)
        self.assertUnnamed(scene)

    def test_limit_rate_and_a_signal(self):
        """Nobody waits for the next piece to be due."""
        scene = self.scene()
        scene.image(data=DATA, size="bytes")
        process = scene.start("--limit-rate", "1K", REF)
        self.addCleanup(put_down, process)
        self.until("a request", scene.blobs)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        self.assertExit(spull.finish(process), -signal.SIGTERM)

    def test_redirects_with_long_heads(self):
        """What a head may have is for each of them."""
        scene = self.scene()
        policy = [("X-Policy", "p" * 8000)]
        for hop in range(9):
            scene.blob(servers.html("Moved", 302, headers=policy + [
                ("Location", "hop%d" % (hop + 1))]), path="/blobs/hop%d" % hop)
        scene.blob(Reply(SMALL), path="/blobs/hop9")
        scene.image(data=SMALL, urls=[scene.base + "/blobs/hop0"])
        self.assertPulled(scene, scene.run(REF), SMALL)

    def test_max_time(self):
        """For documents and images alike; what came stays for later."""
        def pulls():
            for what in ("manifest", "blob"):
                for number in (1, 4):
                    pull = self.pull(
                        {"what": what},
                        Reply(DATA, etag='"1"', gate=Gate(2 * MIB)), number,
                        "--max-time", "1", "--retries", "5", data=DATA)
                    if what == "manifest":
                        pull.scene.manifest(REF, servers.page(
                            "{}", gate=Gate(1)))
                    yield pull

        def check(pull, result):
            self.assertFails(result, 4)
            self.assertUnnamed(pull.scene)

        self.side_by_side(pulls(), check)

    def test_max_time_of_a_look(self):
        """At what a blob is, where a file is there that may be its image."""
        scene = self.scene()
        scene.put("greeting_latest.sif", image(MIB))
        scene.image(data=DATA, reply=Reply(DATA, gate=Gate(0)))
        result = scene.run("--max-time", "1", "--stall-timeout", "3600", REF)
        self.assertFails(result, 4, "not done after 1 seconds")
        self.assertEqual([request.range for request in scene.blobs()],
                         ["bytes=0-2047"])

    def test_http2(self):
        """Over TLS where it is offered, and a connection each all the same:
        one stream of many shares one window with all others."""
        folder = os.path.join(self.folder, "registry")
        made = registry.Registry(folder)
        authority = self.authority()
        with Nginx(folder, os.path.join(self.folder, "nginx"),
                   authority.issue(), http2=True) as server:
            for number in (1, 4):
                with self.subTest(connections=number):
                    scene = self.scene()
                    relay = self.relay(server.port, blind=True, drip=PACE)
                    made.write("x.sif", DATA)
                    made.add(REF, DATA, [relay.url("/x.sif", "https")],
                             size="bytes")
                    result = scene.run("-v", "--connections", number,
                                       "--ca-file", authority.ca_file, "-r",
                                       server.base, REF)
                    self.assertPulled(scene, result, DATA)
                    self.assertRegex(result.err, r"x\.sif: HTTP/2 20[06]")
                    # An old one is a moment late to close what broke.
                    self.assertLessEqual(relay.most_open, number + is_old())
                    self.assertEqual(relay.most_open > 1, number > 1)

    def test_connections(self):
        """Never more than that, and more than one where that brings more."""
        def pulls():
            for number, how in ((1, "option"), (2, "option"), (3, "option"),
                                (8, "option"), (16, "option"), (2, "key"),
                                (1, "key"), (2, "variable"),
                                (1, "variable")):
                scene = self.scene()
                relay = self.over_relay(scene, drip=PACE)
                scene.rc("connections = %d\n" % number if how == "key"
                         else "")
                pull = Pull({"number": number, "how": how}, scene, DATA,
                            connections=number if how == "option" else None,
                            env={"SPULL_CONNECTIONS": number}
                            if how == "variable" else {})
                pull.relay = relay
                yield pull

        def check(pull, result):
            number = pull.label["number"]
            self.assertPulled(pull.scene, result, DATA)
            self.assertLessEqual(pull.relay.most_open, number)
            self.assertEqual(pull.relay.most_open > 1, number > 1)
            # Each one whose work another takes over may cost something.
            self.assertLessEqual(pull.relay.passed,
                                 SIZE + (CUT if number <= 8 else 2 * CUT))

        self.side_by_side(pulls(), check)

    def test_small_image(self):
        """No second connection for what has come before it would be open."""
        for size in (1000, 1 << 16, 7 * MIB):
            for unit in ("kib", "bytes"):
                with self.subTest(size, unit=unit):
                    scene = self.scene()
                    data = image(size)
                    relay = self.over_relay(scene, data=data, size=unit)
                    self.assertPulled(scene, scene.run(REF), data)
                    self.assertEqual(relay.accepted, 1)
                    self.assertEqual(relay.passed, size)

    def test_reuse(self):
        """Images that come one by one come over one connection."""
        scene = self.scene()
        refs = ["a/%s:%d" % (name, tag) for name in ("b", "c")
                for tag in (1, 2)]
        for number, ref in enumerate(refs):
            scene.image(ref, data=image(1 << 16, seed=number))
        result = scene.run("-v", "-j1", *refs)
        self.assertExit(result, 0)
        self.assertEqual(len(scene.requests()), 8)
        self.assertEqual(len({request.connection
                              for request in scene.requests()}), 1)
        self.assertEqual(result.err.count("new connection"), 1)
        self.assertEqual(result.err.count("reused connection"), 7)

    def test_why_there_is_one_connection(self):
        """-v tells, once."""
        for why, data, args, how in (
                ("the image is small", image(5000), [], {}),
                ("no more are allowed", DATA, ["--connections", "1"], {}),
                ("the rate is limited", DATA, ["--limit-rate", "40M"], {}),
                ("the server ignores ranges", DATA, [],
                 {"ranges": "ignore"})):
            with self.subTest(why):
                scene = self.scene()
                scene.image(data=data, size="bytes", reply=Reply(data, **how))
                result = scene.run("-v", *args, REF)
                self.assertPulled(scene, result, data)
                found = re.findall(r"(?m)^spull: .*one connection.*$",
                                   result.err)
                self.assertEqual(len(found), 1, result)
                self.assertIn(why, found[0])

    @unittest.skipIf(WHY_NO_TRACE, WHY_NO_TRACE)
    def test_a_slow_disk_asks_for_no_more(self):
        """The one that writes carries them all. What is decided before the
        first byte is about the way: where this machine has no time to answer,
        it looks long."""
        scene = self.scene()
        data = image(12 * MIB)
        scene.image(data=data, size="bytes")
        result = scene.run("-v", "--connections", "4", REF,
                           env=spull.without_leaks(),
                           wrap=injected("pwrite64:delay_enter=10000"))
        self.assertPulled(scene, result, data)
        before, said, after = result.err.partition(": downloading ")
        self.assertTrue(said, before)
        self.assertNotIn("connections instead of", after)

    def test_verbose(self):
        """-v names address, protocol, ranges, connections, and decisions."""
        scene = self.scene()
        relay = self.over_relay(scene, drip=PACE, cuts=[3 * MIB])
        hop = scene.on("/hop", redirect(relay.url(scene.prefix + "/blobs/x")))
        scene.image(data=DATA, size="bytes", urls=[hop])
        result = scene.run("-v", "--connections", "4", "--retries", "2", REF)
        self.assertPulled(scene, result, DATA)
        for pattern in (r"manifests/latest/: HTTP/1\.1 200 from 127\.0\.0\.1, "
                        r"new connection",
                        r"/hop: redirected to http://127\.0\.0\.1:%d/"
                        % relay.port,
                        r"blobs/x: HTTP/1\.1 206, bytes 0-\d+ from "
                        r"127\.0\.0\.1, new connection",
                        r"bytes \d+-%d from" % (SIZE - 1),
                        r"\d connections instead of 1",
                        r"closed with \d+ bytes remaining.*(again|going on)"):
            self.assertTrue(re.search(pattern, result.err),
                            (pattern, str(result)))
        self.assertNotIn("connection", scene.run(
            "--connections", "4", "-o", "again.sif", REF).err)


if __name__ == "__main__":
    main()
