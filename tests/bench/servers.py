# SPDX-License-Identifier: MIT
"""What serves: images from RAM, the registry around them, nginx, capserve."""

import hashlib
import os
import socket
import subprocess
import time
import urllib.request

from machine import Child, Trouble, compile_helper, need

MIB = 1 << 20
CONTAINER = "bench/image"
LAUNCH = b"#!/usr/bin/env run-singularity\n".ljust(32, b"\0")
# Enough of a SIF for whoever looks: magic, version, architecture unknown.
HEAD = (LAUNCH + b"SIF_MAGIC\0" + b"01\0" + b"00\0").ljust(128, b"\0")

MANIFEST = """{
    "schemaVersion": 2,
    "mediaType": "application/vnd.singularity.distribution.manifest.v2+json",
    "layers": [
        {
            "mediaType": "application/vnd.singularity.image.squashfs",
            "size": %d,
            "digest": "sha256:%s",
            "urls": ["%s"]
        }
    ]
}
"""

NGINX = """
daemon off;
{user}
worker_processes 1;
pid {prefix}/nginx.pid;
error_log {prefix}/error.log warn;
events {{ worker_connections 256; }}
http {{
    types {{ text/html html; }}
    default_type application/octet-stream;
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_body_temp_path {prefix}/body;
    proxy_temp_path {prefix}/proxy;
    fastcgi_temp_path {prefix}/fastcgi;
    uwsgi_temp_path {prefix}/uwsgi;
    scgi_temp_path {prefix}/scgi;
    server {{
        listen {address}:{port}{how};
        {certificate}
        root {root};
        index index.html;
    }}
}}
"""


class Image:
    """A file that is served: its size, its digest, where it lies."""

    def __init__(self, folder, size, sparse):
        self.size = size
        self.tag = "%d%s" % (size, "-sparse" if sparse else "")
        self.ref = "%s:%s" % (CONTAINER, self.tag)
        self.path = os.path.join(folder, self.tag)
        self.sha256 = self.make(zeros if sparse else os.urandom, sparse)

    def make(self, source, sparse):
        """Writes and hashes in one go; zeros are hashed only."""
        digest = hashlib.sha256()
        left = self.size
        with open(self.path, "wb") as file:
            piece = HEAD[:left]
            while left:
                digest.update(piece)
                if not sparse or left == self.size:
                    file.write(piece)
                left -= len(piece)
                piece = source(min(left, MIB))
            file.truncate(self.size)
        return digest.hexdigest()


def zeros(count):
    return bytes(count)


class Registry:
    """The folder that all servers serve; each image is made once."""

    def __init__(self, folder):
        self.folder = folder
        self.images = {}
        os.makedirs(os.path.join(folder, "blobs"))

    def image(self, size, sparse=False):
        if (size, sparse) not in self.images:
            blobs = os.path.join(self.folder, "blobs")
            room = os.statvfs(blobs)
            if not sparse and size > room.f_bavail * room.f_frsize:
                raise Trouble("%s: no room for %d bytes" % (blobs, size))
            self.images[size, sparse] = Image(blobs, size, sparse)
        return self.images[size, sparse]

    def publish(self, image, base):
        """Writes the manifest for one server; returns the blob's URL."""
        url = "%s/blobs/%s" % (base, image.tag)
        page = os.path.join(self.folder, CONTAINER, "manifests", image.tag)
        os.makedirs(page, exist_ok=True)
        with open(os.path.join(page, "index.html"), "w") as file:
            file.write(MANIFEST % (image.size, image.sha256, url))
        return url


def manifest_url(base, image):
    return "%s/%s/manifests/%s/" % (base, CONTAINER, image.tag)


class Authority:
    """A certificate authority, and one server's certificate by it."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes"]
        with open(self.path("names"), "w") as file:
            file.write("subjectAltName=IP:127.0.0.1\n")
        self.openssl("req", "-x509", *key, "-days", "2", "-subj",
                     "/CN=spull bench", "-keyout", "ca.key", "-out", "ca.pem")
        self.openssl("req", "-new", *key, "-subj", "/CN=server",
                     "-keyout", "key.pem", "-out", "request.pem")
        self.openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem",
                     "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                     "-extfile", "names", "-out", "cert.pem")

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *args):
        subprocess.run([need("openssl"), *args], cwd=self.folder, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def listen(network=None):
    """A listening socket, at the far end of the wire if there is one."""
    if network is not None:
        return network.listen()
    return socket.create_server(("127.0.0.1", 0), backlog=64)


def start_nginx(stack, registry, prefix, authority=None, network=None,
                http2=False):
    """Starts a server until the stack is closed; returns its base URL.

    The listening socket is handed over in the variable that nginx uses for
    its own upgrades: no port is guessed, the namespace is the socket's, and
    who connects early waits in the queue.
    """
    server = stack.enter_context(listen(network))
    server.setblocking(False)
    address, port = server.getsockname()
    os.makedirs(prefix)
    how = certificate = ""
    if authority is not None:
        how = " ssl" + (" http2" if http2 else "")
        certificate = "ssl_certificate %s; ssl_certificate_key %s;" % (
            authority.path("cert.pem"), authority.path("key.pem"))
    conf = os.path.join(prefix, "nginx.conf")
    with open(conf, "w") as file:
        file.write(NGINX.format(
            user="user root;" if os.geteuid() == 0 else "", prefix=prefix,
            address=address, port=port, how=how, certificate=certificate,
            root=registry.folder))
    errors = os.path.join(prefix, "error.log")
    with open(errors, "wb") as log:
        child = stack.enter_context(Child(
            [need("nginx"), "-p", prefix, "-c", conf, "-e", errors],
            env=dict(os.environ, NGINX="%d;" % server.fileno()),
            fds=[server.fileno()], stdout=log, stderr=log))
    try:
        child.process.wait(0.2)
    except subprocess.TimeoutExpired:
        return "%s://%s:%d" % ("https" if authority else "http", address, port)
    with open(errors) as log:
        raise Trouble("nginx does not start: " + log.read())


def start_capserve(stack, registry, folder, rate, bucket=False):
    """Starts the server that caps each connection; returns its base URL."""
    server = stack.enter_context(listen())
    stack.enter_context(Child(
        [compile_helper("capserve", folder), str(server.fileno()),
         registry.folder, str(rate)] + ["bucket"] * bucket,
        fds=[server.fileno()]))
    return "http://%s:%d" % server.getsockname()


def measured_rate(url, size):
    """Bytes a second that one plain connection gets, without its burst."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as answer:
        answer.read(size // 4)
        start = time.monotonic()
        count = len(answer.read())
        return count / (time.monotonic() - start)


def start_capped(stack, registry, folder, rate):
    """A capped server whose cap was seen to work: (base URL, what caps)."""
    probe = registry.image(32 * MIB)
    for bucket, name in ((False, "SO_MAX_PACING_RATE"),
                         (True, "a token bucket in the server")):
        base = start_capserve(stack, registry, folder, rate, bucket)
        url = registry.publish(probe, base)
        got = measured_rate(url, probe.size)
        if 0.7 * rate < got < 1.2 * rate:
            return base, "each connection capped at %g MB/s by %s" % (
                rate / 1e6, name)
    raise Trouble("no cap holds here: %.0f MB/s instead of %.0f" % (
        got / 1e6, rate / 1e6))
