#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""spull mirror: what is in the registry on disk, from a server or from files,
and that a run with nothing to do leaves it as it is."""

import json
import os
import re
import shutil
import stat
import unittest

from harness import images, registry, spull, tree
from harness.case import main
from harness.engine import MIB
from harness.mirror import Mirror
from harness.servers import Reply, not_found, page
from harness.trace import WHY_NO_TRACE
from harness.users import IS_ALMIGHTY, as_nobody


class Contents(Mirror):
    def test_one_image(self):
        scene = self.scene()
        data = scene.image("vanessa/greeting:asciiart")
        result = self.mirror(scene, "vanessa/greeting:asciiart")
        self.assertPinned(result, {"vanessa/greeting:asciiart": data})
        self.assertTree(scene, {"vanessa/greeting:asciiart": data})
        one = tree.layer(self.tree(scene), "vanessa/greeting", "asciiart")
        self.assertEqual(one["size"], len(data))
        self.assertEqual(one["mediaType"], registry.LAYER)
        # The registry was asked for the manifest once, and for the blob once.
        self.assertEqual(len(scene.requests()), 2, scene.requests())

    def test_all_tags_of_a_container(self):
        scene = self.scene()
        found = self.publish(scene, "lab/solver", {"1": 1, "2": 2, "3": 1})
        expected = {"lab/solver:" + tag: data for tag, data in found.items()}
        self.assertPinned(self.mirror(scene, "lab/solver"), expected)
        self.assertTree(scene, expected)
        # Two tags are one image, and that one blob.
        self.assertEqual(len(tree.blobs(self.tree(scene))), 2)
        self.assertEqual(len(scene.blobs()), 2)

    def test_lists(self):
        scene = self.scene()
        one = scene.image("lab/a:1")
        two = scene.image("lab/b:2", images.sif(seed=2))
        scene.put("list", b"# what we need\nlab/a:1\n\nlab/b:2 # this too\n")
        result = self.mirror(scene, "-f", "list", "lab/a:1")
        self.assertPinned(result, {"lab/a:1": one, "lab/b:2": two})
        self.assertTree(scene, {"lab/a:1": one, "lab/b:2": two})

    def test_deep_names(self):
        scene = self.scene()
        data = scene.image("a/b/c/d:1.0+x")
        self.mirror(scene, "a/b/c/d:1.0+x")
        self.assertTree(scene, {"a/b/c/d:1.0+x": data})

    def test_another_registry(self):
        """The tree has the container's name, wherever it came from."""
        scene, other = self.scene(), self.scene()
        data = other.image("lab/solver:1")
        result = self.mirror(scene, other.base + "/lab/solver:1")
        self.assertPinned(result, {"lab/solver:1": data})
        self.assertTree(scene, {"lab/solver:1": data})

    def test_a_pin(self):
        scene = self.scene()
        data = scene.image("lab/solver:1", form="md5")
        pin = "lab/solver:1@sha256:" + images.sha256(data)
        result = self.mirror(scene, pin)
        self.assertEqual(result.lines, [pin])
        self.assertTree(scene, {"lab/solver:1": data})
        self.assertNotIn("weak", result.err)

    def test_an_archive_stays_one(self):
        """Its config says what comes out of it; an image's says nothing."""
        scene = self.scene()
        inner = images.sif(seed=5)
        for tag, data in (("zipped", images.gzipped(inner)), ("bare", inner)):
            url = scene.blob(Reply(data), path="/blobs/" + tag)
            scene.manifest("lab/solver:" + tag, page(registry.manifest_page(
                [registry.layer_page(registry.kib(data),
                                     registry.digest_of(data), [url])],
                registry.layer_page(4711, "sha256:" + "5" * 64, None,
                                    registry.CONFIG))))
            for _ in range(2):
                result = self.mirror(scene, "lab/solver:" + tag)
                self.assertNotIn("looks like", result.err)
            config = tree.document(self.tree(scene), "lab/solver/manifests",
                                   tag)["config"]
            self.assertEqual(config["size"],
                             4711 if tag == "zipped" else len(data))
            with open(self.blob(scene, data), "rb") as file:
                self.assertEqual(file.read(), data)

    def test_no_markup(self):
        """What strangers wrote is served as a web page of ours."""
        scene = self.scene()
        data = images.sif()
        url = scene.blob(Reply(data))
        scene.manifest("lab/solver:1", page(json.dumps(
            {"layers": [{"size": len(data), "urls": [url],
                         "digest": registry.digest_of(data),
                         "mediaType": "<script>alert(1)</script>"}],
             "annotations": {"title": "<img src=x onerror=alert(1)>&amp;"},
             "other": "<b>"})))
        self.mirror(scene, "lab/solver:1")
        folder = os.path.join(self.tree(scene), "lab/solver/manifests/1")
        text = tree.read(os.path.join(folder, "index.html"))
        for char in b"<>&":
            self.assertNotIn(char, text)
        self.assertEqual(tree.document(folder)["annotations"]["title"],
                         "<img src=x onerror=alert(1)>&amp;")
        self.assertNotIn("other", tree.document(folder))

    def test_modes(self):
        for mask in (0o022, 0o027, 0o002):
            scene = self.scene()
            data = scene.image("lab/solver:1")
            self.mirror(scene, "lab/solver:1",
                        preexec_fn=lambda mask=mask: os.umask(mask))
            for name in spull.files(self.tree(scene)):
                mode = os.stat(os.path.join(self.tree(scene), name)).st_mode
                wanted = 0o777 if stat.S_ISDIR(mode) else 0o666
                self.assertEqual(oct(stat.S_IMODE(mode)),
                                 oct(wanted & ~mask), name)
            self.assertTree(scene, {"lab/solver:1": data})

    def test_json(self):
        scene = self.scene()
        data = scene.image("lab/solver:1", images.sif(arch="arm64"))
        for state, transferred in (("mirrored", len(data)), ("up-to-date", 0)):
            said = self.assertJson(self.mirror(scene, "--json", "lab/solver:1"))
            said.pop("seconds")
            self.assertEqual(said, {
                "reference": "lab/solver:1", "state": state,
                "pinned": "lab/solver:1@sha256:" + images.sha256(data),
                "path": "tree/blobs/sha256/" + images.sha256(data),
                "digest": registry.digest_of(data), "weak": False,
                "size": len(data), "transferred": transferred,
                "url": scene.server.url(scene.prefix + "/blobs/lab/solver/1")
                if transferred else None, "kind": "SIF", "arch": "arm64"})


class Again(Mirror):
    """A second run."""

    def test_nothing_to_do(self):
        scene = self.scene()
        found = self.publish(scene, "lab/solver", {"1": 1, "2": 2})
        weak = scene.image("lab/weak:1", images.sif(seed=3), form="md5")
        refs = ["lab/solver", "lab/weak:1", "--allow-md5"]
        self.mirror(scene, *refs)
        before = tree.snapshot(self.tree(scene))
        asked = len(scene.blobs())
        for more in ((), ("--prune",)):
            result = self.mirror(scene, *refs, *more)
            self.assertEqual(tree.snapshot(self.tree(scene)), before)
            self.assertPinned(result, dict(
                {"lab/solver:" + tag: data for tag, data in found.items()},
                **{"lab/weak:1": weak}))
        self.assertEqual(len(scene.blobs()), asked)
        self.assertSays(result, "up to date")

    @unittest.skipIf(IS_ALMIGHTY, "root may do anything")
    def test_read_only(self):
        """Who may only read the tree can still see that it is complete."""
        scene = self.scene()
        data = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        how = {}
        if os.geteuid() == 0:
            how = {"wrap": as_nobody()}
            os.chmod(scene.home, 0o755)
        else:
            for where, _, _ in os.walk(self.tree(scene)):
                os.chmod(where, 0o555)
                self.addCleanup(os.chmod, where, 0o755)
        before = tree.snapshot(self.tree(scene))
        self.mirror(scene, "lab/solver:1", **how)
        scene.image("lab/solver:2", images.sif(seed=2))
        self.assertFails(scene.run("mirror", "tree", "lab/solver:2", **how), 7,
                         "Permission denied")
        self.assertEqual(tree.snapshot(self.tree(scene)), before)
        self.assertTree(scene, {"lab/solver:1": data})

    def test_a_tag_that_moved(self):
        scene = self.scene()
        old = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        new = scene.image("lab/solver:1", images.sif(seed=2))
        result = self.mirror(scene, "lab/solver:1")
        self.assertPinned(result, {"lab/solver:1": new})
        self.assertTree(scene, {"lab/solver:1": new},
                        ["blobs/sha256/" + images.sha256(old)])
        result = self.mirror(scene, "--prune")
        self.assertEqual(result.out, "")
        self.assertSays(result, "1 file removed")
        self.assertTree(scene, {"lab/solver:1": new})

    def test_goes_on_where_it_stopped(self):
        scene = self.scene()
        data = images.sif(2 * MIB)
        scene.image("lab/solver:1", data, reply=[
            Reply(data, cut=MIB), not_found(), Reply(data)])
        self.mirror(scene, "lab/solver:1", code=3)
        self.assertEqual(tree.check(self.tree(scene)), {})
        result = self.mirror(scene, "lab/solver:1")
        self.assertLess(scene.blobs()[-1].sent, len(data) - MIB // 2, result)
        self.assertTree(scene, {"lab/solver:1": data})

    def test_a_damaged_blob_is_replaced(self):
        scene = self.scene()
        data = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        for spoilt in (data[:-1] + b"!", data[:-1], b""):
            path = self.blob(scene, data)
            os.unlink(path)
            with open(path, "wb") as file:
                file.write(spoilt)
            self.mirror(scene, "lab/solver:1")
            self.assertTree(scene, {"lab/solver:1": data})

    def test_what_is_missing_is_made_again(self):
        scene = self.scene()
        data = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        for name in ("lab/solver/tags", "lab/solver/manifests",
                     "lab", "blobs"):
            shutil.rmtree(os.path.join(self.tree(scene), name))
            self.mirror(scene, "lab/solver:1")
            self.assertTree(scene, {"lab/solver:1": data})

    def test_extends_what_is_there(self):
        """Tags that others have made stay; a stranger is not kept."""
        scene = self.scene()
        data = scene.image("lab/solver:2")
        there = registry.Registry(self.tree(scene))
        there.add("lab/solver:1", images.sif(seed=9))
        there.write("lab/solver/tags/index.html", registry.tags_page(
            "lab/solver", ["README.md", "1", "gone"]))
        self.mirror(scene, "lab/solver:2")
        self.assertEqual(tree.tags(self.tree(scene), "lab/solver"), ["1", "2"])
        with open(self.blob(scene, data), "rb") as file:
            self.assertEqual(file.read(), data)


    @unittest.skipIf(IS_ALMIGHTY, "root may do anything")
    def test_a_folder_that_cannot_be_read(self):
        """Which tags there are can't be known then, and the list stays."""
        scene = self.scene()
        self.publish(scene, "lab/solver", {"1": 1, "2": 2})
        os.makedirs(self.tree(scene))
        how = {}
        if os.geteuid() == 0:
            how = {"wrap": as_nobody()}
            os.chmod(scene.home, 0o755)
            os.chmod(self.tree(scene), 0o777)
        self.mirror(scene, "lab/solver", **how)
        # Of 1, there is a manifest already, and nothing but the list to do.
        listed = scene.put("tree/lab/solver/tags/index.html",
                           registry.tags_page("lab/solver", ["2"]))
        folder = os.path.join(self.tree(scene), "lab/solver/manifests")
        os.chmod(folder, 0o333)
        try:
            self.assertFails(scene.run("mirror", "tree", "lab/solver:1", **how),
                             7, "manifests", "Permission denied")
        finally:
            os.chmod(folder, 0o755)
        self.assertEqual(tree.tags(self.tree(scene), "lab/solver"), ["2"])
        os.chmod(listed, 0o666)
        self.mirror(scene, "lab/solver:1", **how)
        self.assertEqual(tree.tags(self.tree(scene), "lab/solver"), ["1", "2"])

    @unittest.skipIf(WHY_NO_TRACE, WHY_NO_TRACE)
    def test_many_tags(self):
        """What a tag takes does not grow with the tags that are listed."""
        scene = self.scene()
        count = 64
        found = self.publish(scene, "lab/solver",
                             {"t%d" % number: 1 for number in range(count)})
        log = os.path.join(scene.folder, "trace")
        self.mirror(scene, "lab/solver", env=spull.without_leaks(), wrap=[
            "strace", "-f", "-o", log, "-e", "trace=%%stat"])
        self.assertTree(scene, {"lab/solver:" + tag: data
                                for tag, data in found.items()})
        with open(log) as file:
            looks = len(re.findall(r'"t\d+/index\.html"', file.read()))
        self.assertLess(looks, 12 * count)


class Files(Mirror):
    """--add"""

    def test_a_directory_of_images_becomes_a_registry(self):
        scene = self.scene()
        found = {}
        args = []
        for number in range(3):
            ref = "lab/solver:%d" % number
            found[ref] = images.sif(seed=number)
            scene.put("images/%d.sif" % number, found[ref])
            args += ["--add", "%s=images/%d.sif" % (ref, number)]
        self.assertPinned(self.mirror(scene, *args), found)
        self.assertTree(scene, found)
        before = tree.snapshot(self.tree(scene))
        result = self.mirror(scene, *args)
        self.assertEqual(tree.snapshot(self.tree(scene)), before)
        self.assertSays(result, "up to date")
        # The copies are files of their own.
        for number in range(3):
            scene.put("images/%d.sif" % number, b"changed")
        self.assertTree(scene, found)

    def test_it_says_what_it_does(self):
        """Which is no download."""
        scene = self.scene()
        scene.put("image.sif", images.sif())
        result = self.mirror(scene, "--add", "lab/a:1=image.sif")
        lines = result.err.splitlines()
        self.assertEqual(lines[0], "spull: lab/a:1: copying 40.0 KiB")
        self.assertRegex(lines[1], r"^spull: lab/a:1: 40\.0 KiB copied in "
                                   r"[\d.]+ s, verified$")
        self.assertEqual(len(lines), 2)
        result = self.mirror(scene, "--add", "lab/b:1=image.sif")
        self.assertRegex(result.err, r"^spull: lab/b:1: 40\.0 KiB, all of it "
                                     r"here already, in [\d.]+ s, verified\n$")

    def test_beside_references(self):
        scene = self.scene()
        one = scene.image("lab/a:1")
        two = images.squashfs(seed=4)
        scene.put("b.sif", two)
        self.mirror(scene, "lab/a:1", "--add", "lab/b=b.sif")
        self.assertTree(scene, {"lab/a:1": one, "lab/b:latest": two})

    def test_replaces_a_tag(self):
        scene = self.scene()
        for seed in (1, 2):
            data = images.sif(seed=seed)
            scene.put("image.sif", data)
            self.mirror(scene, "--add", "lab/a:1=image.sif", "--prune")
            self.assertTree(scene, {"lab/a:1": data})

    def test_an_installed_image(self):
        """Its note says what it is, as long as it is that."""
        scene = self.scene()
        data = scene.image("lab/a:1")
        self.assertExit(scene.run("lab/a:1"), 0)
        self.mirror(scene, "--add", "lab/b:1=a_1.sif")
        self.assertTree(scene, {"lab/b:1": data})
        changed = b"!" + data[1:]
        scene.put("a_1.sif", changed)
        self.mirror(scene, "--add", "lab/b:1=a_1.sif", "--prune")
        self.assertTree(scene, {"lab/b:1": changed})

    def test_a_link_to_an_image(self):
        scene = self.scene()
        data = images.sif()
        scene.put("a=b/image.sif", data)
        os.symlink("a=b/image.sif", scene.path("link"))
        self.mirror(scene, "--add", "lab/b:1=link", "--add",
                    "lab/b:2=a=b/image.sif")
        self.assertTree(scene, {"lab/b:1": data, "lab/b:2": data})

    def test_what_is_no_image(self):
        scene = self.scene()
        data = b"some text"
        scene.put("notes", data)
        self.assertSays(self.mirror(scene, "--add", "lab/b:1=notes"),
                        "neither a SIF nor a squashfs")
        self.assertTree(scene, {"lab/b:1": data})
        scene.put("empty", b"")
        self.assertFails(scene.run("mirror", "tree", "--add", "lab/c:1=empty"),
                         5, "empty")
        self.assertFails(scene.run("mirror", "tree", "--add", "lab/c:1=nope"),
                         3, "No such file")
        self.assertTree(scene, {"lab/b:1": data})

    def test_for_another_machine(self):
        """A mirror is for whoever: no warning; --arch is an order."""
        scene = self.scene()
        data = images.sif(arch="s390x")
        scene.put("image.sif", data)
        result = scene.run("mirror", "tree", "--add", "lab/a:1=image.sif",
                           "--arch", "ppc64le")
        self.assertFails(result, 5, "s390x")
        self.assertNotIn("warning",
                         self.mirror(scene, "--add", "lab/a:1=image.sif").err)
        self.assertTree(scene, {"lab/a:1": data})


if __name__ == "__main__":
    main()
