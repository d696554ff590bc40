#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mirrors of which something fails: the rest goes on, and the old stays."""

import json
import os
import shutil
import signal

from harness import images, registry, spull, tree
from harness.case import main
from harness.engine import MIB
from harness.mirror import Mirror
from harness.servers import Gate, Reply, not_found, page


class Failures(Mirror):
    def test_others_go_on(self):
        """Strangers, an expired blob, an md5, wrong bytes, no manifest."""
        scene = self.scene()
        found = self.publish(scene, "lab/solver", {"a": 1, "e": 2})
        scene.image("lab/solver:b", images.sif(seed=3), reply=not_found())
        scene.image("lab/solver:c", images.sif(seed=4), form="md5")
        scene.image("lab/solver:d", images.sif(seed=5),
                    reply=Reply(images.sif(seed=6)))
        scene.tags("lab/solver", page(registry.tags_page(
            "lab/solver", ["README.md", "../../etc", "a", "b", "c", "d", "e",
                           "nope"])))
        result = self.mirror(scene, "lab/solver", "lab/nope", code=3)
        expected = {"lab/solver:" + tag: data for tag, data in found.items()}
        self.assertPinned(result, expected)
        self.assertTree(scene, expected)
        self.assertSays(result, "lab/solver:b", "404", "weak digest",
                        "digest mismatch", "lab/solver:nope", "lab/nope",
                        "7 images: 2 installed, 5 failed")
        self.assertNotIn("README", result.err)
        result = self.mirror(scene, "lab/nope", "lab/never", code=3)
        self.assertSays(result, "2 images: 2 failed")

    def test_status_is_that_of_the_first(self):
        """Whether it failed before the others were begun, or not."""
        scene = self.scene()
        scene.image("lab/good:1")
        scene.image("lab/weak:1", form="md5")
        for order, code in ((("lab/weak:1", "lab/none"), 5),
                            (("lab/none", "lab/weak:1"), 3),
                            (("lab/good:1", "lab/none", "lab/weak:1"), 3),
                            (("lab/none", "lab/good:1@sha256:" + "0" * 64,
                              "lab/good:1"), 2)):
            self.assertExit(scene.run("mirror", "tree", *order), code)

    def test_json_of_failures(self):
        scene = self.scene()
        for ref in "lab/nope:1", "lab/nope":
            result = self.mirror(scene, "--json", ref, code=3)
            said = json.loads(result.out)
            self.assertEqual((said["reference"], said["state"],
                              said["status"]), (ref, "failed", 3))
            for name in "path", "digest", "size", "url":
                self.assertIsNone(said[name])
            self.assertEqual(said["transferred"], 0)
            self.assertIsInstance(said["seconds"], float)
        result = scene.run("mirror", "nowhere", "--prune", "--json")
        self.assertExit(result, 3)
        said = json.loads(result.out)
        self.assertEqual((said["reference"], said["path"]), (None, "nowhere"))

    def test_a_failure_leaves_the_old_image(self):
        scene = self.scene()
        data = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        before = tree.files(self.tree(scene))
        scene.image("lab/solver:1", images.sif(seed=2), reply=not_found())
        result = self.mirror(scene, "lab/solver:1", "--prune", code=3)
        self.assertSays(result, "nothing was pruned")
        self.assertEqual(tree.files(self.tree(scene)), before)
        self.assertTree(scene, {"lab/solver:1": data})

    def test_an_empty_container(self):
        scene = self.scene()
        scene.tags("lab/solver", page(registry.tags_page("lab/solver", [])))
        self.assertFails(scene.run("mirror", "tree", "lab/solver"), 3,
                         "no tag")

    def test_weak(self):
        scene = self.scene()
        data = scene.image("lab/solver:1", form="md5-base64")
        self.assertFails(scene.run("mirror", "tree", "lab/solver:1"), 5,
                         "weak", "--allow-md5")
        result = self.mirror(scene, "--allow-md5", "lab/solver:1")
        self.assertPinned(result, {"lab/solver:1": data})
        self.assertSays(result, "weak")
        self.assertTree(scene, {"lab/solver:1": data})
        # From now on, the mirror vouches for these bytes and no others.
        pulled = scene.run("-r", "tree", "lab/solver:1")
        self.assertNotIn("weak", pulled.err)
        self.assertImage(scene.path("solver_1.sif"), data)
        # Another tag may mean the same image; there is one blob.
        scene.image("lab/solver:2", data, form="md5")
        said = self.assertJson(self.mirror(scene, "--allow-md5", "--json",
                                           "lab/solver:2"))
        self.assertTrue(said["weak"])
        self.assertTree(scene, {"lab/solver:1": data, "lab/solver:2": data})
        # And a tag that moves is noticed.
        new = scene.image("lab/solver:2", images.sif(seed=7), form="md5")
        self.mirror(scene, "--allow-md5", "lab/solver:2", "--prune")
        self.assertTree(scene, {"lab/solver:1": data, "lab/solver:2": new})

    def test_a_weak_blob_that_was_damaged(self):
        scene = self.scene()
        data = scene.image("lab/solver:1", form="md5")
        self.mirror(scene, "--allow-md5", "lab/solver:1")
        with open(self.blob(scene, data), "r+b") as file:
            file.write(b"!")
        self.mirror(scene, "--allow-md5", "lab/solver:1")
        self.assertTree(scene, {"lab/solver:1": data})

    def test_usage(self):
        data = images.sif()
        pin = "@sha256:" + images.sha256(data)
        for args, words in (
                ((), ["nothing to do", "REF"]),
                (("lab/a:1", "lab/a:1" + pin), ["both would be lab/a:1"]),
                (("lab/a", "https://h/x/lab/a:latest"), None),
                (("lab/a:../x",), ["character"]),
                (("x",), ["collection"]),
                (("a/b/manifests:1",), ["manifests"]),
                (("a/b/manifests/c:1",), ["manifests"]),
                (("blobs/sha256:1",), ["blobs"]),
                (("blobs/sha256/x:1",), ["blobs"]),
                (("lab/a:README.md",), ["no tag"]),
                (("--add", "lab/a:1"), ["REF=FILE"]),
                (("--add", "lab/a:1="), ["REF=FILE"]),
                (("--add", "=x"), ["REF=FILE"]),
                (("--add", "lab/a:1%s=image.sif" % pin), ["no pin"]),
                (("--add", "https://h/lab/a:1=image.sif"), ["no registry"]),
                (("--add", "lab/a:1=image.sif", "--add", "lab/a:1=other.sif"),
                 ["both would be"]),
                (("--add", "lab/a:1=."), ["regular"]),
                (("--add", "lab/a:1=/dev/null"), ["regular"])):
            if words is None:
                continue
            scene = self.scene()
            scene.put("image.sif", data)
            result = scene.run("mirror", "tree", *args)
            self.assertFails(result, 2, *words)
            self.assertFiles(scene, "image.sif")
        self.assertFails(self.scene().run("mirror"), 2, "DIR")
        self.assertFails(self.scene().run("mirror", "", "--prune"), 3)

    def test_no_room(self):
        """8 MiB of memory for 6 images of 2 MiB: some come, and all that is
        listed is there."""
        for jobs, least in (("1", 2), ("6", 0)):
            self.fill_up(self.scene(), jobs, least)

    def fill_up(self, scene, jobs, least):
        refs = []
        for number in range(6):
            refs.append("lab/solver:%d" % number)
            scene.image(refs[-1], images.sif(2 * MIB, seed=number,
                                             payload=images.pattern))
        os.makedirs(self.tree(scene))
        # The tree is looked at by a second spull, in there, and copied out.
        script = 'mount -t tmpfs -o size=8m none tree || exit 99; ' \
            '"$@"; code=$?; cp -a tree copy; exit $code'
        wrap = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                script, "sh"]
        if shutil.which("unshare") is None:
            self.skipTest("no unshare")
        result = scene.run("mirror", "tree", "-j", jobs, *refs, wrap=wrap)
        if result.code in (1, 99):
            self.skipTest("nothing can be mounted here: " + result.err)
        self.assertExit(result, 7)
        found = tree.check(scene.path("copy")).get("lab/solver", [])
        self.assertIn(len(found), range(least, 4))
        # A run may find no room for a list that another one then writes.
        self.assertLessEqual(len(result.lines), len(found))
        # What had come and could not be named may stay; no part does.
        for name in tree.blobs(scene.path("copy")):
            self.assertEqual(len(name), 64, result)

    def test_interrupted(self):
        """Dies by the signal, and has promised nothing."""
        scene = self.scene()
        data = images.sif(2 * MIB)
        gate = Gate(MIB)
        self.addCleanup(gate.open)
        scene.image("lab/a:1", images.sif(seed=1))
        scene.image("lab/solver:1", data, reply=Reply(data, gate=gate))
        process = scene.start("mirror", "tree", "-j1", "lab/a:1",
                              "lab/solver:1", "lab/b:1")
        gate.wait_reached()
        process.send_signal(signal.SIGTERM)
        result = spull.finish(process)
        self.assertExit(result, -signal.SIGTERM)
        self.assertEqual(tree.check(self.tree(scene)), {"lab/a": ["1"]})
        self.assertEqual(os.listdir(os.path.join(self.tree(scene), "blobs")),
                         ["sha256"])


if __name__ == "__main__":
    main()
