#!/usr/bin/python3
"""`sealpost witness` met by a stranger: every answer of c2sp.org/tlog-witness,
its state through restarts and kills, two at once, logs that lie, bodies that
hurt.  The log and a second witness are tests/lib/tlog.py.
"""
import hashlib
import http.client
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))

import tlog  # noqa: E402

BUILD = pathlib.Path(os.environ.get("SEALPOST_BUILD", ROOT / "build")).resolve()
CLIENT = BUILD / "sealpost"
NAME = "witness.example.org/w1"
ORIGIN = "relay.example/delivery"
PATIENCE_S = 60


class Party:
    """A witness's directory, and the process that serves it."""

    def __init__(self, top, *vkeys, name=NAME):
        self.dir = pathlib.Path(tempfile.mkdtemp(dir=top)) / "w"
        self.log = self.dir.with_name("stderr")
        self.process = None
        self.vkey = self.ask("init", "--name", name)["vkey"]
        self.key = tlog.Verifier(self.vkey)
        for vkey in vkeys:
            self.ask("add", vkey)

    def run(self, verb, *args):
        return subprocess.run(
            [CLIENT, "--json", "witness", verb, self.dir, *args],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=PATIENCE_S)

    def ask(self, verb, *args):
        done = self.run(verb, *args)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def refused(self, verb, *args):
        done = self.run(verb, *args)
        assert done.returncode != 0, done.stdout
        return done.returncode, json.loads(done.stdout)["error"]["code"]

    def start(self, **more):
        ready, theirs = os.pipe()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [CLIENT, "witness", "run", self.dir, "--listen", "127.0.0.1:0",
                 "--ready-fd", str(theirs)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, pass_fds=[theirs], **more)
        os.close(theirs)
        with os.fdopen(ready) as f:
            words = f.readline().split()
        assert words[:1] == ["ready"], self.said()
        self.address = words[1]
        return self

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE_S)
        assert code == (0 if how == signal.SIGTERM else -how), self.said()

    def said(self):
        return self.log.read_text()

    def send(self, method, path, body=None):
        c = http.client.HTTPConnection(self.address, timeout=PATIENCE_S)
        try:
            c.request(method, path, body)
            r = c.getresponse()
            return r.status, r.getheader("Content-Type"), r.read().decode()
        finally:
            c.close()

    def post(self, body):
        return self.send("POST", "/add-checkpoint", body)

    def status(self, body):
        return self.post(body)[0]

    def cosigned(self, log, old, size):
        """200, and a cosignature that a stranger verifies; gives its time."""
        status, _, body = self.post(log.request(old, size))
        assert status == 200, (status, body)
        times = tlog.signed_by(log.text(size) + "\n" + body, self.key)
        assert len(times) == 1 and body.count("\n") == 1, body
        return times[0]

    def conflict(self, body):
        status, kind, text = self.post(body)
        assert (status, kind) == (409, "text/x.tlog.size"), (status, kind, text)
        assert text.endswith("\n")
        return int(text)

    def files(self, log, pattern):
        name = hashlib.sha256(log.origin.encode()).hexdigest()
        return sorted((self.dir / "logs" / name).glob(pattern))


def new_log(**more):
    return tlog.Log(ORIGIN, **more)


# ---- answers ----

def a_witness_is_made_once_and_follows_logs(top):
    log = new_log()
    p = Party(top)
    assert p.key.name == NAME and p.key.kind == tlog.COSIGNATURE
    assert p.ask("show")["vkey"] == p.vkey and p.ask("show")["logs"] == []
    assert p.refused("init", "--name", NAME) == (2, "E-WITNESS-EXISTS")
    assert p.refused("init") == (2, "E-USAGE")
    assert p.ask("add", log.key.vkey)["origin"] == ORIGIN
    assert p.refused("add", log.key.vkey) == (1, "E-WITNESS")
    assert p.refused("add", p.vkey) == (2, "E-USAGE")
    assert p.refused("add", log.key.vkey[:-4]) == (2, "E-USAGE")
    assert (p.dir / "key").stat().st_mode & 0o777 == 0o600
    shown = p.ask("show")["logs"]
    assert [(x["origin"], x["size"]) for x in shown] == [(ORIGIN, 0)]


def every_size_is_cosigned_and_dated(top):
    log = new_log()
    p = Party(top, log.key.vkey).start()
    old, before = 0, int(time.time())
    for size in (0, 0, 1, 2, 3, 7, 8, 9, 64, 65, 65, 200):
        at = p.cosigned(log, old, size)
        assert before <= at <= time.time() + 1
        old, before = size, at
    p.stop()
    assert p.ask("show")["logs"][0]["size"] == 200


def each_status_of_the_specification(top):
    log, other = new_log(), tlog.Log("relay.example/other")
    p = Party(top, log.key.vkey).start()
    p.cosigned(log, 0, 10)
    good = log.request(10, 20)
    assert p.status(other.request(0, 5)) == 404
    assert p.status(new_log(seed=b"\7" * 32).request(10, 20)) == 403
    wrong = bytearray(good)
    wrong[-5] ^= 1
    assert p.status(bytes(wrong)) in (400, 403)
    assert p.status(log.request(20, 10)) == 400
    assert p.conflict(log.request(0, 20)) == 10
    assert p.conflict(log.request(9, 20)) == 10
    assert p.conflict(log.request(11, 20)) == 10
    proof = log.proof(10, 20)
    for bad in (proof[1:], proof[:-1], proof + [proof[0]], proof[::-1], []):
        assert p.status(log.request(10, 20, bad)) == 422, bad
    assert p.status(log.request(10, 10, [proof[0]])) == 422
    assert p.status(good) == 200
    assert p.conflict(good) == 20
    p.stop()


def size_zero_and_the_empty_proof(top):
    log = new_log()
    p = Party(top, log.key.vkey).start()
    assert p.status(log.request(0, 5, [b"\0" * 32])) == 422
    text = "%s\n0\n%s\n" % (ORIGIN, tlog.b64(b"\1" * 32))
    note = text + "\n" + log.key.sign(text)
    assert p.status(tlog.add_checkpoint(0, [], note)) == 422
    assert p.conflict(log.request(3, 5)) == 0
    assert p.status(log.request(0, 0)) == 200
    assert p.status(log.request(0, 5)) == 200
    p.stop()


def signatures_of_strangers_do_not_matter(top):
    log = new_log()
    p = Party(top, log.key.vkey).start()
    extra = tlog.Key("stranger", tlog.LOG, b"\5" * 32).sign("x\n")
    extra += tlog.Key(ORIGIN, tlog.LOG, b"\6" * 32).sign("x\n")
    assert p.status(log.request(0, 5) + extra.encode()) == 200
    p.stop()


def other_paths_and_methods(top):
    p = Party(top).start()
    assert p.send("GET", "/add-checkpoint")[0] == 405
    assert p.send("PUT", "/add-checkpoint", b"x")[0] == 405
    for path in ("/", "/add-checkpoints", "/key", "/checkpoint", "/lock"):
        assert p.send("GET", path)[0] == 404, path
    assert p.send("POST", "/" + "0" * 64 + "/checkpoint", b"")[0] == 405
    p.stop()


def monitors_read_the_newest_checkpoint(top):
    log = new_log()
    path = "/%s/checkpoint" % hashlib.sha256(ORIGIN.encode()).hexdigest()
    p = Party(top, log.key.vkey).start()
    assert p.send("GET", path)[0] == 404
    p.cosigned(log, 0, 5)
    p.cosigned(log, 5, 9)
    status, _, note = p.send("GET", path)
    assert status == 200
    assert tlog.split_note(note)[0] == log.text(9)
    assert tlog.signed_by(note, tlog.Verifier(log.key.vkey)) == [0]
    assert len(tlog.signed_by(note, p.key)) == 1
    assert p.send("GET", "/%s/checkpoint" % ("0" * 64))[0] == 404
    p.stop()


def one_connection_carries_many_requests(top):
    log = new_log()
    p = Party(top, log.key.vkey).start()
    c = http.client.HTTPConnection(p.address, timeout=PATIENCE_S)
    for size in range(8):
        c.request("POST", "/add-checkpoint",
                  log.request(max(size - 1, 0), size))
        r = c.getresponse()
        assert r.status == 200 and r.read()
    c.close()
    p.stop()


# ---- against a second witness, at random ----

def change(rng, body):
    """The body, mostly as it is."""
    kind = rng.randrange(12)
    at = rng.randrange(len(body))
    if kind == 0:
        return body[:at] + bytes([rng.randrange(256)]) + body[at + 1:]
    if kind == 1:
        return body[:at]
    if kind == 2:
        return body[:at] + body[at + 1:]
    if kind == 3:
        lines = body.split(b"\n")
        lines.insert(rng.randrange(len(lines)), rng.choice(lines))
        return b"\n".join(lines)
    return body


def it_judges_like_a_second_witness(top):
    rng = random.Random(20261122)
    logs = [new_log(), new_log(salt=b"fork "), new_log(seed=b"\7" * 32),
            tlog.Log("relay.example/other")]
    p = Party(top, logs[0].key.vkey).start()
    second = tlog.Witness("second.example/w")
    second.follow(logs[0].key.vkey)
    seen, size = {}, 0
    for _ in range(400):
        log = rng.choice(logs[:1] * 8 + logs)
        old = rng.choice([size] * 6 + [0, size + 1, max(size - 1, 0)])
        body = change(rng, log.request(old, rng.randrange(size, size + 4)))
        ours, theirs = p.post(body), second.judge(body)
        assert ours[0] == theirs[0], (ours, theirs, body)
        if ours[0] == 409:
            assert ours[2] == theirs[2]
        seen[ours[0]] = seen.get(ours[0], 0) + 1
        size = second.logs[ORIGIN]["size"]
    assert set(seen) == {200, 400, 403, 404, 409, 422}, seen
    p.stop()


# ---- the state ----

def a_restart_forgets_nothing(top):
    log = new_log()
    p = Party(top, log.key.vkey).start()
    p.cosigned(log, 0, 7)
    for _ in range(2):
        p.stop()
        p.start()
        assert p.conflict(log.request(0, 9)) == 7
    p.stop(signal.SIGKILL)
    p.start()
    assert p.conflict(log.request(0, 9)) == 7
    p.cosigned(log, 7, 9)
    p.stop()


def fire(address, body):
    """Sends a whole request and does not wait; gives the socket."""
    host, port = address.rsplit(":", 1)
    s = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
    s.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: "
              b"%d\r\n\r\n" % len(body) + body)
    return s


def heard(s):
    try:
        return s.recv(65536)
    except OSError:
        return b""
    finally:
        s.close()


def killed_anywhere_it_never_signs_two_histories(top):
    """Whatever the kill hit: what was answered 200 is in the state, and the
    other history of that size is refused."""
    log, fork = new_log(), new_log(salt=b"fork ")
    p = Party(top, log.key.vkey)
    size, answered = 0, 0
    for i in range(12):
        p.start()
        s = fire(p.address, log.request(size, size + 1))
        got = heard(s) if i % 3 == 2 else b""
        p.stop(signal.SIGKILL)
        got = got or heard(s)
        p.start()
        now = p.conflict(log.request(size + 7, size + 9))
        assert now in (size, size + 1), (now, size)
        if b" 200 " in got.split(b"\r\n")[0]:
            assert now == size + 1
            answered += 1
        if now == size + 1:
            assert p.status(fork.request(now, now)) == 422
            p.cosigned(log, now, now)
        size = now
        p.stop()
    assert answered >= 4, answered


def of_two_at_once_one_is_cosigned(top):
    log, fork = new_log(), new_log(salt=b"fork ")
    p = Party(top, log.key.vkey).start()
    size = 0
    for _ in range(20):
        bodies = [log.request(size, size + 1), log.request(size, size + 2),
                  log.request(size, size + 3), fork.request(size, size + 2)]
        if size > 0:
            bodies.pop()
        got = []
        threads = [threading.Thread(target=lambda b=b: got.append(p.post(b)))
                   for b in bodies]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert sorted(g[0] for g in got) == [200] + [409] * (len(bodies) - 1)
        now = {int(g[2]) for g in got if g[0] == 409}
        assert len(now) == 1, got
        size = now.pop()
        if p.status(log.request(size, size)) != 200:
            log, fork = fork, log  # the other history was faster
    p.stop()


def it_is_never_rolled_back(top):
    log = new_log()
    p = Party(top, log.key.vkey).start()
    p.cosigned(log, 0, 30)
    for old in (0, 1, 15, 20):
        assert p.conflict(log.request(old, 20)) == 30
    assert p.status(log.request(30, 20)) == 400
    assert p.conflict(log.request(29, 31)) == 30
    p.cosigned(log, 30, 31)
    p.stop()


def nothing_is_signed_when_the_disk_is_full(top):
    log = new_log()
    p = Party(top, log.key.vkey).start()
    p.cosigned(log, 0, 5)
    p.stop()
    p.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                  (100, 100)))
    status, _, body = p.post(log.request(5, 9))
    assert status == 503 and tlog.DASH not in body, (status, body)
    p.stop(signal.SIGKILL)
    p.start()
    assert p.conflict(log.request(0, 9)) == 5
    p.cosigned(log, 5, 9)
    p.stop()


def a_damaged_or_open_directory_is_refused(top):
    log = new_log()
    p = Party(top, log.key.vkey).start()
    p.cosigned(log, 0, 5)
    assert p.refused("run", "--listen", "127.0.0.1:0") == \
        (1, "E-WITNESS-BUSY")
    assert p.refused("add", log.key.vkey) == (1, "E-WITNESS-BUSY")
    assert p.ask("show")["logs"][0]["size"] == 5
    p.stop()
    kept = p.files(log, "checkpoint")[0]
    whole = kept.read_bytes()
    for bad in (b"", whole[:-1], whole[:40], whole.replace(b"\n5\n", b"\n4\n"),
                log.note(5).encode(), b"\xff" * 200, b"x" * 100000):
        kept.write_bytes(bad)
        assert p.refused("run", "--listen", "127.0.0.1:0") == \
            (14, "E-WITNESS-DAMAGED"), bad
    kept.write_bytes(whole)
    os.chmod(p.dir / "key", 0o644)
    assert p.refused("show") == (1, "E-WITNESS")
    os.chmod(p.dir / "key", 0o600)
    key = (p.dir / "key").read_bytes()
    for bad in (b"", key[:-1], key + b"x", b"Y" + key[1:]):
        (p.dir / "key").write_bytes(bad)
        assert p.refused("show") == (14, "E-WITNESS-DAMAGED")
    assert p.refused("run", "--listen", "nowhere") == (14, "E-WITNESS-DAMAGED")
    (p.dir / "key").write_bytes(key)
    assert p.refused("run", "--listen", "nowhere") == (2, "E-USAGE")


def a_new_key_of_a_log_continues_its_state(top):
    log, later = new_log(), new_log(seed=b"\7" * 32)
    p = Party(top, log.key.vkey).start()
    p.cosigned(log, 0, 5)
    assert p.status(later.request(5, 8)) == 403
    p.stop()
    p.ask("add", later.key.vkey)
    p.start()
    assert p.conflict(later.request(0, 8)) == 5
    p.cosigned(later, 5, 8)
    p.stop()


# ---- logs that lie ----

def a_fork_is_proved_by_a_file_and_said(top):
    log, fork = new_log(), new_log(salt=b"fork ")
    p = Party(top, log.key.vkey).start()
    p.cosigned(log, 0, 10)
    assert p.files(log, "fork-*") == []
    assert p.status(fork.request(10, 10)) == 422
    assert p.conflict(fork.request(0, 10)) == 10  # another old, the same lie
    (proof,) = p.files(log, "fork-*")
    words = proof.read_text()
    verifier = tlog.Verifier(log.key.vkey)
    for mine in (log, fork):
        at = words.index(mine.text(10))
        note = words[at:].split("\n\n" + ORIGIN)[0].rstrip("\n") + "\n"
        assert tlog.signed_by(note, verifier) == [0]
    assert p.said().count("E-WITNESS-FORK") == 1
    p.stop()


def a_head_without_a_proof_is_kept_as_a_suspect(top):
    log, fork = new_log(), new_log(salt=b"fork ")
    p = Party(top, log.key.vkey).start()
    p.cosigned(log, 0, 10)
    for size in range(11, 81):
        assert p.status(fork.request(10, size)) == 422
    assert len(p.files(log, "suspect-*")) == 64  # and no more
    assert p.files(log, "fork-*") == []
    p.cosigned(log, 10, 11)
    p.stop()


# ---- bodies that hurt ----

def hostile_bodies_are_answered_400(top):
    log = new_log()
    p = Party(top, log.key.vkey).start()
    good = log.request(0, 9)
    note = log.note(9).encode()
    zero = tlog.b64(b"\0" * 32).encode() + b"\n"
    bad = [b"", b"\n", b"old 0", b"old 0\n", b"old 0\n\n", b"\0" * 100,
           b"\xff\xfe\xfd" * 50, b"old 00\n\n" + note, b"old +0\n\n" + note,
           b"old 18446744073709551616\n\n" + note, b"OLD 0\n\n" + note,
           b"old 0\r\n\r\n" + note, b"old 0\n" + zero * 64 + b"\n" + note,
           b"old 0\nAAAA\n\n" + note, b"old 0\n \n\n" + note, note,
           good.replace(b"\n9\n", b"\n09\n"), good[:-1], good + b"x",
           good + b"\n", good.replace(ORIGIN.encode(), b"\xc3\x28"),
           b"old 0\n\n" + b"x\n" * 3000 + b"\n"]
    for body in bad:
        status = p.status(body)
        assert status in (400, 404), (status, body[:80])
    assert p.status(b"old 0\n" + zero * 63 + b"\n" + note) == 422
    for body in (good.replace(b"old", b"old\0"), good + b"\0"):
        assert p.status(body) == 400
    p.cosigned(log, 0, 9)
    p.stop()


def large_and_unfinished_bodies_do_no_harm(top):
    log = new_log()
    p = Party(top, log.key.vkey).start()
    assert p.status(b"x" * 16384) == 400
    assert p.status(b"x" * 16385) == 413
    host, port = p.address.rsplit(":", 1)
    for head in (b"\r\n", b"Content-Length: 99999999999999999999\r\n\r\n",
                 b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"):
        with socket.create_connection((host, int(port)),
                                      timeout=PATIENCE_S) as s:
            s.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n" + head)
            first = s.recv(4096).split(b"\r\n")[0]
            assert first.split()[1] in (b"400", b"411", b"413"), first
    cut = [fire(p.address, b"")]
    for n in (1, 10, 100):
        s = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        s.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n"
                  b"Content-Length: 200\r\n\r\n" + b"x" * n)
        cut.append(s)
    p.cosigned(log, 0, 9)  # they do not keep anybody waiting
    for s in cut:
        s.close()
    p.cosigned(log, 9, 12)
    p.stop()


def the_key_is_never_told(top):
    log = new_log()
    p = Party(top, log.key.vkey).start()
    p.cosigned(log, 0, 9)
    p.status(b"bad")
    seed = (p.dir / "key").read_bytes()[8:40]
    told = p.said() + json.dumps(p.ask("show"))
    cmdline = pathlib.Path("/proc/%d/cmdline" % p.process.pid).read_bytes()
    p.stop()
    for form in (seed.hex(), tlog.b64(seed), tlog.b64(seed)[:-4]):
        assert form not in told
        assert form.encode() not in cmdline
    assert not any(seed in f.read_bytes() for f in p.dir.rglob("*")
                   if f.is_file() and f.name != "key")


CASES = [
    a_witness_is_made_once_and_follows_logs, every_size_is_cosigned_and_dated,
    each_status_of_the_specification, size_zero_and_the_empty_proof,
    signatures_of_strangers_do_not_matter, other_paths_and_methods,
    monitors_read_the_newest_checkpoint, one_connection_carries_many_requests,
    it_judges_like_a_second_witness, a_restart_forgets_nothing,
    killed_anywhere_it_never_signs_two_histories,
    of_two_at_once_one_is_cosigned, it_is_never_rolled_back,
    nothing_is_signed_when_the_disk_is_full,
    a_damaged_or_open_directory_is_refused,
    a_new_key_of_a_log_continues_its_state,
    a_fork_is_proved_by_a_file_and_said,
    a_head_without_a_proof_is_kept_as_a_suspect,
    hostile_bodies_are_answered_400, large_and_unfinished_bodies_do_no_harm,
    the_key_is_never_told,
]


def main():
    top = tempfile.mkdtemp(prefix="sealpost-witness.")
    failed = 0
    print("1..%d" % len(CASES), flush=True)
    for number, case in enumerate(CASES, 1):
        name = case.__name__.replace("_", " ")
        try:
            case(top)
            print("ok %d - %s" % (number, name), flush=True)
        except Exception:
            failed += 1
            traceback.print_exc(file=sys.stdout)
            print("not ok %d - %s" % (number, name), flush=True)
    shutil.rmtree(top, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
