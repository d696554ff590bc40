# SPDX-License-Identifier: MIT
"""File systems made for a test, where the machine allows that."""

import os
import subprocess

from .many import Many


def command(*args):
    """"", or what it says about why it failed."""
    try:
        done = subprocess.run(args, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError:
        return "there is no " + args[0]
    return "" if done.returncode == 0 else done.stdout.strip() or "failed"


class Mounted(Many):
    """Scenes whose working directory is a file system of its own."""

    def need(self, why):
        if why:
            self.skipTest(why.splitlines()[0])

    def mount(self, where, *args):
        self.need("only root mounts" if os.geteuid() != 0 else "")
        self.need(command("mount", *args, where))
        self.addCleanup(command, "umount", "--lazy", where)

    def on_tmpfs(self, options="size=8m"):
        scene = self.scene()
        self.mount(scene.cwd, "-t", "tmpfs", "-o", options, "none")
        return scene

    def on_disk(self, size, make, *options):
        """A file system in a file."""
        scene = self.scene()
        disk = os.path.join(scene.folder, "disk")
        with open(disk, "wb") as file:
            file.truncate(size)
        self.need(command(*make, disk))
        self.mount(scene.cwd, "-o", ",".join(("loop",) + options), disk)
        return scene

    def assertNoRoom(self, scene, result, why, *words):
        """7, with the directory as it was named, and what is the matter."""
        self.assertFails(result, 7, os.strerror(why), *words)

    def free(self, scene):
        info = os.statvfs(scene.cwd)
        return info.f_bavail * info.f_frsize
