#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What scripts read: --json of every command."""

import json
import os

from harness import images, registry
from harness.case import Case, main
from harness.engine import NAME, REF
from harness.servers import page


class Json(Case):
    def one(self, scene, *args, code=0):
        """The only line of stdout."""
        result = scene.run(*args)
        self.assertExit(result, code)
        self.assertEqual(len(result.lines), 1, result)
        return json.loads(result.out)

    def test_pull(self):
        scene = self.scene()
        data = scene.image()
        image = self.one(scene, "--json", REF)
        self.assertEqual(image["reference"], REF)
        self.assertEqual(image["path"], NAME)
        self.assertEqual(image["state"], "installed")
        self.assertEqual(image["digest"], "sha256:" + images.sha256(data))
        self.assertEqual(image["size"], len(data))
        self.assertEqual(image["transferred"], len(data))
        self.assertEqual(image["url"], scene.base +
                         "/blobs/vanessa/greeting/latest")
        self.assertIs(image["weak"], False)
        self.assertEqual((image["kind"], image["arch"]), ("SIF", "amd64"))
        self.assertGreaterEqual(image["seconds"], 0)
        again = self.one(scene, REF, "--json")
        self.assertEqual((again["state"], again["transferred"], again["url"]),
                         ("up-to-date", 0, None))
        for key in ("path", "digest", "size", "kind", "arch", "reference"):
            self.assertEqual(again[key], image[key])

    def test_failures(self):
        scene = self.scene()
        scene.image()
        for args, code, word in (
                (["vanessa/greeting:nope"], 3, "not-found"),
                (["resolve", "vanessa/greeting:nope"], 3, "not-found"),
                (["manifest", "vanessa/greeting:nope"], 3, "not-found"),
                (["tags", "vanessa/nope"], 3, "not-found"),
                (["--arch", "arm64", REF], 5, "integrity")):
            with self.subTest(args):
                found = self.one(scene, "--json", *args, code=code)
                self.assertEqual((found["state"], found["error"],
                                  found["status"]), ("failed", word, code))
                self.assertNotEqual(found["message"], "")

    def test_several(self):
        """One object a line, in the order of the references."""
        scene = self.scene()
        scene.image("a/b:1")
        result = scene.run("--json", "a/nope:1", "a/b:1")
        self.assertExit(result, 3)
        self.assertEqual([json.loads(line)["state"] for line in result.lines],
                         ["failed", "installed"])

    def test_tags(self):
        scene = self.scene()
        scene.tags("a/b", page(registry.tags_page("a/b", ["x", "README.md"])))
        self.assertEqual(self.one(scene, "tags", "--json", "a/b"), {
            "container": "a/b", "tags": ["x"], "left_out": ["README.md"]})

    def test_resolve(self):
        scene = self.scene()
        data = scene.image()
        found = self.one(scene, "resolve", "--json", "vanessa/greeting")
        self.assertEqual(found["pinned"], "%s@sha256:%s"
                         % (REF, images.sha256(data)))
        self.assertEqual(found["digest"], "sha256:" + images.sha256(data))
        self.assertEqual(found["urls"], [
            scene.base + "/blobs/vanessa/greeting/latest"])

    def test_manifest(self):
        scene = self.scene()
        data = scene.image()
        found = self.one(scene, "manifest", "--json", REF)
        self.assertEqual(found["manifest"]["layers"][0]["digest"],
                         "sha256:" + images.sha256(data))
        self.assertEqual(found["size"], registry.kib(data))

    def test_config(self):
        result = self.scene().run("config", "--json")
        rows = {row["key"]: row["value"]
                for row in map(json.loads, result.lines)}
        self.assertEqual((rows["jobs"], rows["connections"], rows["wait"],
                          rows["ip-version"]), (8, 16, "forever", 0))
        result = self.scene().run("config", "--json", "--wait", "5")
        self.assertIn('"key":"wait","value":5,', result.out)

    def test_registries(self):
        scene = self.scene()
        scene.rc("[registry lab]\nurl = /x\n")
        row = self.one(scene, "config", "--registries", "--json")
        self.assertEqual((row["section"], row["key"], row["value"],
                          row["line"]), ("lab", "url", "/x", 1))

    def test_weak(self):
        scene = self.scene()
        data = scene.image("a/strong:1")
        scene.image("a/weak:1", data, form="md5")
        pin = "a/weak:1@sha256:" + images.sha256(data)
        for args, weak in ((["resolve", "a/strong:1"], False),
                           (["manifest", "a/strong:1"], False),
                           (["resolve", pin], True), (["manifest", pin], True),
                           (["manifest", "a/weak:1"], True)):
            with self.subTest(args):
                found = self.one(scene, "--json", *args)
                self.assertIs(found["weak"], weak)
                self.assertIs(found["digest"].startswith("md5:"), weak)

    def test_names_that_are_no_utf8(self):
        scene = self.scene()
        data = scene.image()
        name = os.fsdecode(b"a\xffb.sif")
        found = self.one(scene, "--json", "-o", name, REF)
        self.assertEqual(found["path"], "a\ufffdb.sif")
        self.assertImage(scene.path(name), data)


if __name__ == "__main__":
    main()
