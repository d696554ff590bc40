# SPDX-License-Identifier: MIT
"""The same pull again and again, with something special at each of its system
calls in turn, from several beginnings."""

import itertools
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from . import spull
from .engine import NAME, REF, image
from .injection import Strace
from .many import HELD
from .servers import Gate, Reply

DATA = image(300000)
OLD = image(300000, seed=1)
# Of DATA, what an earlier run had left.
KEPT = 1 << 17
ERRORS = ("ENOSPC", "EDQUOT", "EIO", "EINTR", "EACCES", "EROFS")
# Points of a walk, without SPULL_TESTS_LONG.
SOME = 10 if spull.SLOWNESS == 1 else 5
WEEK = 7 * 86400
# A file system with room for the image and what is left of an earlier run, if
# the two share the blocks of what they have in common.
CROWDED = (len(DATA) + HELD * 2) // 1024


class Stage:
    """What a pull finds, and what it may leave."""

    def __init__(self, label, *args, old=None, kept=0, room=0, entry=None,
                 damaged=False):
        self.label = label
        self.args = args
        self.old = old
        self.kept = kept
        self.room = room  # KiB of the file system; 0: it has plenty
        self.entry = entry
        self.damaged = damaged


class Walk(Strace):
    STAGES = (Stage("fresh"), Stage("forced", "--force", old=OLD),
              Stage("resumed", kept=KEPT),
              Stage("crowded", kept=KEPT, room=CROWDED))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.left = os.path.join(cls.class_folder(), "left")

    def setUp(self):
        super().setUp()
        self.missed = []

    def leave(self):
        """What a leader that was killed leaves, to be copied for each."""
        if os.path.exists(self.left):
            return
        scene, gate = self.scene(), Gate(KEPT + HELD)
        scene.image(data=DATA, reply=Reply(DATA, gate=gate), size="bytes")
        leader = self.lead(scene, gate)
        self.wait_journal(scene, KEPT + HELD)
        leader.kill()
        leader.finish()
        gate.open()
        shutil.copytree(scene.cwd, self.left, symlinks=True)

    def staged(self, stage):
        scene = self.on_tmpfs("size=%dk" % stage.room) if stage.room \
            else self.scene()
        scene.image(data=DATA, reply=Reply(DATA, etag='"1"'), size="bytes")
        if stage.old is not None:
            scene.put(NAME, stage.old)
        if stage.kept:
            shutil.copytree(self.left, scene.cwd, symlinks=True,
                            dirs_exist_ok=True)
        return scene

    def stages(self):
        """Those that can be had here."""
        return [stage for stage in self.STAGES
                if not stage.room or os.geteuid() == 0]

    def walk(self, hows, check):
        """check(stage, what, how) for each stage, each point and one of hows
        in turn, or with patience each of them."""
        self.leave()
        jobs = []
        for stage in self.stages():
            points = self.points(self.staged(stage), *stage.args)
            self.assertGreater(len(points), SOME)
            if not spull.LONG:
                points = points[::len(points) // SOME]
            turns = itertools.cycle(hows)
            for call, number in points:
                for how in hows if spull.LONG else [next(turns)]:
                    jobs.append((stage, "%s:%s:when=%d" % (
                        call, "%s", number), how))
        with ThreadPoolExecutor(4) as pool:
            done = [pool.submit(check, *job) for job in jobs]
            for (stage, what, how), one in zip(jobs, done):
                with self.subTest(stage.label, what=what % how):
                    one.result()
        self.assertLess(len(self.missed), len(jobs) / 4)

    def assertKilled(self, scene, result):
        """If there was a call of that number at all, as there mostly is."""
        if self.was_hit(scene):
            self.assertExit(result, -signal.SIGKILL)
        else:
            self.missed.append(scene)
            self.assertExit(result, 0)

    def assertOldOrNew(self, scene, stage):
        """Under its name; whatever else there is has no name."""
        if not os.path.lexists(scene.path(NAME)):
            self.assertIsNone(stage.old)
            self.assertUnnamed(scene)
            return
        self.assertUnnamed(scene, NAME)
        if stage.old is None or scene.read(NAME) != stage.old:
            self.assertImage(scene.path(NAME), DATA)

    def assertCompletes(self, scene, stage):
        """The next run does, with what the first of all had left."""
        result = scene.run(*stage.args, REF)
        self.assertExit(result, 0)
        self.assertImage(scene.path(NAME), DATA)
        self.assertUnnamed(scene, NAME)
        for request in scene.blobs():
            self.assertGreaterEqual(request.first, stage.kept, request)

    def assertTidied(self, scene):
        """What nobody took up goes after a week."""
        os.unlink(scene.path(NAME))
        for name in os.listdir(scene.cwd):
            past = time.time() - WEEK - 86400
            os.utime(scene.path(name), (past, past), follow_symlinks=False)
        self.assertExit(scene.run(REF), 0)
        self.assertFiles(scene, NAME)
