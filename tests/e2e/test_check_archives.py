#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""spull check --deep: what comes out of archives, as pull would have it."""

import os
import resource

from harness import images, memory, registry, spull
from harness.archives import bad, good, zeros
from harness.case import main
from harness.check import C, Check, layer
from harness.engine import MIB, REF
from harness.servers import Gate, Reply, page


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


if __name__ == "__main__":
    main()
