#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Layers that are archives or compressed files: one image comes out, or an
error and nothing. What libarchive makes of every byte is for unit-unpack."""

import json
import lzma
import os

from harness import images, registry, spull
from harness.archives import IMAGE, OTHER, Unpack, bad, good, packed, tar
from harness.case import main
from harness.engine import MIB, NAME, REF, sent
from harness.preload import preload
from harness.servers import Gate, Reply, page


class Good(Unpack):
    def test_by_content(self):
        """Names and media types say SIF, whatever it is."""
        for what, blob in good().items():
            for config in (None, IMAGE):
                with self.subTest(what, config=config is not None):
                    scene = self.scene()
                    packed(scene, blob, config)
                    result = scene.run(REF)
                    self.assertPulled(scene, result, IMAGE)
                    self.assertNotIn("looks like", result.err)

    def test_from_a_directory(self):
        here = registry.Registry(os.path.join(self.folder, "registry"))
        here.add(REF, images.gzipped(IMAGE))
        scene = self.scene()
        self.assertPulled(scene, scene.run("-r", here.folder, REF), IMAGE)

    def test_images_that_look_like_archives(self):
        """A squashfs compresses itself; a SIF may have anything in its id."""
        data = images.squashfs()[:257] + b"ustar" + images.noise(9000)
        scene = self.scene()
        scene.image(data=data)
        self.assertPulled(scene, scene.run(REF), data)

    def test_kept_as_it_is(self):
        for args, env in ((["--no-unpack"], {}), ([], {"SPULL_UNPACK": "no"})):
            scene = self.scene()
            blob = packed(scene, images.gzipped(IMAGE), IMAGE)
            result = scene.run(*args, REF, env=env)
            self.assertPulled(scene, result, blob)
            self.assertSays(result, "warning", "gzip file")

    def test_json(self):
        scene = self.scene()
        blob = packed(scene, lzma.compress(IMAGE))
        pulled = self.assertJson(scene.run("--json", REF))
        self.assertEqual(pulled["digest"], registry.digest_of(blob))
        self.assertEqual(pulled["image_digest"], registry.digest_of(IMAGE))
        self.assertEqual(pulled["size"], len(IMAGE))
        self.assertEqual(pulled["transferred"], len(blob))
        self.assertEqual(pulled["kind"], "SIF")
        again = self.assertJson(scene.run("--json", REF))
        self.assertEqual(again["state"], "up-to-date")
        for key in ("digest", "image_digest", "size"):
            self.assertEqual(again[key], pulled[key], key)
        plain = self.scene()
        plain.image()
        self.assertIsNone(self.assertJson(plain.run("--json", REF))
                          ["image_digest"])

    def test_md5(self):
        """Only an md5 vouches for the archive, but config has a sha256."""
        scene = self.scene()
        blob = images.gzipped(IMAGE)
        url = scene.blob(Reply(blob))
        layer = registry.layer_page(registry.kib(blob),
                                    registry.digest_of(blob, "md5"), [url])
        scene.manifest(REF, page(registry.manifest_page(
            [layer], registry.layer_page(
                1000, registry.digest_of(OTHER), None, registry.CONFIG))))
        self.assertFails(scene.run(REF), 5, "weak")
        wrong = scene.run("--allow-md5", REF)
        self.assertFails(wrong, 5, "digest mismatch")
        scene.manifest(REF, page(registry.manifest_page(
            [layer], registry.layer_page(
                1000, registry.digest_of(IMAGE), None, registry.CONFIG))))
        for _ in range(2):
            result = scene.run("--allow-md5", REF)
            self.assertPulled(scene, result, IMAGE)
            self.assertSays(result, "weak")
        self.assertEqual(len(scene.blobs()), 2)


class Config(Unpack):
    def test_digest(self):
        scene = self.scene()
        packed(scene, images.gzipped(IMAGE), IMAGE,
               digest=registry.digest_of(OTHER))
        result = scene.run(REF)
        self.assertNothing(scene, result, "digest mismatch",
                           images.sha256(IMAGE), images.sha256(OTHER),
                           "the image in the gzip file is not the one that "
                           "config states")
        # Its server gave what the layer promises.
        self.assertNotIn("/blobs/", result.err)

    def test_no_sha256(self):
        """Anything else is no statement about the image."""
        for digest in (registry.digest_of(IMAGE, "md5"), "sha256:12", "x", ""):
            with self.subTest(digest):
                scene = self.scene()
                packed(scene, images.gzipped(IMAGE), digest=digest)
                self.assertPulled(scene, scene.run(REF), IMAGE)

    def test_size(self):
        bomb = images.gzipped(IMAGE[:200] + bytes(20 * MIB))
        scene = self.scene()
        packed(scene, bomb, size=200)
        self.assertNothing(scene, scene.run(REF), "204800 bytes",
                           "what the manifest says")
        for size in (len(IMAGE), registry.kib(IMAGE)):
            scene = self.scene()
            packed(scene, images.gzipped(IMAGE), size=size)
            self.assertPulled(scene, scene.run(REF), IMAGE)

    def test_counts_for_archives_alone(self):
        """A layer that is the image is described by itself, and what config
        has left from the last one must not pass for up to date."""
        scene = self.scene()
        packed(scene, IMAGE, OTHER)
        self.assertPulled(scene, scene.run(REF), IMAGE)
        scene.put(NAME, OTHER)
        self.assertFails(scene.run(REF), 8, "exists")
        self.assertFails(scene.run("verify", "--ref", REF, NAME), 5)
        self.assertEqual(scene.read(NAME), OTHER)


class Bad(Unpack):
    def test_all(self):
        for what, blob, *words in bad():
            with self.subTest(what):
                scene = self.scene()
                packed(scene, blob)
                self.assertNothing(scene, scene.run(REF), *words)

    def test_cut_and_followed(self):
        for what, blob in good().items():
            half = blob[:len(blob) // 2]
            for how, spoilt in (("cut", half), ("but for a byte", blob[:-1]),
                                ("followed", blob + b"garbage")):
                # The last zeros of a tar, and of padding, tell nothing.
                if how == "but for a byte" and blob.endswith(bytes(8)):
                    continue
                with self.subTest(what, how=how):
                    scene = self.scene()
                    packed(scene, spoilt)
                    self.assertNothing(scene, scene.run(REF), "the ")

    def test_what_was_there_stays(self):
        scene = self.scene()
        packed(scene, tar(("a.sif", IMAGE), ("b.sif", OTHER)))
        scene.put(NAME, b"old")
        self.assertFails(scene.run("--force", REF), 5)
        self.assertFiles(scene, NAME)
        self.assertEqual(scene.read(NAME), b"old")

    def test_text_is_printable(self):
        scene = self.scene()
        packed(scene, tar(("../\u202e\x1b[2J\n", IMAGE)))
        self.assertNothing(scene, scene.run(REF), "leads out")


class Again(Unpack):
    """Is what was unpacked up to date?"""

    def unpacked(self, image=None, data=IMAGE):
        scene = self.scene()
        packed(scene, lzma.compress(data), image)
        self.assertPulled(scene, scene.run(REF), data)
        return scene

    def inode(self, scene):
        return os.stat(scene.path(NAME)).st_ino

    def test_with_a_note(self):
        scene = self.unpacked()
        asked = len(scene.blobs())
        before = self.inode(scene)
        result = scene.run(REF)
        self.assertPulled(scene, result, IMAGE)
        self.assertSays(result, "up to date")
        self.assertEqual((len(scene.blobs()), self.inode(scene)),
                         (asked, before))

    def test_pinned(self):
        scene = self.unpacked()
        asked = len(scene.requests())
        pin = "%s@%s" % (REF, registry.digest_of(lzma.compress(IMAGE)))
        self.assertPulled(scene, scene.run(pin), IMAGE)
        self.assertEqual(len(scene.requests()), asked)

    def test_without_a_note(self):
        """config's digest and a look at the blob, or all of it again."""
        for said in (IMAGE, None):
            for args in ([], ["--force"]):
                with self.subTest(said=said is not None, args=args):
                    scene = self.unpacked(said)
                    before = self.inode(scene)
                    asked = len(scene.blobs())
                    os.removexattr(scene.path(NAME), "user.spull.proof")
                    self.assertPulled(scene, scene.run(*args, REF), IMAGE)
                    self.assertEqual(self.inode(scene), before)
                    ranges = [request.range for request
                              in scene.blobs()[asked:]]
                    if said:
                        self.assertEqual(ranges, ["bytes=0-2047"])
                    elif args:
                        self.assertEqual(ranges, [None])
                    else:
                        self.assertEqual(ranges, ["bytes=0-2047", None])
                    asked = len(scene.blobs())
                    self.assertPulled(scene, scene.run(*args, REF), IMAGE)
                    self.assertEqual(len(scene.blobs()), asked)

    def test_no_notes_at_all(self):
        env = preload(self.folder, "xattrs")
        scene = self.scene()
        packed(scene, lzma.compress(IMAGE))
        for _ in range(3):
            self.assertPulled(scene, scene.run(REF, env=env), IMAGE)
        scene.put(NAME, OTHER)
        self.assertFails(scene.run(REF, env=env), 8, "exists")
        self.assertFiles(scene, NAME)
        self.assertEqual(scene.read(NAME), OTHER)

    def test_another_image(self):
        for said in (IMAGE, None):
            with self.subTest(said=said is not None):
                scene = self.unpacked(said)
                packed(scene, lzma.compress(OTHER), said and OTHER)
                self.assertFails(scene.run(REF), 8, "holds", "--force")
                self.assertFiles(scene, NAME)
                self.assertEqual(scene.read(NAME), IMAGE)
                self.assertPulled(scene, scene.run("--force", REF), OTHER)

    def test_packed_anew(self):
        """The same image in another archive."""
        for said in (IMAGE, None):
            with self.subTest(said=said is not None):
                scene = self.unpacked(said)
                before = self.inode(scene)
                packed(scene, images.gzipped(IMAGE), said)
                self.assertPulled(scene, scene.run(REF), IMAGE)
                self.assertEqual(self.inode(scene), before)

    def test_kept_then_unpacked_then_kept(self):
        scene = self.scene()
        blob = packed(scene, images.gzipped(IMAGE))
        self.assertPulled(scene, scene.run("--no-unpack", REF), blob)
        self.assertPulled(scene, scene.run("--no-unpack", REF), blob)
        self.assertFails(scene.run(REF), 8, "holds")
        self.assertPulled(scene, scene.run("--force", REF), IMAGE)
        self.assertFails(scene.run("--no-unpack", REF), 8, "exists")
        self.assertPulled(scene, scene.run("--no-unpack", "--force", REF),
                          blob)

    def test_verify(self):
        for said in (IMAGE, None):
            for noted in (True, False):
                with self.subTest(said=said is not None, noted=noted):
                    self.check_verify(self.unpacked(said), said, noted)

    def check_verify(self, scene, said, noted):
        if not noted:
            os.removexattr(scene.path(NAME), "user.spull.proof")
        known = said or noted
        alone = scene.run("verify", NAME)
        self.assertExit(alone, 0 if noted else 3)
        result = scene.run("--json", "verify", "--ref", REF, NAME)
        if known:
            told = self.assertJson(result)
            self.assertEqual(told["image_digest"], registry.digest_of(IMAGE))
            self.assertEqual(told["digest"],
                             registry.digest_of(lzma.compress(IMAGE)))
        else:
            self.assertExit(result, 3)
            self.assertSays(result, "does not say what the image's digest is")
        packed(scene, lzma.compress(OTHER), said and OTHER)
        moved = scene.run("verify", "--ref", REF, NAME)
        self.assertExit(moved, 5 if known else 3)
        if noted:
            self.assertSays(moved, "intact")
        packed(scene, lzma.compress(IMAGE), said)
        damaged = bytearray(IMAGE)
        damaged[100000] ^= 1
        with open(scene.path(NAME), "r+b") as file:
            file.write(damaged)
        if known:
            self.assertFails(scene.run("verify", "--ref", REF, NAME), 5,
                             "damaged", images.sha256(IMAGE))

    def test_verify_what_came_bare(self):
        """An archive that says nothing of its image may hold this one."""
        scene = self.scene()
        scene.image(data=IMAGE)
        self.assertPulled(scene, scene.run(REF), IMAGE)
        for image in (IMAGE, OTHER):
            packed(scene, lzma.compress(image))
            self.assertFails(scene.run("verify", "--ref", REF, NAME), 3,
                             registry.digest_of(lzma.compress(image)),
                             "does not say what the image's digest is")

    def test_verify_what_came_of_another_archive(self):
        """Archives can be compared, and are what is named."""
        scene = self.unpacked()
        packed(scene, images.gzipped(OTHER))
        result = scene.run("verify", "--ref", REF, NAME)
        self.assertFails(result, 5, "intact, but the tag has moved on",
                         registry.digest_of(lzma.compress(IMAGE)),
                         registry.digest_of(images.gzipped(OTHER)))
        self.assertNotIn(images.sha256(IMAGE), result.err)


class Twins(Unpack):
    """Several references to one archive."""

    REFS = ["lab/tool:1.0", "lab/tool:latest"]

    def pull(self, scene, *args):
        result = scene.run("--json", *args, *self.REFS)
        self.assertExit(result, 0)
        for ref in self.REFS:
            name = ref.replace("lab/", "").replace(":", "_") + ".sif"
            self.assertImage(scene.path(name), IMAGE)
        self.assertFiles(scene, "tool_1.0.sif", "tool_latest.sif")
        return [json.loads(line) for line in result.lines]

    def test_downloaded_once(self):
        """After one another or beside each other; what was copied carries
        the same notes."""
        blob = images.gzipped(IMAGE)
        for jobs in ("1", "2"):
            for said in (IMAGE, None):
                with self.subTest(jobs=jobs, said=said is not None):
                    scene = self.scene()
                    slow = Reply(blob, drip=(1 << 14, 0.01))
                    for ref in self.REFS:
                        packed(scene, blob, said, ref=ref, reply=slow)
                    told = self.pull(scene, "-j", jobs)
                    self.assertEqual(sent(scene.blobs()), len(blob))
                    self.assertEqual(sorted(one["transferred"]
                                            for one in told), [0, len(blob)])
                    for one in told:
                        self.assertEqual(
                            (one["digest"], one["image_digest"]),
                            (registry.digest_of(blob),
                             registry.digest_of(IMAGE)))
                    asked = len(scene.blobs())
                    self.assertEqual({one["state"] for one
                                      in self.pull(scene)}, {"up-to-date"})
                    self.assertEqual(len(scene.blobs()), asked)

    def test_one_is_there(self):
        """An image of an earlier call will do."""
        scene = self.scene()
        for ref in self.REFS:
            packed(scene, images.gzipped(IMAGE), ref=ref)
        self.assertExit(scene.run(self.REFS[0]), 0)
        asked = len(scene.blobs())
        self.pull(scene, "-j1")
        self.assertEqual(len(scene.blobs()), asked)

    def test_the_first_was_changed(self):
        """Then the archive is needed again."""
        scene, gate = self.scene(), Gate()
        for ref in self.REFS:
            packed(scene, images.gzipped(IMAGE), ref=ref)
        scene.image("lab/other:1", OTHER, Reply(OTHER, gate=gate))
        process = scene.start("-j1", self.REFS[0], "lab/other:1", self.REFS[1])
        gate.wait_reached()
        with open(scene.path("tool_1.0.sif"), "r+b") as file:
            file.seek(1000)
            file.write(b"changed")
        gate.open()
        result = spull.finish(process)
        self.assertExit(result, 0)
        self.assertImage(scene.path("tool_latest.sif"), IMAGE)
        self.assertRegex(result.err, "warning: tool_1.0.sif: digest mismatch.*"
                         "downloading it afresh")
        self.assertFiles(scene, "tool_1.0.sif", "tool_latest.sif",
                         "other_1.sif")

    def test_config_has_it_otherwise(self):
        """A second config that is wrong is no less wrong."""
        scene = self.scene()
        packed(scene, images.gzipped(IMAGE), ref=self.REFS[0])
        packed(scene, images.gzipped(IMAGE), OTHER, ref=self.REFS[1])
        result = scene.run("-j1", *self.REFS)
        self.assertExit(result, 5)
        self.assertSays(result, "is not the one that config states")
        self.assertFiles(scene, "tool_1.0.sif")


class Store(Unpack):
    def test_store(self):
        """It holds the archive; each who takes it from there unpacks it."""
        store = os.path.join(self.folder, "store")
        os.mkdir(store, 0o755)
        scene = self.scene()
        blob = packed(scene, lzma.compress(IMAGE), IMAGE)
        for folder in ("one", "two", "three"):
            os.mkdir(scene.path(folder))
            told = self.assertJson(scene.run("--json", "--store", store, "-d",
                                             folder, REF))
            self.assertEqual(told["image_digest"], registry.digest_of(IMAGE))
            self.assertImage(scene.path(folder + "/" + NAME), IMAGE)
            self.assertEqual(spull.files(scene.path(folder)), [NAME])
        self.assertEqual(len(scene.blobs()), 1)
        with open(os.path.join(store, "sha256",
                               images.sha256(blob)), "rb") as file:
            self.assertEqual(file.read(), blob)


if __name__ == "__main__":
    main()
