#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The way to the servers: proxies, addresses, trust, credentials, and how many
connections there are."""

import base64
import ctypes
import os
import re
import signal
import socket
import subprocess
import time

from harness import registry, servers, spull
from harness.case import main
from harness.engine import (CUT, MIB, REF, SIZE, Blob, Engine, Pull, image,
                            put_down, sent)
from harness.nginx import Nginx
from harness.preload import preload
from harness.relay import Proxy, Relay, Socks
from harness.servers import FaultServer, Gate, Reply, redirect

DATA = image(SIZE)
SMALL = image(1 << 16)
PACE = (1 << 15, 0.002)
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


class V6Server(FaultServer):
    address_family = socket.AF_INET6
    address = "::1"


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


class Credentials(Network):
    def setUp(self):
        super().setUp()
        self.other = self.server_of()  # the same host, another port

    def places(self, seen):
        """(what, who saw it) for each way that leads to a blob. seen says
        whether the registry's origin is to have it."""
        for what, urls, hops in (
                ("the registry's", lambda scene: [scene.base + "/blobs/x"],
                 None),
                ("relative", lambda scene: [scene.prefix + "/blobs/x"], None),
                ("another port", lambda scene: [
                    self.other.url(scene.prefix + "/blobs/x")], None),
                ("another host", lambda scene: [self.server.url(
                    scene.prefix + "/blobs/x", host="localhost")], None),
                ("redirected to another port", lambda scene: [
                    scene.base + "/blobs/hop"],
                 lambda scene: self.other.url(scene.prefix + "/blobs/x")),
                ("redirected to another host", lambda scene: [
                    scene.base + "/blobs/hop"],
                 lambda scene: self.server.url(scene.prefix + "/blobs/x",
                                               host="localhost"))):
            scene = self.scene()
            scene.image(data=SMALL, urls=urls(scene))
            for server in (self.server, self.other):
                server.on(scene.prefix + "/blobs/x", Reply(SMALL))
            if hops is not None:
                scene.blob(redirect(hops(scene)), path="/blobs/hop")
            with self.subTest(what):
                yield scene
                self.check(scene, seen)

    def check(self, scene, seen):
        """Only what went to the registry's own origin has it."""
        requests = scene.requests() + self.other.requests(scene.prefix)
        self.assertGreater(len(requests), 1)
        for request in requests:
            home = request.header("Host") == "127.0.0.1:%d" % self.server.port
            found = [name for name, value in request.headers
                     if SECRET in value]
            self.assertEqual(bool(found), seen and home,
                             (request, request.headers))

    def test_header(self):
        for scene in self.places(True):
            result = scene.run("-v", "--header", "X-Token: " + SECRET, REF)
            self.assertPulled(scene, result, SMALL)
            self.assertNotIn(SECRET, result.err)

    def test_header_of_a_section(self):
        text = "[registry lab]\nurl = %s\nheader = X-Token: " + SECRET + \
            "\nheader = Authorization: Bearer " + SECRET + "\n"
        for scene in self.places(True):
            scene.rc(text % scene.base)
            result = scene.run("-v", "-r", "lab", REF)
            self.assertPulled(scene, result, SMALL)
            self.assertNotIn(SECRET, result.err)
            first = scene.requests()[0]
            self.assertEqual((first.header("X-Token"),
                              first.header("Authorization")),
                             (SECRET, "Bearer " + SECRET))

    def test_header_of_a_section_by_other_spellings(self):
        for scene in self.places(True):
            here = scene.base.replace("http", "HTTP", 1) + "//"
            for one, other in ((scene.base, here), (here, scene.base)):
                scene.rc("[registry lab]\nurl = %s\nheader = X-Token: %s\n"
                         % (one, SECRET))
                self.assertExit(scene.run("-r", other, REF), 0)

    def test_header_of_another_section(self):
        for scene in self.places(False):
            scene.rc("[registry lab]\nurl = %s\n[registry other]\nurl = "
                     "http://127.0.0.1:1\nheader = X-Token: %s\n"
                     % (scene.base, SECRET))
            self.assertPulled(scene, scene.run("-r", "lab", REF), SMALL)

    def test_header_with_a_redirected_registry(self):
        """The document is at another origin: so is what it gets."""
        scene = self.scene()
        text = registry.manifest_of(SMALL, [self.other.url("/blobs/x")])
        self.other.on("/blobs/x", Reply(SMALL))
        scene.manifest(REF, redirect(self.other.on("/moved",
                                                   servers.page(text))))
        result = scene.run("--header", "X-Token: " + SECRET, REF)
        self.assertPulled(scene, result, SMALL)
        self.assertEqual(scene.requests()[0].header("X-Token"), SECRET)
        for request in self.other.requests():
            self.assertIsNone(request.header("X-Token"), request)

    def test_header_with_each_span(self):
        """Of all connections, not only the first."""
        scene = self.scene()
        scene.image(data=DATA, size="bytes",
                    reply=Reply(DATA, etag='"1"', drip=(1 << 16, 0.004)))
        result = scene.run("--connections", "4", "--header",
                           "X-Token: " + SECRET, REF)
        self.assertPulled(scene, result, DATA)
        self.assertGreater(len(scene.blobs()), 1)
        for request in scene.requests():
            self.assertEqual(request.header("X-Token"), SECRET, request)

    NETRC = "machine 127.0.0.1 login me password %s\n" % SECRET
    BASIC = "Basic " + base64.b64encode(b"me:" + SECRET.encode()).decode()

    def test_netrc(self):
        """For the hosts in it, whatever their port, and for no others; when
        asked, and never else."""
        for how in ("option", "file", "key", "variable", "not asked"):
            for host in ("127.0.0.1", "localhost"):
                with self.subTest(how, blob=host):
                    scene = self.scene()
                    self.netrc(scene, how)
                    scene.blob(Reply(SMALL), path="/blobs/x")
                    scene.image(data=SMALL, urls=[self.server.url(
                        scene.prefix + "/blobs/x", host=host)])
                    args = {"option": ["--netrc"], "file": [
                        "--netrc-file", os.path.join(scene.folder, "netrc")]}
                    env = {"SPULL_NETRC": "yes"} if how == "variable" else {}
                    result = scene.run("-v", *args.get(how, []), REF, env=env)
                    self.assertPulled(scene, result, SMALL)
                    self.assertNotIn(SECRET, result.err)
                    for request in scene.requests():
                        known = request.header("Host").startswith("127.")
                        self.assertEqual(
                            request.header("Authorization"), self.BASIC
                            if known and how != "not asked" else None,
                            request)

    def netrc(self, scene, how):
        path = os.path.join(scene.home, ".netrc") if how != "file" else \
            os.path.join(scene.folder, "netrc")
        with open(path, "w") as file:
            file.write(self.NETRC)
        os.chmod(path, 0o600)
        if how == "key":
            scene.rc("netrc = yes\n")

    def test_netrc_and_redirects(self):
        scene = self.scene()
        self.netrc(scene, "option")
        scene.blob(Reply(SMALL), path="/blobs/x")
        hop = scene.on("/blobs/hop", redirect(self.server.url(
            scene.prefix + "/blobs/x", host="localhost")))
        scene.image(data=SMALL, urls=[hop])
        self.assertPulled(scene, scene.run("--netrc", REF), SMALL)
        self.assertEqual(
            [request.header("Authorization") for request in scene.requests()],
            [self.BASIC, self.BASIC, None])

    def test_netrc_that_is_not_there(self):
        """Who asks for it expects something of it."""
        for args, name in ((["--netrc"], ".netrc"),
                           (["--netrc-file", "/nowhere/netrc"],
                            "/nowhere/netrc")):
            with self.subTest(args):
                scene = self.scene()
                scene.image(data=SMALL)
                self.assertFails(scene.run(*args, REF), 2, name)
                self.assertEqual(scene.requests(), [])


class Trust(Network):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ca = cls.authority()
        cls.certificate = cls.ca.issue()
        cls.tls = FaultServer(cls.certificate).start()
        cls.addClassCleanup(cls.tls.stop)
        cls.ca_dir = os.path.join(cls.ca.folder, "dir")
        os.mkdir(cls.ca_dir)
        os.symlink(cls.ca.ca_file, os.path.join(cls.ca_dir, "ca.pem"))
        subprocess.run(["openssl", "rehash", cls.ca_dir], check=True)

    def test_authorities(self):
        for what, args, env, rc, trusted in (
                ("nothing", [], {}, "", False),
                ("file", ["--ca-file", self.ca.ca_file], {}, "", True),
                ("directory", ["--ca-dir", self.ca_dir], {}, "", True),
                ("key", [], {}, "ca-file = %s\n" % self.ca.ca_file, True),
                ("key for a directory", [], {}, "ca-dir = %s\n" % self.ca_dir,
                 True),
                ("variable", [], {"SPULL_CA_FILE": self.ca.ca_file}, "",
                 True),
                ("curl's variable", [], {"CURL_CA_BUNDLE": self.ca.ca_file},
                 "", True),
                ("openssl's variable", [], {"SSL_CERT_FILE": self.ca.ca_file},
                 "", True),
                ("openssl's directory", [], {"SSL_CERT_DIR": self.ca_dir}, "",
                 True),
                ("another's", ["--ca-file", self.another()],
                 {"CURL_CA_BUNDLE": self.ca.ca_file}, "", False)):
            with self.subTest(what):
                scene = self.scene(self.tls)
                scene.image(data=SMALL)
                scene.rc(rc)
                result = scene.run("--retries", "3", *args, REF, env=env)
                if trusted:
                    self.assertPulled(scene, result, SMALL)
                else:
                    # OpenSSL 1.1.1 has its own words for a signature.
                    self.assertFails(result, 4, *(
                        ["ASN1"] if "ASN1_item_verify" in result.err
                        else ["certificate", "--ca-file"]))
                    self.assertEqual(scene.requests(), [])

    def another(self):
        return self.authority().ca_file

    def test_wrong_name(self):
        server = self.server_of(certificate=self.ca.issue("DNS:other.example"))
        scene = self.scene(server)
        scene.image(data=SMALL)
        self.assertFails(scene.run("--ca-file", self.ca.ca_file, REF), 4,
                         "127.0.0.1")
        self.assertEqual(scene.requests(), [])

    def test_expired(self):
        """No other try makes it younger."""
        server = self.server_of(certificate=self.ca.issue(days=-1))
        for where in ("manifest", "blob"):
            with self.subTest(where):
                scene = self.scene(server if where == "manifest" else None)
                scene.image(data=SMALL, urls=[server.url("/x")])
                result = scene.run("-v", "--retries", "3", "--ca-file",
                                   self.ca.ca_file, REF)
                self.assertFails(result, 4, "expired", str(server.port))
                self.assertNotIn("again", result.err)

    def test_client_certificate(self):
        ours = self.ca.issue("DNS:client.example")
        both = os.path.join(self.folder, "both.pem")
        with open(both, "w") as file:
            for path in ours:
                with open(path) as part:
                    file.write(part.read())
        server = self.server_of(certificate=self.certificate,
                                client_ca=self.ca.ca_file)
        for what, args, rc, code in (
                ("none", [], "", 4),
                ("two files", ["--client-cert", ours[0], "--client-key",
                               ours[1]], "", 0),
                ("one file", ["--client-cert", both], "", 0),
                ("keys", [], "client-cert = %s\nclient-key = %s\n" % ours, 0),
                ("another's key", ["--client-cert", ours[0], "--client-key",
                                   self.certificate[1]], "", 4)):
            with self.subTest(what):
                scene = self.scene(server)
                scene.image(data=SMALL)
                scene.rc(rc)
                result = scene.run("--ca-file", self.ca.ca_file, *args, REF)
                if code == 0:
                    self.assertPulled(scene, result, SMALL)
                else:
                    self.assertFails(result, code, "127.0.0.1")
                    self.assertEqual(scene.requests(), [])

    def test_client_certificate_stays_at_home(self):
        """Another origin wants one, too, and gets none; directly or by a
        redirect."""
        ours = self.ca.issue("DNS:client.example")
        strict = self.server_of(certificate=self.certificate,
                                client_ca=self.ca.ca_file)
        url = strict.on("/x", Reply(SMALL))
        for what, make in (("url", lambda scene: url),
                           ("redirect", lambda scene: scene.on(
                               "/blobs/hop", redirect(url)))):
            with self.subTest(what):
                scene = self.scene(self.tls)
                scene.image(data=SMALL, urls=[make(scene)])
                result = scene.run("--ca-file", self.ca.ca_file,
                                   "--client-cert", ours[0], "--client-key",
                                   ours[1], REF)
                self.assertFails(result, 4, str(strict.port))
                self.assertEqual(strict.requests(), [])


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
            self.assertLessEqual(pull.relay.passed, SIZE + CUT)

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
