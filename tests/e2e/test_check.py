#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""spull check: each code is found where it should be, and none where not.

At the end the file holds itself to it: a code of lib/finding.h that no test
here has seen is a failure.
"""

import json
import os
import re
import resource
import sys
import threading
import time

from harness import images, memory, registry, spull
from harness.archives import bad, good, zeros
from harness.case import Case, main
from harness.nginx import Nginx, version
from harness.servers import (FaultServer, Gate, Meeting, Reply, html,
                             not_found, page, redirect)

C = "vanessa/greeting"
REF = C + ":latest"
LINE = re.compile(r"(.+?): (note|warning|error) ([NWE]-[a-z-]+): (.+)")
SEVERITY = {"N": "note", "W": "warning", "E": "error"}
HERE = os.path.dirname(os.path.abspath(__file__))
SEEN = set()
MIB = 1 << 20
SECRET = "5ecret"


class Finding:
    def __init__(self, place, severity, code, text):
        self.place, self.severity = place, severity
        self.code, self.text = code, text
        assert severity == SEVERITY[code[0]], code
        SEEN.add(code)


def layer(size, digest, urls, **more):
    return registry.layer_page(size, digest, urls, **more)


class Check(Case):
    def findings(self, result):
        """Each line of stdout is one."""
        self.assertPrintable(result)
        matches = [LINE.fullmatch(line) for line in result.lines]
        self.assertNotIn(None, matches, result)
        return [Finding(*match.groups()) for match in matches]

    def assertFinds(self, result, *codes, status=None):
        """These codes in this order, and the exit status that they mean."""
        found = self.findings(result)
        self.assertEqual([finding.code for finding in found], list(codes),
                         result)
        if status is None:
            status = 5 if any(code[0] == "E" for code in codes) else 0
        self.assertExit(result, status)
        return found

    def publish(self, scene, layers, config=None, tags=("latest",)):
        """A tag list, and the same manifest for all tags."""
        scene.tags(C, page(registry.tags_page(C, tags)))
        for tag in tags:
            scene.manifest("%s:%s" % (C, tag), page(registry.manifest_page(
                layers, config or registry.layer_page(
                    None, None, None, registry.CONFIG))))

    def image(self, scene, reply=None, size="bytes", data=None, **more):
        """One image as it should be, but for what is said."""
        data = images.sif() if data is None else data
        url = scene.blob(reply or Reply(data), path="/blobs/%d" % len(data))
        stated = {"bytes": len(data), "kib": registry.kib(data)}.get(size, size)
        digest = more.pop("digest", registry.digest_of(data))
        self.publish(scene, [layer(stated, digest, more.pop("urls", [url]))],
                     **more)
        return data

    def check(self, scene, *args, names=(C,), **more):
        return scene.run("check", scene.base, *names, *args, **more)


class Clean(Check):
    def tree(self):
        """Two containers, three tags; blobs lie beside their manifests."""
        made = registry.Registry(os.path.join(self.folder, "registry"))
        for seed, ref in enumerate((REF, C + ":old", "lab/deep/solver:2.1")):
            made.add(ref, images.sif(seed=seed), size="bytes")
        return made.folder

    def test_directory(self):
        tree = self.tree()
        before = spull.files(tree)
        scene = self.scene()
        for args in ((), ("--deep",), ("--no-blobs", "-q"), ("--json",)):
            for names in ((), (C, "lab/deep/solver"), (REF,)):
                with self.subTest(args=args, names=names):
                    result = scene.run("check", tree, *names, *args)
                    if "--no-blobs" not in args:
                        self.assertFinds(result)
        self.assertEqual(spull.files(tree), before)
        self.assertFiles(scene)

    def test_nginx(self):
        scene = self.scene()
        with Nginx(self.tree(), os.path.join(self.folder, "nginx")) as nginx:
            for args in ((), ("--deep", "--strict")):
                self.assertFinds(scene.run("check", nginx.base, C,
                                           "lab/deep/solver", *args))

    def test_server_without_ranges(self):
        scene = self.scene()
        self.image(scene, Reply(images.sif(), ranges="ignore"))
        for args in ((), ("--deep",)):
            self.assertFinds(self.check(scene, *args), "W-blob-ranges")

    def test_server_with_odd_ranges(self):
        for ranges in ("wrong", "refuse"):
            with self.subTest(ranges):
                scene = self.scene()
                self.image(scene, Reply(images.sif(), ranges=ranges))
                self.assertFinds(self.check(scene, "--deep"), "W-blob-ranges")

    def test_names_from_spullrc(self):
        scene = self.scene()
        scene.rc("[registry lab]\nurl = %s\n" % self.tree())
        self.assertFinds(scene.run("check", "lab"))
        self.assertFails(scene.run("check", "labs"), 2, "labs", "lab")

    def test_header_goes_to_the_registry(self):
        scene = self.scene()
        self.image(scene)
        scene.rc("[registry lab]\nurl = %s\nheader = X-Key: 1\n" % scene.base)
        self.assertFinds(scene.run("check", "lab", C))
        self.assertEqual(scene.requests()[0].header("X-Key"), "1")

    def test_summary(self):
        scene = self.scene()
        result = scene.run("check", self.tree())
        self.assertSays(result, "2 containers, 3 manifests, 3 blobs: 0 errors, "
                                "0 warnings, 0 notes")
        self.assertEqual(scene.run("check", self.tree(), "-q").err, "")

    def test_small_requests(self):
        """No HEAD, one part of a blob, one connection."""
        scene = self.scene()
        self.image(scene)
        self.assertFinds(self.check(scene))
        self.assertEqual([request.method for request in scene.requests()],
                         ["GET"] * 3)
        self.assertEqual(len(scene.blobs()), 1)
        self.assertRegex(scene.blobs()[0].range, r"^bytes=0-\d{3,4}$")
        self.assertEqual(len({request.connection
                              for request in scene.requests()}), 1)

    def test_documents_only(self):
        scene = self.scene()
        self.image(scene, data=images.sif(MIB))
        self.assertFinds(self.check(scene, "--no-blobs"))
        self.assertEqual(scene.blobs(), [])

    def test_place_is_as_the_registry_was_named(self):
        scene = self.scene()
        tree = self.tree()
        os.remove(os.path.join(tree, C, "manifests/latest/image.sif"))
        for named, place in ((tree, tree + "/"), (".", ""), ("../registry/",
                                                             "../registry/")):
            result = scene.run("check", named, cwd=tree)
            found = self.assertFinds(result, "E-blob-missing", "W-size-unit")
            self.assertEqual(found[0].place,
                             place + C + "/manifests/latest/index.html")


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


class Archives(Check):
    """--deep also looks into what has to be unpacked."""

    IMAGE = images.sif(200000)

    def setUp(self):
        super().setUp()
        self.scratch = os.path.join(self.folder, "scratch")
        os.mkdir(self.scratch)

    def packed(self, blob, image=None, reply=None, **config):
        """config says of the image what is given, or what is true."""
        scene = self.scene()
        size = config.get("size", image and len(image))
        digest = config.get("digest", image and registry.digest_of(image))
        self.image(scene, reply or Reply(blob), data=blob,
                   config=registry.layer_page(size, digest, None,
                                              registry.CONFIG))
        return scene

    def deep(self, scene, *args, env=None, **more):
        return self.check(scene, "--deep", *args, env=dict(
            {"TMPDIR": self.scratch}, **(env or {})), **more)

    def assertNothingLeft(self, scene):
        self.assertEqual(os.listdir(self.scratch), [])
        self.assertFiles(scene)

    def test_sound(self):
        for what, blob in good().items():
            for image in (self.IMAGE, None):
                with self.subTest(what, stated=image is not None):
                    scene = self.packed(blob, image)
                    self.assertFinds(self.deep(scene, "--strict"))
                    self.assertNothingLeft(scene)

    def test_what_pull_would_refuse(self):
        """The same archives, for the same reasons."""
        for what, blob, *words in bad():
            with self.subTest(what):
                scene = self.packed(blob)
                found = self.assertFinds(self.deep(scene), "E-unpack")
                self.assertMentions(found[0].text, "/blobs/", *words)
                self.assertNothingLeft(scene)
                self.assertFinds(self.check(scene))

    def test_another_image(self):
        other = images.sif(200000, seed=1)
        scene = self.packed(images.gzipped(self.IMAGE), other)
        found = self.assertFinds(self.deep(scene), "E-unpack-digest")
        self.assertMentions(found[0].text, images.sha256(self.IMAGE),
                            images.sha256(other), "gzip file", "/blobs/")

    def test_sizes(self):
        blob = images.gzipped(self.IMAGE)
        for size, codes in ((registry.kib(self.IMAGE), []),
                            (7 * MIB, ["W-unpack-size"]),
                            (199999, ["W-unpack-size"]), (100, ["E-unpack"])):
            with self.subTest(size):
                scene = self.packed(blob, self.IMAGE, size=size)
                self.assertFinds(self.deep(scene), *codes)

    def test_config_that_says_nothing(self):
        """Of an image, only another sha256 than the layer's does."""
        blob = images.gzipped(self.IMAGE)
        for digest in (registry.digest_of(images.sif(), "md5"),
                       registry.digest_of(blob)):
            scene = self.packed(blob, digest=digest, size=len(blob))
            self.assertFinds(self.deep(scene))

    def test_only_what_is_proven(self):
        scene = self.packed(images.gzipped(self.IMAGE), images.sif())
        blob = images.gzipped(images.sif(200000, seed=2))
        self.image(scene, Reply(blob), data=blob,
                   digest="sha256:" + "1" * 64)
        self.assertFinds(self.deep(scene), "E-blob-digest")

    def test_each_manifest_by_its_own_config(self):
        scene = self.scene()
        blob = images.gzipped(self.IMAGE)
        url = scene.blob(Reply(blob))
        configs = {"a": images.sif(), "b": self.IMAGE, "c": images.sif(seed=1)}
        scene.tags(C, page(registry.tags_page(C, configs)))
        for tag, image in configs.items():
            scene.manifest("%s:%s" % (C, tag), page(registry.manifest_page(
                [layer(len(blob), registry.digest_of(blob), [url])],
                registry.layer_page(None, registry.digest_of(image), None,
                                    registry.CONFIG))))
        found = self.assertFinds(self.deep(scene), *["E-unpack-digest"] * 2)
        self.assertEqual([finding.place.split("/")[-2] for finding in found],
                         ["a", "c"])
        self.assertEqual(len(scene.blobs()), 2)

    def test_in_a_directory(self):
        made = registry.Registry(os.path.join(self.folder, "registry"))
        scene = self.scene()
        for blob, codes in ((images.gzipped(self.IMAGE), []),
                            (images.gzipped(b"text"), ["E-unpack"])):
            made.tags.clear()
            made.add(REF, blob, size="bytes")
            self.assertFinds(scene.run("check", made.folder, "--deep", env={
                "TMPDIR": "/nowhere"}), *codes)

    def test_not_where_pull_would_not(self):
        scene = self.packed(images.gzipped(b"no image"))
        self.assertFinds(self.deep(scene, env={"SPULL_UNPACK": "no"}))
        scene = self.packed(images.gzipped(self.IMAGE))
        found = self.assertFinds(self.deep(scene, env={
            "SPULL_UNPACK_MAX": "100K"}), "E-unpack")
        self.assertIn("the maximum set", found[0].text)

    def test_goes_on_where_it_broke_off(self):
        """The file has the bytes in order, however they came."""
        image = images.sif(3 * MIB)
        blob = images.gzipped(image)
        for etag in ('"1"', None):
            whole = [Reply(blob, etag=etag, cut=MIB), Reply(blob, etag=etag)]

            def answer(request):
                if (request.range or "").startswith("bytes=0-"):
                    return Reply(blob)
                return whole.pop(0) if len(whole) > 1 else whole[0]

            scene = self.packed(blob, image, answer)
            self.assertFinds(self.deep(scene, "--retries", "1"))
            self.assertNothingLeft(scene)

    def test_no_place(self):
        scene = self.packed(images.gzipped(self.IMAGE))
        result = self.deep(scene, env={"TMPDIR": "/no/where"})
        self.assertFinds(result, status=7)
        self.assertSays(result, "/no/where", "TMPDIR")

    def test_full_disk(self):
        blob = images.gzipped(images.sif(4 * MIB))
        scene = self.packed(blob)
        result = self.deep(scene, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (MIB, MIB)))
        self.assertFinds(result, status=7)
        self.assertNothingLeft(scene)

    def test_killed(self):
        """The file has no name at any moment."""
        blob = images.gzipped(images.sif(4 * MIB))
        gate = Gate(MIB)
        scene = self.packed(blob, reply=lambda request: Reply(
            blob, gate=None if request.range else gate))
        process = scene.start("check", scene.base, C, "--deep",
                              env={"TMPDIR": self.scratch})
        gate.wait_reached()
        self.assertNothingLeft(scene)
        process.kill()
        spull.finish(process)
        self.assertNothingLeft(scene)

    def test_bomb(self):
        blob = zeros(300)
        scene = self.packed(blob)
        log = os.path.join(scene.folder, "peak")
        found = self.assertFinds(self.deep(
            scene, wrap=memory.measured(log)), "E-unpack")
        self.assertIn("more than any image has", found[0].text)
        if not spull.has_sanitizer():
            self.assertLess(memory.peak(log), 40 * 1024)


class AtOnce(Check):
    """Several are asked at once; the findings do not show it."""

    TAGS = ["%d" % number for number in range(40)]

    def connections(self, scene):
        return len({request.connection for request in scene.requests()})

    def many(self, scene, **more):
        """A container with a blob for each tag."""
        scene.tags(C, page(registry.tags_page(C, self.TAGS)))
        for tag in self.TAGS:
            scene.image("%s:%s" % (C, tag), images.sif(seed=int(tag)),
                        size="bytes", **more)

    def test_manifests(self):
        for jobs in (2, 8, 16):
            with self.subTest(jobs):
                scene, meeting = self.scene(), Meeting(jobs)
                scene.tags(C, page(registry.tags_page(C, self.TAGS)))
                for tag in self.TAGS:
                    scene.manifest("%s:%s" % (C, tag),
                                   page("-@", before=meeting))
                self.assertFinds(self.check(scene, "--jobs", jobs),
                                 *["E-tag-phantom"] * len(self.TAGS))
                self.assertTrue(meeting.met)
                self.assertEqual(self.connections(scene), jobs)

    def test_blobs(self):
        scene, meeting = self.scene(), Meeting(8)
        self.many(scene, reply=Reply(images.sif(), before=meeting))
        self.check(scene)
        self.assertTrue(meeting.met)
        self.assertEqual(self.connections(scene), 8)

    def test_lists(self):
        scene, meeting = self.scene(), Meeting(4)
        names = ["a/%s" % tag for tag in self.TAGS]
        for name in names:
            scene.tags(name, page(registry.tags_page(name, []),
                                  before=meeting))
        self.assertFinds(self.check(scene, "-j4", names=names))
        self.assertTrue(meeting.met)
        self.assertEqual(self.connections(scene), 4)

    def test_blobs_of_a_directory(self):
        """A tag in each of many containers, as in the first registry."""
        scene, meeting = self.scene(), Meeting(8)
        made = registry.Registry(os.path.join(self.folder, "registry"))
        for tag in self.TAGS:
            data = images.sif(seed=int(tag))
            url = scene.blob(Reply(data, before=meeting), path="/b/" + tag)
            made.add("lab/c%s:1" % tag, data, [url], size="bytes")
        self.assertFinds(scene.run("check", made.folder))
        self.assertTrue(meeting.met)
        self.assertEqual(self.connections(scene), 8)

    def test_one_at_a_time(self):
        scene = self.scene()
        self.many(scene)
        self.assertFinds(self.check(scene, "-j1"))
        self.assertEqual(self.connections(scene), 1)
        for jobs in ("0", "17"):
            self.assertFails(self.check(scene, "--jobs", jobs), 2, "jobs")

    def test_whole_blobs_one_by_one(self):
        """Starts side by side; what is long has the link for itself."""
        scene = self.scene()
        busy, most = [], []

        def reply(data):
            def body():
                busy.append(data)
                most.append(len(busy))
                yield data[:-1]
                busy.remove(data)
                yield data[-1:]

            return lambda request: Reply(data) if request.range else \
                Reply(body, length=len(data))

        scene.tags(C, page(registry.tags_page(C, self.TAGS)))
        for tag in self.TAGS:
            data = images.sif(seed=int(tag))
            scene.image("%s:%s" % (C, tag), data, reply(data), size="bytes")
        self.assertFinds(self.check(scene, "--deep"))
        self.assertEqual(most, [1] * len(self.TAGS))

    def test_order_is_that_of_the_list(self):
        """The first is the last to be answered."""
        scene = self.scene()
        last = threading.Event()
        self.many(scene, reply=not_found())
        for tag in self.TAGS[:7]:
            scene.image("%s:%s" % (C, tag), images.sif(seed=int(tag)),
                        html("No", 403, before=lambda _: last.wait(
                            spull.TIMEOUT)), size="bytes")
        scene.blob(not_found(), path="/blobs/%s/7" % C)
        scene.blob(html("Gone", 410, before=lambda _: last.set()),
                   path="/blobs/%s/20" % C)
        found = self.findings(self.check(scene, "-j8"))
        self.assertEqual([finding.place.split("/")[-2] for finding in found
                          if finding.code != "W-size-unit"], self.TAGS)
        self.assertEqual([finding.code for finding in found][:14:2],
                         ["E-blob-denied"] * 7)

    def test_output_is_that_of_one(self):
        """Same words, same order, same counts, whatever --jobs says."""
        scene = self.scene()
        tags = self.TAGS + ["none", "two words", "0"]
        data = images.sif()
        blobs = [scene.blob(Reply(data), path="/blobs/%d" % number)
                 for number in range(3)]
        scene.tags(C, page(registry.tags_page("a/b", tags)))
        for tag in self.TAGS:
            number = int(tag)
            scene.manifest("%s:%s" % (C, tag), page(registry.manifest_page([
                layer(len(data) + (number % 4 == 0), registry.digest_of(
                    data if number % 3 else data * 2),
                    blobs[:1 + number % 3] + [scene.base + "/no/" + tag])],
                registry.layer_page(None, None, None, registry.CONFIG))))
        for args in ((), ("--deep",), ("--json", "--deep"), ("--no-blobs",)):
            names = [C, "no/such", C, C + ":7"]
            one = self.check(scene, "-j1", *args, names=names)
            self.assertExit(one, 3)
            for jobs in ("3", "16"):
                many = self.check(scene, "-j", jobs, *args, names=names)
                self.assertEqual((many.code, many.out, many.err),
                                 (one.code, one.out, one.err))

    def test_does_not_run_away(self):
        """While nothing can be told, no more than so much is looked at."""
        scene = self.scene()
        tags = [str(number) for number in range(100)]
        scene.tags(C, page(registry.tags_page(C, tags)))
        gate = Gate()
        scene.manifest(C + ":0", page("-@", gate=gate))
        process = scene.start("check", scene.base, C)
        end = time.monotonic() + spull.TIMEOUT
        while len(self.asked(scene)) < 32 and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.2)  # for those that must not come
        self.assertEqual(len(self.asked(scene)), 32)
        gate.open()
        self.assertFinds(spull.finish(process), *["E-tag-phantom"] * 100)

    @staticmethod
    def asked(scene):
        return {request.path for request in scene.requests()
                if "/manifests/" in request.path
                and not request.path.endswith("index.html")}

    def test_interrupted(self):
        """However many are waited for, it ends at once and by the signal."""
        scene = self.scene()
        gates = [Gate() for _ in self.TAGS]
        self.many(scene)
        for tag, gate in zip(self.TAGS, gates):
            self.addCleanup(gate.open)
            scene.blob(Reply(images.sif(), gate=gate),
                       path="/blobs/%s/%s" % (C, tag))
        process = scene.start("check", scene.base, C, "-j4")
        for gate in gates[:4]:
            gate.wait_reached()
        process.terminate()
        self.assertEqual(spull.finish(process).code, -15)
        self.assertEqual(len(scene.blobs()), 4)

    def test_one_request_for_a_blob_of_many(self):
        """Those who come for what is asked for already wait for the answer."""
        scene = self.scene()
        data = images.sif()
        gate = Gate()
        self.image(scene, Reply(data, gate=gate), data=data, tags=self.TAGS)
        process = scene.start("check", scene.base, C, "--deep")
        gate.wait_reached()
        gate.open()
        result = spull.finish(process)
        self.assertFinds(result)
        self.assertEqual(len(scene.blobs()), 2)
        self.assertSays(result, "40 manifests, 1 blob:")

    def test_lost_server_does_not_take_the_rest_along(self):
        """What was asked for after it is not told; other containers are."""
        scene = self.scene()
        scene.tags("a/b", page(registry.tags_page("a/b", self.TAGS)))
        scene.manifest("a/b:0", Reply(b"{", cut=0))
        self.many(scene)
        result = self.check(scene, "--retries", "0", names=["a/b", C])
        self.assertFinds(result, "E-unreachable", status=4)
        self.assertSays(result, "2 containers, 40 manifests, 40 blobs: 1 error")


class Documents(Check):
    def test_manifests(self):
        data = images.sif()
        digest = registry.digest_of(data)
        other = registry.digest_of(b"")
        md5 = registry.digest_of(data, "md5")
        for what, codes, make in (
                ("none", ["E-tag-phantom"], lambda url: not_found()),
                ("a page", ["E-tag-phantom"], lambda url: html("Nothing")),
                ("nothing", ["E-tag-phantom"], lambda url: page("-@")),
                ("broken", ["E-unreachable"], lambda url: html("No", 500)),
                ("cut", ["E-json"], lambda url: page('{"layers": [')),
                ("endless", ["E-document"],
                 lambda url: Reply(b"{" + b" " * (5 * MIB))),
                ("no layers", ["W-schema", "E-layers"],
                 lambda url: page("{}")),
                ("two", ["E-layers"], lambda url: [
                    layer(len(data), digest, [url])] * 2),
                ("no size", ["E-size"], lambda url: [
                    layer(None, digest, [url])]),
                ("no digest", ["E-digest"], lambda url: [
                    layer(len(data), None, [url])]),
                ("short", ["E-digest"], lambda url: [
                    layer(len(data), "sha256:12", [url])]),
                ("md5", ["E-digest-weak"], lambda url: [
                    layer(len(data), md5, [url])]),
                ("upper case", ["W-digest-case"], lambda url: [
                    layer(len(data), registry.digest_of(data, "SHA256"),
                          [url])]),
                ("no urls", ["E-urls", "W-size-unit"], lambda url: [
                    layer(len(data), digest, None)]),
                ("a bad url", ["E-url", "W-size-unit"], lambda url: [
                    layer(len(data), digest, ["ftp://h/x"])]),
                ("another type", ["W-media-type"], lambda url: [
                    layer(len(data), digest, [url], media_type="x/y")]),
                ("twice", ["W-json-key"], lambda url: page(
                    registry.manifest_page([layer(len(data), digest, [url])],
                                           '{}').replace(
                        b'"schemaVersion": 2', b'"schemaVersion": 2, '
                        b'"schemaVersion": 2'))),
                ("a tab", ["W-json-strict"], lambda url: page(
                    registry.manifest_page([layer(len(data), digest, [url])],
                                           '{"a": "\t"}'))),
                ("no config", ["W-config"], lambda url: page(
                    registry.manifest_page([layer(len(data), digest, [url])],
                                           '[]'))),
                ("config", ["W-config-size", "W-config-digest"],
                 lambda url: page(registry.manifest_page(
                     [layer(len(data), digest, [url])],
                     registry.layer_page(1234, other, None,
                                         registry.CONFIG))))):
            with self.subTest(what):
                scene = self.scene()
                made = make(scene.blob(Reply(data)))
                if isinstance(made, list):
                    self.publish(scene, made)
                else:
                    scene.tags(C, page(registry.tags_page(C, ["latest"])))
                    scene.manifest(REF, made)
                found = self.assertFinds(self.check(scene), *codes)
                place = "/tags/" if "E-tag-phantom" in codes else \
                    "/manifests/latest/"
                self.assertEqual({finding.place for finding in found},
                                 {scene.base + "/" + C + place})

    def test_tag_lists(self):
        data = images.sif()
        for text, codes in (
                ('{"name": "%s", "tags": ["latest", "README.md"]}' % C,
                 ["W-tag-stranger"]),
                ('{"name": "a/b", "tags": ["latest"]}', ["W-tags-name"]),
                ('{"tags": ["latest", "latest"]}', ["W-tag-twice"]),
                ('{"tags": "latest"}', ["E-tags"]),
                ('[', ["E-json"]),
                ('{"tags": 7}', ["E-tags"]),
                ('{"tags": ["latest", "nope"]}', ["E-tag-phantom"])):
            with self.subTest(text):
                scene = self.scene()
                self.image(scene, data=data)
                scene.tags(C, page(text))
                self.assertFinds(self.check(scene), *codes)

    def test_one_tag(self):
        scene = self.scene()
        self.image(scene)
        self.assertFinds(self.check(scene, names=[REF]))
        scene.tags(C, page(registry.tags_page(C, ["other"])))
        self.assertFinds(self.check(scene, names=[REF]), "W-tag-unlisted")
        self.assertFinds(self.check(scene, names=[C + ":other"]),
                         "E-tag-phantom", status=3)
        self.assertFinds(self.check(scene, names=[C + ":neither"]),
                         "E-document", status=3)

    def test_hostile_text(self):
        """Whatever a document says stays on its line."""
        evil = "\\u001b[2J\\u202e\\n\\rE-json: x"
        scene = self.scene()
        scene.tags(C, page('{"name": "%s", "tags": ["latest", "%s"]}'
                           % (evil, evil)))
        scene.manifest(REF, page(
            '{"schemaVersion": 2, "mediaType": "%s", "%s": 1, "%s": 2, '
            '"layers": [{"size": 2000000, "digest": "%s:%s", "urls": ["%s"]}]}'
            % (evil, evil, evil, "sha512", evil, evil)))
        codes = ["W-tags-name", "W-tag-stranger", "W-json-key", "W-media-type",
                 "E-digest-weak", "E-url"]
        self.assertFinds(self.check(scene), *codes)
        result = self.check(scene, "--json")
        self.assertPrintable(result)
        self.assertEqual([json.loads(line)["code"] for line in result.lines],
                         codes)

    def test_huge_text(self):
        scene = self.scene()
        scene.tags(C, page(json.dumps({"name": "x" * MIB, "tags": [
            "%d/%s" % (number, "y" * 1000) for number in range(2000)]})))
        result = self.check(scene)
        self.assertFinds(result, "W-tags-name", *["W-tag-stranger"] * 99,
                         "N-more")
        self.assertSays(result, "2001 warnings, 1 note")
        self.assertLess(len(result.out), 300000)

    def test_order_is_stable(self):
        scene = self.scene()
        self.image(scene, not_found(), tags=["c", "a", "b"])
        first = self.check(scene)
        self.assertEqual([finding.place.split("/")[-2]
                          for finding in self.findings(first)][::2],
                         ["c", "a", "b"])
        self.assertEqual(self.check(scene).out, first.out)


class Status(Check):
    def test_strict(self):
        scene = self.scene()
        self.image(scene, size="kib")
        self.assertFinds(self.check(scene), "W-size-unit", status=0)
        self.assertFinds(self.check(scene, "--strict"), "W-size-unit",
                         status=5)

    def test_no_such_container(self):
        scene = self.scene()
        self.image(scene)
        result = self.check(scene, names=["a/b", C])
        self.assertFinds(result, "E-tags-missing", status=3)
        self.assertSays(result, "a/b", "404", "2 containers, 1 manifest,")

    def test_no_server(self):
        scene = self.scene()
        result = scene.run("check", "http://127.0.0.1:1", C)
        found = self.assertFinds(result, "E-unreachable", status=4)
        self.assertIn("failed to connect", found[0].text.lower())

    def test_server_goes_away(self):
        """What a lost server has is not asked for tag by tag."""
        scene = self.scene()
        scene.tags(C, page(registry.tags_page(C, ["a", "b", "c"])))
        scene.manifest(C + ":a", Reply(b"{", cut=0))
        result = self.check(scene)
        self.assertFinds(result, "E-unreachable", status=4)

    def test_denied(self):
        scene = self.scene()
        scene.tags(C, html("No", 403))
        scene.on("/%s/tags/index.html" % C, html("No", 403))
        self.assertFinds(self.check(scene), "E-tags-missing", status=6)

    def test_names_are_needed(self):
        scene = self.scene()
        self.assertFails(self.check(scene, names=[]), 2, "COLLECTION/NAME")
        self.assertEqual(scene.requests(), [])

    def test_usage(self):
        scene = self.scene()
        for args in ((), (scene.base, "vanessa"), (scene.base, C, "a/b c"),
                     (scene.base, "http://other/a/b"),
                     (scene.base, REF + "@sha256:" + "1" * 64),
                     ("--deep", "--no-blobs", scene.base, C),
                     ("-r", scene.base, C)):
            with self.subTest(args):
                self.assertFails(scene.run("check", *args), 2)
        self.assertEqual(scene.requests(), [])

    def test_no_such_directory(self):
        scene = self.scene()
        for where, code in (("./nowhere", 3), (scene.put("file", b""), 3)):
            self.assertFails(scene.run("check", where), code)
        self.assertFails(scene.run("check", "."), 3, "no container")
        result = scene.run("check", ".", C)
        self.assertFinds(result, "E-tags-missing", status=3)
        self.assertSays(result, C)

    def test_json(self):
        scene = self.scene()
        self.image(scene, size="kib")
        result = self.check(scene, "--json")
        found = self.assertJson(result)
        self.assertEqual(sorted(found), ["code", "place", "reference",
                                         "severity", "text"])
        self.assertEqual(self.check(scene, "--json", names=["no/such"]).code, 3)
        self.assertEqual((found["code"], found["severity"],
                          found["reference"], found["place"]),
                         ("W-size-unit", "warning", REF, "%s/%s/manifests/"
                          "latest/" % (scene.base, C)))

    def test_reader_that_leaves(self):
        """Nothing is asked for any more, and it is no success."""
        scene = self.scene()
        scene.tags(C, page(registry.tags_page(C, [str(number) for number in
                                                  range(400)])))
        gate = Gate()
        scene.manifest(C + ":9", page("-@", gate=gate))
        process = scene.start("check", scene.base, C)
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        gate.open()
        self.assertEqual(spull.finish(process).code, -13)
        self.assertLess(len(scene.requests()), 300)


class Tree(Check):
    """A registry in a directory."""

    def setUp(self):
        super().setUp()
        self.made = registry.Registry(os.path.join(self.folder, "registry"))
        self.root = self.made.folder
        self.world = self.scene()

    def run_check(self, *args):
        return self.world.run("check", self.root, *args)

    def add(self, ref=REF, **more):
        self.made.add(ref, images.sif(), size="bytes", **more)

    def link(self, to, name):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(to, path)


class Folders(Tree):
    """What only a directory can show."""

    def test_unlisted(self):
        self.add()
        self.add(C + ":old")
        self.made.write(C + "/tags/index.html",
                        registry.tags_page(C, ["old", "gone"]))
        found = self.assertFinds(self.run_check(), "E-tag-phantom",
                                 "W-tag-unlisted")
        self.assertEqual([finding.place[len(self.root) + 1:]
                          for finding in found],
                         [C + "/tags/index.html",
                          C + "/manifests/latest/index.html"])

    def test_containers_that_are_not_there(self):
        """Each of those that were named is told, and not the first alone."""
        self.add()
        os.makedirs(os.path.join(self.root, "x/y/tags"))
        found = self.assertFinds(self.run_check("a/b", C, "x/y", "c/d:e"),
                                 *["E-tags-missing"] * 3, status=3)
        self.assertEqual([finding.place[len(self.root) + 1:]
                          for finding in found],
                         [name + "/tags/index.html"
                          for name in ("a/b", "x/y", "c/d")])
        self.assertFinds(self.run_check())

    def test_no_list(self):
        self.add()
        os.remove(os.path.join(self.root, C, "tags/index.html"))
        self.assertFinds(self.run_check(), "E-tags-missing")

    def test_broken_list(self):
        """What it does not list is not held against the manifests."""
        self.add()
        self.made.write(C + "/tags/index.html", b"{")
        self.assertFinds(self.run_check(), "E-json")
        self.assertFinds(self.run_check(REF), "E-json")

    def test_names_that_cannot_be(self):
        self.add()
        self.made.write(C + "/manifests/a b/index.html", b"{}")
        self.made.write("alone/tags/index.html", b"{}")
        self.made.write("two words/x/tags/index.html", b"{}")
        found = self.assertFinds(self.run_check(), *["W-name"] * 3)
        self.assertEqual([finding.place[len(self.root) + 1:]
                          for finding in found],
                         ["alone", "two words/x", C + "/manifests/a b"])

    def test_relative_urls(self):
        """Within the registry they are fine, doubled slashes and all."""
        data = images.sif()
        self.made.write("blobs//x.sif", data)
        self.add(urls=["../../../../blobs//x.sif"])
        self.assertFinds(self.run_check("--deep", "--strict"))

    def test_addresses_that_lead_out(self):
        secret = os.path.join(self.folder, "secret")
        data = images.sif(123456, seed=7)
        with open(secret, "wb") as file:
            file.write(data)
        for url in ("../../../../../secret", "file://" + secret):
            self.made.tags.clear()
            self.add(urls=[url])
            result = self.run_check("--deep")
            self.assertIn("E-url-outside", result.out)
            self.assertExit(result, 5)
            self.assertNotIn("123456", result.out)
            self.assertNotIn(images.sha256(data), result.out)
        self.made.write(C + "/manifests/latest/index.html",
                        registry.manifest_of(b"x" * 2 * MIB, ["image.sif"],
                                             "bytes"))
        self.link(secret, C + "/manifests/latest/image.sif")
        self.assertFinds(self.run_check("--deep"), "E-url-outside")

    def test_links_that_lead_out(self):
        self.add()
        outside = os.path.join(self.folder, "outside")
        os.makedirs(outside)
        with open(os.path.join(outside, "index.html"), "w") as file:
            file.write("root:x:0:0")
        self.link(outside, C + "/manifests/out")
        self.link(os.path.join(outside, "index.html"),
                  C + "/manifests/file/index.html")
        result = self.run_check()
        found = self.assertFinds(result, "E-link", "E-link")
        self.assertNotIn("root:x", result.out)
        self.assertEqual([finding.place[len(self.root) + 1:]
                          for finding in found],
                         [C + "/manifests/file/index.html",
                          C + "/manifests/out/index.html"])

    def test_links_within(self):
        self.add(C + ":1.2")
        self.link("1.2", C + "/manifests/latest")
        self.made.write(C + "/tags/index.html",
                        registry.tags_page(C, ["1.2", "latest"]))
        result = self.run_check("--deep")
        self.assertFinds(result)
        self.assertSays(result, "2 manifests")

    def test_circles(self):
        self.add()
        self.link(".", "self")
        self.link("../..", "vanessa/up")
        self.link("loop", "loop")
        self.link("/", "everything")
        self.link(self.root, C + "/manifests/root")
        self.link("circle", C + "/manifests/circle")
        result = self.run_check()
        self.assertFinds(result)
        self.assertSays(result, "1 container,")

    def test_special_files(self):
        self.add()
        for name in ("README.md", "Singularity"):
            os.mkfifo(os.path.join(self.root, C, "manifests/latest", name))
        os.makedirs(os.path.join(self.root, C, "manifests/pipe"))
        os.mkfifo(os.path.join(self.root, C, "manifests/pipe/index.html"))
        self.made.write("x/y/tags/index.html", registry.tags_page("x/y", []))
        self.add("x/y:z", urls=["pipe.sif"])
        os.mkfifo(os.path.join(self.root, "x/y/manifests/z/pipe.sif"))
        found = self.assertFinds(self.run_check("--deep"), "E-blob-missing",
                                 "W-size-unit")
        self.assertEqual(found[0].text.count("pipe.sif"), 1)

    def test_deep_folders(self):
        self.add()
        self.made.write("/".join("d" * 20) + "/x", b"")
        self.assertFinds(self.run_check(), "E-limit")

    def test_files_that_may_not_be_read(self):
        if os.geteuid() == 0:
            self.skipTest("root may read everything")
        self.add()
        os.chmod(os.path.join(self.root, C, "manifests/latest/index.html"), 0)
        self.assertFinds(self.run_check(), "E-document")

    def test_long_document(self):
        self.add()
        self.made.write(C + "/manifests/latest/index.html",
                        b"{" + b" " * (5 * MIB))
        self.assertFinds(self.run_check(), "E-document")

    def test_web_page_in_place_of_a_manifest(self):
        self.add()
        self.made.write(C + "/manifests/latest/index.html", b"<html></html>")
        self.assertFinds(self.run_check(), "E-json")

    def test_nested_namespaces(self):
        self.add("a/b:1")
        self.add("a/b/c:1")
        self.add("a/b/c/d:1")
        self.assertSays(self.run_check(), "3 containers, 3 manifests")

    def test_git_and_other_folders(self):
        self.add()
        self.made.write(".git/x/y/tags/index.html", b"")
        self.made.write("_layouts/manifests/singularity.html", b"{{ page }}")
        self.made.write("assets/js/x.js", b"")
        self.made.write("_site/lab/x/tags/index.html", b"{")
        self.assertFinds(self.run_check("--strict"))


FRONT = """---
layout: manifests/singularity
size: %s
digest: %s
layers:
- size: %s
  digest: "%s"
  url: "%s"
---

# How it was made
"""


class Generator(Tree):
    """The generator's own layout: recipes, and pages with front matter."""

    def source(self, tag, size=2000000, digest="sha256:" + "1" * 64,
               url="image.sif"):
        self.made.write("%s/manifests/%s/README.md" % (C, tag),
                        (FRONT % (size, digest, size, digest, url)).encode())

    def recipe(self, tag):
        self.made.write("%s/manifests/%s/Singularity" % (C, tag),
                        b"Bootstrap: docker\nFrom: debian\n")

    def test_sound(self):
        data = images.sif()
        self.source("latest", len(data), registry.digest_of(data))
        self.recipe("latest")
        self.made.write(C + "/manifests/latest/image.sif", data)
        self.made.write(C + "/README.md", b"---\nlayout: collection\n---\n")
        self.made.write(C + "/manifests/README.md", b"---\nlayout: tags\n---\n")
        self.made.write(C + "/tags/index.html", b"---\nlayout: tags\n---\n")
        self.assertFinds(self.run_check("--deep", "--strict"))

    def test_judged_like_manifests(self):
        md5 = "md5:a1025471b564766d08bdf2cb062c795c"
        for how, codes in (({"size": 54372}, ["W-size-unit"]),
                           ({"digest": md5}, ["E-digest-weak"]),
                           ({"digest": "sha256:1"}, ["E-digest", "W-config"]),
                           ({"url": "http:/x"}, ["E-url"]),
                           ({"size": "2 MB"}, ["E-front-matter"]),
                           ({"digest": "|"}, ["E-front-matter"])):
            with self.subTest(how):
                self.source("latest", **how)
                found = self.assertFinds(self.run_check("--no-blobs"), *codes)
                self.assertTrue(found[0].place.endswith(
                    C + "/manifests/latest/README.md"))

    def test_due_to_be_built(self):
        self.source("latest")
        self.recipe("latest")
        self.recipe("new")
        result = self.run_check("--no-blobs", "--strict")
        found = self.assertFinds(result, "N-recipe-due")
        self.assertTrue(found[0].place.endswith(
            C + "/manifests/new/Singularity"))
        self.assertSays(result, "1 manifest,")

    def test_no_front_matter(self):
        self.made.write(C + "/manifests/latest/README.md", b"# An image\n")
        self.assertFinds(self.run_check(), "E-front-matter")

    def test_beside_what_it_renders(self):
        self.add()
        self.made.write(C + "/manifests/latest/README.md", b"# An image\n")
        self.recipe("latest")
        self.assertFinds(self.run_check())
        self.source("latest", 54372)
        self.assertFinds(self.run_check("--no-blobs"), "W-size-unit",
                         "W-size-unit")

    def test_page_with_front_matter(self):
        self.source("latest", 54372)
        folder = os.path.join(self.root, C, "manifests/latest/")
        os.rename(folder + "README.md", folder + "index.html")
        found = self.assertFinds(self.run_check("--no-blobs"), "W-size-unit")
        self.assertTrue(found[0].place.endswith("latest/index.html"))

    def test_pull_request_that_adds_one_tag(self):
        self.source("latest")
        self.source("new", 54372)
        self.assertFinds(self.run_check("--no-blobs", C + ":new"),
                         "W-size-unit")

    def test_a_tag_that_is_not_there(self):
        """It is an error of the registry that has been asked for it, as it is
        on a server; once in a message, and once among the findings."""
        self.source("latest")
        result = self.run_check("--no-blobs", C + ":newer")
        found = self.assertFinds(result, "E-document", status=3)
        self.assertTrue(found[0].place.endswith(
            C + "/manifests/newer/index.html"))
        self.assertEqual(result.err.count(C + ":newer"), 1)

    def test_blobs_on_a_server(self):
        data = images.sif()
        self.source("latest", len(data), registry.digest_of(data),
                    self.world.blob(Reply(data)))
        self.assertFinds(self.run_check("--deep"))
        self.world.blob(not_found())
        self.assertFinds(self.run_check(), "E-blob-missing", "W-size-unit")


def codes():
    path = os.path.join(HERE, "../../lib/finding.h")
    with open(path) as file:
        return set(re.findall(r'"([EWN]-[a-z-]+)"', file.read()))


def tearDownModule():
    """Only where all tests ran, and as a user who may not read everything."""
    if len(sys.argv) == 1:
        missing = codes() - SEEN
        if missing:
            raise AssertionError("no test has seen %s" % sorted(missing))


if __name__ == "__main__":
    main()
