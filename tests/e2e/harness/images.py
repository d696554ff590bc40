# SPDX-License-Identifier: MIT
"""Images, and files that are none, made from a seed: the same every time."""

import gzip
import hashlib
import io
import random
import struct
import tarfile
import zipfile

LAUNCH = b"#!/usr/bin/env run-singularity\n"
ARCH_CODES = {
    "": b"00", "386": b"01", "amd64": b"02", "arm": b"03", "arm64": b"04",
    "ppc64": b"05", "ppc64le": b"06", "mips": b"07", "mipsle": b"08",
    "mips64": b"09", "mips64le": b"10", "s390x": b"11", "riscv64": b"12",
    "loong64": b"13",
}
UNAME = {
    "x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm",
    "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64",
    "loongarch64": "loong64",
}
HEADER = 128
DESCRIPTORS = 48
DESCRIPTOR = 585
DATA = 32768


def noise(size, seed=0):
    """Bytes that neither compress nor repeat."""
    return random.Random(seed).getrandbits(8 * size).to_bytes(size, "little") \
        if size else b""


def pattern(size, seed=0):
    """Bytes that are quickly made, for large files."""
    block = noise(1 << 16, seed)
    return (block * (size // len(block) + 1))[:size]


def sif(size=DATA + 8192, arch="amd64", seed=0, launch=True, payload=noise):
    """A SIF of exactly so many bytes; only its header means something."""
    head = LAUNCH.ljust(32, b"\0") if launch else bytes(32)
    head += b"SIF_MAGIC\0" + b"01\0" + ARCH_CODES[arch] + b"\0"
    head += hashlib.md5(str(seed).encode()).digest()
    head += struct.pack(
        "<8Q", 1500000000, 1500000000, DESCRIPTORS, DESCRIPTORS, HEADER,
        DESCRIPTORS * DESCRIPTOR, DATA, max(size - DATA, 0))
    if size < len(head):
        raise ValueError("a SIF has at least %d bytes" % len(head))
    return head + payload(size - len(head), seed)


def squashfs(size=8192, seed=0):
    """The first bytes of a bare squashfs 4.0, and noise."""
    head = struct.pack("<4sIIIIHHHHHH", b"hsqs", 1, 1500000000, 131072, 0,
                       1, 17, 192, 1, 4, 0)
    return head + noise(size - len(head), seed)


def gzipped(data):
    return gzip.compress(data, mtime=0)


def zipped(data, name="image.sif"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def tarred(data, name="image.sif"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def md5(data):
    return hashlib.md5(data).hexdigest()
