#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""spull mirror --prune: what goes, what stays, and what is left by others."""

import json
import os
import re
import shutil
import subprocess
import time
import unittest

from harness import images, spull, tree
from harness.case import main
from harness.engine import MIB
from harness.mirror import OLD, Mirror
from harness.preload import preload
from harness.servers import Gate, Reply
from harness.users import IS_ALMIGHTY, as_anybody_but_root


class Prune(Mirror):
    def put(self, scene, name, data=b"something", age=0):
        path = scene.put(os.path.join("tree", name), data)
        if age:
            os.utime(path, (time.time() - age,) * 2)
        return path

    def test_endless_digits(self):
        """A document is a stranger's, and read once: this one took minutes."""
        scene = self.scene()
        scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        self.put(scene, "other/page/index.html",
                 b"a" * (2 << 20) + b"b" * 64 + b"a" * (1 << 20))
        for name in "ab":
            self.put(scene, "blobs/sha256/" + name * 64)
        self.put(scene, "blobs/sha256/" + "c" * 64)
        self.assertExit(scene.run("mirror", "tree", "--prune"), 0)
        left = os.listdir(scene.path("tree/blobs/sha256"))
        self.assertEqual(sorted(set(left) & {name * 64 for name in "abc"}),
                         ["a" * 64, "b" * 64])

    def wait_for_span(self, scene):
        """Until there is something to take up."""
        folder = os.path.join(self.tree(scene), "blobs", "sha256")
        end = time.monotonic() + spull.TIMEOUT
        while time.monotonic() < end:
            for name in os.listdir(folder):
                if not name.endswith(".spans"):
                    continue
                with open(os.path.join(folder, name)) as file:
                    first = re.search(r"(?m)^span 0 (\d+)$", file.read())
                if first and int(first.group(1)) >= 1 << 16:
                    return
            time.sleep(0.02)
        self.fail("no journal says what has come")

    def test_what_a_dead_process_has_left(self):
        """It is for the next run, however many others prune before."""
        scene = self.scene()
        self.mirror(scene, "--add", "lab/other:1=" +
                    scene.put("other.sif", images.sif(seed=3)))
        data, gate = images.sif(2 * MIB), Gate(MIB + MIB // 2)
        scene.image("lab/solver:1", data, Reply(data, gate=gate, etag='"1"'),
                    size="bytes")
        process = scene.start("mirror", "tree", "lab/solver:1")
        gate.wait_reached()
        self.wait_for_span(scene)
        process.terminate()
        spull.finish(process)
        left = [name for name in tree.blobs(self.tree(scene))
                if name.endswith((".part", ".spans"))]
        self.assertEqual(len(left), 2, left)
        result = self.mirror(scene, "--prune", "--json")
        self.assertEqual(self.assertJson(result)["removed"], 0)
        self.assertLessEqual(set(left), set(tree.blobs(self.tree(scene))))
        scene.image("lab/solver:1", data, Reply(data, etag='"1"'),
                    size="bytes")
        said = self.assertJson(self.mirror(scene, "--json", "lab/solver:1"))
        self.assertLess(said["transferred"], len(data))
        self.assertTree(scene, {"lab/solver:1": data,
                                "lab/other:1": images.sif(seed=3)})

    def test_what_goes_and_what_stays(self):
        scene = self.scene()
        data = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        part = ".spull-%s-node-1-0123456789abcdef" % ("0" * 32)
        stays = ["blobs/sha256/" + name for name in (
            "1" * 63, "g" * 64, "README", part + ".part")]
        stays += ["lab/.spull-index-1-2.new", "other/page/index.html",
                  "other/notes.txt"]
        for name in stays:
            self.put(scene, name)
        # Whatever names a digest, in whatever words, names a blob.
        for name in ("blobs/sha256/" + "c" * 64, "blobs/sha256/" + "d" * 64):
            self.put(scene, name)
            stays.append(name)
        self.put(scene, "other/page/index.html",
                 b"see " + b"C" * 64 + b" and x" + b"d" * 65)
        goes = ["blobs/sha256/" + "a" * 64, "blobs/sha256/" + "b" * 64]
        for name in goes:
            self.put(scene, name)
        for name in ("blobs/sha256/%s.spans" % part.replace("node", "old"),
                     "blobs/sha256/%s.part" % part.replace("node", "old"),
                     "blobs/sha256/.spull-0.weak",
                     "lab/solver/tags/.spull-index-9-9.new"):
            self.put(scene, name, age=OLD)
        result = self.mirror(scene, "--prune", "--json")
        said = self.assertJson(result)
        self.assertEqual((said["state"], said["removed"]), ("pruned", 6))
        self.assertTree(scene, {"lab/solver:1": data}, stays)

    def test_a_tag_is_removed_by_hand(self):
        """The recipe of the manual: rm, then --prune."""
        scene = self.scene()
        found = self.publish(scene, "lab/solver", {"1": 1, "2": 2})
        self.mirror(scene, "lab/solver")
        shutil.rmtree(os.path.join(self.tree(scene), "lab/solver/manifests/1"))
        self.mirror(scene, "--prune")
        self.assertTree(scene, {"lab/solver:2": found["2"]})
        shutil.rmtree(os.path.join(self.tree(scene), "lab/solver/manifests/2"))
        self.mirror(scene, "--prune")
        self.assertEqual(tree.check(self.tree(scene)), {"lab/solver": []})
        self.assertEqual(tree.blobs(self.tree(scene)), [])

    def test_all_tags_are_removed_by_hand(self):
        """With the folder that they are in. What looks like a list there, and
        is the manifest of a tag called "tags", stays."""
        scene = self.scene()
        self.publish(scene, "lab/solver", {"1": 1})
        self.publish(scene, "lab/mesher", {"tags": 2})
        self.mirror(scene, "lab/solver", "lab/mesher")
        shutil.rmtree(os.path.join(self.tree(scene), "lab/solver/manifests"))
        path = os.path.join(self.tree(scene),
                            "lab/mesher/manifests/tags/index.html")
        with open(path) as file:
            manifest = dict(json.load(file), tags=["a"])
        with open(path, "w") as file:
            json.dump(manifest, file)
        self.mirror(scene, "--prune")
        with open(path) as file:
            self.assertEqual(json.load(file), manifest)
        self.assertEqual(len(tree.blobs(self.tree(scene))), 1)
        for name, tags in ("lab/solver", []), ("lab/mesher", ["tags"]):
            self.assertEqual(tree.document(self.tree(scene), name, "tags"),
                             {"name": name, "tags": tags})

    def test_doubt_removes_nothing(self):
        """A document that can't be read may name any blob."""
        def loop(path):
            os.symlink("index.html", path)

        def huge(path):
            with open(path, "wb") as file:
                file.truncate(5 * MIB)

        def away(path):
            os.symlink("/", os.path.dirname(path) + "/away")

        for spoil in (loop, huge, away):
            scene = self.scene()
            self.put(scene, "blobs/sha256/" + "a" * 64)
            os.makedirs(scene.path("tree/x/y/manifests/1"))
            spoil(scene.path("tree/x/y/manifests/1/index.html"))
            result = scene.run("mirror", "tree", "--prune")
            self.assertFails(result, 5 if spoil is huge else 7)
            self.assertEqual(tree.blobs(self.tree(scene)), ["a" * 64])

    def assertDoubt(self, scene, env=None, wrap=()):
        """A prune fails, and changes nothing."""
        before = tree.files(self.tree(scene))
        result = scene.run("mirror", "tree", "--prune", env=env, wrap=wrap)
        self.assertFails(result, 7, "tree/")
        self.assertEqual(tree.files(self.tree(scene)), before)

    def test_folders_that_cannot_be_read(self):
        """Nor does a folder that breaks off tell all that is in it: neither
        which blobs are named, nor which are claimed, nor which tags there
        are."""
        for folder in ("/lab", "/lab/solver/manifests/1", "/blobs",
                       "/lab/solver/manifests", "/blobs/sha256"):
            with self.subTest(folder=folder):
                scene = self.scene()
                self.publish(scene, "lab/solver", {"1": 1, "2": 2})
                self.mirror(scene, "lab/solver")
                env = preload(self.folder, "bad_folder")
                self.assertDoubt(scene, dict(env, BAD_FOLDER=folder))

    @unittest.skipIf(IS_ALMIGHTY, "root may read everything")
    def test_manifests_that_are_closed(self):
        """They are there all the same: the list of tags keeps them."""
        for name in ("lab/solver/manifests", "lab/solver/manifests/1"):
            with self.subTest(name=name):
                scene = self.scene()
                self.publish(scene, "lab/solver", {"1": 1, "2": 2})
                self.mirror(scene, "lab/solver")
                root = self.tree(scene)
                subprocess.run(["chmod", "-R", "a+rwX", scene.folder],
                               check=True)
                before = tree.files(root)
                os.chmod(os.path.join(root, name), 0)
                result = scene.run("mirror", "tree", "--prune",
                                   wrap=as_anybody_but_root())
                os.chmod(os.path.join(root, name), 0o755)
                self.assertFails(result, 7, name)
                self.assertEqual(tree.files(root), before)

    def test_links_within_the_tree(self):
        scene = self.scene()
        data = scene.image("lab/solver:1")
        self.mirror(scene, "lab/solver:1")
        root = self.tree(scene)
        os.symlink("1", os.path.join(root, "lab/solver/manifests/stable"))
        os.symlink("..", os.path.join(root, "lab/loop"))
        self.mirror(scene, "--prune")
        self.assertEqual(tree.check(root)["lab/solver"], ["1", "stable"])
        with open(self.blob(scene, data), "rb") as file:
            self.assertEqual(file.read(), data)

    def test_what_another_one_needs(self):
        """A blob that a mirror has found, and is about to name, stays; when
        its process is gone, the claim counts no more."""
        scene = self.scene()
        for owner, code in ((os.getpid(), 1), (self.dead(), 0)):
            hexes = "a" * 64
            self.put(scene, "blobs/sha256/" + hexes)
            self.put(scene, "index.html")
            os.symlink(self.owner(owner), scene.path(
                "tree/blobs/.spull-%s-1-2.claim" % hexes))
            self.mirror(scene, "--prune")
            self.assertEqual(len(tree.blobs(self.tree(scene))), code)
            self.assertEqual(len(os.listdir(scene.path("tree/blobs"))),
                             1 + code)
            for name in os.listdir(scene.path("tree/blobs")):
                if name != "sha256":
                    os.unlink(scene.path("tree/blobs/" + name))

    @staticmethod
    def dead():
        child = subprocess.Popen(["true"])
        child.wait()
        return child.pid

    @staticmethod
    def owner(pid):
        """As the library writes it: boot, pid namespace, pid, start."""
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
        try:
            with open("/proc/%d/stat" % pid) as file:
                start = file.read().rsplit(")", 1)[1].split()[19]
        except FileNotFoundError:
            start = 1
        return "%s %d %d %s" % (boot, os.stat("/proc/self/ns/pid").st_ino,
                                pid, start)

    def test_of_another_program(self):
        """OCI's layout has its blobs in the same place, and no index.html."""
        scene = self.scene()
        for name in ("oci-layout", "index.json", "blobs/sha256/" + "a" * 64):
            self.put(scene, name, b"{}")
        before = spull.files(self.tree(scene))
        self.assertFails(scene.run("mirror", "tree", "--prune"), 2,
                         "OCI image layout")
        self.assertEqual(spull.files(self.tree(scene)), before)

    def test_blobs_alone(self):
        """A tree that is being copied, the blobs first; or somebody else's."""
        scene = self.scene()
        self.publish(scene, "lab/solver", {"1": 1})
        self.mirror(scene, "lab/solver")
        shutil.move(self.tree(scene) + "/lab", scene.path("lab"))
        self.assertFails(scene.run("mirror", "tree", "--prune"), 2,
                         "tree has blobs", "no document")
        self.assertEqual(len(tree.blobs(self.tree(scene))), 1)
        shutil.move(scene.path("lab"), self.tree(scene) + "/lab")
        shutil.rmtree(self.tree(scene) + "/lab/solver/manifests")
        self.mirror(scene, "--prune")
        self.assertEqual(tree.blobs(self.tree(scene)), [])

    def test_no_tree(self):
        scene = self.scene()
        self.assertFails(scene.run("mirror", "nowhere", "--prune"), 3,
                         "nowhere")
        self.assertFiles(scene)


if __name__ == "__main__":
    main()
