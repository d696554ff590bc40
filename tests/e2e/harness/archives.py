# SPDX-License-Identifier: MIT
"""Archives and compressed files: those with an image that comes out, those that
are refused, and how a registry publishes them."""

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib

from . import images, registry, servers
from .case import Case
from .engine import MIB, REF
from .servers import Reply, page

IMAGE = images.sif(200000)
OTHER = images.sif(200000, seed=1)
SKIP = struct.pack("<II", 0x184D2A50, 4) + b"abcd"  # as pzstd writes them
README = ("README.md", b"The image is below.\n")


def zstd(data):
    """A frame of raw blocks (RFC 8878): Python has no zstd of its own."""
    out = struct.pack("<IBI", 0xFD2FB528, 0xA0, len(data))
    blocks = [data[at:at + 65536] for at in range(0, len(data), 65536)]
    for number, block in enumerate(blocks, 1):
        head = len(block) << 3 | (number == len(blocks))
        out += struct.pack("<I", head)[:3] + block
    return out


def tar(*entries, form=tarfile.PAX_FORMAT):
    """(name, bytes) or TarInfo."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
                continue
            member = tarfile.TarInfo(entry[0])
            member.size = len(entry[1])
            archive.addfile(member, io.BytesIO(entry[1]))
    return out.getvalue()


def special(name, kind, target=""):
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = target
    return member


def zipped(*entries, method=zipfile.ZIP_DEFLATED, comment=b"", **how):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            info.external_attr = how.get("mode", 0o644) << 16
            archive.writestr(info, data)
        archive.comment = comment
    return out.getvalue()


def good():
    """What can be unpacked, and comes out as IMAGE."""
    image = ("image.sif", IMAGE)
    folder = special("dir", tarfile.DIRTYPE)
    return {
        "gzip": images.gzipped(IMAGE),
        "gzip, two members": gzip.compress(IMAGE[:70000], mtime=0) +
                             gzip.compress(IMAGE[70000:], mtime=0),
        "xz": lzma.compress(IMAGE),
        "xz, two streams, padded": lzma.compress(IMAGE[:70000]) + bytes(4) +
                                   lzma.compress(IMAGE[70000:]) + bytes(8),
        "bzip2": bz2.compress(IMAGE),
        "zstd": zstd(IMAGE),
        "zstd, frames to be skipped": SKIP + zstd(IMAGE[:70000]) + SKIP +
                                      zstd(IMAGE[70000:]) + SKIP,
        "tar": tar(image),
        "tar, gnu": tar(image, form=tarfile.GNU_FORMAT),
        "tar, with others": tar(folder, ("dir/" + README[0], README[1]),
                                ("dir/image.sif", IMAGE), ("._x", b"\0\5")),
        "tar, odd name": tar(("b\u00fcro \u202e\x1b[2J.sif", IMAGE)),
        "tar, long name": tar(("x" * 200 + "/" + "y" * 200, IMAGE)),
        "tar.gz": images.gzipped(tar(image)),
        "tar.xz": lzma.compress(tar(image)),
        "tar.bz2": bz2.compress(tar(image)),
        "tar.zst": zstd(tar(image)),
        "tar.zst, frames to be skipped": SKIP * 2 + zstd(tar(image)) + SKIP,
        "zip": zipped(image),
        "zip, stored": zipped(image, method=zipfile.ZIP_STORED),
        "zip, with others": zipped(("dir/", b""), README, image),
        "zip, comment": zipped(image, comment=b"made by CI"),
    }


def bad():
    """What pull refuses: (what it is, its bytes, words of the complaint)."""
    image = ("image.sif", IMAGE)
    other = ("other.sif", OTHER)
    whole = images.gzipped(IMAGE)
    encrypted = bytearray(zipped(image))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        encrypted[encrypted.index(mark) + at] |= 1
    link = special("image.sif", tarfile.SYMTYPE, "/etc/passwd")
    yield "two images", tar(image, other), "more than one image"
    yield "two images, tar.gz", images.gzipped(tar(image, other)), \
        "more than one image"
    yield "two images, zip", zipped(image, other), "more than one image"
    yield "none", tar(README), "no image"
    yield "none, zip", zipped(README, ("a.txt", b"a")), "no image"
    yield "empty zip", zipped(), "it is empty"
    yield "no image, gzip", images.gzipped(README[1]), "looks like: text"
    yield "a page, gzip", images.gzipped(servers.html("Gone").body), \
        "looks like: web page"
    yield "nothing, gzip", images.gzipped(b""), "empty file"
    yield "up", tar(("../image.sif", IMAGE)), "leads out", "../image.sif"
    yield "up, below", tar(("a/../../image.sif", IMAGE)), "leads out"
    yield "up, zip", zipped(("../image.sif", IMAGE)), "leads out"
    yield "absolute", tar(("/etc/image.sif", IMAGE)), "leads out"
    yield "absolute, zip", zipped(("/etc/image.sif", IMAGE)), "leads out"
    yield "symbolic link", tar(link), "symbolic link"
    yield "and a symbolic link", tar(image, link), "symbolic link"
    yield "symbolic link, zip", zipped(
        ("image.sif", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777), \
        "symbolic link"
    yield "hard link", tar(image, special("x", tarfile.LNKTYPE,
                                          "image.sif")), "hard link"
    yield "device", tar(image, special("x", tarfile.CHRTYPE)), "a device"
    yield "pipe", tar(image, special("x", tarfile.FIFOTYPE)), "named pipe"
    yield "encrypted zip", bytes(encrypted), "encrypted"
    yield "zip, bzip2", zipped(image, method=zipfile.ZIP_BZIP2), \
        "not supported"
    yield "zip, lzma", zipped(image, method=zipfile.ZIP_LZMA), \
        "not supported"
    yield "gzip in gzip", images.gzipped(whole), "more than once"
    yield "gzip in tar", tar(("image.sif.gz", whole)), "gzip file"
    yield "zip in zip", zipped(("image.zip", zipped(image))), "zip archive"
    yield "tar in tar", tar(("image.tar", tar(image))), "tar archive"
    yield "zip in gzip", images.gzipped(zipped(image)), "zip archive"
    yield "wrong check sum", whole[:-8] + bytes(4) + whole[-4:], "check sum"
    yield "wrong length", whole[:-4] + bytes(4), "check sum"
    yield "two tars", tar(image) + tar(README), "other data"
    yield "dictionary of 4 GiB", huge_xz(), "memory"


def huge_xz():
    """The block header's dictionary byte, and its CRC, written over."""
    data = bytearray(lzma.compress(IMAGE))
    end = 12 + (data[12] + 1) * 4
    data[data.index(b"\x21\x01", 12) + 2] = 40
    data[end - 4:end] = struct.pack("<I", zlib.crc32(data[12:end - 4]))
    return bytes(data)


def zeros(mib):
    """A gzip of so many MiB of zeros behind the start of an image."""
    return gzip.compress(IMAGE[:4096], mtime=0) + \
        gzip.compress(bytes(MIB), mtime=0) * mib


def packed(scene, blob, image=None, size=None, digest=None, ref=REF, **how):
    """Publishes an archive; config says of the image what is given."""
    url = scene.blob(how.pop("reply", None) or Reply(blob),
                     path="/blobs/%s" % how.pop("path", "image.sif"))
    stated = registry.kib(blob), registry.digest_of(blob)
    config = (size or (registry.kib(image) if image else stated[0]),
              digest or (registry.digest_of(image) if image else stated[1]))
    scene.manifest(ref, page(registry.manifest_page(
        [registry.layer_page(*stated, [url])],
        registry.layer_page(*config, None, registry.CONFIG))))
    return blob


class Unpack(Case):
    def assertNothing(self, scene, result, *words):
        self.assertFails(result, 5, *words)
        self.assertFiles(scene)
