#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Over HTTP/2, documents share a connection, and blobs have one each.

nginx speaks it, and passes all on to the fault server, with the number of the
connection that a request came over.
"""

import os
import shutil

from harness import images, registry
from harness.case import Case, main
from harness.engine import CUT, MIB, PACE, SIZE, Blob, image, sent
from harness.http2 import Http2Server
from harness.nginx import Nginx, version
from harness.servers import FaultServer, Meeting, Reply, page

C = "lab/tool"
PASS_ON = """
location / {
    proxy_pass %s;
    proxy_http_version 1.1;
    proxy_set_header X-Connection $connection;
    proxy_set_header X-Protocol $server_protocol;
    proxy_set_header Accept-Encoding "";
}
"""


class Http2(Case):
    def setUp(self):
        super().setUp()
        self.ca = self.authority()
        self.world = self.scene()
        self.refs = ["%s:%d" % (C, number) for number in range(60)]

    def nginx(self, extra=""):
        server = Nginx(self.folder, os.path.join(self.folder, "nginx"),
                       self.ca.issue(), PASS_ON % self.server.url() + extra,
                       http2=True)
        self.addCleanup(server.stop)
        return server

    def skip_old(self):
        if version() < (1, 19, 7):
            self.skipTest("this nginx has its own ideas of HTTP/2")

    def publish(self, base, document=None, blob=None):
        """Images of which the blobs are on the same server; before: what is
        called before a document, or a blob, is sent."""
        found = {}
        for number, ref in enumerate(self.refs):
            data = images.sif(seed=number)
            path = "/blobs/%d" % number
            self.world.on(path, Reply(data, before=blob))
            self.world.manifest(ref, page(registry.manifest_of(
                data, [base + self.world.prefix + path], "bytes"),
                before=document))
            found[ref] = data
        self.world.tags(C, page(registry.tags_page(C, [
            ref.split(":")[1] for ref in self.refs])))
        self.world.put("list", "\n".join(self.refs).encode())
        return found

    def run_on(self, base, *args):
        return self.world.run(*args, "--ca-file", self.ca.ca_file, env={
            "SPULL_REGISTRY": base + self.world.prefix})

    def seen(self, path="/"):
        """The connections of all requests so far, which were by HTTP/2."""
        requests = self.world.requests(path)
        self.assertEqual({request.header("X-Protocol")
                          for request in requests}, {"HTTP/2.0"})
        return [request.header("X-Connection") for request in requests]

    def test_documents_share(self):
        nginx, meeting = self.nginx(), Meeting(8)
        self.publish(nginx.base, document=meeting)
        result = self.run_on(nginx.base, "resolve", "-f", "list")
        self.assertExit(result, 0)
        self.assertEqual(len(result.lines), len(self.refs))
        self.assertEqual(len(set(meeting.met)), 1)
        self.assertEqual(len(set(self.seen())), 1)

    def test_documents_of_a_check_share(self):
        nginx, meeting = self.nginx(), Meeting(16)
        self.publish(nginx.base, document=meeting)
        result = self.run_on(nginx.base, "check", nginx.base +
                             self.world.prefix, C, "--no-blobs", "-j16")
        self.assertExit(result, 0)
        self.assertEqual(len(set(meeting.met)), 1)
        self.assertEqual(len(set(self.seen())), 1)

    def test_blobs_do_not(self):
        for command in (["check", None, C], ["pull", "-f", "list"]):
            with self.subTest(command[0]):
                self.world = self.scene()
                nginx, meeting = self.nginx(), Meeting(8)
                found = self.publish(nginx.base, blob=meeting)
                result = self.run_on(nginx.base, *[
                    word or nginx.base + self.world.prefix
                    for word in command])
                self.assertExit(result, 0)
                self.assertEqual(len(set(meeting.met)), 8, meeting.met)
                self.assertLessEqual(len(set(self.seen("/blobs/"))), 9)
                self.stop(nginx)
        for ref, data in found.items():
            self.assertImage(self.world.path("tool_%s.sif" % ref.split(":")[1]),
                             data)

    @staticmethod
    def stop(nginx):
        nginx.stop()
        shutil.rmtree(nginx.prefix)

    def test_connection_that_ends(self):
        """A server lets go of it after so many requests: none is lost."""
        self.skip_old()
        nginx = self.nginx("keepalive_requests 10;")
        self.publish(nginx.base)
        result = self.run_on(nginx.base, "resolve", "-f", "list",
                             "--retries", "1")
        self.assertExit(result, 0)
        self.assertEqual(len(result.lines), len(self.refs))
        self.assertGreaterEqual(len(set(self.seen())), 6)

    def test_documents_that_break(self):
        """A stream that ends too early is asked for without HTTP/2."""
        self.skip_old()
        nginx = self.nginx()
        self.publish(nginx.base)
        ref = self.refs[3]
        good = registry.manifest_of(images.sif(seed=3), ["x"], "bytes")
        self.world.manifest(ref, lambda request: page(
            good, cut=100 if request.header("X-Protocol") == "HTTP/2.0"
            else None))
        result = self.run_on(nginx.base, "resolve", "-f", "list",
                             "--retries", "1")
        self.assertExit(result, 0)
        self.assertEqual([request.header("X-Protocol") for request in
                          self.world.requests("/%s/manifests/3/" % C)],
                         ["HTTP/2.0", "HTTP/1.1"])

    def test_blobs_that_break(self):
        """What came of a stream is kept, and the rest is asked for without
        HTTP/2; over several connections, too."""
        self.skip_old()
        data = image(SIZE)
        for number in (1, 4):
            with self.subTest(connections=number):
                self.world = self.scene()
                nginx = self.nginx("proxy_buffering off;")
                blob = Blob(data, **({"drip": PACE} if number > 1 else {}))
                blob.fault(5 * MIB, cut=True).fault(7 * MIB, cut=True)
                url = nginx.base + self.world.prefix + "/blobs/x"
                self.world.blob(blob, path="/blobs/x")
                self.world.manifest(C + ":1", page(registry.manifest_of(
                    data, [url], "bytes")))
                result = self.run_on(nginx.base, "-v", "--retries", "1",
                                     "--connections", number, C + ":1")
                self.assertPulled(self.world, result, data, "tool_1.sif")
                found = [request.header("X-Protocol")
                         for request in self.world.blobs()]
                self.assertEqual(found[0], "HTTP/2.0")
                self.assertIn("HTTP/1.1", found)
                self.assertLessEqual(sent(self.world.blobs()),
                                     SIZE + CUT * (2 + number))
                self.stop(nginx)

    def test_a_connection_for_each_answer(self):
        """A server that lets go of a connection after one."""
        self.skip_old()
        self.world = self.scene()
        nginx = self.nginx("keepalive_requests 1;")
        self.refs = self.refs[:8]
        found = self.publish(nginx.base)
        self.assertExit(self.run_on(nginx.base, "--retries", "1", "-f",
                                    "list"), 0)
        for ref, data in found.items():
            self.assertImage(self.world.path("tool_%s.sif" % ref.split(":")[1]),
                             data)
        seen = self.seen()
        self.assertEqual(len(set(seen)), len(seen))

    def test_server_without(self):
        """Then documents have a connection each, and don't wait for long."""
        with FaultServer(self.ca.issue()) as server:
            self.world = self.scene(server)
            meeting = Meeting(8)
            self.publish(server.url(), document=meeting)
            result = self.run_on(server.url(), "resolve", "-f", "list")
            self.assertExit(result, 0)
            self.assertEqual(len(set(meeting.met)), 8)


class Http2Alone(Case):
    """A server that speaks nothing else: what breaks is asked for without
    HTTP/2 once, in vain, and then with it."""

    def setUp(self):
        super().setUp()
        self.ca = self.authority()

    def alone(self, script, body):
        server = Http2Server(self.ca.issue(), script, body).start()
        self.addCleanup(server.stop)
        return server

    SCRIPTS = [(["whole"], 0), (["reset", "whole"], 1),
               (["refuse", "whole"], 0), (["goaway", "whole"], 0),
               (["leave", "whole"], 1), (["reset", "reset", "reset", "whole"], 1)]

    def test_blob(self):
        data = images.sif(60000)
        for script, others in self.SCRIPTS:
            for number in (1, 4):
                with self.subTest(script, connections=number):
                    scene, server = self.scene(), self.alone(script, data)
                    scene.image(data=data, urls=[server.url("/x", "https")])
                    result = scene.run("--retries", "4", "--connections",
                                       number, "--ca-file", self.ca.ca_file,
                                       "-v", "vanessa/greeting")
                    self.assertPulled(scene, result, data)
                    self.assertIn("x: HTTP/2 200", result.err)
                    self.assertLessEqual(server.others, others)

    def test_document(self):
        text = registry.manifest_of(images.sif(), ["x"])
        for script, others in self.SCRIPTS[:-1]:
            with self.subTest(script):
                scene, server = self.scene(), self.alone(script, text)
                result = scene.run("manifest", "--retries", "2", "--ca-file",
                                   self.ca.ca_file, "-r",
                                   server.url(scheme="https"), "lab/tool")
                self.assertJson(result)
                self.assertLessEqual(server.others, others)

    def test_never(self):
        """It ends, as any failure does."""
        scene, server = self.scene(), self.alone(["leave"], b"x" * 100)
        scene.image(urls=[server.url("/x", "https")])
        result = scene.run("--retries", "1", "--ca-file", self.ca.ca_file,
                           "vanessa/greeting")
        self.assertFails(result, 4, str(server.port))


if __name__ == "__main__":
    main()
