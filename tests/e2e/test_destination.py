#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where an image goes, what was there before, and what when there is no
room."""

import os
import resource
import shutil
import stat
import subprocess
import threading
import unittest

from harness import images, servers, spull
from harness.case import Case, main
from harness.engine import NAME, REF
from harness.engine import sent
from harness.servers import Gate, Reply, page
from harness.users import IS_ALMIGHTY, as_anybody_but_root


class Existing(Case):
    def test_up_to_date(self):
        scene = self.scene()
        data = scene.image()
        self.assertPulled(scene, scene.run(REF), data)
        before = os.stat(scene.path(NAME))
        result = scene.run(REF)
        self.assertPulled(scene, result, data)
        self.assertSays(result, "up to date")
        self.assertEqual(len(scene.blobs()), 1)
        after = os.stat(scene.path(NAME))
        self.assertEqual((after.st_ino, after.st_mtime_ns),
                         (before.st_ino, before.st_mtime_ns))

    def test_force_does_not_load_what_is_there(self):
        scene = self.scene()
        data = scene.image()
        scene.run(REF)
        self.assertPulled(scene, scene.run("--force", REF), data)
        self.assertEqual(len(scene.blobs()), 1)

    def test_up_to_date_through_a_link(self):
        scene = self.scene()
        data = scene.image()
        path = os.path.join(scene.folder, "elsewhere.sif")
        with open(path, "wb") as file:
            file.write(data)
        os.symlink(path, scene.path(NAME))
        result = scene.run(REF)
        self.assertExit(result, 0)
        self.assertEqual(scene.blobs(), [])
        self.assertTrue(os.path.islink(scene.path(NAME)))

    DIFFERENT = {"other bytes": images.sif(seed=1), "shorter": b"x",
                 "empty": b"", "longer": images.sif() + b"x"}

    def test_different(self):
        for what, old in self.DIFFERENT.items():
            with self.subTest(what):
                scene = self.scene()
                scene.image()
                scene.put(NAME, old)
                self.assertFails(scene.run(REF), 8, NAME, "--force")
                self.assertEqual(scene.read(NAME), old)
                # One look, whether what is there could be in an archive.
                self.assertLessEqual(sent(scene.blobs()), 2048)
                self.assertFiles(scene, NAME)

    def test_digest_decides_before_size(self):
        """A manifest that states a wrong size makes no other file of it."""
        scene = self.scene()
        data = images.sif()
        scene.image(data=data, size=len(data) + 5)
        scene.put(NAME, data)
        result = scene.run(REF)
        self.assertExit(result, 0)
        self.assertSays(result, "up to date")
        self.assertEqual(scene.blobs(), [])

    def test_no_regular_file(self):
        """Nobody means to replace a pipe or a device."""
        for args in ([], ["--force"]):
            with self.subTest(args):
                scene = self.scene()
                scene.image()
                os.mkfifo(scene.path(NAME))
                result = scene.run(*args, REF)
                self.assertFails(result, 8, NAME, "no regular file")
                self.assertNotIn("--force", result.err)
                self.assertTrue(stat.S_ISFIFO(
                    os.lstat(scene.path(NAME)).st_mode))

    def test_another_one_of_ours(self):
        """Its note says what it is: not even a look is needed."""
        scene = self.scene()
        old = scene.image()
        self.assertPulled(scene, scene.run(REF), old)
        asked = len(scene.blobs())
        scene.image(data=images.sif(seed=1))
        self.assertFails(scene.run(REF), 8, NAME, "--force")
        self.assertEqual(len(scene.blobs()), asked)

    def test_force(self):
        for what, old in self.DIFFERENT.items():
            with self.subTest(what):
                scene = self.scene()
                data = scene.image()
                scene.put(NAME, old)
                self.assertPulled(scene, scene.run("--force", REF), data)

    def test_force_leaves_open_files_alone(self):
        """The old image is replaced by name; who runs it keeps it."""
        scene = self.scene()
        data = scene.image()
        with open(scene.put(NAME, b"old"), "rb") as old:
            self.assertPulled(scene, scene.run("-F", REF), data)
            self.assertEqual(old.read(), b"old")

    def test_force_only_by_a_verified_one(self):
        data = images.sif()
        for what, code, reply in (
                ("other bytes", 5, Reply(images.sif(seed=1))),
                ("longer", 5, Reply(data * 9)),
                ("cut off", 4, [Reply(data, cut=4096),
                                servers.html("Busy", 503)]),
                ("404", 3, servers.not_found()),
                ("403", 6, servers.xml_denied())):
            with self.subTest(what):
                scene = self.scene()
                scene.image(data=data, reply=reply)
                scene.put(NAME, b"old")
                self.assertFails(scene.run("--force", REF), code)
                self.assertEqual(scene.read(NAME), b"old")
                self.assertUnnamed(scene, NAME)

    def test_dangling_link(self):
        scene = self.scene()
        data = scene.image()
        os.symlink("nowhere", scene.path(NAME))
        self.assertFails(scene.run(REF), 8, NAME)
        self.assertEqual(os.readlink(scene.path(NAME)), "nowhere")
        self.assertFiles(scene, NAME)
        self.assertPulled(scene, scene.run("--force", REF), data)

    def test_link_is_replaced_not_followed(self):
        scene = self.scene()
        data = scene.image()
        path = os.path.join(scene.folder, "precious")
        with open(path, "wb") as file:
            file.write(b"precious")
        os.symlink(path, scene.path(NAME))
        self.assertFails(scene.run(REF), 8, NAME)
        self.assertPulled(scene, scene.run("--force", REF), data)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"precious")

    @unittest.skipIf(IS_ALMIGHTY, "nothing is closed to root")
    def test_closed(self):
        """What can't be read is not said to be another image, which it may
        not be; and it is there to be replaced."""
        scene = self.scene()
        data = scene.image()
        os.chmod(scene.cwd, 0o777)
        os.chmod(scene.put(NAME, data), 0)
        result = scene.run(REF, wrap=as_anybody_but_root())
        self.assertFails(result, 7, NAME, "permission denied")
        self.assertEqual(scene.blobs(), [])
        self.assertExit(scene.run("--force", REF, wrap=as_anybody_but_root()),
                        0)
        self.assertImage(scene.path(NAME), data)

    def test_directory_that_is_not_there(self):
        """None is made, but it is said how."""
        scene = self.scene()
        scene.image()
        self.assertFails(scene.run("-d", "images", REF), 7, "images",
                         "no such file", "hint: mkdir")
        self.assertFiles(scene)

    def test_directory(self):
        for options in ([], ["--force"]):
            with self.subTest(options):
                scene = self.scene()
                scene.image()
                os.mkdir(scene.path(NAME))
                self.assertFails(scene.run(*options, REF), 8, NAME)
                self.assertFiles(scene, NAME)

    def test_pipe(self):
        """Reading it would wait for a writer."""
        scene = self.scene()
        scene.image()
        os.mkfifo(scene.path(NAME))
        self.assertFails(scene.run(REF), 8, NAME)
        self.assertFiles(scene, NAME)


class Places(Case):
    def test_dir(self):
        for option in (["-d", "sub"], ["--dir", "sub"], ["--dir=sub"],
                       ["-dsub"], ["-d", "sub/"], ["-d", "./sub"]):
            with self.subTest(option):
                scene = self.scene()
                data = scene.image()
                os.mkdir(scene.path("sub"))
                self.assertPulled(scene, scene.run(*option, REF), data,
                                  "sub/" + NAME)

    def test_dir_from_the_environment(self):
        scene = self.scene()
        data = scene.image()
        where = os.path.join(scene.folder, "images")
        os.mkdir(where)
        result = scene.run(REF, env={"SPULL_DIR": where})
        self.assertExit(result, 0)
        self.assertImage(os.path.join(where, NAME), data)
        self.assertFiles(scene)

    def test_output(self):
        for option in (["-o", "x.sif"], ["--output", "x.sif"],
                       ["--output=x.sif"], ["-ox.sif"], ["-o", "./x.sif"]):
            with self.subTest(option):
                scene = self.scene()
                data = scene.image()
                self.assertPulled(scene, scene.run(*option, REF), data,
                                  "x.sif")

    def test_output_names(self):
        for name in ("two words", "k\u00e4se", "-dash", "a\\b", "%41",
                     "no-end", "sub/x.sif", "x" * 255):
            with self.subTest(name):
                scene = self.scene()
                data = scene.image()
                os.mkdir(scene.path("sub"))
                self.assertExit(scene.run("-o", name, REF), 0)
                self.assertImage(scene.path(name), data)

    def test_output_is_a_directory(self):
        for name in ("sub", "sub/", "."):
            with self.subTest(name):
                scene = self.scene()
                scene.image()
                os.mkdir(scene.path("sub"))
                result = scene.run("-o", name, REF)
                self.assertIn(result.code, (2, 8), result)
                self.assertFiles(scene, "sub")

    def test_no_directory(self):
        for args in (["-d", "nope"], ["-o", "nope/x.sif"]):
            with self.subTest(args):
                scene = self.scene()
                scene.image()
                self.assertFails(scene.run(*args, REF), 7, "nope",
                                 os.strerror(2))
                self.assertFiles(scene)

    def test_directory_is_a_file(self):
        scene = self.scene()
        scene.image()
        scene.put("file", b"")
        self.assertFails(scene.run("-d", "file", REF), 7, os.strerror(20))

    def test_name_too_long(self):
        scene = self.scene()
        scene.image()
        self.assertFails(scene.run("-o", "x" * 256, REF), 7, os.strerror(36))
        self.assertFiles(scene)

    def test_longest_components(self):
        """NAME_TAG.sif of what a reference may have still is a file name."""
        scene = self.scene()
        name, tag = "n" * 120, "t" * 120
        data = scene.image("a/%s:%s" % (name, tag))
        self.assertPulled(scene, scene.run("a/%s:%s" % (name, tag)), data,
                          "%s_%s.sif" % (name, tag))
        self.assertFails(scene.run("a/%sn:t" % name), 2)

    def test_working_directory_that_is_gone(self):
        scene = self.scene()
        scene.image()
        process = subprocess.run(
            ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", spull.binary(),
             REF], cwd=scene.cwd, timeout=60, check=False,
            env=spull.environment(scene.home, **scene.env),
            stdin=subprocess.DEVNULL, capture_output=True)
        self.assertEqual((process.returncode, process.stdout), (7, b""),
                         process.stderr)


class NoRoom(Case):
    """In a mount namespace of its own, which ends with the process."""

    def mounted(self, scene, options, *args):
        """Runs spull where a file system is mounted on "small", and prints
        what is left on it."""
        script = ('mount -t tmpfs -o "$1" none small || exit 99; shift; "$@"; '
                  'code=$?; ls -A small >&2; exit $code')
        os.makedirs(scene.path("small"), exist_ok=True)
        return scene.run(
            *args, wrap=["unshare", "--mount", "--propagation", "private",
                         "sh", "-c", script, "sh", options])

    def setUp(self):
        super().setUp()
        probe = self.scene()
        if shutil.which("unshare") is None or self.mounted(
                probe, "size=64k", "--version").code != 0:
            self.skipTest("no file system can be mounted here")

    def test_no_space(self):
        scene = self.scene()
        data = images.sif(4 << 20)
        scene.image(data=data)
        result = self.mounted(scene, "size=1m", "-d", "small", REF)
        self.assertFails(result, 7, os.strerror(28), "small")
        self.assertNotIn(".spull-", result.err.splitlines()[-1], result)

    def test_no_space_by_a_hair(self):
        """Room for all but the last page; the link that names the leader takes
        one too."""
        scene = self.scene()
        data = images.sif(64 << 10)
        scene.image(data=data)
        result = self.mounted(scene, "size=60k", "-d", "small", REF)
        self.assertFails(result, 7, os.strerror(28))
        result = self.mounted(scene, "size=68k", "-d", "small", REF)
        self.assertExit(result, 0)

    def test_read_only(self):
        scene = self.scene()
        scene.image()
        result = self.mounted(scene, "ro", "-d", "small", REF)
        self.assertFails(result, 7, os.strerror(30), "small")

    def test_no_inodes(self):
        scene = self.scene()
        scene.image()
        result = self.mounted(scene, "nr_inodes=1", "-d", "small", REF)
        self.assertFails(result, 7, os.strerror(28), "small")


class Limits(Case):
    def test_file_size_limit(self):
        """EFBIG, and SIGXFSZ must not kill: the error should be said."""
        scene = self.scene()
        data = images.sif(1 << 20)
        scene.image(data=data)
        result = scene.run(REF, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (65536, 65536)))
        self.assertFails(result, 7, os.strerror(27))
        self.assertFiles(scene)

    @unittest.skipIf(IS_ALMIGHTY, "root may do anything")
    def test_permission(self):
        scene = self.scene()
        scene.image()
        os.mkdir(scene.path("locked"), 0o555)
        result = scene.run("-d", "locked", REF, wrap=as_anybody_but_root())
        self.assertFails(result, 7, "locked", os.strerror(13))
        self.assertFiles(scene, "locked")


class Together(Case):
    def together(self, scene, count, *args):
        """Several processes, none of which is ahead of the others."""
        line = threading.Barrier(count)
        text = self.server.routes[
            scene.prefix + "/vanessa/greeting/manifests/latest/"][0].body

        def hold(_):
            try:
                line.wait(30)
            except threading.BrokenBarrierError:
                pass

        scene.manifest(REF, page(text, before=hold))
        processes = [scene.start(*args, REF) for _ in range(count)]
        return [spull.finish(process) for process in processes]

    def test_same_image(self):
        for size in (40960, 1 << 20):
            with self.subTest(size):
                scene = self.scene()
                data = scene.image(data=images.sif(size))
                for result in self.together(scene, 4):
                    self.assertPulled(scene, result, data)

    def test_forced(self):
        scene = self.scene()
        data = scene.image(data=images.sif(1 << 20))
        scene.put(NAME, b"old")
        for result in self.together(scene, 4, "--force"):
            self.assertPulled(scene, result, data)

    def test_different_file_appears_meanwhile(self):
        """What somebody else puts there while we download is not lost."""
        scene, gate = self.scene(), Gate(1000)
        data = images.sif()
        scene.image(data=data, reply=Reply(data, gate=gate))
        process = scene.start(REF)
        gate.wait_reached()
        scene.put(NAME, b"theirs")
        gate.open()
        self.assertFails(spull.finish(process), 8, NAME)
        self.assertEqual(scene.read(NAME), b"theirs")
        self.assertFiles(scene, NAME)

    def test_same_file_appears_meanwhile(self):
        scene, gate = self.scene(), Gate(1000)
        data = images.sif()
        scene.image(data=data, reply=Reply(data, gate=gate))
        process = scene.start(REF)
        gate.wait_reached()
        scene.put(NAME, data)
        gate.open()
        self.assertExit(spull.finish(process), 0)
        self.assertFiles(scene, NAME)


if __name__ == "__main__":
    main()
