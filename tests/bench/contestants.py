# SPDX-License-Identifier: MIT
"""What people type to get an image, and what we want them to type.

Each contestant is called as its users call it; the only options beyond that
are the ones that keep it quiet, away from its configuration, or that tell it
of the bench's certificate authority.
"""

import hashlib
import os

from servers import manifest_url

# The line that today's users paste, in one shell.
LINE = """
url=$(curl -sSf $CA "$1" | jq -r '.layers[0].urls[0]') &&
    curl -sSf $CA -o "$2" "$url" &&
    echo "$3  $2" | sha256sum --check --quiet
"""
SYNC = """ && sync "$1" """


class Job:
    """One image at one address, to be put into one file."""

    def __init__(self, spull, base, blob, image, folder, ca=None, probe=""):
        self.spull = spull
        self.probe = probe
        self.base = base
        self.blob = blob
        self.image = image
        self.folder = folder
        self.name = "image.sif"
        self.out = "%s/%s" % (folder, self.name)
        self.ca = ca

    def trust(self, option):
        return [option, self.ca] if self.ca else []

    def fault(self, thorough):
        """What is wrong with what a run left, or ""."""
        if self.image is None:
            return ""
        try:
            size = os.path.getsize(self.out)
        except FileNotFoundError:
            return "there is no image"
        if size != self.image.size:
            return "the image has %d bytes" % size
        if thorough and digest(self.out) != self.image.sha256:
            return "the image has another digest"
        return ""


def digest(path):
    running = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            running.update(piece)
    return running.hexdigest()


def shell(script, *args):
    return ["sh", "-c", script, "sh", *args]


def spull(job):
    return [job.spull, "-r", job.base, "-o", job.out,
            *job.trust("--ca-file"), job.image.ref]


def curl(job):
    return ["curl", "-sSf", *job.trust("--cacert"), "-o", job.out, job.blob]


def curl_sync(job):
    ca = "--cacert '%s'" % job.ca if job.ca else ""
    return shell('curl -sSf %s -o "$1" "$2"' % ca + SYNC, job.out, job.blob)


def curl_line(job):
    ca = "--cacert '%s'" % job.ca if job.ca else ""
    return shell(LINE.replace("$CA", ca), manifest_url(job.base, job.image),
                 job.out, job.image.sha256)


def curl_both(job):
    """One process that gets manifest and blob over one connection."""
    return ["curl", "-sSf", *job.trust("--cacert"),
            "-o", job.folder + "/manifest.json",
            manifest_url(job.base, job.image), "-o", job.out, job.blob]


def wget(job):
    return ["wget", "-q", *job.trust("--ca-certificate"), "-O", job.out,
            job.blob]


def aria2c(connections, check=False, more=()):
    def command(job):
        return ["aria2c", "--no-conf", "-q", "-x%d" % connections,
                "-s%d" % connections, "-k1M",
                *job.trust("--ca-certificate"), *more,
                *(["--checksum=sha-256=" + job.image.sha256] * check),
                "-d", job.folder, "-o", job.name, job.blob]
    return command


def probe(job):
    """Nobody calls this: it is what spull can't be much quicker than."""
    return [job.probe, job.blob, job.out, *([job.ca] if job.ca else [])]


def spull_list(job):
    return [job.spull, "-q", "-r", job.base, "-d", job.folder, "-f",
            job.path("refs")]


def curl_list(job):
    """curl has them written below the working directory."""
    return ["curl", "-sSf", "-Z", "-K", job.path("curl")]


def curl_list_line(job):
    return shell('curl -sSf -Z -K "$1" && sha256sum --check --quiet "$2"',
                 job.path("curl"), job.path("sums"))


def aria2c_list(name):
    def command(job):
        return ["aria2c", "--no-conf", "-q", "-j8", "-d", job.folder, "-i",
                job.path(name)]
    return command


def spull_resolve(job):
    """The lock file is written, as curl's documents are."""
    return shell('exec "$1" resolve -r "$2" -f "$3" >lock', job.spull,
                 job.base, job.path("refs"))


def curl_documents(job):
    return ["curl", "-sSf", "-K", job.path("documents")]


def spull_version(job):
    return [job.spull, "--version"]


def curl_version(job):
    return ["curl", "--version"]


def aria2c_names(*connections, check):
    return ["aria2c -x%d%s" % (n, " --checksum" if check else "")
            for n in connections]


# Name in the table -> (the programs it takes, job -> argv).
ALL = {
    "spull": ((), spull),
    "spull --version": ((), spull_version),
    "curl -o": (("curl",), curl),
    "curl -o && sync": (("curl",), curl_sync),
    "curl, jq, sha256sum": (("curl", "jq", "sha256sum"), curl_line),
    "curl, two URLs": (("curl",), curl_both),
    "curl --version": (("curl",), curl_version),
    "spull -f": ((), spull_list),
    "curl -Z -K": (("curl",), curl_list),
    "curl -Z -K, sha256sum -c": (("curl", "sha256sum"), curl_list_line),
    "aria2c -i -j8": (("aria2c",), aria2c_list("aria2")),
    "aria2c -i -j8, checksums": (("aria2c",), aria2c_list("aria2-sums")),
    "spull resolve -f": ((), spull_resolve),
    "curl -K": (("curl",), curl_documents),
    "wget": (("wget",), wget),
    "probe": ((), probe),
    "aria2c -x8 --file-allocation=none":
        (("aria2c",), aria2c(8, more=("--file-allocation=none",))),
}
for _check in (False, True):
    for _n in (1, 4, 8, 16):
        ALL[aria2c_names(_n, check=_check)[0]] = (
            ("aria2c",), aria2c(_n, _check))
