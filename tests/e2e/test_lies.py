#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers that lie, stall and never end."""

import itertools

from harness import images, registry, servers
from harness.case import Case, main
from harness.engine import MIB, REF
from harness.servers import Gate, Reply, page, redirect

# What the kernels at both ends may hold before anybody reads it.
BUFFERS = 32 * MIB


def endless(piece):
    """A body without end."""
    return lambda: itertools.repeat(piece)


class Blobs(Case):
    def test_wrong_digest(self):
        data, other = images.sif(seed=1), images.sif(seed=2)
        flipped = data[:20000] + bytes([data[20000] ^ 1]) + data[20001:]
        for what, sent in (("other image", other), ("one bit", flipped)):
            for length in (True, None, "chunked"):
                with self.subTest(what, length=length):
                    scene = self.scene()
                    scene.image(data=data, reply=Reply(sent, length=length))
                    self.assertFails(
                        scene.run(REF), 5, "expected", images.sha256(data),
                        images.sha256(sent), "127.0.0.1")
                    self.assertFiles(scene)

    def test_wrong_digest_under_a_pin(self):
        scene = self.scene()
        data = scene.image(reply=Reply(images.sif(seed=2)))
        self.assertFails(scene.run(REF + "@sha256:" + images.sha256(data)), 5,
                         images.sha256(data))
        self.assertFiles(scene)

    def test_announced_length_is_refused_before_the_body(self):
        """The gate stays shut: who waits for one byte waits for ever."""
        data = images.sif()
        for what, size, length in (
                ("longer than the bytes", "bytes", len(data) + 1),
                ("shorter than the bytes", "bytes", len(data) - 1),
                ("longer than the KiB", "kib", len(data) + 4096),
                ("a petabyte", "kib", 1 << 50)):
            with self.subTest(what):
                scene, gate = self.scene(), Gate(0)
                scene.image(data=data, size=size,
                            reply=Reply(data, length=length, gate=gate,
                                        ranges="ignore"))
                result = scene.run("--stall-timeout", "5", REF)
                gate.open()
                self.assertFails(result, 5, "size", str(length))
                self.assertEqual(scene.blobs()[0].sent, 0)
                self.assertFiles(scene)

    def test_endless_body(self):
        for length in (None, "chunked"):
            with self.subTest(length):
                scene = self.scene()
                scene.image(reply=Reply(endless(bytes(65536)), length=length))
                self.assertFails(scene.run(REF), 5, "size")
                self.assertFiles(scene)
                self.assertLess(scene.blobs()[0].sent, BUFFERS)

    def test_error_page_without_end(self):
        for status, code in ((404, 3), (403, 6), (500, 4)):
            with self.subTest(status):
                scene = self.scene()
                scene.image(reply=Reply(endless(bytes(65536)), status,
                                        length="chunked"))
                self.assertFails(scene.run(REF), code, str(status))
                self.assertLess(scene.blobs()[0].sent, BUFFERS)

    def test_truncated(self):
        data = images.sif()
        for what, code, reply in (
                ("closed", 4, Reply(data, cut=30000)),
                ("reset", 4, Reply(data, cut=30000, reset=True)),
                ("closed, chunked", 4, Reply(data, cut=30000,
                                             length="chunked")),
                ("one byte missing", 4, Reply(data[:-1], length=len(data))),
                ("no length to compare with", 5, Reply(data[:30000],
                                                       length=None)),
                ("short by its own account", 5, Reply(data[:-5000]))):
            with self.subTest(what):
                scene = self.scene()
                scene.image(data=data, reply=[reply,
                                              servers.html("Busy", 503)])
                self.assertFails(scene.run(REF), code)
                self.assertUnnamed(scene)

    def test_more_than_announced(self):
        """What follows the announced bytes is not part of the body."""
        scene = self.scene()
        data = images.sif()
        scene.image(data=data, reply=Reply(data + b"more", length=len(data)))
        self.assertPulled(scene, scene.run(REF), data)

    def test_part_that_nobody_asked_for(self):
        scene = self.scene()
        data = images.sif()
        scene.image(data=data, reply=Reply(
            data, 206, headers=[("Content-Range", "bytes 0-%d/%d"
                                 % (len(data) - 1, len(data) + 1))]))
        self.assertIn(scene.run(REF).code, (4, 5))
        self.assertUnnamed(scene)

    def test_encoded_blob(self):
        """A blob is what was sent: nobody unpacks a bomb beside the bound."""
        scene = self.scene()
        data = images.gzipped(bytes(64 * MIB))
        scene.image(data=data, reply=Reply(
            data, headers=[("Content-Encoding", "gzip")]))
        result = scene.run("--no-unpack", REF)
        self.assertPulled(scene, result, data)

    def test_web_page_instead(self):
        scene = self.scene()
        scene.image(reply=servers.html("This build artifact has expired"))
        self.assertFails(scene.run(REF), 5, "web page")
        self.assertFiles(scene)

    def test_stalled(self):
        data = images.sif()
        for at in (0, 1000):
            with self.subTest(at):
                scene, gate = self.scene(), Gate(at)
                scene.image(data=data, reply=Reply(data, gate=gate))
                result = scene.run("--stall-timeout", "1", REF)
                gate.open()
                self.assertFails(result, 4, "127.0.0.1")
                self.assertUnnamed(scene)

    def test_slow_but_moving(self):
        """Longer than the stall timer, but never under its rate."""
        scene = self.scene()
        data = images.sif(64 << 10)
        scene.image(data=data, reply=Reply(data, drip=(8192, 0.4)))
        self.assertPulled(scene, scene.run("--stall-timeout", "2", REF), data)


class Documents(Case):
    COMMANDS = [["pull", REF], ["tags", "vanessa/greeting"]]
    IMPATIENT = [command + ["--stall-timeout", "1"] for command in COMMANDS]

    def refused(self, reply, code, *words, commands=None):
        """Runs commands against the same document for all paths."""
        found = []
        for command in commands or self.COMMANDS:
            with self.subTest(command[0]):
                scene = self.scene()
                made = reply()
                scene.manifest(REF, made)
                scene.tags("vanessa/greeting", made)
                self.assertFails(scene.run(*command), code, *words)
                self.assertFiles(scene)
                found += scene.requests()
        return found

    def test_endless_document(self):
        for length in (None, "chunked"):
            requests = self.refused(lambda length=length: Reply(
                endless(b" " * 65536), length=length), 5, "127.0.0.1")
            for request in requests:
                self.assertLess(request.sent, BUFFERS)

    def test_announced_document_is_refused_before_the_body(self):
        for request in self.refused(lambda: Reply(
                b"{}", length=1 << 40, gate=Gate(0)), 5, "127.0.0.1",
                commands=[command + ["--stall-timeout", "5"]
                          for command in self.COMMANDS]):
            self.assertEqual(request.sent, 0)

    def test_endless_head(self):
        self.refused(lambda: Reply(lines=lambda: (
            b"X-%d: %s\r\n" % (number, b"x" * 1000)
            for number in itertools.count())), 5, "127.0.0.1")

    def test_endless_header_line(self):
        self.refused(lambda: Reply(lines=lambda: itertools.chain(
            [b"X-Long: "], itertools.repeat(b"x" * 65536))), 5, "127.0.0.1")

    def test_gzip_bomb(self):
        bomb = b" " * (64 * MIB)
        packed = images.gzipped(bomb)
        self.refused(lambda: Reply(packed, headers=[
            ("Content-Encoding", "gzip")]), 5, "127.0.0.1")

    def test_broken_gzip(self):
        packed = images.gzipped(b'{"layers": []}' * 100)
        for what, body in (("cut", packed[:-20]), ("noise", b"\x1f\x8b" +
                                                   images.noise(500)),
                           ("plain", b"{}")):
            for command in self.COMMANDS:
                with self.subTest(what, command=command[0]):
                    scene = self.scene()
                    reply = Reply(body, headers=[("Content-Encoding", "gzip")])
                    scene.manifest(REF, reply)
                    scene.tags("vanessa/greeting", reply)
                    self.assertIn(scene.run(*command).code, (4, 5))

    def test_deep_json(self):
        for what, text in (
                ("lists", '{"layers": ' + "[" * 200000),
                ("closed lists", '{"layers": %s%s}' % ("[" * 200000,
                                                       "]" * 200000)),
                ("objects", '{"a":' * 100000),
                ("a little too deep", '{"layers": %s%s}' % ("[" * 40,
                                                            "]" * 40))):
            with self.subTest(what):
                self.refused(lambda text=text: page(text), 5)

    def test_wide_json(self):
        """Many urls, many layers, many tags: an error, not memory."""
        data = images.sif()
        self.refused(lambda: page(registry.manifest_of(
            data, ["/blobs/%d" % n for n in range(20000)])), 5,
            commands=[["pull", REF]])
        self.refused(lambda: page(registry.tags_page(
            "vanessa/greeting", ["t%d" % n for n in range(200000)])), 5,
            commands=[["tags", "vanessa/greeting"]])

    def test_long_url(self):
        scene = self.scene()
        scene.image(urls=[scene.base + "/" + "x" * 20000])
        self.assertFails(scene.run(REF), 5)

    def test_redirect_loop(self):
        for what, target in (("to itself", "/loop"), ("in a circle", "/a")):
            with self.subTest(what):
                scene = self.scene()
                loop = scene.on("/loop", redirect("loop"))
                scene.on("/a", redirect("b"))
                scene.on("/b", redirect("a"))
                scene.image(urls=[loop if target == "/loop"
                                  else scene.base + "/a"])
                self.assertFails(scene.run(REF), 4, "redirect")
                self.assertLess(len(scene.requests()), 20)
                self.assertFiles(scene)
        scene = self.scene()
        scene.manifest(REF, redirect("."))
        self.assertFails(scene.run(REF), 4, "redirect")
        self.assertLess(len(scene.requests()), 40)

    def test_redirect_to_nowhere(self):
        for what, headers in (("no Location", []),
                              ("empty Location", [("Location", "")]),
                              ("no address", [("Location", "http://")]),
                              ("odd port", [("Location", "http://x:99999/")])):
            with self.subTest(what):
                scene = self.scene()
                scene.image(reply=servers.html("Moved", 302, headers=headers))
                self.assertIn(scene.run(REF).code, (4, 5))
                self.assertFiles(scene)

    def test_slow_document(self):
        for at in (0, 5):
            self.refused(
                lambda at=at: page('{"layers": []}', gate=Gate(at)), 4,
                "127.0.0.1", commands=self.IMPATIENT)

    def test_cut_document(self):
        for reset in (False, True):
            self.refused(lambda reset=reset: page(
                '{"layers": []}' + " " * 1000, cut=500, reset=reset), 4,
                "127.0.0.1")


if __name__ == "__main__":
    main()
