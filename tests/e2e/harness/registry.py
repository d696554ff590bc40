# SPDX-License-Identifier: MIT
"""Documents of a static registry, as its page templates render them, and
whole registries on disk."""

import base64
import os

from . import images

SCHEMA = "application/vnd.singularity.distribution.manifest.v2+json"
CONFIG = "application/vnd.singularity.container.image.v1+json"
LAYER = "application/vnd.singularity.image.squashfs"


def kib(data):
    """What du -k says about a file of these bytes: blocks of 4 KiB."""
    return (len(data) + 4095) // 4096 * 4


def digest_of(data, form="sha256"):
    """"algorithm:value" in one of the shapes that registries use."""
    if form == "sha256":
        return "sha256:" + images.sha256(data)
    if form == "SHA256":
        return "sha256:" + images.sha256(data).upper()
    if form == "md5":
        return "md5:" + images.md5(data)
    if form == "MD5":
        return "md5:" + images.md5(data).upper()
    if form == "md5-base64":
        raw = bytes.fromhex(images.md5(data))
        return "md5:" + base64.b64encode(raw).decode()
    raise ValueError(form)


def layer_page(size, digest, urls, media_type=LAYER):
    """One layer. None leaves a key out; a str is JSON text as it stands."""
    rows = ['"mediaType": "%s"' % media_type]
    if size is not None:
        rows.append('"size": %s' % size)
    if digest is not None:
        rows.append('"digest": "%s"' % digest)
    if urls is not None:
        shown = urls if isinstance(urls, str) else \
            "[" + ", ".join('"%s"' % url for url in urls) + "]"
        rows.append('"urls": %s' % shown)
    return "        {\n            " + ",\n            ".join(rows) + \
        "\n        }"


def manifest_page(layers, config=""):
    """The whole document, blank lines and trailing spaces included."""
    config = config or layer_page(1, "sha256:" + "0" * 64, None, CONFIG)
    text = '{\n    "schemaVersion": 2,\n    "mediaType": "%s",\n' % SCHEMA
    if config is not None:
        text += '    "config": %s,\n' % config.strip()
    text += '    "layers": [\n%s\n        \n\n    ]\n}\n' % ",\n".join(layers)
    return text.encode()


def manifest_of(data, urls, size="kib", form="sha256"):
    """The page for one blob. size: "kib", "bytes" or a number."""
    stated = {"kib": kib(data), "bytes": len(data)}.get(size, size)
    digest = digest_of(data, form)
    return manifest_page([layer_page(stated, digest, urls)],
                         layer_page(stated, digest, None, CONFIG))


def tags_page(container, tags):
    rows = ",".join('"%s"' % tag for tag in tags)
    return ('{\n  "name": "%s", \n  "tags": [\n    %s\n   ]\n}\n'
            % (container, rows)).encode()


class Registry:
    """A registry in a folder: what any web server would be pointed at."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.tags = {}
        os.makedirs(self.folder, exist_ok=True)

    def write(self, path, data):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def add(self, ref, data, urls=None, size="kib", form="sha256"):
        """Adds C/N:TAG; without urls the blob lies beside its manifest."""
        container, tag = ref.rsplit(":", 1)
        folder = "%s/manifests/%s" % (container, tag)
        if urls is None:
            self.write(folder + "/image.sif", data)
            urls = ["image.sif"]
        self.write(folder + "/index.html",
                   manifest_of(data, urls, size, form))
        self.tags.setdefault(container, []).append(tag)
        self.write(container + "/tags/index.html",
                   tags_page(container, self.tags[container]))
        return images.sha256(data)
