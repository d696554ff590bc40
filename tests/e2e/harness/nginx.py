# SPDX-License-Identifier: MIT
"""A private nginx that serves a folder the way GitHub Pages does."""

import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request

CONF = """
daemon off;
worker_processes 1;
pid {prefix}/nginx.pid;
error_log {prefix}/error.log warn;
{main}
events {{ worker_connections 256; }}
http {{
    types {{ text/html html; application/octet-stream sif; }}
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path {prefix}/body;
    proxy_temp_path {prefix}/proxy;
    fastcgi_temp_path {prefix}/fastcgi;
    uwsgi_temp_path {prefix}/uwsgi;
    scgi_temp_path {prefix}/scgi;
    server {{
        listen 127.0.0.1:{port}{ssl};
        {certificate}
        root "{root}";
        index index.html;
        charset utf-8;
        gzip on;
        gzip_min_length 0;
        absolute_redirect off;
        error_page 404 /404.html;
        location = /404.html {{ internal; root {prefix}; }}
        {extra}
    }}
}}
"""

NOT_FOUND = """<!DOCTYPE html>
<html>
  <head><title>Site not found</title></head>
  <body><h1>404</h1><p>There is no page here.</p>{filler}</body>
</html>
"""


def program():
    found = shutil.which("nginx", path=os.environ.get("PATH", "") +
                         os.pathsep + "/usr/sbin:/usr/local/sbin")
    if found is None:
        raise RuntimeError("these tests need nginx, and there is none "
                           "(tests/run installs it)")
    return found


def version():
    """(1, 22, 1). Before 1.19.7, nginx holds HTTP/2 to other limits, and ends a
    stream that its own source cut as if all of it had come."""
    run = subprocess.run([program(), "-v"], stdout=subprocess.PIPE, text=True,
                         stderr=subprocess.STDOUT, check=True)
    return tuple(map(int, re.search(r"nginx/(\d+)\.(\d+)\.(\d+)",
                                    run.stdout).groups()))


class Nginx:
    """Use as a context manager, or stop() it.

    The listening socket is opened here and handed over in the variable that
    nginx uses for its own upgrades: no port is guessed, and who connects
    before nginx is up waits in the queue.
    """

    def __init__(self, root, prefix, certificate=None, extra="",
                 http2=False, main=""):
        self.prefix = str(prefix)
        self.process = None
        os.makedirs(self.prefix)
        with open(os.path.join(self.prefix, "404.html"), "w") as file:
            file.write(NOT_FOUND.format(filler="<p>Nothing.</p>\n" * 400))
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(64)
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.scheme = "https" if certificate else "http"
        self.base = "%s://127.0.0.1:%d" % (self.scheme, self.port)
        conf = CONF.format(
            prefix=self.prefix, root=root, port=self.port, extra=extra,
            main=main,
            ssl=(" ssl" if certificate else "") + (" http2" if http2 else ""),
            certificate="ssl_certificate %s; ssl_certificate_key %s;"
            % certificate if certificate else "")
        if os.geteuid() == 0:
            conf = "user root;\n" + conf
        with open(os.path.join(self.prefix, "nginx.conf"), "w") as file:
            file.write(conf)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self):
        fd = self.socket.fileno()
        log = os.path.join(self.prefix, "error.log")
        args = [program(), "-p", self.prefix, "-c",
                os.path.join(self.prefix, "nginx.conf")]
        # Else what happens before the configuration is read goes to the log
        # that nginx was built with.
        if version() >= (1, 19, 5):
            args += ["-e", log]
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(
                args, cwd=self.prefix,  # where the keeper finds it
                env=dict(os.environ, NGINX="%d;" % fd), pass_fds=[fd],
                stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                start_new_session=True)
        if self.scheme == "http":
            self.probe()

    def probe(self):
        """One request, so that a broken configuration fails here."""
        try:
            urllib.request.build_opener(
                urllib.request.ProxyHandler({})).open(self.base, timeout=20)
        except urllib.error.HTTPError:
            pass
        except OSError as why:
            raise RuntimeError("nginx does not answer: %s\n%s"
                               % (why, self.errors())) from why

    def errors(self):
        with open(os.path.join(self.prefix, "error.log")) as file:
            return file.read()

    def reload(self):
        """As after a change of its configuration: new workers take over, and
        the old ones end when they have no more to send, or are told to."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        self.socket.close()
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
