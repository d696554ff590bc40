#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proxies for http, for https, and by SOCKS: which is asked, what it says."""

import os
import time

from harness import registry, servers
from harness.case import main
from harness.engine import CUT, MIB, REF, SIZE, Blob, sent
from harness.network import DATA, SECRET, SMALL, Network
from harness.relay import Socks
from harness.servers import Reply


class Proxies(Network):
    def test_plain_http(self):
        """One connection and one span after the other: the proxy would get
        the whole for each of several. Not even for a moment is there a second
        one, though it takes its time to answer."""
        for number in (1, 4):
            with self.subTest(connections=number):
                scene, proxy = self.scene(), self.proxy()
                scene.image(data=DATA, size="bytes", reply=Reply(
                    DATA, etag='"1"', drip=(1 << 16, 0.004),
                    before=lambda _: time.sleep(0.2)))
                result = scene.run("-v", "--connections", number, "--proxy",
                                   proxy.url(), REF)
                self.assertPulled(scene, result, DATA)
                self.assertSays(result, "by a proxy")
                self.assertEqual(proxy.most_open, 1)
                self.assertEqual(
                    [target for _, target in proxy.seen],
                    [self.server.url(request.target)
                     for request in scene.requests()])
                self.assertEqual(sent(scene.blobs()), SIZE)

    def test_on_the_servers_port(self):
        """Nothing tells the two apart but what is asked."""
        scene = self.scene()
        proxy = self.proxy(host="127.0.0.2", port=self.server.port)
        scene.image(data=DATA, size="bytes", reply=Reply(
            DATA, etag='"1"', drip=(1 << 16, 0.004)))
        result = scene.run("-v", "--connections", "4", "--proxy", proxy.url(),
                           REF)
        self.assertPulled(scene, result, DATA)
        self.assertSays(result, "by a proxy",
                        "one connection, because there is a proxy")
        self.assertEqual(proxy.most_open, 1)

    def test_that_asks_who(self):
        """It is the proxy that wants a password, and that gets it."""
        authority = self.authority()
        tls = self.server_of(certificate=authority.issue())
        for server in (self.server, tls):
            for user in ("", "me:wrong@", "me:%s@" % SECRET):
                with self.subTest(server.scheme, user=user):
                    scene = self.scene(server)
                    proxy = self.proxy(user="me:" + SECRET)
                    scene.image(data=SMALL)
                    result = scene.run(
                        "-v", "--retries", "2", "--ca-file",
                        authority.ca_file, "--proxy",
                        proxy.url().replace("://", "://" + user), REF)
                    self.assertNotIn(SECRET, result.err)
                    if SECRET in user:
                        self.assertPulled(scene, result, SMALL)
                        continue
                    self.assertFails(result, 6, "the proxy answers", "407",
                                     "hint: a user and a password")
                    self.assertLessEqual(len(proxy.seen), 2)
                    self.assertEqual(scene.requests(), [])

    def test_https(self):
        """CONNECT: nobody in between sees the requests, so spans may come
        side by side."""
        authority = self.authority()
        server = self.server_of(certificate=authority.issue())
        for number in (1, 4):
            with self.subTest(connections=number):
                scene, proxy = self.scene(server), self.proxy()
                scene.image(data=DATA, size="bytes",
                            reply=Reply(DATA, etag='"1"', drip=(1 << 16,
                                                                0.004)))
                result = scene.run("--connections", number, "--proxy",
                                   proxy.url(), "--ca-file",
                                   authority.ca_file, REF)
                self.assertPulled(scene, result, DATA)
                self.assertEqual(set(proxy.seen), {
                    ("CONNECT", "127.0.0.1:%d" % server.port)})
                self.assertLessEqual(proxy.most_open, number)
                self.assertEqual(proxy.most_open > 1, number > 1)
                self.assertEqual({request.status for request
                                  in scene.blobs()}, {206} if number > 1
                                 else {200})

    def test_tunnel_of_its_own(self):
        """What a proxy says to CONNECT is no answer to what is asked through
        the tunnel: on a new connection, too, what came is gone on with."""
        authority = self.authority()
        server = self.server_of(certificate=authority.issue())
        for number in (1, 4):
            with self.subTest(connections=number):
                scene, proxy = self.scene(), self.proxy()
                path = "/%d" % number
                scene.image(data=DATA, size="bytes", urls=[server.on(
                    path, Blob(DATA).fault(5 * MIB, cut=True))])
                result = scene.run(
                    "-v", "--connections", number, "--retries", "1", "--proxy",
                    proxy.url(), "--ca-file", authority.ca_file, REF)
                self.assertPulled(scene, result, DATA)
                self.assertNotIn("ignores ranges", result.err)
                self.assertLessEqual(sent(server.requests(path)),
                                     SIZE + 4 * CUT)

    def test_refused_tunnel(self):
        """It is the proxy that says no; what is missing is not the image."""
        for status, code, tries in ((407, 6, 1), (403, 6, 1), (404, 4, 1),
                                    (405, 4, 1), (502, 4, 2), (503, 4, 2)):
            with self.subTest(status):
                scene, proxy = self.scene(), self.proxy(refusal=status)
                scene.image(data=DATA, urls=["https://127.0.0.1:9/x"])
                result = scene.run("--proxy", proxy.url(), "--retries", "1",
                                   REF)
                self.assertFails(result, code, "127.0.0.1:9", "the proxy",
                                 str(status))
                self.assertEqual(
                    [method for method, _ in proxy.seen].count("CONNECT"),
                    tries)

    def test_who_decides(self):
        """The option over our variable over spullrc over curl's variables;
        "none" is one of the values."""
        for what, args, env, rc, used in (
                ("nothing", [], {}, "", False),
                ("http_proxy", [], {"http_proxy": "P"}, "", True),
                ("all_proxy", [], {"all_proxy": "P"}, "", True),
                ("ALL_PROXY", [], {"ALL_PROXY": "P"}, "", True),
                # A web server's clients could set this one: httpoxy.
                ("HTTP_PROXY", [], {"HTTP_PROXY": "P"}, "", False),
                ("https_proxy", [], {"https_proxy": "P"}, "", False),
                ("no_proxy", [], {"http_proxy": "P",
                                  "no_proxy": "x.example,127.0.0.1"}, "",
                 False),
                ("NO_PROXY", [], {"http_proxy": "P", "NO_PROXY": "*"}, "",
                 False),
                ("another's no_proxy", [], {"http_proxy": "P",
                                            "no_proxy": "example.org"}, "",
                 True),
                ("none", ["--proxy", "none"], {"http_proxy": "P"}, "", False),
                ("none for all", ["--proxy", "none"], {"all_proxy": "P"}, "",
                 False),
                ("option", ["--proxy", "P"], {}, "", True),
                ("option over the environment", ["--proxy", "P"],
                 {"http_proxy": "http://127.0.0.1:1"}, "", True),
                ("option over our variable", ["--proxy", "P"],
                 {"SPULL_PROXY": "none"}, "proxy = none\n", True),
                ("our variable", [], {"SPULL_PROXY": "P"}, "", True),
                ("our variable over spullrc", [], {"SPULL_PROXY": "none"},
                 "proxy = P\n", False),
                ("spullrc", [], {}, "proxy = P\n", True),
                ("none in spullrc", [], {"http_proxy": "P"},
                 "proxy = none\n", False)):
            with self.subTest(what):
                scene, proxy = self.scene(), self.proxy()
                scene.image(data=SMALL)

                def place(text, proxy=proxy):
                    return proxy.url() if text == "P" else text

                scene.rc(rc.replace("P\n", proxy.url() + "\n"))
                result = scene.run(
                    *map(place, args), REF,
                    env={name: place(text) for name, text in env.items()})
                self.assertPulled(scene, result, SMALL)
                self.assertEqual(len(proxy.seen), 2 if used else 0)

    def test_dead_proxy(self):
        port, holder = servers.unused_port()
        self.addCleanup(holder.close)
        scene = self.scene()
        scene.image(data=SMALL)
        result = scene.run("--proxy", "http://me:%s@127.0.0.1:%d" % (
            SECRET, port), "-v", REF)
        self.assertFails(result, 4, str(port))
        self.assertNotIn(SECRET, result.err)
        self.assertEqual(scene.requests(), [])


class SocksProxies(Network):
    def pull(self, proxy, data=SMALL, user="", scheme="socks5h", args=(),
             env=None, **how):
        """A pull of which the blob alone comes by the proxy."""
        folder = os.path.join(self.folder, "registry-%d" % next(self.numbers))
        scene = self.scene()
        url = scene.blob(Reply(data, etag='"1"', **how), path="/blobs/x")
        registry.Registry(folder).add(REF, data, [url], size="bytes")
        address = proxy.url(scheme=scheme).replace("://", "://" + user)
        result = scene.run(
            "-v", "-r", folder, "--retries", "1", *args,
            *(() if env else ("--proxy", address)), REF,
            env={name: address for name in env or ()})
        return scene, result

    def test_several_connections(self):
        """Such a proxy sees no requests, plain http or not."""
        for scheme, env in (("socks5", None), ("socks5h", None),
                            ("socks5h", ["all_proxy"])):
            with self.subTest(scheme, env=env):
                proxy = self.proxy(Socks)
                scene, result = self.pull(
                    proxy, DATA, drip=(1 << 16, 0.004), scheme=scheme,
                    args=("--connections", "4"), env=env)
                self.assertPulled(scene, result, DATA)
                self.assertGreater(proxy.most_open, 1)
                self.assertNotIn("by a proxy", result.err)

    def test_replies(self):
        """What it says of the way from there to the server may pass, as it
        does from here (RFC 1928, section 6)."""
        for reply, code in ((1, 0), (2, 6), (3, 0), (4, 0), (5, 0), (6, 0),
                            (7, 4), (8, 4)):
            with self.subTest(reply):
                proxy = self.proxy(Socks, replies=[reply])
                scene, result = self.pull(proxy)
                self.assertEqual(proxy.asked, 1 if code else 2)
                if code == 0:
                    self.assertPulled(scene, result, SMALL)
                else:
                    self.assertFails(result, code, "the proxy", "SOCKS5")

    def test_that_asks_who(self):
        for user, code in (("", 6), ("me:wrong@", 6), ("me:%s@" % SECRET, 0)):
            with self.subTest(user):
                proxy = self.proxy(Socks, user="me:" + SECRET)
                scene, result = self.pull(proxy, user=user)
                self.assertNotIn(SECRET, result.err)
                if code == 0:
                    self.assertPulled(scene, result, SMALL)
                    continue
                self.assertFails(result, code, "the proxy",
                                 "hint: a user and a password")
                self.assertEqual(proxy.accepted, 1)

    def test_dead(self):
        port, holder = servers.unused_port()
        self.addCleanup(holder.close)
        scene = self.scene()
        scene.image(data=SMALL)
        self.assertFails(scene.run("--proxy", "socks5h://127.0.0.1:%d" % port,
                                   REF), 4, str(port))


if __name__ == "__main__":
    main()
