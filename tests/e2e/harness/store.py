# SPDX-License-Identifier: MIT
"""Scenes with a store beside the working directory: what lies in it, put there
by spull or by others."""

import os
import stat

from . import images, spull
from .engine import MIB, REF, image
from .many import SMALL
from .mounts import Mounted, command
from .servers import Reply

DAY = 86400


class Stored(Mounted):
    """Scenes with a store beside the working directory."""

    def scene(self, server=None):
        scene = super().scene(server)
        scene.store = os.path.join(scene.folder, "store")
        os.mkdir(scene.store)
        os.chmod(scene.store, 0o2775)
        scene.env["SPULL_STORE"] = scene.store
        return scene

    def published(self, size=SMALL, seed=0):
        scene = self.scene()
        data = scene.image(data=image(size, seed=seed), size="bytes",
                           reply=lambda _: Reply(data, etag='"1"'))
        return scene, data

    def on_one_disk(self, *make):
        """Store and destination, on a file system of their own."""
        scene, data = self.published(MIB)
        device = os.path.join(scene.folder, "device")
        disk = os.path.join(scene.folder, "disk")
        os.mkdir(disk)
        with open(device, "wb") as file:
            file.truncate(320 * MIB)
        self.need(command(*make, device))
        self.mount(disk, "-o", "loop", device)
        scene.store, scene.cwd = disk + "/store", disk + "/work"
        scene.env["SPULL_STORE"] = scene.store
        os.mkdir(scene.store)
        os.mkdir(scene.cwd)
        return scene, data, disk

    def project(self, scene, name):
        """Another directory, of another project."""
        path = os.path.join(scene.folder, name)
        os.makedirs(path, exist_ok=True)
        return path

    def entry(self, scene, data):
        return os.path.join(scene.store, "sha256", images.sha256(data))

    def plant(self, scene, data, content, mode=0o644):
        """An entry that no spull has made, for the name of data."""
        path = self.entry(scene, data)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, mode)
        return path

    def seen(self, scene):
        """All that is in the store."""
        return spull.files(scene.store)

    def pulled(self, scene, *args, **more):
        """What --json says of a pull."""
        result = scene.run("--json", *args, REF, **more)
        return self.assertJson(result)

    def assertBytes(self, path, data):
        with open(path, "rb") as file:
            self.assertEqual(images.sha256(file.read()), images.sha256(data),
                             path)
        self.assertTrue(stat.S_ISREG(os.lstat(path).st_mode), path)

    def assertStored(self, scene, *blobs):
        """These, whole, and nothing else."""
        self.assertEqual(self.seen(scene), ["sha256"] + sorted(
            "sha256/" + images.sha256(data) for data in blobs))
        for data in blobs:
            self.assertBytes(self.entry(scene, data), data)

    def journalled_in(self, folder):
        """The bytes that a journal there counts."""
        for name in os.listdir(folder):
            if name.endswith(".spans"):
                with open(os.path.join(folder, name)) as file:
                    words = [line.split() for line in file]
                return sum(int(line[2]) - int(line[1]) for line in words
                           if line[0] == "span")
        return 0
