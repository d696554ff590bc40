#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The first public registry's documents byte for byte, and two real images,
where they are at hand: in $SPULL_SHARED, or in "shared" beside the tree."""

import json
import os
import stat
import sys

from harness import images, registry
from harness.case import Case, main
from harness.nginx import Nginx
from harness.servers import FaultServer, Reply, redirect

TREE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SHARED = os.environ.get("SPULL_SHARED") or \
    os.path.join(os.path.dirname(TREE), "shared")
FIXTURES = os.path.join(SHARED, "fixtures")
ASCIIART = "c64213394d9a8cd90cea402d8bf6bc9fdd98a2a435b6c3796f6f63cceda9b9c3"
SKIP = 77  # ctest's word for it, see CMakeLists.txt


class Documents(Case):
    """nginx in front of the documents, as GitHub Pages was."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nginx = Nginx(os.path.join(FIXTURES, "registry"),
                          os.path.join(cls.class_folder(), "nginx"))
        cls.addClassCleanup(cls.nginx.stop)

    def scene(self, server=None):
        scene = super().scene(server)
        scene.env["SPULL_REGISTRY"] = self.nginx.base
        return scene

    def test_tags(self):
        for container, tags in (
                ("vanessa/greeting", ["latest", "lolcow", "asciiart"]),
                ("vanessa/fortune", ["latest"])):
            result = self.scene().run("tags", container)
            self.assertExit(result, 0)
            self.assertEqual(result.lines, tags)
            self.assertEqual(result.err, "")

    def test_tags_tells_what_was_left_out(self):
        result = self.scene().run("tags", "-v", "vanessa/greeting")
        self.assertSays(result, "README.md")

    def test_resolve(self):
        result = self.scene().run("resolve", "vanessa/greeting:asciiart")
        self.assertExit(result, 0)
        self.assertEqual(result.out, "vanessa/greeting:asciiart@sha256:%s\n"
                         % ASCIIART)

    def test_resolve_weak(self):
        self.assertFails(self.scene().run("resolve", "vanessa/greeting"), 5,
                         "md5")

    def test_manifest(self):
        """What is printed means the same as what the registry has."""
        for tag in ("latest", "lolcow", "asciiart"):
            result = self.scene().run("manifest", "vanessa/greeting:" + tag)
            path = "registry/vanessa/greeting/manifests/%s/index.html" % tag
            with open(os.path.join(FIXTURES, path)) as file:
                self.assertEqual(self.assertJson(result), json.load(file))

    def test_pull_latest_is_refused(self):
        scene = self.scene()
        self.assertFails(scene.run("vanessa/greeting"), 5, "md5",
                         "--allow-md5")
        self.assertFiles(scene)

    # What REGISTRY.md says about them (1, 2, 3, 4), and nothing else. Their
    # blobs are gone, and asking for them would need the internet.
    FINDINGS = [
        ("vanessa/fortune/manifests/latest", "W-size-unit"),
        ("vanessa/greeting/tags", "W-tag-stranger"),
        ("vanessa/greeting/manifests/latest", "E-digest-weak"),
        ("vanessa/greeting/manifests/latest", "W-config-size"),
        ("vanessa/greeting/manifests/latest", "W-config-digest"),
        ("vanessa/greeting/manifests/lolcow", "W-size-unit"),
        ("vanessa/greeting/manifests/asciiart", "W-size-unit"),
    ]

    def assertFound(self, result, place):
        self.assertExit(result, 5)
        found = [json.loads(line) for line in result.lines]
        self.assertEqual([(one["place"], one["code"]) for one in found],
                         [(place(folder), code)
                          for folder, code in self.FINDINGS])
        self.assertMentions(found[1]["text"], "README.md")

    def test_check(self):
        result = self.scene().run(
            "check", self.nginx.base, "vanessa/fortune", "vanessa/greeting",
            "--no-blobs", "--json")
        self.assertFound(result,
                         lambda folder: self.nginx.base + "/" + folder + "/")

    def test_check_directory(self):
        root = os.path.join(FIXTURES, "registry")
        result = self.scene().run("check", root, "--no-blobs", "--json")
        self.assertFound(result, lambda folder: os.path.join(
            root, folder, "index.html"))

    def test_missing(self):
        for ref in ("vanessa/greeting:README.md", "vanessa/greeting:nope",
                    "vanessa/nope"):
            scene = self.scene()
            self.assertFails(scene.run(ref), 3, "404")
            self.assertFiles(scene)


class Images(Case):
    """Two real images behind KiB sizes, a redirect and https."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ca = cls.authority()
        cls.ca_file = ca.ca_file
        cls.store = FaultServer(ca.issue()).start()
        cls.addClassCleanup(cls.store.stop)
        folder = cls.class_folder()
        made = registry.Registry(os.path.join(folder, "registry"))
        cls.data = {}
        for tag in ("latest", "asciiart"):
            path = os.path.join(FIXTURES, "images/greeting_%s.sif" % tag)
            with open(path, "rb") as file:
                data = cls.data[tag] = file.read()
            signed = "/store/%s.sif?Expires=1&Signature=a%%2Bb%%3D" % tag
            cls.store.on(signed, Reply(data))
            cls.store.on("/release/" + tag, redirect(
                cls.store.url(signed, "localhost")))
            made.add("vanessa/greeting:" + tag, data,
                     [cls.store.url("/release/" + tag)])
        cls.nginx = Nginx(made.folder, os.path.join(folder, "nginx"),
                          ca.issue())
        cls.addClassCleanup(cls.nginx.stop)

    def test_pull(self):
        scene = self.scene()
        result = scene.run("-r", self.nginx.base, "--ca-file", self.ca_file,
                           "vanessa/greeting", "vanessa/greeting:asciiart")
        self.assertExit(result, 0)
        self.assertEqual(result.lines, ["greeting_latest.sif",
                                        "greeting_asciiart.sif"])
        for tag, data in self.data.items():
            path = scene.path("greeting_%s.sif" % tag)
            self.assertImage(path, data)
            self.assertTrue(os.stat(path).st_mode & stat.S_IXUSR)
        self.assertFiles(scene, *result.lines)

    def test_check(self):
        """Sizes in KiB, as the harness writes them, and no more."""
        scene = self.scene()
        result = scene.run("check", self.nginx.base, "vanessa/greeting",
                           "--ca-file", self.ca_file, "--deep", "--json")
        self.assertExit(result, 0)
        self.assertEqual([json.loads(line)["code"] for line in result.lines],
                         ["W-size-unit"] * 2)

    def test_recognised(self):
        scene = self.scene()
        result = scene.run("-r", self.nginx.base, "--ca-file", self.ca_file,
                           "--json", "vanessa/greeting:asciiart")
        image = self.assertJson(result)
        self.assertEqual((image["kind"], image["arch"], image["size"]),
                         ("SIF", "amd64", 40960))
        self.assertEqual(image["digest"], "sha256:" + images.sha256(
            self.data["asciiart"]))


def at_hand():
    """Are they? The tree is published without them."""
    return os.path.isdir(os.path.join(FIXTURES, "registry")) and \
        os.path.isdir(os.path.join(FIXTURES, "images"))


if __name__ == "__main__":
    if not at_hand():
        print("skipped: there are no fixtures in %s" % SHARED)
        sys.exit(SKIP)
    main()
