#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A store that is full, or changes under a pull; and its upkeep."""

import errno
import json
import os
import signal
import stat
import time

from harness import images, spull
from harness.case import main
from harness.engine import MIB, NAME, REF, image
from harness.many import PROOF, SMALL
from harness.preload import preload
from harness.store import DAY, Stored
from harness.trace import WHY_NO_TRACE, injected


class Full(Stored):
    def test_store(self):
        """Then the image is only where it belongs."""
        scene, data = self.published(MIB)
        self.mount(scene.store, "-t", "tmpfs", "-o", "size=512k", "none")
        result = scene.run(REF)
        self.assertExit(result, 0)
        self.assertSays(result, "without the store", scene.store)
        self.assertImage(scene.path(NAME), data)
        self.assertFiles(scene, NAME)
        self.assertEqual(self.seen(scene), ["sha256"])

    def test_destination(self):
        """What the store has is there for another try."""
        scene, data = self.published(MIB)
        self.mount(scene.cwd, "-t", "tmpfs", "-o", "size=512k", "none")
        for _ in range(2):
            self.assertFails(scene.run("-d", scene.cwd, REF), 7, scene.cwd)
            self.assertFiles(scene)
        self.assertStored(scene, data)
        self.assertOnce(scene, data)


class Races(Stored):
    def test_swapped_between_check_and_link(self):
        """Another file takes the name that is about to be linked."""
        other = image(SMALL, seed=1)
        for what in ("file", "link"):
            with self.subTest(what):
                scene, data = self.published()
                self.assertExit(scene.run(REF), 0)
                os.unlink(scene.path(NAME))
                swap = os.path.join(scene.store, "swap")
                victim = os.path.join(scene.folder, "victim")
                with open(swap if what == "file" else victim, "wb") as file:
                    file.write(other)
                if what == "link":
                    os.symlink(victim, swap)
                found = self.pulled(scene, env=dict(
                    preload(self.folder, "swap"), SWAP_FROM=swap))
                if found["placed"] == "reflink":
                    self.skipTest("nothing is linked on this file system")
                self.assertEqual(found["placed"], "copy")
                self.assertFalse(os.path.lexists(swap))
                self.assertImage(scene.path(NAME), data)
                self.assertFiles(scene, NAME)


class Keeping(Stored):
    def filled(self, count):
        scene = self.scene()
        blobs = [image(SMALL, seed=number) for number in range(count)]
        for number, data in enumerate(blobs):
            self.plant(scene, data, data)
            self.age(self.entry(scene, data), 10 * number)
        return scene, blobs

    def age(self, path, days):
        past = time.time() - days * DAY - 60
        os.utime(path, (past, past), follow_symlinks=False)

    def store(self, scene, *args, **more):
        return scene.run("store", *args, **more)

    def paths(self, scene, blobs):
        return sorted(self.entry(scene, data) for data in blobs)

    def test_usage(self):
        scene = self.scene()
        for args, word in (([], "missing"), (["prune"], "--older-than"),
                           (["nonsense"], "nonsense"),
                           (["prune", "--older-than", "x"], "x"),
                           (["prune", "--older-than", "-1"], "-1"),
                           (["verify", "--older-than", "1"], "--older-than"),
                           (["prune", "verify"], "too many")):
            with self.subTest(args):
                self.assertFails(self.store(scene, *args), 2, word)
        for args in (["prune", "--older-than", "1"], ["verify"]):
            self.assertFails(self.store(scene, *args, env={
                "SPULL_STORE": None}), 2, "store")
            self.assertFails(self.store(scene, *args, "--store",
                                        scene.store + "x"), 7)

    def test_nothing_there(self):
        scene = self.scene()
        for args in (["prune", "--older-than", "0"], ["verify"]):
            result = self.store(scene, *args)
            self.assertExit(result, 0)
            self.assertEqual((result.out, self.seen(scene)), ("", []))

    def test_prune(self):
        scene, blobs = self.filled(4)
        result = self.store(scene, "prune", "--older-than", "15")
        self.assertExit(result, 0)
        self.assertEqual(sorted(result.lines), self.paths(scene, blobs[2:]))
        self.assertStored(scene, *blobs[:2])
        result = self.store(scene, "prune", "--older-than", "0", "--json")
        self.assertExit(result, 0)
        found = [json.loads(line) for line in result.lines]
        self.assertEqual(sorted(entry["path"] for entry in found),
                         self.paths(scene, blobs[:2]))
        for entry in found:
            self.assertEqual(entry["state"], "removed")
            self.assertTrue(entry["removed"])
            self.assertEqual(entry["size"], SMALL)
            self.assertTrue(entry["path"].endswith(entry["digest"][7:]))
        self.assertStored(scene)

    def test_prune_spares_what_is_in_use(self):
        """Another hard link costs nothing; and a pull is a use."""
        scene, (data, other) = self.filled(2)
        for blob in (data, other):
            self.age(self.entry(scene, blob), 50)
        os.link(self.entry(scene, other), os.path.join(scene.folder, "link"))
        scene.image(data=data)
        found = self.pulled(scene)
        os.unlink(scene.path(NAME))
        self.assertEqual(scene.blobs(), [])
        self.assertIsNotNone(found["placed"])
        result = self.store(scene, "prune", "--older-than", "40")
        self.assertExit(result, 0)
        self.assertEqual(result.out, "")
        self.assertStored(scene, data, other)
        os.unlink(os.path.join(scene.folder, "link"))
        self.age(self.entry(scene, other), 50)
        result = self.store(scene, "prune", "--older-than", "40")
        self.assertEqual(result.lines, [self.entry(scene, other)])

    def test_prune_spares_what_is_not_its_own(self):
        scene, _ = self.filled(0)
        folder = os.path.join(scene.store, "sha256")
        names = ["README", "a" * 63, "A" * 64, "a" * 65, ".hidden"]
        os.makedirs(folder)
        for name in names:
            open(os.path.join(folder, name), "w").close()
            self.age(os.path.join(folder, name), 100)
        os.mkdir(os.path.join(folder, "b" * 64))
        os.symlink(scene.home, os.path.join(folder, "c" * 64))
        result = self.store(scene, "prune", "--older-than", "1")
        self.assertExit(result, 0)
        self.assertEqual(result.out, "")
        self.assertEqual(sorted(os.listdir(folder)),
                         sorted(names + ["b" * 64, "c" * 64]))

    def test_prune_tidies_up(self):
        """Old partial files, and leads of those who are no more."""
        scene, _ = self.filled(0)
        folder = os.path.join(scene.store, "sha256")
        os.makedirs(folder)
        stem = ".spull-%s-host-1-%016x" % ("0" * 32, 1)
        fresh = ".spull-%s-host-1-%016x" % ("1" * 32, 1)
        for name in (stem + ".part", stem + ".spans", stem + ".spans.new",
                     fresh + ".part"):
            open(os.path.join(folder, name), "w").close()
        for name in os.listdir(folder):
            if name.startswith(stem):
                self.age(os.path.join(folder, name), 8)
        links = {"0" * 32: stem, "1" * 32: fresh}
        for label, part in links.items():
            os.symlink(part + ".part|- 0 0 0", os.path.join(
                folder, ".spull-%s.lead" % label))
        for _ in range(2):  # a lead goes once its part has gone
            self.assertExit(self.store(scene, "prune", "--older-than", "99"),
                            0)
        self.assertEqual(sorted(os.listdir(folder)), [
            fresh + ".part", ".spull-%s.lead" % ("1" * 32)])
        self.assertExit(self.store(scene, "prune", "--older-than", "99",
                                   "--keep-days", "0"), 0)
        self.assertEqual(len(os.listdir(folder)), 2)

    def rot(self, path):
        """A disk that changes a byte, and no date."""
        state = os.stat(path)
        mode = stat.S_IMODE(state.st_mode)
        os.chmod(path, 0o644)
        with open(path, "r+b") as file:
            file.seek(SMALL // 2)
            byte = file.read(1)
            file.seek(SMALL // 2)
            file.write(bytes([byte[0] ^ 1]))
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
        os.chmod(path, mode)

    def test_verify(self):
        scene, blobs = self.filled(3)
        result = self.store(scene, "verify")
        self.assertExit(result, 0)
        self.assertEqual(sorted(result.lines), self.paths(scene, blobs))
        self.rot(self.entry(scene, blobs[1]))
        result = self.store(scene, "verify", "--json")
        self.assertExit(result, 5)
        self.assertSays(result, "damaged", self.entry(scene, blobs[1]))
        self.assertEqual(result.err.count("damaged"), 1)
        found = {entry["path"]: entry
                 for entry in map(json.loads, result.lines)}
        self.assertEqual(sorted(found), self.paths(scene, blobs))
        for data in blobs:
            entry = found[self.entry(scene, data)]
            bad = data is blobs[1]
            self.assertEqual(entry["state"], "failed" if bad else "verified")
            self.assertEqual(entry["removed"], bad)
            if bad:
                self.assertEqual((entry["error"], entry["status"]),
                                 ("integrity", 5))
        self.assertStored(scene, blobs[0], blobs[2])
        self.assertExit(self.store(scene, "verify"), 0)

    def test_verify_what_cannot_be_read(self):
        """It is named, and stays: the disk may be back tomorrow."""
        if WHY_NO_TRACE:
            self.skipTest(WHY_NO_TRACE)
        scene, data = self.published()
        self.assertExit(scene.run(REF), 0)
        wrap = injected("pread64:error=EIO", path=self.entry(scene, data))
        result = scene.run("store", "verify", wrap=wrap,
                           env=spull.without_leaks())
        self.assertFails(result, 7, images.sha256(data),
                         os.strerror(errno.EIO))
        self.assertStored(scene, data)

    def test_rot_is_repaired(self):
        """A pull can't see it; after verify it downloads afresh."""
        scene, data = self.published()
        self.assertExit(scene.run(REF), 0)
        entry = self.entry(scene, data)
        self.rot(entry)
        number = os.stat(entry).st_ino
        linked = os.stat(entry).st_nlink > 1
        result = self.store(scene, "verify")
        self.assertExit(result, 5)
        if linked:
            self.assertSays(result, "-inum %d" % number)
        self.assertStored(scene)
        os.unlink(scene.path(NAME))
        self.assertExit(scene.run(REF), 0)
        self.assertBytes(scene.path(NAME), data)
        self.assertEqual(len(scene.blobs()), 2)

    def test_verify_renews_proofs(self):
        scene, (data,) = self.filled(1)
        path = self.entry(scene, data)
        os.chmod(path, 0o555)
        try:
            os.setxattr(path, PROOF, b"stale")
        except OSError as why:
            if os.geteuid() == 0:
                self.skipTest(str(why))
        self.assertExit(self.store(scene, "verify"), 0)
        self.assertIn(images.sha256(data).encode(), os.getxattr(path, PROOF))
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o555)

    def test_verify_what_is_no_file(self):
        scene, _ = self.filled(0)
        folder = os.path.join(scene.store, "sha256")
        os.makedirs(folder)
        os.symlink("/etc/passwd", os.path.join(folder, "a" * 64))
        os.mkfifo(os.path.join(folder, "b" * 64))
        os.mkdir(os.path.join(folder, "c" * 64))
        result = self.store(scene, "verify")
        self.assertExit(result, 5)
        self.assertEqual(result.err.count("no regular file"), 3)
        self.assertEqual(os.listdir(folder), ["c" * 64])

    def test_stopped(self):
        """A signal in the middle: nothing is lost, and it dies by it."""
        scene, blobs = self.filled(2)
        big = os.path.join(scene.store, "sha256", "f" * 64)
        with open(big, "wb") as file:
            file.truncate(64 << 30)
        process = scene.start("store", "verify")
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGTERM)
        self.assertTrue(os.path.exists(big))
        os.unlink(big)
        self.assertStored(scene, *blobs)


if __name__ == "__main__":
    main()
