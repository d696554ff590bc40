#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A store: one download and one copy of a blob for many projects and users,
believed no further than its bytes go."""

import os
import shutil
import signal
import stat
import threading
import unittest

from harness import images, spull
from harness.case import main
from harness.engine import CUT, MIB, NAME, REF, SIZE, image, put_down
from harness.many import SMALL, Task
from harness.mounts import command
from harness.registry import manifest_of
from harness.servers import Gate, Reply, page
from harness.store import Stored
from harness.users import NOBODY


class Sharing(Stored):
    def test_one_download_for_two_projects(self):
        scene, data = self.published()
        first = self.pulled(scene)
        second = self.pulled(scene, "-d", self.project(scene, "other"))
        self.assertEqual(first["transferred"], len(data))
        self.assertEqual(second["transferred"], 0)
        self.assertIsNone(second["url"])
        for found in (first, second):
            self.assertEqual(found["state"], "installed")
            self.assertIn(found["placed"], ("reflink", "hard link"))
            self.assertEqual(found["kind"], "SIF")
        self.assertBytes(scene.path(NAME), data)
        self.assertBytes(os.path.join(scene.folder, "other", NAME), data)
        self.assertFiles(scene, NAME)
        self.assertStored(scene, data)
        self.assertOnce(scene, data)

    def test_up_to_date_needs_no_store(self):
        scene, data = self.published()
        self.assertExit(scene.run(REF), 0)
        shutil.rmtree(scene.store)
        found = self.pulled(scene)
        self.assertEqual((found["state"], found["placed"]),
                         ("up-to-date", None))
        self.assertOnce(scene, data)

    def test_option_variable_and_file(self):
        for what in ("option", "variable", "file"):
            with self.subTest(what):
                scene, data = self.published()
                scene.env.pop("SPULL_STORE")
                args, env = [], {}
                if what == "option":
                    args = ["--store", scene.store]
                elif what == "variable":
                    env = {"SPULL_STORE": scene.store}
                else:
                    scene.rc("store = %s\n" % scene.store)
                self.assertExit(scene.run(*args, REF, env=env), 0)
                self.assertStored(scene, data)
                shown = scene.run("config", *args, env=env)
                self.assertExit(shown, 0)
                self.assertRegex(shown.out, "(?m)^store += " + scene.store)

    def test_off_by_default_and_nothing_at_home(self):
        scene, data = self.published()
        for store in (None, scene.store):
            scene.env["SPULL_STORE"] = store
            self.assertExit(scene.run("--force", REF), 0)
            self.assertEqual(spull.files(scene.home), [])
            self.assertEqual(self.seen(scene) == [], store is None)
            os.unlink(scene.path(NAME))
        self.assertStored(scene, data)

    def test_weak_images_stay_outside(self):
        scene = self.scene()
        data = scene.image(data=image(SMALL), form="md5")
        found = self.pulled(scene, "--allow-md5")
        self.assertEqual((found["weak"], found["placed"]), (True, None))
        self.assertEqual(self.seen(scene), [])
        self.assertImage(scene.path(NAME), data)

    def test_pinned_md5_is_not_weak(self):
        scene = self.scene()
        data = scene.image(data=image(SMALL), form="md5")
        self.assertExit(scene.run(REF + "@sha256:" + images.sha256(data)), 0)
        self.assertStored(scene, data)

    def test_destination_that_is_there(self):
        """The same rules as without a store."""
        scene, data = self.published()
        scene.put(NAME, b"mine")
        self.assertFails(scene.run(REF), 8, "--force")
        self.assertEqual(scene.read(NAME), b"mine")
        self.assertEqual(scene.blobs(), [])
        for _ in range(2):  # with and without an entry
            scene.put(NAME + ".new", b"mine")
            os.rename(scene.path(NAME + ".new"), scene.path(NAME))
            self.assertExit(scene.run("--force", REF), 0)
            self.assertBytes(scene.path(NAME), data)
            self.assertFiles(scene, NAME)
        self.assertOnce(scene, data)

    def test_wrong_architecture(self):
        """The blob is what it should be; it only does not suit."""
        scene, _ = self.published()
        for _ in range(2):
            self.assertFails(scene.run("--arch", "riscv64", REF), 5, "riscv64")
            self.assertFiles(scene)

    def test_wrong_bytes_from_the_server(self):
        scene = self.scene()
        scene.image(data=image(SMALL), reply=Reply(image(SMALL, seed=1)))
        self.assertFails(scene.run(REF), 5, "digest mismatch")
        self.assertFiles(scene)
        self.assertEqual(self.seen(scene), ["sha256"])

    def test_manifest_that_lies_about_the_size(self):
        """No store makes it right, and no entry is lost over it."""
        scene, data = self.published()
        self.assertExit(scene.run(REF), 0)
        os.unlink(scene.path(NAME))
        scene.image(data=data, size=len(data) + 1)
        self.assertFails(scene.run("--strict-size", REF), 5, "size")
        self.assertStored(scene, data)

    def test_sixteen_at_once(self):
        scene, data = self.published(SIZE)
        line = threading.Barrier(16)
        text = manifest_of(data, [scene.blob(
            Reply(data, etag='"1"'), path="/blobs/one")], size="bytes")

        def hold(_):
            line.wait(60)

        scene.manifest(REF, page(text, before=hold))
        folders = [self.project(scene, "p%d" % n) for n in range(16)]
        tasks = [scene.start("--connections", "1", "-d", folder, REF)
                 for folder in folders]
        for task in tasks:
            self.addCleanup(put_down, task)
        for task in tasks:
            self.assertExit(spull.finish(task, 120), 0)
        for folder in folders:
            self.assertBytes(os.path.join(folder, NAME), data)
            self.assertEqual(os.listdir(folder), [NAME])
        self.assertStored(scene, data)
        self.assertOnce(scene, data)

    def test_many_in_one_directory(self):
        """All of them want the same name, too."""
        for args in ([], ["--force"]):
            with self.subTest(args):
                scene, data = self.published(MIB)
                if args:
                    scene.put(NAME, b"old")
                for result in self.together(scene, 16, *args):
                    self.assertExit(result, 0)
                self.assertBytes(scene.path(NAME), data)
                self.assertFiles(scene, NAME)
                self.assertStored(scene, data)
                self.assertOnce(scene, data)

    def test_two_names_in_one_call(self):
        """At once, and one after the other."""
        for jobs in ("1", "2"):
            with self.subTest(jobs=jobs):
                scene, data = self.published(MIB)
                scene.image("vanessa/greeting:v1", data, size="bytes")
                self.assertExit(scene.run("-j", jobs, REF,
                                          "vanessa/greeting:v1"), 0)
                for name in (NAME, "greeting_v1.sif"):
                    self.assertBytes(scene.path(name), data)
                self.assertFiles(scene, NAME, "greeting_v1.sif")
                self.assertStored(scene, data)
                self.assertOnce(scene, data)

    def test_takeover(self):
        """A leader of another project dies: what it had is not lost."""
        at = 5 * MIB
        scene, gate = self.scene(), Gate(at)
        data = image(SIZE)
        scene.image(data=data, reply=[Reply(data, gate=gate, etag='"1"'),
                                      Reply(data, etag='"1"')], size="bytes")
        leader = Task(self, scene, "--connections", "1", REF)
        gate.wait_reached()
        folder = os.path.join(scene.store, "sha256")
        self.until("a journal", lambda: self.journalled_in(folder) > 4 * MIB)
        waiter = Task(self, scene, "--connections", "1", "-d",
                      self.project(scene, "other"), REF)
        waiter.wait_waiting()
        leader.kill()
        self.assertExit(leader.finish(), -signal.SIGKILL)
        gate.open()
        self.assertExit(waiter.finish(), 0)
        self.assertBytes(os.path.join(scene.folder, "other", NAME), data)
        self.assertOnce(scene, data, CUT)
        self.assertStored(scene, data)


class Placing(Stored):
    """Reflink, else hard link, else copy."""

    def reflinked(self, *make):
        scene, data, disk = self.on_one_disk(*make)
        for placed, entry in self.both_in(scene, data, disk, "reflink"):
            self.assertNotEqual(placed.st_ino, entry.st_ino)
            self.assertEqual(stat.S_IMODE(placed.st_mode), 0o755)
            self.assertEqual(entry.st_nlink, 1)

    def both_in(self, scene, data, disk, how):
        """The one who downloads, and one who finds it there."""
        for name in ("one", "two"):
            folder = os.path.join(disk, name)
            os.mkdir(folder)
            found = self.pulled(scene, "-d", folder)
            self.assertEqual(found["placed"], how)
            path = os.path.join(folder, NAME)
            self.assertBytes(path, data)
            self.assertEqual(os.listdir(folder), [NAME])
            yield os.stat(path), os.stat(self.entry(scene, data))

    def test_reflink_on_btrfs(self):
        self.reflinked("mkfs.btrfs", "-q")

    def test_reflink_on_xfs(self):
        self.reflinked("mkfs.xfs", "-q", "-m", "reflink=1")

    def test_hard_link(self):
        """On a file system without reflinks; its mode is the entry's."""
        scene, data, disk = self.on_one_disk("mkfs.ext4", "-q")
        for count, (placed, entry) in enumerate(
                self.both_in(scene, data, disk, "hard link")):
            self.assertEqual(placed.st_ino, entry.st_ino)
            self.assertEqual(entry.st_nlink, count + 2)
            self.assertEqual(stat.S_IMODE(entry.st_mode), 0o555)

    def test_copy(self):
        """To another file system; a file of its own, with its own mode."""
        scene, data = self.published(MIB)
        self.mount(scene.cwd, "-t", "tmpfs", "-o", "size=8m", "none")
        for placed, entry in self.both_in(scene, data, scene.cwd, "copy"):
            self.assertNotEqual(placed.st_dev, entry.st_dev)
            self.assertEqual(stat.S_IMODE(placed.st_mode), 0o755)
            self.assertEqual(entry.st_nlink, 1)
        self.assertOnce(scene, data)

    def test_no_link_to_what_others_may_change(self):
        """A group could write to it later, under the name of the image."""
        for mode in (0o664, 0o646):
            with self.subTest(oct(mode)):
                scene, data = self.published()
                path = self.plant(scene, data, data, mode)
                result = scene.run("--json", "--progress-fd", "2", REF)
                found = self.assertJson(result)
                self.assertIn(found["placed"], ("copy", "reflink"))
                self.assertNotIn("downloading", result.err)
                if found["placed"] == "copy":
                    self.assertSays(result, '"phase":"copying"', "copying 293")
                self.assertNotEqual(os.stat(path).st_ino,
                                    os.stat(scene.path(NAME)).st_ino)
                self.assertImage(scene.path(NAME), data)
                self.assertEqual(scene.blobs(), [])

    @unittest.skipIf(shutil.which("setfacl") is None, "there is no setfacl")
    def test_no_link_to_what_a_list_lets_others_change(self):
        scene, data = self.published()
        path = self.plant(scene, data, data, 0o644)
        why = command("setfacl", "-m", "u:%d:rw" % NOBODY, path)
        if why:
            self.skipTest(why)
        self.assertIn(self.pulled(scene)["placed"], ("copy", "reflink"))
        self.assertImage(scene.path(NAME), data)

    def test_modes_follow_the_directory(self):
        """Who may read the store may read its entries; nobody may write."""
        for folder, entry in ((0o2775, 0o555), (0o2770, 0o550),
                              (0o700, 0o500), (0o1777, 0o555)):
            for mask in (0o022, 0o077):
                with self.subTest(oct(folder), umask=oct(mask)):
                    scene, data = self.published()
                    os.chmod(scene.store, folder)
                    self.assertExit(scene.run(
                        REF, preexec_fn=lambda m=mask: os.umask(m)), 0)
                    found = os.stat(self.entry(scene, data))
                    self.assertEqual(oct(stat.S_IMODE(found.st_mode)),
                                     oct(entry))
                    found = os.stat(os.path.join(scene.store, "sha256"))
                    self.assertEqual(oct(stat.S_IMODE(found.st_mode)),
                                     oct(folder))

    def test_partials_can_be_taken_up_by_others(self):
        scene, gate = self.scene(), Gate(200000)
        data = image(SMALL)
        scene.image(data=data, reply=Reply(data, gate=gate), size="bytes")
        task = Task(self, scene, REF,
                    preexec_fn=lambda: os.umask(0o077))
        gate.wait_reached()
        folder = os.path.join(scene.store, "sha256")
        self.until("a journal", lambda: [
            name for name in os.listdir(folder) if name.endswith(".spans")])
        for name in os.listdir(folder):
            if name.endswith((".part", ".spans")):
                mode = os.stat(os.path.join(folder, name)).st_mode
                self.assertEqual(oct(stat.S_IMODE(mode)), oct(0o644), name)
        gate.open()
        self.assertExit(task.finish(), 0)


class Distrust(Stored):
    def damaged(self):
        """What an entry may have become, by how it is made."""
        other = image(SMALL, seed=1)
        yield "other", lambda scene, data: self.plant(scene, data, other)
        yield "cut", lambda scene, data: self.plant(scene, data, data[:-1])
        yield "longer", lambda scene, data: self.plant(scene, data, data + b"x")
        yield "empty", lambda scene, data: self.plant(scene, data, b"")
        yield "changed since", self.change
        yield "changed by others", lambda scene, data: self.plant(
            scene, data, other, 0o666)

    def change(self, scene, data):
        """The proof on it no longer holds."""
        self.assertExit(scene.run(REF), 0)
        os.unlink(scene.path(NAME))
        path = self.entry(scene, data)
        os.chmod(path, 0o644)
        with open(path, "r+b") as file:
            file.seek(SMALL // 2)
            file.write(b"garbage")

    def test_damaged_entry(self):
        """Is never installed; it goes, and is downloaded afresh."""
        for what, make in self.damaged():
            with self.subTest(what):
                scene, data = self.published()
                make(scene, data)
                before = len(scene.blobs())
                result = scene.run(REF)
                self.assertExit(result, 0)
                self.assertSays(result, "damaged")
                self.assertBytes(scene.path(NAME), data)
                self.assertFiles(scene, NAME)
                self.assertStored(scene, data)
                self.assertEqual(len(scene.blobs()), before + 1)

    def test_sound_entry_without_a_proof(self):
        """It is read, and then good enough."""
        scene, data = self.published()
        self.plant(scene, data, data)
        self.assertEqual(self.pulled(scene)["transferred"], 0)
        self.assertBytes(scene.path(NAME), data)
        self.assertEqual(scene.blobs(), [])

    def test_a_proof_is_for_one_digest(self):
        """Another image with a proof of its own, under the wrong name."""
        scene, data = self.published()
        other, _ = self.published(seed=1)
        self.assertExit(other.run(REF), 0)
        os.makedirs(os.path.join(scene.store, "sha256"))
        os.link(other.path(NAME), self.entry(scene, data))
        self.assertExit(scene.run(REF), 0)
        self.assertBytes(scene.path(NAME), data)
        self.assertStored(scene, data)
        self.assertBytes(other.path(NAME), image(SMALL, seed=1))

    def test_note_that_others_may_write(self):
        """Who may write to an entry may forge the note on it; a reflink of it
        is read."""
        for mode in (0o664, 0o646):
            with self.subTest(oct(mode)):
                scene, data, _ = self.on_one_disk("mkfs.btrfs", "-q")
                self.plant(scene, data, image(MIB, seed=1), mode)
                self.forge(self.entry(scene, data), data)
                result = scene.run(REF)
                self.assertExit(result, 0)
                self.assertSays(result, "damaged")
                self.assertBytes(scene.path(NAME), data)
                self.assertStored(scene, data)

    def forge(self, path, data):
        """What would be written on a file that has these bytes."""
        info = os.stat(path)
        os.setxattr(path, "user.spull.proof", (
            "1 sha256:%s %d %d %d %d SIF amd64 -" % (
                images.sha256(data), info.st_size, info.st_ino,
                *divmod(info.st_mtime_ns, 10 ** 9))).encode())

    def test_what_the_dead_left_beside_the_image(self):
        """Is of no use any more; it goes, and nobody else's does."""
        scene, data = self.published()
        self.plant(scene, data, data)
        wrong, other = image(SMALL, seed=1), "0" * 32
        for label in (images.sha256(data)[:32], other):
            stem = ".spull-%s-host-1-%016x" % (label, 1)
            scene.put(stem + ".part", wrong)
            scene.put(stem + ".spans", b"spull-part 1\nowner - 0 0 0\nbeat 1"
                      b"\nsize %d\nspan 0 %d\nend\n" % (SMALL, SMALL))
        self.assertExit(scene.run(REF), 0)
        self.assertBytes(scene.path(NAME), data)
        self.assertFiles(scene, NAME, *(
            ".spull-%s-host-1-%016x%s" % (other, 1, end)
            for end in (".part", ".spans")))
        self.assertStored(scene, data)
        self.assertEqual(scene.blobs(), [])

    def in_the_way(self, victim):
        yield "link to a file", lambda path: os.symlink(victim, path)
        yield "link to nothing", lambda path: os.symlink("nothing", path)
        yield "link to itself", lambda path: os.symlink(path, path)
        yield "pipe", os.mkfifo
        yield "folder", os.mkdir

    def test_what_is_no_file(self):
        """No link is followed, no pipe waited for, no folder removed."""
        victim = os.path.join(self.folder, "victim")
        for what, make in self.in_the_way(victim):
            with self.subTest(what):
                scene, data = self.published()
                with open(victim, "wb") as file:
                    file.write(data)
                os.mkdir(os.path.join(scene.store, "sha256"))
                make(self.entry(scene, data))
                self.assertExit(scene.run(REF), 0)
                self.assertBytes(scene.path(NAME), data)
                self.assertEqual(len(scene.blobs()), 1)
                self.assertBytes(victim, data)
                self.assertEqual(os.stat(victim).st_nlink, 1)
                if what == "folder":
                    self.assertImage(scene.path(NAME), data)
                else:
                    self.assertStored(scene, data)

    def test_folder_that_leads_elsewhere(self):
        """A member of the group may plant it: nothing is written there."""
        scene, data = self.published()
        elsewhere = self.project(scene, "elsewhere")
        with open(os.path.join(elsewhere, images.sha256(data)), "wb") as file:
            file.write(b"precious")
        os.symlink(elsewhere, os.path.join(scene.store, "sha256"))
        result = scene.run(REF)
        self.assertExit(result, 0)
        self.assertSays(result, "without the store")
        self.assertImage(scene.path(NAME), data)
        for word in (["prune", "--older-than", "0"], ["verify"]):
            self.assertFails(scene.run("store", *word), 7)
        self.assertEqual(os.listdir(elsewhere), [images.sha256(data)])

    def test_store_that_is_not_there(self):
        scene, data = self.published()
        os.rmdir(scene.store)
        result = scene.run(REF)
        self.assertExit(result, 0)
        self.assertSays(result, "without the store", scene.store)
        self.assertImage(scene.path(NAME), data)
        self.assertFalse(os.path.exists(scene.store))


if __name__ == "__main__":
    main()
