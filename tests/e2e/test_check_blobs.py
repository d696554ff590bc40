#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""spull check: blobs that are not what their manifests say, by their first
bytes and by all of them."""

import os
import sys
import time

from harness import images, registry, spull
from harness.case import main
from harness.check import C, Check, layer
from harness.engine import MIB, REF
from harness.nginx import Nginx, version
from harness.servers import FaultServer, Reply, html, not_found, page, redirect

SECRET = "5ecret"


class Blobs(Check):
    DATA = images.sif(200000)

    def test_answers(self):
        data = self.DATA
        shop = html("Buy it here").body
        for codes, reply, size in (
                (["E-blob-missing"], not_found(), "bytes"),
                (["E-blob-missing"], html("Gone", 410), "bytes"),
                (["E-blob-denied"], html("Log in", 403), "bytes"),
                (["E-blob-unreachable"], html("Busy", 503), "bytes"),
                (["E-blob-unreachable"], Reply(data, cut=10), "bytes"),
                (["E-blob-page"], html("Not found"), "bytes"),
                (["E-blob-page"], Reply(shop), len(shop)),
                (["W-blob-type"], Reply(data, type="text/html"), "bytes"),
                (["W-blob-kind"], Reply(images.noise(len(data))), "bytes"),
                (["E-blob-size"], Reply(images.sif(200001)), "bytes"),
                (["E-blob-size"], Reply(images.sif(MIB)), "kib"),
                (["W-size-unit"], Reply(data), "kib"),
                (["W-blob-length"],
                 Reply(data, length="chunked", ranges="ignore"), "bytes")):
            with self.subTest(codes, size=size):
                scene = self.scene()
                self.image(scene, reply, size, data)
                found = self.check(scene)
                if codes == ["W-blob-length"]:
                    codes = codes + ["W-blob-ranges"]
                elif "E-blob-missing" in codes or codes[0] in (
                        "E-blob-denied", "E-blob-unreachable"):
                    codes = codes + ["W-size-unit"]  # nobody can tell
                self.assertFinds(found, *codes)

    def test_unit_is_named(self):
        scene = self.scene()
        self.image(scene, Reply(self.DATA), "kib", self.DATA)
        found = self.assertFinds(self.check(scene), "W-size-unit")
        self.assertIn("200000", found[0].text)

    def test_packed_images(self):
        """What comes out of an archive is what config describes."""
        data = images.gzipped(images.sif())
        config = registry.layer_page(40960, "sha256:" + "1" * 64, None,
                                     registry.CONFIG)
        scene = self.scene()
        self.image(scene, data=data, config=config)
        self.assertFinds(self.check(scene))

    def test_redirects(self):
        scene = self.scene()
        self.image(scene, data=self.DATA)
        for hop in range(12):
            scene.on("/hop/%d" % hop, redirect("%d" % (hop - 1)))
        scene.on("/hop/0", Reply(self.DATA))
        digest = registry.digest_of(self.DATA)
        for hops, codes in ((3, []), (4, ["W-blob-redirects"]),
                            (10, ["W-blob-redirects"]),
                            (11, ["E-blob-redirect", "W-size-unit"])):
            self.publish(scene, [layer(len(self.DATA), digest,
                                       [scene.base + "/hop/%d" % hops])])
            self.assertFinds(self.check(scene), *codes)

    def test_redirect_loop(self):
        scene = self.scene()
        self.image(scene, redirect(""), data=images.sif(2 * MIB))
        self.assertFinds(self.check(scene), "E-blob-redirect")

    def test_https_that_leads_to_http(self):
        authority = self.authority()
        with FaultServer(authority.issue()) as secure:
            scene = self.scene(secure)
            plain = self.server.on("/plain", Reply(self.DATA))
            there = scene.on("/there", redirect(plain))
            digest = registry.digest_of(self.DATA)
            self.publish(scene, [layer(2 * MIB, digest, [plain, there])])
            self.assertFinds(self.check(scene, "--ca-file", authority.ca_file),
                             "E-url", "E-blob-redirect")
            self.assertEqual(self.server.requests("/plain"), [])

    def test_nobody_listens(self):
        scene = self.scene()
        self.publish(scene, [layer(2 * MIB, "sha256:" + "1" * 64,
                                   ["http://127.0.0.1:1/x"])])
        self.assertFinds(self.check(scene), "E-blob-unreachable")

    def test_dead_server_is_waited_for_once(self):
        """Ten blobs of it: not ten times the patience."""
        scene = self.scene()
        data = images.sif()
        urls = [scene.blob(html("Busy", 503), path="/blobs/%d" % number)
                for number in range(10)]
        self.publish(scene, [layer(len(data), registry.digest_of(data), urls)])
        self.assertFinds(self.check(scene, "--retries", "2"),
                         *["E-blob-unreachable"] * 10, "W-size-unit")
        self.assertEqual(len(scene.blobs()), 12)

    def test_server_that_comes_back(self):
        """Once it has answered, it is worth some patience again."""
        scene = self.scene()
        data = images.sif()
        busy = html("Busy", 503)
        urls = [scene.blob(*replies, path="/blobs/%d" % number)
                for number, replies in enumerate(
                    ((busy,), (Reply(data),), (busy, Reply(data))))]
        self.publish(scene, [layer(len(data), registry.digest_of(data), urls)])
        self.assertFinds(self.check(scene, "--retries", "1"),
                         "E-blob-unreachable")

    def test_transient_trouble_is_no_finding(self):
        scene = self.scene()
        url = scene.blob(html("Busy", 503), Reply(self.DATA))
        self.publish(scene, [layer(len(self.DATA),
                                   registry.digest_of(self.DATA), [url])])
        self.assertFinds(self.check(scene, "--retries", "1"))

    def test_expiry(self):
        scene = self.scene()
        data = images.sif()
        digest = registry.digest_of(data)
        blob = scene.blob(Reply(data))
        for query, codes in (
                ("X-Amz-Date=20200101T000000Z&X-Amz-Expires=60"
                 "&X-Amz-Signature=" + SECRET, ["E-url-expired"]),
                ("Expires=%d&Signature=%s" % (time.time() + 86400, SECRET),
                 ["W-url-expires"]),
                ("generation=1&alt=media", [])):
            self.publish(scene, [layer(len(data), digest,
                                       [blob + "?" + query])])
            result = self.check(scene)
            self.assertFinds(result, *codes)
            self.assertNotIn(SECRET, result.out + result.err)

    def test_secret_in_a_url(self):
        scene = self.scene()
        data = images.sif()
        url = scene.blob(Reply(data)).replace("://", "://me:%s@" % SECRET)
        self.publish(scene, [layer(len(data), registry.digest_of(data), [url])])
        result = self.check(scene)
        self.assertFinds(result, "W-url-secret")
        self.assertNotIn(SECRET, result.out + result.err)

    def test_mirrors(self):
        """Each URL is looked at; one that is right does not excuse another."""
        scene = self.scene()
        data = images.sif()
        urls = [scene.blob(reply, path="/blobs/%d" % number)
                for number, reply in enumerate(
                    (not_found(), Reply(data), Reply(data + b"x")))]
        self.publish(scene, [layer(len(data), registry.digest_of(data), urls)])
        found = self.assertFinds(self.check(scene), "E-blob-missing",
                                 "E-blob-size")
        self.assertIn("/blobs/0", found[0].text)
        self.assertIn("/blobs/2", found[1].text)


class Deep(Check):
    def test_wrong_digest(self):
        scene = self.scene()
        data = images.sif(MIB)
        self.image(scene, Reply(images.sif(MIB, seed=1)), data=data)
        self.assertFinds(self.check(scene))
        found = self.assertFinds(self.check(scene, "--deep"), "E-blob-digest")
        self.assertMentions(found[0].text, images.sha256(data),
                            images.sha256(images.sif(MIB, seed=1)))
        self.assertFiles(scene)

    def test_weak_digests_are_compared(self):
        for form, codes in (("md5", []), ("md5-base64", ["W-digest-case"])):
            scene = self.scene()
            data = images.sif()
            self.image(scene, data=data, digest=registry.digest_of(data, form))
            self.assertFinds(self.check(scene, "--deep"), *codes,
                             "E-digest-weak")
            self.image(scene, Reply(images.sif(seed=3)), data=data,
                       digest=registry.digest_of(data, form))
            self.assertFinds(self.check(scene, "--deep"), *codes,
                             "E-digest-weak", "E-blob-digest")

    def test_liars(self):
        """More bytes than are stated are not waited for."""
        def endless():
            while True:
                yield b"x" * 65536

        data = images.sif()
        scene = self.scene()
        self.image(scene, Reply(endless, length="chunked"), data=data)
        result = self.check(scene, "--deep")
        self.assertFinds(result, "W-blob-kind", "W-blob-length", "E-blob-size",
                         "W-blob-ranges")
        # A size may count KiB, and a server that says nothing may be believed
        # no longer.
        bound = len(data) * 1024
        for request in scene.blobs():
            self.assertLess(request.sent, bound + 8 * MIB, request)

    def test_first_bytes_lie_about_the_rest(self):
        """The part says 40,960 bytes in all; the whole has a gigabyte."""
        data = images.sif()

        def answer(request):
            if request.range is not None:
                return Reply(data)
            return Reply(lambda: iter([data] * 26215), length=data and 1 << 30)

        scene = self.scene()
        self.image(scene, answer, data=data)
        self.assertFinds(self.check(scene, "--deep"), "E-blob-size")
        self.assertLess(scene.blobs()[-1].sent, 64 * MIB)

    def test_cut_off_late(self):
        data = images.sif(MIB)

        def answer(request):
            return Reply(data, cut=None if request.range else MIB // 2)

        scene = self.scene()
        self.image(scene, answer, data=data)
        self.assertFinds(self.check(scene, "--deep"), "E-blob-unreachable")

    def test_goes_on_where_it_broke_off(self):
        """Given a validator; a server that then sends all is read afresh."""
        data = images.sif(3 * MIB)
        rest = "bytes=%d-%d" % (MIB, len(data) - 1)
        for what, first, later, asked in (
                ("the rest", '"1"', '"1"', [None, rest]),
                ("no validator", None, None, [None, None]),
                ("it has changed", '"1"', '"2"', [None, rest, None])):
            with self.subTest(what):
                scene = self.scene()
                whole = [Reply(data, etag=first, cut=MIB),
                         Reply(data, etag=later)]

                def answer(request):
                    if (request.range or "").startswith("bytes=0-"):
                        return Reply(data)
                    return whole.pop(0) if len(whole) > 1 else whole[0]

                self.publish(scene, [layer(len(data), registry.digest_of(data),
                                           [scene.blob(answer)])])
                self.assertFinds(self.check(scene, "--deep", "--retries", "2"))
                self.assertEqual([request.range for request in
                                  scene.blobs()[1:]], asked)

    def test_http2_that_breaks(self):
        """What broke over HTTP/2 is asked for again without."""
        data = images.sif(MIB)
        scene = self.scene()
        scene.blob(lambda request: Reply(data, cut=MIB // 2 if request.header(
            "X-Protocol") == "HTTP/2.0" and not request.range else None))
        made = registry.Registry(os.path.join(self.folder, "registry"))
        made.add(REF, data, [scene.prefix + "/blobs/image.sif"], size="bytes")
        authority = self.authority()
        proxy = ("location %s/ { proxy_pass %s; proxy_set_header X-Protocol "
                 "$server_protocol; proxy_http_version 1.1; }"
                 % (scene.prefix, self.server.url()))
        if version() < (1, 19, 7):
            self.skipTest("this nginx has its own ideas of HTTP/2")
        with Nginx(made.folder, os.path.join(self.folder, "nginx"),
                   authority.issue(), proxy, http2=True) as nginx:
            self.assertFinds(scene.run(
                "check", nginx.base, C, "--deep", "--retries", "1",
                "--ca-file", authority.ca_file))
        self.assertEqual([request.header("X-Protocol")
                          for request in scene.blobs()],
                         ["HTTP/2.0", "HTTP/2.0", "HTTP/1.1"])

    def test_each_blob_is_read_once(self):
        scene = self.scene()
        data = self.image(scene, tags=("a", "b", "c"))
        result = self.check(scene, "--deep")
        self.assertFinds(result)
        self.assertEqual([request.sent == len(data)
                          for request in scene.blobs()], [False, True])
        self.assertSays(result, "3 manifests, 1 blob:")

    def test_a_wrong_size_does_not_hide_a_wrong_digest(self):
        """The first manifest keeps the blob from being read; not the next."""
        scene = self.scene()
        data = images.sif()
        url = scene.blob(Reply(images.sif(seed=1)))
        scene.tags(C, page(registry.tags_page(C, ["a", "b"])))
        for tag, size in (("a", 3 * MIB), ("b", len(data))):
            scene.manifest("%s:%s" % (C, tag), page(registry.manifest_page(
                [layer(size, registry.digest_of(data), [url])],
                registry.layer_page(None, None, None, registry.CONFIG))))
        self.assertFinds(self.check(scene, "--deep"), "E-blob-size",
                         "E-blob-digest")

    def test_memory_is_flat(self):
        if spull.has_sanitizer():
            self.skipTest("memory means little with a sanitizer")
        data = images.sif(96 * MIB, payload=images.pattern)
        scene = self.scene()
        self.image(scene, data=data)
        script = ("import resource, subprocess, sys\n"
                  "code = subprocess.call(sys.argv[1:])\n"
                  "print(resource.getrusage(resource.RUSAGE_CHILDREN)"
                  ".ru_maxrss)\nsys.exit(code)\n")
        result = self.check(scene, "--deep",
                            wrap=[sys.executable, "-c", script])
        self.assertExit(result, 0)
        self.assertLess(int(result.lines[-1]), 48 * 1024)

    def test_files(self):
        made = registry.Registry(os.path.join(self.folder, "registry"))
        made.add(REF, images.sif(), size="bytes")
        made.write(C + "/manifests/latest/image.sif", images.sif(seed=1))
        scene = self.scene()
        self.assertFinds(scene.run("check", made.folder))
        self.assertFinds(scene.run("check", made.folder, "--deep"),
                         "E-blob-digest")

    def test_interrupted(self):
        data = images.sif(MIB)
        scene = self.scene()
        self.image(scene, Reply(data, drip=(1024, 0.2)), data=data)
        process = scene.start("check", scene.base, C, "--deep")
        while len(scene.blobs()) < 2:
            time.sleep(0.01)
        process.terminate()
        self.assertEqual(spull.finish(process).code, -15)


if __name__ == "__main__":
    main()
