# SPDX-License-Identifier: MIT
"""Many images, or only their manifests, from one list each."""

import hashlib
import os

from servers import HEAD, MANIFEST

CONTAINER = "bench/many"


class Listed:
    """One image of a list."""

    def __init__(self, folder, number, size):
        self.tag = "%d-%d" % (size, number)
        self.name = "many_%s.sif" % self.tag
        self.path = os.path.join(folder, self.tag)
        data = (HEAD + os.urandom(size))[:size]
        self.sha256 = hashlib.sha256(data).hexdigest()
        with open(self.path, "wb") as file:
            file.write(data)


class ListJob:
    """All images of a list, to be put into one folder; and the list as each
    contestant wants it."""

    def __init__(self, spull, registry, base, count, size, folder):
        self.spull = spull
        self.base = base
        self.folder = folder
        self.image = None
        self.size = size
        self.work = os.path.join(registry, "lists-%d-%d" % (count, size))
        blobs = os.path.join(registry, "many-%d" % size)
        os.makedirs(self.work, exist_ok=True)
        os.makedirs(blobs, exist_ok=True)
        self.images = [Listed(blobs, number, size) for number in range(count)]
        for image in self.images:
            self.publish(registry, image)
        self.write_lists()

    def url(self, image):
        return "%s/many-%d/%s" % (self.base, self.size, image.tag)

    def publish(self, registry, image):
        page = os.path.join(registry, CONTAINER, "manifests", image.tag)
        os.makedirs(page, exist_ok=True)
        with open(os.path.join(page, "index.html"), "w") as file:
            file.write(MANIFEST % (self.size, image.sha256, self.url(image)))

    def path(self, name):
        return os.path.join(self.work, name)

    def write(self, name, line):
        with open(self.path(name), "w") as file:
            file.writelines(line(image) + "\n" for image in self.images)

    def write_lists(self):
        self.write("refs", lambda image: "%s:%s" % (CONTAINER, image.tag))
        self.write("curl", lambda image: 'url = "%s"\noutput = "%s"' % (
            self.url(image), image.name))
        self.write("sums", lambda image: "%s  %s" % (
            image.sha256, image.name))
        self.write("aria2", lambda image: "%s\n out=%s" % (
            self.url(image), image.name))
        self.write("aria2-sums", lambda image:
                   "%s\n out=%s\n checksum=sha-256=%s" % (
                       self.url(image), image.name, image.sha256))
        self.write("documents", lambda image:
                   'url = "%s/%s/manifests/%s/"\noutput = "%s.json"' % (
                       self.base, CONTAINER, image.tag, image.tag))

    def fault(self, thorough):
        """What is wrong with what a run left, or ""."""
        for image in self.images:
            path = os.path.join(self.folder, image.name)
            try:
                with open(path, "rb") as file:
                    data = file.read() if thorough else b""
                size = os.path.getsize(path)
            except FileNotFoundError:
                return "there is no %s" % image.name
            if size != self.size:
                return "%s has %d bytes" % (image.name, size)
            if thorough and hashlib.sha256(data).hexdigest() != image.sha256:
                return "%s has another digest" % image.name
        return ""


class DocumentsJob(ListJob):
    """Only the manifests; who writes none to files prints what they say."""

    def fault(self, thorough):
        return ""
