#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is pinned and lies in the store is installed from there, and nobody is
asked: the registry may be down, or have moved on."""

import lzma
import os

from harness import registry, spull
from harness.case import main
from harness.engine import NAME, REF, image, put_down
from harness.many import SMALL
from harness.preload import preload
from harness.servers import Reply
from harness.store import Stored

DATA = image(SMALL)
PIN = "%s@%s" % (REF, registry.digest_of(DATA))
PACKED = lzma.compress(DATA)
PIN_OF_PACKED = "%s@%s" % (REF, registry.digest_of(PACKED))
# Nobody listens there.
DOWN = ("--registry", "http://127.0.0.1:9")


class Pinned(Stored):
    def stored(self, data=DATA):
        """A store that a pull has filled."""
        scene = self.scene()
        scene.image(data=data, reply=Reply(data, etag='"1"'), size="bytes")
        self.assertExit(scene.run(REF), 0)
        os.unlink(scene.path(NAME))
        self.before = len(scene.requests())
        return scene

    def planted(self, content, mode=0o644):
        """A store in which a file lies that no spull vouches for."""
        scene = self.scene()
        scene.image(data=DATA, reply=Reply(DATA, etag='"1"'), size="bytes")
        self.plant(scene, DATA, content, mode)
        self.before = 0
        return scene

    def pinned(self, scene, *args, pin=PIN, **more):
        return scene.run("--json", *args, pin, **more)

    def assertPlaced(self, scene, result, how=("reflink", "hard link", "copy")):
        found = self.assertJson(result)
        self.assertEqual((found["state"], found["transferred"], found["url"]),
                         ("installed", 0, None))
        self.assertIn(found["placed"], how)
        self.assertBytes(scene.path(NAME), DATA)
        self.assertFiles(scene, NAME)
        self.assertStored(scene, DATA)

    def assertUnasked(self, scene):
        self.assertEqual(len(scene.requests()), self.before)

    def assertAllPull(self, scene, *args, **more):
        tasks = [scene.start(*args, **more) for _ in range(16)]
        for task in tasks:
            self.addCleanup(put_down, task)
        for task in tasks:
            self.assertExit(spull.finish(task), 0)

    def test_nobody_is_asked(self):
        for args in ((), DOWN):
            with self.subTest(args):
                scene = self.stored()
                self.assertPlaced(scene, self.pinned(scene, *args),
                                  ("reflink", "hard link"))
                self.assertUnasked(scene)

    def test_without_proof(self):
        """It is read; then it is as good."""
        for mode in (0o444, 0o664):
            with self.subTest(oct(mode)):
                scene = self.planted(DATA, mode)
                self.assertPlaced(scene, self.pinned(scene, *DOWN))

    def test_the_tag_has_moved(self):
        """That is the registry's affair: what was asked for is at hand."""
        scene = self.stored()
        scene.image(data=image(SMALL, seed=1))
        self.assertPlaced(scene, self.pinned(scene))
        self.assertUnasked(scene)

    def test_damaged(self):
        """It is no use, and only now somebody is asked for another."""
        for args in (DOWN, ()):
            with self.subTest(args):
                scene = self.planted(image(SMALL, seed=1))
                result = self.pinned(scene, *args)
                self.assertSays(result, "damaged")
                if args == DOWN:
                    self.assertExit(result, 4)
                    self.assertFiles(scene)
                    self.assertEqual(self.seen(scene), ["sha256"])
                else:
                    self.assertJson(result)
                    self.assertBytes(scene.path(NAME), DATA)
                    self.assertStored(scene, DATA)
                    self.assertOnce(scene, DATA)

    def test_closed_to_us(self):
        """Where nothing stops root, it is read."""
        scene = self.planted(DATA, 0)
        self.assertJson(self.pinned(scene))
        self.assertBytes(scene.path(NAME), DATA)

    def test_not_there(self):
        scene = self.scene()
        scene.image(data=DATA, size="bytes")
        self.assertExit(self.pinned(scene, *DOWN), 4)
        self.assertFiles(scene)
        self.assertJson(self.pinned(scene))
        self.assertStored(scene, DATA)

    def test_without_a_pin(self):
        """A tag may have moved: the registry is asked."""
        scene = self.stored()
        self.assertFails(scene.run(*DOWN, REF), 4)
        self.assertFiles(scene)

    def test_other_file(self):
        scene = self.stored()
        scene.put(NAME, b"mine")
        self.assertFails(scene.run(PIN), 8, "--force")
        self.assertEqual(scene.read(NAME), b"mine")
        self.before = len(scene.requests())
        self.assertPlaced(scene, self.pinned(scene, "--force", *DOWN))
        self.assertUnasked(scene)

    def test_archive(self):
        """The pin is that of the archive; what is in it follows."""
        for env in ({}, preload(self.folder, "xattrs")):
            with self.subTest(env):
                scene = self.stored(PACKED)
                for state in ("installed", "up-to-date"):
                    result = self.pinned(scene, *DOWN, pin=PIN_OF_PACKED,
                                         env=env)
                    if state == "up-to-date" and env:  # nothing says that
                        self.assertExit(result, 4)
                        break
                    self.assertEqual(self.assertJson(result)["state"], state)
                    self.assertBytes(scene.path(NAME), DATA)
                    self.assertStored(scene, PACKED)
                self.assertUnasked(scene)

    def test_archive_without_notes(self):
        """Many at once, none of which can leave a note of whence it is."""
        scene = self.stored(PACKED)
        env = preload(self.folder, "xattrs")
        self.assertAllPull(scene, PIN_OF_PACKED, env=env)
        self.assertBytes(scene.path(NAME), DATA)
        self.assertFiles(scene, NAME)

    def test_many_at_once(self):
        scene = self.stored()
        self.assertAllPull(scene, *DOWN, PIN)
        self.assertBytes(scene.path(NAME), DATA)
        self.assertFiles(scene, NAME)
        self.assertStored(scene, DATA)


if __name__ == "__main__":
    main()
