#!/usr/bin/python3
"""The public logs, health and metrics over HTTP, from the real processes: what
is served and how it may be kept, what is not, what happens when the relay or
the HTTP process dies."""
import hashlib
import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from scene import BUILD, DEADLINE_S, Scene, Skip, run_stories  # noqa: E402

ANY = "127.0.0.1:0"
PROMTOOL = pathlib.Path(
    os.environ.get("SEALPOST_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME")
                    or pathlib.Path.home() / ".cache") / "sealpost"
) / "promtool"


class Network(Scene):
    """A founded relay whose run also serves HTTP."""

    def serve(self, *options):
        """Starts it again with OPTIONS; remembers where what is served."""
        self.relay_end(signal.SIGTERM)
        self.relay_start(*options)
        self.where = dict(part.split("=") for part in self.ready.split()[2:])

    def get(self, path, method="GET", at="http", headers={}):
        """Status, headers, body."""
        link = http.client.HTTPConnection(self.where[at], timeout=DEADLINE_S)
        try:
            link.request(method, path, headers=headers)
            answer = link.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            link.close()

    def status(self, *args, **how):
        return self.get(*args, **how)[0]

    def public(self, log):
        return self.dir / "relay/public" / log

    def until(self, what, is_so):
        end = time.monotonic() + DEADLINE_S
        while not is_so():
            assert time.monotonic() < end, f"never: {what}"
            time.sleep(0.05)  # slower than what 429 is for

    def ready_says(self):
        try:
            status, _, body = self.get("/readyz", at="admin")
        except OSError:
            return None
        return status, body.decode().strip()

    def child(self):
        """The HTTP process of the relay."""
        pid = self.relay.pid
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        assert len(text.split()) <= 1, text
        return int(text) if text else None


net = None


def checkpoint_published():
    net.until("a checkpoint",
              lambda: net.status("/delivery/checkpoint") == 200)


# --- what is served ----------------------------------------------------------

def the_ready_line_says_where_everything_is():
    net.serve("--http", ANY, "--admin", ANY)
    assert re.fullmatch(r"ready [\d.]+:\d+ http=[\d.]+:\d+ admin=[\d.]+:\d+",
                        net.ready), net.ready


def a_checkpoint_is_never_kept_and_has_an_etag():
    checkpoint_published()
    status, headers, body = net.get("/delivery/checkpoint")
    assert status == 200
    assert headers["Content-Type"] == "text/plain; charset=utf-8", headers
    assert headers["Cache-Control"] == "no-store", headers
    assert headers["ETag"] == '"%s"' % hashlib.sha256(body).hexdigest()[:32]
    assert body == (net.public("delivery") / "checkpoint").read_bytes()
    assert body.startswith(b"relay.demo/delivery\n"), body
    again = net.get("/delivery/checkpoint",
                    headers={"If-None-Match": headers["ETag"]})
    assert again[0] == 304 and again[2] == b"", again
    assert again[1]["ETag"] == headers["ETag"]
    status, head, body = net.get("/delivery/checkpoint", method="HEAD")
    assert (status, body) == (200, b"")
    assert head["Content-Length"] == headers["Content-Length"]


def tiles_are_kept_for_ever_and_partial_ones_shortly():
    put = {"tile/0/x001/007": bytes(range(256)) * 32,
           "tile/entries/005.p/3": b"\0\1a\0\1b\0\1c"}
    for name, data in put.items():
        path = net.public("delivery") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    caches = ["public, max-age=31536000, immutable", "public, max-age=60"]
    for (name, data), cache in zip(put.items(), caches):
        status, headers, body = net.get("/delivery/" + name)
        assert (status, body) == (200, data), (name, status)
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["Cache-Control"] == cache, headers
        assert headers["X-Content-Type-Options"] == "nosniff"


def nothing_else_is_served():
    keys = net.dir / "relay/keys"
    public = net.public("delivery")
    assert keys.exists()
    (public / "secret").write_text("x")
    (public / "tile/0/009").symlink_to(keys)
    (public / "tile/0/008").mkdir(parents=True)
    os.mkfifo(public / "tile/0/007")
    wanted = {
        "/": 404, "/delivery": 404, "/delivery/": 400,
        "/delivery/secret": 404, "/delivery/tile": 404,
        "/delivery/tile/0": 404, "/delivery/tile/0/0": 404,
        "/delivery/tile/0/000.p/0": 404, "/delivery/tile/0/000.p/256": 404,
        "/delivery/tile/00/000": 404, "/delivery/tile/64/000": 404,
        "/delivery/tile/0/x000/000": 404, "/delivery/checkpoint/": 400,
        "/delivery/tile/0/777": 404, "/delivery/checkpoint?x=1": 400,
        "/delivery/../keys": 400, "/delivery/%2e%2e/keys": 400,
        "/delivery/tile/0/009": 500, "/delivery/tile/0/008": 500,
        "/delivery/tile/0/007": 500, "/keys": 404, "/metrics": 404,
    }
    for path, status in wanted.items():
        got, _, body = net.get(path)
        assert got == status, (path, got, status)
        assert len(body) < 40, (path, body)
    status, headers, _ = net.get("/delivery/checkpoint", method="POST",
                                 headers={"Content-Length": "0"})
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    for name in "007", "009":
        (public / "tile/0" / name).unlink()


def the_directory_is_served_only_when_asked_for():
    assert net.status("/directory/checkpoint") == 404
    net.serve("--http", ANY, "--http-directory")
    net.until("the directory's checkpoint",
              lambda: net.status("/directory/checkpoint") == 200)
    body = net.get("/directory/checkpoint")[2]
    assert body.startswith(b"relay.demo/directory\n"), body
    assert "admin" not in net.where
    net.serve("--http", ANY, "--admin", ANY)
    assert net.status("/directory/checkpoint") == 404


def one_address_has_its_bounds():
    conf = net.dir / "slow.conf"
    conf.write_text("[http]\nrequests_per_second = 1\n"
                    "connections_per_address = 2\n")
    net.serve("--http", ANY, "--config", str(conf))
    net.until("too many requests",
              lambda: net.status("/delivery/checkpoint") == 429)
    status, headers, body = net.get("/delivery/checkpoint")
    if status == 429:
        assert int(headers["Retry-After"]) >= 1, headers
        assert body == b"429 too many requests\n", body
    host, port = net.where["http"].split(":")
    links = [socket.create_connection((host, int(port))) for _ in range(2)]
    assert net.status("/delivery/checkpoint") == 429
    for link in links:
        link.close()
    net.serve("--http", ANY, "--admin", ANY)


# --- the operator's side -----------------------------------------------------

def health_readiness_and_metrics_are_told():
    assert net.get("/healthz", at="admin")[2] == b"200 ok\n"
    assert net.ready_says() == (200, "ready")
    status, headers, body = net.get("/metrics", at="admin")
    assert status == 200
    assert headers["Content-Type"] == \
        "text/plain; version=0.0.4; charset=utf-8", headers
    text = body.decode()
    for line in ["sealpost_relay_up 1",
                 'sealpost_packets_total{event="stored"} 0',
                 'sealpost_http_requests_total{listener="http",class="2xx"} '
                 '\\d+', "sealpost_uptime_seconds \\d+",
                 'sealpost_log_entries{log="directory"} [1-9]\\d*']:
        assert re.search(f"^{line}$", text, re.M), (line, text)
    assert "agency" not in "".join(re.findall(r"\{.*\}", text)), text
    assert net.status("/delivery/checkpoint", at="admin") == 404
    assert net.status("/metrics", method="DELETE", at="admin") == 405


def requests_are_counted_by_class():
    def counted(name):
        text = net.get("/metrics", at="admin")[2].decode()
        return int(re.search(r'requests_total\{listener="http",class="%s"\} '
                             r'(\d+)' % name, text)[1])
    good, bad = counted("2xx"), counted("4xx")
    checkpoint_published()
    net.get("/delivery/nothing")
    net.get("/delivery/nothing?")
    assert counted("2xx") > good
    assert counted("4xx") >= bad + 2


def promtool_finds_nothing_to_say():
    if not PROMTOOL.exists():
        raise Skip("promtool cannot be had")
    text = net.get("/metrics", at="admin")[2]
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text,
                          capture_output=True, timeout=DEADLINE_S)
    assert done.returncode == 0 and not done.stdout + done.stderr, \
        (done.returncode, done.stdout, done.stderr)


# --- deaths ------------------------------------------------------------------

def a_dead_child_is_started_again_at_its_address():
    address = net.where["http"]
    first = net.child()
    os.kill(first, signal.SIGKILL)
    net.until("another child", lambda: net.child() not in (first, None))
    net.until("it is ready", lambda: net.ready_says() == (200, "ready"))
    assert net.where["http"] == address
    checkpoint_published()
    assert net.relay.poll() is None
    assert net.relay_status()["uptime_s"] >= 0


def a_killed_relay_takes_its_child_along_and_comes_back():
    where = [net.where["http"], net.where["admin"]]
    net.relay_end(signal.SIGKILL)
    net.relay_start("--http", where[0], "--admin", where[1])
    assert net.ready_says() == (200, "ready")
    checkpoint_published()


def a_process_of_its_own_sees_the_relay_go_and_come():
    net.relay_end(signal.SIGTERM)
    net.relay_start()
    assert net.child() is None
    alone = subprocess.Popen(
        [BUILD / "sealpostd", "http", "--data", net.dir / "relay",
         "--http", ANY, "--admin", ANY],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        net.where = dict(part.split("=")
                         for part in alone.stdout.readline().split()[1:])
        net.until("ready", lambda: net.ready_says() == (200, "ready"))
        net.relay_end(signal.SIGKILL)
        net.until("not ready", lambda: net.ready_says() ==
                  (503, "the relay does not answer"))
        assert net.status("/healthz", at="admin") == 200
        assert net.status("/delivery/checkpoint") == 200
        net.until("the relay is down", lambda: b"sealpost_relay_up 0\n" in
                  net.get("/metrics", at="admin")[2])
        net.relay_start()
        net.until("ready again", lambda: net.ready_says() == (200, "ready"))
    finally:
        alone.terminate()
        assert alone.wait(timeout=10) == 0


def a_port_that_is_taken_is_told_at_the_start():
    taken = socket.create_server(("127.0.0.1", 0))
    address = "127.0.0.1:%d" % taken.getsockname()[1]
    net.relay_end(signal.SIGTERM)
    done = subprocess.run(
        [BUILD / "sealpostd", "run", "--data", net.dir / "relay", "--listen",
         ANY, "--http", address], capture_output=True, text=True, timeout=60)
    taken.close()
    assert done.returncode == 1, done
    assert "another program uses that port" in done.stderr, done.stderr
    assert "its HTTP process does not start" in done.stderr, done.stderr
    net.relay_start()


def options_are_checked():
    for args, why in [([], "--data DIR is missing"),
                      (["--data", "x"], "nothing to do"),
                      (["--data", "x", "--http", "x"], "is not HOST:PORT"),
                      (["--data", "x", "--what"], "not known"),
                      (["--data", "x", "y"], "not known")]:
        done = subprocess.run([BUILD / "sealpostd", "http", *args],
                              capture_output=True, text=True, timeout=20)
        assert done.returncode == 2, (args, done)
        assert why in done.stderr and "[E-USAGE]" in done.stderr, done.stderr


def the_process_with_the_key_knows_no_http():
    def libraries(program):
        return subprocess.run(["ldd", BUILD / program], capture_output=True,
                              text=True, check=True, timeout=20).stdout
    with_key, without = libraries("sealpostd"), libraries("sealpostd-http")
    assert "microhttpd" not in with_key and "curl" not in with_key, with_key
    assert "microhttpd" in without, without
    assert "sqlite" not in without, without


STORIES = [
    the_process_with_the_key_knows_no_http,
    options_are_checked,
    the_ready_line_says_where_everything_is,
    a_checkpoint_is_never_kept_and_has_an_etag,
    tiles_are_kept_for_ever_and_partial_ones_shortly,
    nothing_else_is_served,
    the_directory_is_served_only_when_asked_for,
    one_address_has_its_bounds,
    health_readiness_and_metrics_are_told,
    requests_are_counted_by_class,
    promtool_finds_nothing_to_say,
    a_dead_child_is_started_again_at_its_address,
    a_killed_relay_takes_its_child_along_and_comes_back,
    a_process_of_its_own_sees_the_relay_go_and_come,
    a_port_that_is_taken_is_told_at_the_start,
]


def main():
    global net
    net = Network()
    try:
        return run_stories([(s.__name__, s) for s in STORIES])
    finally:
        net.close()


if __name__ == "__main__":
    sys.exit(main())
