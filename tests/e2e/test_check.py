#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""spull check: each code is found where it should be, and none where not. Here:
a registry that is sound, documents that are not, and what the command says."""

import json
import os

from harness import images, registry, spull
from harness.case import main
from harness.check import C, Check, layer
from harness.engine import MIB, REF
from harness.nginx import Nginx
from harness.servers import Gate, Reply, html, not_found, page


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


if __name__ == "__main__":
    main()
