#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who is believed, and who is told what: authorities, certificates, headers
and passwords."""

import base64
import os
import subprocess

from harness import registry, servers
from harness.case import main
from harness.engine import REF
from harness.network import DATA, SECRET, SMALL, Network
from harness.servers import FaultServer, Reply, redirect


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


if __name__ == "__main__":
    main()
