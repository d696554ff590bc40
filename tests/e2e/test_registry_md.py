#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Static registries as they really are: a table for each thing that was found
in public ones (here: sizes, digests, config and layer, types)."""

import platform
import unittest

from harness import images, registry, servers
from harness.case import Case, main
from harness.engine import REF
from harness.servers import Reply, page

HOST_ARCH = images.UNAME.get(platform.machine(), "")
OTHER_ARCH = "arm64" if HOST_ARCH != "arm64" else "amd64"


class Sizes(Case):
    """1: size is bytes, or KiB of disk usage."""

    PULLS = [
        # what, bytes of the blob, stated size, options
        ("bytes", 40960, 40960, []),
        ("bytes, not a multiple of a block", 40961, 40961, []),
        ("du -k of whole blocks", 40960, 40, []),
        ("du -k rounds up", 40961, 44, []),
        ("one KiB of usage for a little file", 1000, 1, []),
        ("excess of exactly 64 KiB", 40960, 40 + 64, []),
        ("strict, bytes", 40960, 40960, ["--strict-size"]),
    ]
    REFUSED = [
        ("excess of 64 KiB and one byte", 40959, 40 + 64, []),
        ("one byte more than so many KiB", 40961, 40, []),
        ("one byte too few for bytes", 200000, 200001, []),
        ("one byte too many for bytes", 200000, 199999, []),
        ("strict, KiB", 40960, 40, ["--strict-size"]),
        ("strict, one byte too few", 40960, 40961, ["--strict-size"]),
        ("strict, one byte too many", 40960, 40959, ["--strict-size"]),
        ("nothing at all", 40960, 0, []),
        ("eight exabytes", 40960, 1 << 63, []),
        ("more than 64 bits", 40960, 1 << 70, []),
    ]
    MALFORMED = [("negative", -40960), ("a fraction", 40.5),
                 ("a text", '"some"'), ("null", "null"), ("a list", "[40]"),
                 ("absent", None)]

    def test_pulls(self):
        for what, count, stated, options in self.PULLS:
            for length in (True, None, "chunked"):
                with self.subTest(what, length=length):
                    scene = self.scene()
                    data = images.sif(count)
                    scene.image(data=data, size=stated,
                                reply=Reply(data, length=length))
                    self.assertPulled(scene, scene.run(*options, REF), data)

    def test_refused(self):
        for what, count, stated, options in self.REFUSED:
            for length in (True, None, "chunked"):
                with self.subTest(what, length=length):
                    scene = self.scene()
                    data = images.sif(count)
                    scene.image(data=data, size=stated,
                                reply=Reply(data, length=length))
                    self.assertFails(scene.run(*options, REF), 5)
                    self.assertFiles(scene)

    def test_refusal_names_both_sizes(self):
        scene = self.scene()
        scene.image(data=images.sif(40961), size=77777)
        self.assertFails(scene.run(REF), 5, "77777", "40961")

    def test_malformed(self):
        for what, stated in self.MALFORMED:
            with self.subTest(what):
                scene = self.scene()
                scene.image(size=stated)
                self.assertFails(scene.run(REF), 5, "size")
                self.assertEqual(scene.blobs(), [])
                self.assertFiles(scene)


class Digests(Case):
    """2: sha256 in either case, md5 in hex and base64, others, pins."""

    WEAK = ["md5", "MD5", "md5-base64"]
    MALFORMED = [("short", "sha256:" + "a" * 63),
                 ("long", "sha256:" + "a" * 65),
                 ("not hex", "sha256:" + "g" * 64),
                 ("no algorithm", "a" * 64), ("no value", "sha256:"),
                 ("empty", ""), ("short md5", "md5:abc"),
                 ("base64 of 15 bytes", "md5:" + "A" * 20)]

    def unknown(self, scene, data, digest):
        url = scene.blob(Reply(data))
        layer = registry.layer_page(len(data), digest, [url])
        scene.manifest(REF, page(registry.manifest_page([layer])))

    def test_sha256(self):
        for form in ("sha256", "SHA256"):
            with self.subTest(form):
                scene = self.scene()
                data = scene.image(form=form)
                result = scene.run(REF)
                self.assertPulled(scene, result, data)
                self.assertNotIn("weak", result.err)

    def test_md5_is_refused(self):
        for form in self.WEAK:
            with self.subTest(form):
                scene = self.scene()
                scene.image(form=form)
                self.assertFails(scene.run(REF), 5, "md5", "--allow-md5")
                self.assertEqual(scene.blobs(), [])
                self.assertFiles(scene)

    def test_md5_is_allowed(self):
        for form in self.WEAK:
            with self.subTest(form):
                scene = self.scene()
                data = scene.image(form=form)
                result = scene.run("--allow-md5", REF)
                self.assertPulled(scene, result, data)
                self.assertSays(result, "weak")

    def test_md5_is_checked(self):
        for form in self.WEAK:
            with self.subTest(form):
                scene = self.scene()
                data = images.sif(seed=1)
                scene.image(data=data, form=form,
                            reply=Reply(images.sif(seed=2)))
                self.assertFails(scene.run("--allow-md5", REF), 5,
                                 images.md5(data))
                self.assertFiles(scene)

    def test_every_output_says_weak(self):
        scene = self.scene()
        scene.image(form="md5")
        for again in ("installed", "up to date"):
            with self.subTest(again):
                result = scene.run("--allow-md5", "--json", REF)
                self.assertExit(result, 0)
                self.assertSays(result, "weak")
                self.assertIn('"weak": true', result.out.replace(
                    '":true', '": true'))

    def test_md5_with_pin(self):
        for form in self.WEAK:
            with self.subTest(form):
                scene = self.scene()
                data = scene.image(form=form)
                result = scene.run(REF + "@sha256:" + images.sha256(data))
                self.assertPulled(scene, result, data)
                self.assertNotIn("weak", result.err.lower())

    def test_md5_with_wrong_pin(self):
        scene = self.scene()
        data = scene.image(form="md5")
        pin = images.sha256(b"something else")
        self.assertFails(scene.run(REF + "@sha256:" + pin), 5, pin,
                         images.sha256(data))
        self.assertFiles(scene)

    def test_unknown_algorithm(self):
        for digest in ("sha512:" + "0" * 128, "crc32c:AAAAAA=="):
            for options in ([], ["--allow-md5"]):
                with self.subTest(digest, options=options):
                    scene = self.scene()
                    self.unknown(scene, images.sif(), digest)
                    self.assertFails(scene.run(*options, REF), 5,
                                     digest.split(":")[0])
                    self.assertEqual(scene.blobs(), [])
                    self.assertFiles(scene)

    def test_unknown_algorithm_with_pin(self):
        scene = self.scene()
        data = images.sif()
        self.unknown(scene, data, "sha512:" + "0" * 128)
        result = scene.run(REF + "@sha256:" + images.sha256(data))
        self.assertPulled(scene, result, data)

    def test_malformed(self):
        for what, digest in self.MALFORMED:
            with self.subTest(what):
                scene = self.scene()
                self.unknown(scene, images.sif(), digest)
                self.assertFails(scene.run("--allow-md5", REF), 5, "digest")
                self.assertEqual(scene.blobs(), [])
                self.assertFiles(scene)

    def test_digest_that_is_no_string(self):
        scene = self.scene()
        scene.manifest(REF, page(registry.manifest_page(
            ['{"size": 1, "digest": 7, "urls": ["x"]}'])))
        self.assertFails(scene.run(REF), 5, "digest")

    def test_pin(self):
        scene = self.scene()
        data = scene.image()
        for pin in (images.sha256(data), images.sha256(data).upper()):
            result = scene.run("--force", REF + "@sha256:" + pin)
            self.assertPulled(scene, result, data)

    def test_pin_without_tag_means_latest(self):
        scene = self.scene()
        data = scene.image()
        result = scene.run("vanessa/greeting@sha256:" + images.sha256(data))
        self.assertPulled(scene, result, data)

    def test_tag_has_moved(self):
        for command in ("pull", "resolve", "manifest"):
            with self.subTest(command):
                scene = self.scene()
                data = scene.image()
                pin = images.sha256(b"the old one")
                self.assertFails(
                    scene.run(command, REF + "@sha256:" + pin), 5,
                    "moved", pin, images.sha256(data))
                self.assertEqual(scene.blobs(), [])
                self.assertFiles(scene)


class ConfigAndLayer(Case):
    """3: where they disagree, the layer describes the blob."""

    CONFIGS = {
        "another size and digest": registry.layer_page(
            5539, "sha256:" + "8" * 64, None, registry.CONFIG),
        "size only": '{"size": 1}',
        "md5": '{"digest": "md5:a1025471b564766d08bdf2cb062c795c"}',
        "empty": "{}",
        "null": "null",
    }

    def test_the_layer_counts(self):
        for what, config in self.CONFIGS.items():
            with self.subTest(what):
                scene = self.scene()
                data = images.sif()
                layer = registry.layer_page(
                    registry.kib(data), registry.digest_of(data),
                    [scene.blob(Reply(data))])
                scene.manifest(REF, page(registry.manifest_page([layer],
                                                                config)))
                self.assertPulled(scene, scene.run(REF), data)

    def test_config_does_not_vouch_for_a_weak_layer(self):
        scene = self.scene()
        data = images.sif()
        layer = registry.layer_page(len(data), registry.digest_of(data, "md5"),
                                    [scene.blob(Reply(data))])
        config = registry.layer_page(len(data), registry.digest_of(data), None)
        scene.manifest(REF, page(registry.manifest_page([layer], config)))
        self.assertFails(scene.run(REF), 5, "md5")

    def test_no_config(self):
        scene = self.scene()
        data = images.sif()
        layer = registry.layer_page(registry.kib(data),
                                    registry.digest_of(data),
                                    [scene.blob(Reply(data))])
        scene.manifest(REF, page('{"layers": [%s]}' % layer))
        self.assertPulled(scene, scene.run(REF), data)


class Kinds(Case):
    """7: look at the first bytes, not at the type."""

    def test_media_type_means_nothing(self):
        for media_type in ("application/octet-stream", "text/html", "", "x"):
            with self.subTest(media_type):
                scene = self.scene()
                data = images.sif(arch=HOST_ARCH)
                url = scene.blob(Reply(data, type=media_type))
                layer = registry.layer_page(registry.kib(data),
                                            registry.digest_of(data), [url],
                                            media_type)
                scene.manifest(REF, page(registry.manifest_page([layer])))
                result = scene.run("-q", REF)
                self.assertPulled(scene, result, data)
                self.assertEqual(result.err, "")

    def test_images_need_no_warning(self):
        for what, data in (
                ("SIF", images.sif(arch=HOST_ARCH)),
                ("SIF made by a library", images.sif(arch=HOST_ARCH,
                                                     launch=False)),
                ("SIF that names no architecture", images.sif(arch="")),
                ("squashfs", images.squashfs())):
            with self.subTest(what):
                scene = self.scene()
                scene.image(data=data)
                result = scene.run(REF)
                self.assertPulled(scene, result, data)
                self.assertNotIn("warning", result.err.lower())

    def test_archives_that_are_kept(self):
        inside = images.sif()
        for word, data in (
                ("gzip", images.gzipped(inside)),
                ("zip", images.zipped(inside)),
                ("tar", images.tarred(inside))):
            with self.subTest(word):
                scene = self.scene()
                scene.image(data=data)
                result = scene.run("--no-unpack", REF)
                self.assertPulled(scene, result, data)
                self.assertSays(result, "warning", word)

    def test_strangers_are_installed_with_a_warning(self):
        for word, data in (
                ("web page", servers.html("Expired").body),
                ("", images.noise(5000)),
                ("", b"SIF_MAGIC"),
                ("", b"x")):
            with self.subTest(word, size=len(data)):
                scene = self.scene()
                scene.image(data=data)
                result = scene.run(REF)
                self.assertPulled(scene, result, data)
                self.assertSays(result, "warning", word)

    def test_foreign_architecture(self):
        scene = self.scene()
        data = scene.image(data=images.sif(arch=OTHER_ARCH))
        result = scene.run(REF)
        self.assertPulled(scene, result, data)
        self.assertSays(result, "warning", OTHER_ARCH)

    @unittest.skipIf(HOST_ARCH == "", "SIF knows no such machine")
    def test_foreign_architecture_names_both(self):
        scene = self.scene()
        scene.image(data=images.sif(arch=OTHER_ARCH))
        self.assertSays(scene.run(REF), OTHER_ARCH, HOST_ARCH)

    def test_arch_matches(self):
        for arch in sorted(set(images.ARCH_CODES) - {""}):
            with self.subTest(arch):
                scene = self.scene()
                data = scene.image(data=images.sif(arch=arch))
                result = scene.run("--arch", arch, REF)
                self.assertPulled(scene, result, data)
                self.assertNotIn("warning", result.err.lower())

    def test_arch_as_uname_says_it(self):
        for uname, arch in images.UNAME.items():
            with self.subTest(uname):
                scene = self.scene()
                data = scene.image(data=images.sif(arch=arch))
                self.assertPulled(scene, scene.run("--arch=" + uname, REF),
                                  data)

    def test_arch_does_not_match(self):
        for what, data in (
                ("other SIF", images.sif(arch="arm64")),
                ("SIF that names none", images.sif(arch="")),
                ("squashfs", images.squashfs()),
                ("gzip", images.gzipped(images.sif(arch="arm64")))):
            with self.subTest(what):
                scene = self.scene()
                scene.image(data=data)
                self.assertFails(scene.run("--arch", "amd64", REF), 5,
                                 "amd64")
                self.assertFiles(scene)


if __name__ == "__main__":
    main()
