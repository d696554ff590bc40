#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A mirror that is killed at any moment, two at once, and who reads meanwhile:
what is listed is there, always, and the next run completes."""

import os
import random
import threading
import time

from harness import images, registry, spull, tree
from harness.case import main
from harness.engine import put_down
from harness.mirror import OLD, Mirror
from harness.nginx import Nginx
from harness.preload import preload
from harness.servers import page
from harness.spull import LONG

CONTAINERS = ("lab/solver", "lab/mesher", "deep/er/viewer")
IMAGES = 50 if LONG else 20
KILLS = 50 if LONG else 12


class Reader:
    """Looks at a tree all the time, as clients of its web server would."""

    def __init__(self, root):
        self.root = root
        self.known = {}
        self.looks = 0
        self.why = None
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self):
        while not self.stop.is_set() and self.why is None:
            try:
                tree.check(self.root, self.known)
            except (tree.Unsound, OSError, ValueError, KeyError) as why:
                self.why = "%s: %s" % (type(why).__name__, why)
            self.looks += 1

    def end(self):
        self.stop.set()
        self.thread.join()
        if self.why is not None:
            raise AssertionError(self.why)
        return self.looks


class Crashes(Mirror):
    def fill(self, scene, count=IMAGES, size=98304, seeds=0):
        """So many images in the containers; returns ref -> bytes."""
        found = {}
        for number in range(count):
            ref = "%s:%d" % (CONTAINERS[number % len(CONTAINERS)], number)
            data = images.sif(size + number, seed=seeds + number,
                              payload=images.pattern)
            found[ref] = scene.image(ref, data)
        for container in CONTAINERS:
            scene.tags(container, page(registry.tags_page(container, [
                ref.rsplit(":", 1)[1] for ref in found
                if ref.startswith(container + ":")])))
        return found

    def complete(self, scene, found):
        result = self.mirror(scene, *CONTAINERS, "--prune")
        self.assertPinned(result, found)
        self.age(scene)
        for _ in range(2):  # a lead goes after its partial file
            self.mirror(scene, "--prune")
        self.assertTree(scene, found)
        self.assertClean(scene, self.tree(scene))

    def assertClean(self, scene, registry, *containers):
        """The linter finds nothing, however deep it looks."""
        checked = scene.run("check", "--deep", "--strict", registry,
                            *containers)
        self.assertExit(checked, 0)
        self.assertEqual(checked.out, "")

    def age(self, scene):
        """What partial files are left is nobody's after a week."""
        folder = os.path.join(self.tree(scene), "blobs", "sha256")
        week = time.time() - OLD
        for name in tree.blobs(self.tree(scene)):
            if name.startswith(".spull-"):
                os.utime(os.path.join(folder, name), (week, week),
                         follow_symlinks=False)

    def duration(self, scene):
        """Of a whole run, into another tree."""
        start = time.monotonic()
        self.assertExit(scene.run("mirror", "other", *CONTAINERS), 0)
        return time.monotonic() - start

    def serve(self, scene):
        server = Nginx(scene.cwd, os.path.join(self.folder, "nginx"))
        self.addCleanup(server.stop)
        return server.base + "/tree"

    def kill(self, scene, dice, seconds):
        process = scene.start("mirror", "tree", *CONTAINERS)
        time.sleep(dice.random() * seconds)
        process.kill()
        spull.finish(process)
        return tree.check(self.tree(scene))

    def test_killed_at_any_moment(self):
        """50 images, kill -9 50 times (in short: fewer of both): each time on
        a tree that is new, or on what the last one left."""
        scene = self.scene()
        found = self.fill(scene)
        seconds = self.duration(scene)
        dice = random.Random(5)
        base = self.serve(scene)
        reader = Reader(self.tree(scene))
        listed = 0
        for number in range(KILLS):
            there = self.kill(scene, dice, seconds)
            now = sum(len(tags) for tags in there.values())
            self.assertGreaterEqual(now, listed, "a tag was lost")
            listed = now
            if there:
                self.assertClean(scene, base, *there)
            if now == IMAGES or number % 10 == 9:
                self.complete(scene, found)
                # A new tree: the reader must not see the old one go.
                reader.end()
                os.rename(self.tree(scene), scene.path("done-%d" % number))
                listed = 0
                reader = Reader(self.tree(scene))
        self.complete(scene, found)
        self.assertGreater(reader.end(), 0)

    def test_killed_while_tags_move(self):
        """All images are replaced, again and again, and one run is killed."""
        scene = self.scene()
        self.complete(scene, self.fill(scene))
        seconds = self.duration(scene)
        dice = random.Random(6)
        reader = Reader(self.tree(scene))
        for number in range(KILLS // 4):
            found = self.fill(scene, seeds=1000 * (number + 1))
            self.kill(scene, dice, seconds)
            self.kill(scene, dice, seconds)
        result = self.mirror(scene, *CONTAINERS)
        self.assertGreater(reader.end(), 0)
        self.assertPinned(result, found)
        self.complete(scene, found)

    def test_several_at_once(self):
        """Each brings tags of the same containers, and none is lost."""
        scene = self.scene()
        found = self.fill(scene, size=40000)
        refs = sorted(found)
        reader = Reader(self.tree(scene))
        # The last two have the same work to do.
        shares = [refs[0::3], refs[1::3], refs[2::3], refs[2::3]]
        tasks = [scene.start("mirror", "tree", *share) for share in shares]
        results = [spull.finish(task) for task in tasks]
        for share, result in zip(shares, results):
            self.assertExit(result, 0)
            self.assertEqual(len(result.lines), len(share))
        self.assertGreater(reader.end(), 0)
        self.assertTree(scene, found)
        # Nothing came twice.
        self.assertLessEqual(len(scene.blobs()), len(refs) + 1)

    def test_killed_with_an_old_list(self):
        """One looks which tags there are, another one brings a tag meanwhile
        and is done; then the first one's list appears, and nobody is left to
        look again."""
        scene = self.scene()
        reached, go = scene.path("reached"), scene.path("go")
        slow = preload(self.folder, "last_word")
        slow.update(REACHED=reached, GO=go)
        found = {}
        for tag in "12":
            scene.put(tag + ".sif", images.sif(seed=int(tag)))
            found["lab/solver:" + tag] = images.sif(seed=int(tag))
        task = scene.start("mirror", "tree", "--add", "lab/solver:1=1.sif",
                           env=slow)
        self.addCleanup(put_down, task)
        end = time.monotonic() + spull.TIMEOUT
        while not os.path.exists(reached) and time.monotonic() < end:
            time.sleep(0.01)
        self.mirror(scene, "--add", "lab/solver:2=2.sif")
        scene.put("go", b"")
        spull.finish(task)
        self.assertTree(scene, found)

    def test_a_prune_beside(self):
        """Old blobs that nobody names are brought back into use while another
        process removes what nobody names."""
        scene = self.scene()
        first = self.fill(scene, size=40000)
        self.complete(scene, first)
        for _ in range(4 if LONG else 2):
            second = self.fill(scene, size=40000, seeds=5000)
            self.mirror(scene, *CONTAINERS)
            # Now all of the first are nobody's; they are wanted again.
            first = self.fill(scene, size=40000)
            task = scene.start("mirror", "tree", *CONTAINERS)
            while task.poll() is None:
                self.mirror(scene, "--prune")
            self.assertExit(spull.finish(task), 0)
            self.assertEqual(set(second), set(first))
            for container in CONTAINERS:
                for tag in tree.tags(self.tree(scene), container):
                    tree.check_image(self.tree(scene), container, tag, {})
        self.complete(scene, first)

    def test_served_while_it_runs(self):
        """Through nginx: what a client is told of, it gets."""
        scene, client = self.scene(), self.scene()
        found = self.fill(scene, count=12)
        os.makedirs(self.tree(scene))
        server = Nginx(self.tree(scene), os.path.join(self.folder, "nginx"))
        self.addCleanup(server.stop)
        task = scene.start("mirror", "tree", *CONTAINERS)
        pulled = set()
        running = True
        while running or len(pulled) < len(found):
            running = task.poll() is None
            self.assertTrue(running or task.returncode == 0)
            for container in CONTAINERS:
                tags = client.run("-r", server.base, "tags", container)
                for tag in tags.lines:
                    ref = "%s:%s" % (container, tag)
                    if ref not in pulled:
                        self.assertExit(client.run("-r", server.base, ref), 0)
                        pulled.add(ref)
        self.assertExit(spull.finish(task), 0)
        self.assertEqual(pulled, set(found))


if __name__ == "__main__":
    main()
