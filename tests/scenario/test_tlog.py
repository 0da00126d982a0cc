#!/usr/bin/python3
"""The delivery log in public form, read over HTTP by a strict stranger.

build/tests/tlog/check (Go, golang.org/x/mod) fetches everything and hashes it
again; it shares no code with the relay.  Logs are filled through the store and
published by the relay's own code (build/tests/peer/log_fill, or sealpostd run);
sealpostd-http serves them.
"""
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = os.path.abspath(os.environ.get("SEALPOST_BUILD", "build"))
CHECK = os.path.join(BUILD, "tests/tlog/check")
FILL = os.path.join(BUILD, "tests/peer/log_fill")
RELAY = os.path.join(BUILD, "sealpostd")
EDGES = (0, 1, 255, 256, 257, 65535, 65536, 65537)
BEAT_MS = 100
PATIENCE_S = 120


def run(*args, **more):
    return subprocess.run(args, check=True, capture_output=True, text=True,
                          **more).stdout


class Relay:
    """A data directory, its keys, and who serves its public files."""

    def __init__(self, top, name="relay"):
        self.dir = os.path.join(top, name)
        self.history = os.path.join(top, name + "-history")
        os.mkdir(self.history)
        card = run(RELAY, "init", "--name", "relay.example", "--data", self.dir)
        self.card = os.path.join(top, name + ".card")
        with open(self.card, "w") as f:
            f.write(card)
        self.vkey = run(RELAY, "vkey", "delivery", "--data", self.dir).strip()

    def public(self, name=""):
        return os.path.join(self.dir, "public/delivery", name)

    def fill(self, size, batch=4096):
        run(FILL, self.dir, str(size), str(batch))

    def publish(self, size, batch=4096):
        run(FILL, self.dir, str(size), str(batch), str(BEAT_MS))


class Served:
    """sealpostd-http on a directory, for a while; without a bound on requests
    unless asked for, as a reader who obeys it takes minutes."""

    def __init__(self, data_dir, *options, bounded=False):
        self.data_dir = data_dir
        self.options = options
        self.conf = os.path.join(data_dir, "http.conf")
        with open(self.conf, "w") as f:
            if not bounded:
                f.write("[http]\nrequests_per_second = 0\n")

    def __enter__(self):
        ready, told = os.pipe()
        self.process = subprocess.Popen(
            [RELAY, "http", "--data", self.data_dir, "--http", "127.0.0.1:0",
             "--config", self.conf, "--ready-fd", str(told), *self.options],
            pass_fds=(told,), stdout=subprocess.DEVNULL)
        os.close(told)
        with os.fdopen(ready) as f:
            words = f.readline().split()
        assert words[:1] == ["ready"], words
        self.url = "http://%s/delivery/" % words[1].split("=")[-1]
        return self.url

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def look(url, vkey, *options):
    return subprocess.run([CHECK, *options, url, vkey], capture_output=True,
                          text=True)


def verify(url, vkey, *options):
    r = look(url, vkey, *options)
    assert r.returncode == 0, r.stderr
    return int(r.stdout.split()[1].rstrip(":"))


# --- sizes --------------------------------------------------------------------

def every_edge_size_verifies_while_one_log_passes_through_it(top):
    relay = Relay(top)
    with Served(relay.dir) as url:
        for size in EDGES:
            relay.publish(size)
            assert verify(url, relay.vkey, "-history", relay.history) == size
    seen = glob.glob(relay.history + "/*")
    assert len(seen) == len(EDGES), seen


def every_edge_size_verifies_when_it_is_published_at_once(top):
    relay = Relay(top)
    with Served(relay.dir) as url:
        for size in EDGES:
            relay.fill(size)
            shutil.rmtree(os.path.join(relay.dir, "public"), True)
            relay.publish(size)
            assert verify(url, relay.vkey, "-history", relay.history) == size


# --- growing ------------------------------------------------------------------

def while_it_grows_every_checkpoint_verifies_and_fits_the_earlier(top):
    relay = Relay(top)
    relay.publish(65300)
    sizes = set()
    with Served(relay.dir) as url:
        grower = subprocess.Popen(
            [FILL, relay.dir, "1000000", "17", "50"], stdout=subprocess.DEVNULL)
        while len(sizes) < 5 or max(sizes) < 65537:
            assert grower.poll() is None
            sizes.add(verify(url, relay.vkey, "-growing",
                             "-history", relay.history))
        grower.kill()
        grower.wait()
        relay.publish(0)
        assert verify(url, relay.vkey, "-history", relay.history) >= max(sizes)


# --- crashes ------------------------------------------------------------------

def founded(relay, top):
    """A network with a registrar and nobody else."""
    sys.path.insert(0, "tests/lib")
    from wire import Network
    with open(relay.card) as f:
        network = Network(f.read())
    genesis = os.path.join(top, "genesis.spost")
    with open(genesis, "wb") as f:
        f.write(network.genesis())
    run(RELAY, "genesis", genesis, "--data", relay.dir)


def start_relay(relay, top, beat="100ms"):
    conf = os.path.join(top, "sealpostd.conf")
    with open(conf, "w") as f:
        f.write("[publish]\nbeat = %s\ndirectory = yes\n" % beat)
    process = subprocess.Popen(
        [RELAY, "run", "--data", relay.dir, "--listen", "127.0.0.1:0",
         "--config", conf], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline(), "the relay does not start"
    return process


def fact(relay, name):
    for line in run(RELAY, "status", "--data", relay.dir).splitlines():
        if line.startswith(name + "="):
            return int(line.split("=")[1])
    raise AssertionError(name)


def files(relay):
    return sum(len(f) for _, _, f in os.walk(relay.public()))


def killed_while_publishing_it_shows_nothing_false_and_goes_on(top):
    relay = Relay(top)
    founded(relay, top)
    goal = 200001
    relay.fill(goal)
    shown = 0
    with Served(relay.dir) as url:
        kills = 0
        while shown < goal:
            before = files(relay)
            process = start_relay(relay, top)
            # One time early in a portion, one time later.
            want = before + (40, 300, 700)[kills % 3]
            end = time.monotonic() + PATIENCE_S
            while (files(relay) < want and time.monotonic() < end and
                   fact(relay, "publish_behind") > 0):
                pass
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            if os.path.exists(relay.public("checkpoint")):
                shown = verify(url, relay.vkey, "-growing",
                               "-history", relay.history)
        assert kills > 4, kills
        process = start_relay(relay, top)
        while fact(relay, "publish_behind") > 0:
            pass
        process.terminate()
        assert process.wait(30) == 0
        assert verify(url, relay.vkey, "-history", relay.history) == goal
        assert not glob.glob(relay.public("**/*.tmp"), recursive=True)


def the_directory_log_is_public_only_when_asked_for_twice(top):
    relay = Relay(top)
    founded(relay, top)
    vkey = run(RELAY, "vkey", "directory", "--data", relay.dir).strip()
    process = start_relay(relay, top)
    while not os.path.exists(os.path.join(relay.dir,
                                          "public/directory/checkpoint")):
        pass
    process.terminate()
    assert process.wait(30) == 0
    with Served(relay.dir) as url:
        r = look(url.replace("/delivery/", "/directory/"), vkey)
        assert r.returncode == 1 and "checkpoint: status 404" in r.stderr, r
    with Served(relay.dir, "--directory") as url:
        assert verify(url.replace("/delivery/", "/directory/"), vkey) > 1


def a_restored_database_does_not_publish_over_what_others_saw(top):
    relay = Relay(top)
    founded(relay, top)
    relay.publish(300)
    old = os.path.join(top, "backup")
    shutil.copytree(relay.dir, old)
    relay.publish(400)
    public = os.path.join(relay.dir, "public")
    shutil.rmtree(os.path.join(old, "public"))
    shutil.move(public, os.path.join(old, "public"))
    r = subprocess.run([RELAY, "run", "--data", old, "--listen", "127.0.0.1:0"],
                       capture_output=True, text=True)
    assert r.returncode == 1 and "E-RESTORED" in r.stderr, r.stderr
    assert "has 400 entries, the database has 300" in r.stderr, r.stderr


# --- what must be found -------------------------------------------------------

def flip(path, at=-1):
    with open(path, "r+b") as f:
        f.seek(at, 0 if at >= 0 else 2)
        byte = f.read(1)[0]
        f.seek(-1, 1)
        f.write(bytes([byte ^ 1]))


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def lies(older, newer):
    """(what is said about it, what is done to the files of 600 entries)"""
    def flipped(name, at=-1):
        return lambda d: flip(d + name, at)

    def missing(name):
        return lambda d: os.remove(d + name)

    def added(name, data):
        return lambda d: write(d + name, data)

    def moved(name):
        return lambda d: write(d + name, read(d + "tile/0/001"))
    return [
        ("tile/0/000: not the hashes of the entries", flipped("tile/0/000")),
        ("tile/0/001: not the hashes", flipped("tile/0/001", 0)),
        ("tile/0/002.p/88: not the hashes", flipped("tile/0/002.p/88", 77)),
        ("tile/1/000.p/2: not the hashes", flipped("tile/1/000.p/2")),
        ("tile/0/000: not the hashes", flipped("tile/entries/000")),
        ("tile/0/002.p/88: not the hashes", flipped("tile/entries/002.p/88")),
        ("tile/entries/001: entry 0 is cut",
         added("tile/entries/001", b"\xff\xffcut")),
        ("tile/0/002.p/88: 1 bytes, not 88 hashes",
         added("tile/0/002.p/88", b"x")),
        ("tile/0/002.p/88: status 404", missing("tile/0/002.p/88")),
        ("tile/1/000.p/2: status 404", missing("tile/1/000.p/2")),
        ("tile/entries/002.p/88: status 404", missing("tile/entries/002.p/88")),
        ("tile/entries/000: status 404", missing("tile/entries/000")),
        ("checkpoint: status 404", missing("checkpoint")),
        ("checkpoint: the note does not verify", flipped("checkpoint", 30)),
        ("tile/entries/002.p/89: status 404", added("checkpoint", newer)),
        ("for what a log of 599 entries has not", added("checkpoint", older)),
        ("tile/0/002: status 200", moved("tile/0/002")),
        ("tile/0/002.p/89: status 200", moved("tile/0/002.p/89")),
        ("tile/2/000.p/1: status 200", moved("tile/2/000.p/1")),
    ]


def every_changed_file_is_found_out(top):
    """The control: a stranger who is content with anything proves nothing."""
    relay = Relay(top)
    relay.publish(599)
    older = read(relay.public("checkpoint"))
    relay.publish(600)
    base = os.path.join(top, "base")
    shutil.copytree(relay.public(), base + "/public/delivery")
    relay.publish(601)
    newer = read(relay.public("checkpoint"))
    with Served(base) as url:
        assert verify(url, relay.vkey) == 600
    for i, (words, change) in enumerate(lies(older, newer)):
        copy = os.path.join(top, "changed-%d" % i)
        shutil.copytree(base, copy)
        change(copy + "/public/delivery/")
        with Served(copy) as url:
            r = look(url, relay.vkey)
        assert r.returncode == 1 and words in r.stderr, (words, r)


def another_history_under_the_same_key_is_found_out(top):
    relay, other = Relay(top), Relay(top, "other")
    shutil.rmtree(other.dir)
    shutil.copytree(relay.dir, other.dir)
    relay.publish(300)
    other.publish(400)
    with Served(relay.dir, bounded=True) as url:
        verify(url, relay.vkey, "-history", relay.history)
    with Served(other.dir) as url:
        verify(url, relay.vkey)
        r = look(url, relay.vkey, "-history", relay.history)
    assert r.returncode == 1, r.stdout
    assert "the first 300 entries are not those" in r.stderr, r.stderr


def main():
    stories = [v for v in globals().values()
               if callable(v) and getattr(v, "__code__", None) and
               v.__code__.co_varnames[:v.__code__.co_argcount] == ("top",)]
    failed = 0
    wanted = sys.argv[1:]
    for i, story in enumerate(stories, 1):
        name = story.__name__.replace("_", " ")
        if wanted and story.__name__ not in wanted:
            continue
        with tempfile.TemporaryDirectory() as top:
            try:
                story(top)
                print("ok %d - %s" % (i, name), flush=True)
            except Exception:
                failed += 1
                print("not ok %d - %s" % (i, name), flush=True)
                traceback.print_exc(file=sys.stdout)
    print("1..%d" % len(stories))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
