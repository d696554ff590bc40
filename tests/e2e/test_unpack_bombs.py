#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Archives that hold more than an image can be."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import unittest

from harness import images, memory, spull
from harness.archives import IMAGE, Unpack, packed, tar, zeros, zipped
from harness.case import main
from harness.engine import MIB, REF
from harness.trace import WHY_NO_TRACE


class Bombs(Unpack):
    """More comes out than can be; memory stays what it was."""

    def bomb(self, blob, *words):
        scene = self.scene()
        packed(scene, blob)
        log = os.path.join(scene.folder, "peak")
        result = scene.run(REF, wrap=memory.measured(log))
        self.assertNothing(scene, result, *words)
        if not spull.has_sanitizer():
            self.assertLess(memory.peak(log), 40 * 1024)

    def test_ratio(self):
        head = IMAGE[:4096]
        member = tarfile.TarInfo("image.sif")
        member.size = 8 << 30
        bombs = {
            "gzip": zeros(300),
            "bzip2": bz2.compress(head + bytes(100 * MIB)),
            "xz": lzma.compress(head + bytes(100 * MIB), preset=0),
            "tar.gz": gzip.compress(member.tobuf() + head, mtime=0) +
                      gzip.compress(bytes(MIB), mtime=0) * 300,
            "zip": zipped(("image.sif", head + bytes(100 * MIB))),
            "zip beside": zipped(("a", bytes(100 * MIB)), ("image.sif",
                                 head + bytes(100 * MIB))),
        }
        for what, blob in bombs.items():
            with self.subTest(what):
                self.bomb(blob, "bytes, which is more than any image has in "
                          "an archive of its size")

    def test_sparse(self):
        """A tar of a few KiB that stands for a file of 1 TiB."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w",
                          format=tarfile.PAX_FORMAT) as archive:
            member = tarfile.TarInfo("image.sif")
            body = b"1\n0\n4096\n".ljust(512, b"\0") + IMAGE[:4096]
            member.size = len(body)
            member.pax_headers = {"GNU.sparse.major": "1",
                                  "GNU.sparse.minor": "0",
                                  "GNU.sparse.name": "image.sif",
                                  "GNU.sparse.realsize": str(1 << 40)}
            archive.addfile(member, io.BytesIO(body))
        self.bomb(out.getvalue(), "more than any image")

    def test_headers(self):
        """What libarchive takes apart in memory: a map of holes, and lists of
        rights, of which 1 MiB takes seconds."""
        def member(body, count=1, **headers):
            entries = []
            for number in range(count):
                one = tarfile.TarInfo("image.sif" if number == 0 else
                                      "beside-%d" % number)
                one.size = len(body) if number == 0 else 0
                one.pax_headers = headers
                entries.append((one, body))
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w",
                              format=tarfile.PAX_FORMAT) as archive:
                for one, data in entries:
                    archive.addfile(one, io.BytesIO(data))
            return gzip.compress(out.getvalue(), mtime=0)

        holes = 2 * MIB
        body = b"%d\n" % holes + b"0\n0\n" * holes
        body += bytes(-len(body) % 512) + IMAGE
        rights = ",".join("user:u%05d:rwx" % number for number in range(50000))
        for blob in (member(body, **{
                "GNU.sparse.major": "1", "GNU.sparse.minor": "0",
                "GNU.sparse.name": "image.sif",
                "GNU.sparse.realsize": str(len(IMAGE))}),
                     member(IMAGE, **{"SCHILY.acl.access": rights}),
                     member(IMAGE, 60, comment="x" * 40000)):
            self.bomb(blob, "headers that are too long")
        scene = self.scene()
        packed(scene, member(IMAGE, 999, comment="x" * 500))
        self.assertPulled(scene, scene.run(REF), IMAGE)

    @unittest.skipIf(WHY_NO_TRACE, WHY_NO_TRACE)
    def test_single_bytes(self):
        """An index of a quarter of a million of them, after no block, is not
        read one by one."""
        scene = self.scene()
        packed(scene, lzma.compress(b"")[:12] + b"\0" + b"\xff" * 8 + b"\x3f" +
               b"\x81" * (MIB // 4))
        log = os.path.join(scene.folder, "trace")
        self.assertNothing(scene, scene.run(
            REF, env=spull.without_leaks(), wrap=[
                "strace", "-f", "-o", log, "-e", "trace=pread64"]), "xz file")
        with open(log) as file:
            self.assertLess(file.read().count("pread64("), 2000)

    def test_padding(self):
        """Zeros without end behind a tar's end, or beside its image."""
        whole = gzip.compress(tar(("image.sif", IMAGE)), mtime=0)
        zeros = gzip.compress(bytes(MIB), mtime=0) * 300
        beside = tarfile.TarInfo("zeros")
        beside.size = 300 * MIB
        for blob in (whole + zeros,
                     gzip.compress(beside.tobuf(), mtime=0) + zeros + whole):
            self.bomb(blob, "holds too much")

    def test_set(self):
        scene = self.scene()
        packed(scene, images.gzipped(IMAGE))
        for args, env in ((["--unpack-max", "195K"], {}),
                          ([], {"SPULL_UNPACK_MAX": "199999"})):
            self.assertNothing(scene, scene.run(*args, REF, env=env),
                               "the maximum set")
        self.assertFails(scene.run("--unpack-max", "5X", REF), 2,
                         "'5X' is not a size")
        self.assertPulled(scene, scene.run("--unpack-max", "200000", REF),
                          IMAGE)

    def test_zeros_are_no_crime(self):
        """What is small may be empty; what is not, if the manifest says so."""
        small = IMAGE[:4096] + bytes(20 * MIB)
        large = IMAGE[:4096] + bytes(100 * MIB)
        for image, said in ((small, None), (large, large)):
            scene = self.scene()
            packed(scene, images.gzipped(image), said)
            self.assertPulled(scene, scene.run(REF), image)

    def test_entries(self):
        many = [("f%d" % i, b"") for i in range(1200)]
        for blob in (tar(("image.sif", IMAGE), *many),
                     zipped(*many, ("image.sif", IMAGE))):
            scene = self.scene()
            packed(scene, blob)
            self.assertNothing(scene, scene.run(REF), "more than 1000 entries")
        names = [("%d" % i + "x" * 60000, b"") for i in range(20)]
        scene = self.scene()
        packed(scene, zipped(("image.sif", IMAGE), *names))
        self.assertNothing(scene, scene.run(REF), "too long")


if __name__ == "__main__":
    main()
