#!/usr/bin/python3
"""tlog-witness between our programs and other people's, as Debian's later
suites have them (tests/lib/deps.sh fetches them): litewitness and
sigsum-witness cosign what our log side asks (build/tests/peer/witness_log), and
a Sigsum log gets its cosignatures from `sealpost witness`.

Skipped, and said, where they cannot be had or do not start.
"""
import hashlib
import http.client
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))

import scene  # noqa: E402
import tlog  # noqa: E402

BUILD = pathlib.Path(os.environ.get("SEALPOST_BUILD", ROOT / "build")).resolve()
CACHE = pathlib.Path(
    os.environ.get("SEALPOST_CACHE") or
    pathlib.Path(os.environ.get("XDG_CACHE_HOME") or
                 pathlib.Path.home() / ".cache") / "sealpost") / "witnesses"
# Debian builds these as old Go, whose paths have no methods: "404 page not
# found" for everything.
GO = dict(os.environ, GODEBUG="httpmuxgo121=0")
SEED = b"\x31" * 32
PATIENCE_S = 60


class Skip(Exception):
    pass


def needs(*programs):
    """They are there and start on this system."""
    for program in programs:
        try:
            subprocess.run([program, "--help"], capture_output=True,
                           timeout=PATIENCE_S)
        except OSError as e:
            raise Skip("%s: %s" % (program, e.strerror)) from None


def run(*args, **more):
    done = subprocess.run([str(a) for a in args], capture_output=True,
                          text=True, timeout=PATIENCE_S, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Process:
    """One of theirs, from its first connection to its end."""

    def __init__(self, log, args, port=None, **more):
        self.log = log
        with open(log, "ab") as f:
            self.p = subprocess.Popen([str(a) for a in args], stdout=f,
                                      stderr=f, stdin=subprocess.DEVNULL,
                                      env=GO, **more)
        while port is not None:
            assert self.p.poll() is None, log.read_text()
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
                break
            except OSError:
                os.sched_yield()

    def end(self, how=signal.SIGTERM):
        self.p.send_signal(how)
        self.p.wait(PATIENCE_S)


class OurLog:
    """build/tests/peer/witness_log: requests and answers through our code."""

    def __init__(self, origin, witness_vkey):
        self.p = subprocess.Popen(
            [BUILD / "tests/peer/witness_log", origin, SEED.hex(),
             witness_vkey], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _say(self, line, body=b""):
        self.p.stdin.write(line.encode() + b"\n" + body)
        self.p.stdin.flush()
        return self.p.stdout.readline().split()

    def request(self, old, size, word="request"):
        return self.p.stdout.read(int(self._say("%s %d %d" %
                                                (word, old, size))[0]))

    def lines(self, size, body):
        return self._say("lines %d %d" % (size, len(body)), body)

    def size(self, body):
        return self._say("size %d" % len(body), body)

    def close(self):
        self.p.stdin.close()
        assert self.p.wait(PATIENCE_S) == 0


def post(port, path, body):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        c.request("POST", path, body)
        r = c.getresponse()
        return r.status, r.getheader("Content-Type"), r.read()
    finally:
        c.close()


def converse(log, port, path, vkey, restart):
    """A log's life before a foreign witness."""
    verifier = tlog.Verifier(vkey)

    def ask(*args):
        return post(port, path, log.request(*args))

    def cosigned(old, size):
        body = log.request(old, size)
        before = int(time.time())
        status, _, answer = post(port, path, body)
        assert status == 200, (status, answer)
        word, at = log.lines(size, answer)
        assert word == b"ok" and before - 1 <= int(at) <= time.time() + 1
        note = body.split(b"\n\n", 1)[1] + answer
        assert tlog.signed_by(note.decode(), verifier) == [int(at)]
        assert log.lines(size + 1, answer) == [b"bad", b"ERR_VERIFY"]

    def conflict(old, size, has):
        status, kind, answer = ask(old, size)
        assert (status, kind) == (409, "text/x.tlog.size"), (status, kind)
        assert log.size(answer) == [b"ok", b"%d" % has], answer

    cosigned(0, 1)
    for old, size in ((1, 2), (2, 7), (7, 7), (7, 64), (64, 65), (65, 300)):
        cosigned(old, size)
    conflict(0, 300, 300)
    conflict(65, 301, 300)
    assert ask(300, 65)[0] == 400
    assert ask(300, 300, "fork")[0] in (409, 422)
    assert ask(300, 400, "fork")[0] == 422
    restart()
    conflict(0, 301, 300)
    cosigned(300, 301)


# ---- their witnesses, our log ----

class Lite:
    """litewitness with its key in an agent, following VKEYS."""

    def __init__(self, top, *vkeys):
        needs(CACHE / "litewitness", CACHE / "witnessctl", "ssh-agent")
        self.top, self.port = top, free_port()
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", top / "key")
        self.agent = Process(top / "agent.log",
                             ["ssh-agent", "-D", "-a", top / "s"])
        while not (top / "s").exists():
            os.sched_yield()
        run("ssh-add", "-q", top / "key",
            env=dict(os.environ, SSH_AUTH_SOCK=str(top / "s")))
        for vkey in vkeys:
            origin = vkey.split("+")[0]
            for words in (["add-log", "-origin", origin],
                          ["add-key", "-origin", origin, "-key", vkey]):
                run(CACHE / "witnessctl", words[0], "-db", top / "db",
                    *words[1:])
        self.vkey = vkey_of("lite.example/w", tlog.COSIGNATURE,
                            public_of(top / "key.pub"))
        self.served = None
        self.start()

    def start(self):
        finger = run("ssh-keygen", "-l", "-f", self.top / "key.pub").split()[1]
        self.served = Process(
            self.top / "lite.log",
            [CACHE / "litewitness", "-db", self.top / "db", "-ssh-agent",
             self.top / "s", "-key", finger, "-name", "lite.example/w",
             "-listen", "127.0.0.1:%d" % self.port], self.port)

    def restart(self):
        self.served.end()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.served.end()
        self.agent.end()
        if kind is not None:
            print((self.top / "lite.log").read_text()[-3000:])


def litewitness_cosigns_what_we_ask(top):
    origin = "relay.example/delivery"
    with Lite(top, tlog.Key(origin, tlog.LOG, SEED).vkey) as lite:
        log = OurLog(origin, lite.vkey)
        converse(log, lite.port, "/add-checkpoint", lite.vkey, lite.restart)
        log.close()
        log = OurLog("relay.example/unknown", lite.vkey)
        assert post(lite.port, "/add-checkpoint", log.request(0, 3))[0] == 404
        log.close()


def litewitness_cosigns_both_logs_of_a_real_relay(top):
    """sealpostd and its process without keys, as people run them."""
    network = scene.Scene()
    data = network.dir / "relay"
    logs = {name: run(BUILD / "sealpostd", "vkey", name, "--data", data)
            for name in ("directory", "delivery")}
    try:
        with Lite(top, *logs.values()) as lite:
            (top / "policy").write_text(
                "log %s\nlog %s\nwitness lite %s http://127.0.0.1:%d\n"
                "quorum lite\n" % (*logs.values(), lite.vkey, lite.port))
            (top / "conf").write_text(
                "[publish]\nbeat = 200ms\n[witness]\npolicy = %s\n" %
                (top / "policy"))
            network.relay_end(signal.SIGTERM)
            network.relay_start("--config", top / "conf")
            collector, _ = ready(
                [BUILD / "sealpostd", "http", "--data", data, "--config",
                 top / "conf", "--http", "127.0.0.1:0"], top / "http.log")
            try:
                wait_for_quorum(data, logs)
            finally:
                collector.end()
            public = (data / "public/delivery/checkpoint").read_text()
            assert tlog.signed_by(public, tlog.Verifier(logs["delivery"]))
            assert tlog.signed_by(public, tlog.Verifier(lite.vkey)), public
    finally:
        network.close()


def wait_for_quorum(data, logs):
    end = time.monotonic() + PATIENCE_S
    while True:
        told = run(BUILD / "sealpostd", "status", "--data", data)
        if all(name + "_quorum_age_s=" in told for name in logs):
            return
        assert time.monotonic() < end, told
        os.sched_yield()


def vkey_of(name, kind, public):
    return "%s+%s+%s" % (name, tlog.keyid(name, kind, public).hex(),
                         tlog.b64(bytes([kind]) + public))


def public_of(path):
    """The Ed25519 key of an OpenSSH public key file."""
    return tlog.unb64(path.read_text().split()[1])[-32:]


def openssh(public):
    """... and the other way round."""
    blob = b"".join(len(x).to_bytes(4, "big") + x
                    for x in (b"ssh-ed25519", public))
    return "ssh-ed25519 %s test\n" % tlog.b64(blob)


def sigsum_origin(public):
    return "sigsum.org/v1/tree/" + hashlib.sha256(public).hexdigest()


def sigsum_witness_cosigns_what_we_ask(top):
    needs(CACHE / "sigsum-witness", CACHE / "sigsum-key")
    run(CACHE / "sigsum-key", "generate", "-o", top / "key")
    public = public_of(top / "key.pub")
    name = "sigsum.org/v1/witness/" + hashlib.sha256(public).hexdigest()
    vkey = vkey_of(name, tlog.COSIGNATURE, public)
    log_public = tlog.Key("x", tlog.LOG, SEED).public
    (top / "log.pub").write_text(openssh(log_public))
    port = free_port()
    args = [CACHE / "sigsum-witness", "-k", top / "key", "--log-key",
            top / "log.pub", "--state-file", top / "state",
            "--url-prefix", "some/where", "127.0.0.1:%d" % port]
    served = [Process(top / "sigsum.log", args, port)]

    def restart():
        served[0].end()
        served[0] = Process(top / "sigsum.log", args, port)

    log = OurLog(sigsum_origin(log_public), vkey)
    try:
        converse(log, port, "/some/where/add-checkpoint", vkey, restart)
        log.close()
    finally:
        served[0].end()


# ---- their log, our witness ----

def ready(args, log):
    end, theirs = os.pipe()
    p = Process(log, [*args, "--ready-fd", theirs], pass_fds=[theirs])
    os.close(theirs)
    with os.fdopen(end) as f:
        words = f.readline().split()
    assert words[:1] == ["ready"], log.read_text()
    return p, words[1]


def a_sigsum_log_gets_its_cosignatures_from_us(top):
    """sigsum-submit waits until the log has a proof that its policy accepts;
    sigsum-verify judges it offline: both count our cosignature."""
    needs(CACHE / "sigsum-log-primary", CACHE / "sigsum-mktree",
          CACHE / "sigsum-submit", CACHE / "sigsum-verify")
    client = BUILD / "sealpost"
    for name in ("log", "submit"):
        run(CACHE / "sigsum-key", "generate", "-o", top / name)
    public = public_of(top / "log.pub")
    origin = sigsum_origin(public)
    vkey = run(client, "witness", "init", top / "w", "--name",
               "witness.example.org/w1")
    ours = tlog.Verifier(vkey)
    run(client, "witness", "add", top / "w",
        vkey_of(origin, tlog.LOG, public))
    witness, address = ready([client, "witness", "run", top / "w", "--listen",
                              "127.0.0.1:0"], top / "witness.log")
    outside, inside = free_port(), free_port()
    (top / "policy").write_text(
        "log %s http://127.0.0.1:%d\nwitness ours %s http://%s\nquorum ours\n"
        % (public.hex(), outside, ours.public.hex(), address))
    run(CACHE / "sigsum-mktree", "--sth-file", top / "sth")
    log = Process(top / "log.log", [
        CACHE / "sigsum-log-primary", "--backend", "ephemeral",
        "--key-file", top / "log", "--sth-file", top / "sth", "--policy-file",
        top / "policy", "--external-endpoint", "127.0.0.1:%d" % outside,
        "--internal-endpoint", "127.0.0.1:%d" % inside, "--interval", "1s"],
        outside)
    try:
        for n in range(3):
            message = top / ("message-%d" % n)
            message.write_text("message %d\n" % n)
            run(CACHE / "sigsum-submit", "-p", top / "policy", "-k",
                top / "submit", message)
            with open(message) as f:
                run(CACHE / "sigsum-verify", "-p", top / "policy", "-k",
                    top / "submit.pub", "%s.proof" % message, stdin=f)
    except (AssertionError, subprocess.TimeoutExpired):
        print((top / "log.log").read_text()[-3000:])
        print((top / "witness.log").read_text()[-3000:])
        raise
    finally:
        log.end()
        witness.end()
    shown = run(client, "--json", "witness", "show", top / "w")
    assert '"size": 3' in shown, shown


CASES = [
    litewitness_cosigns_what_we_ask,
    litewitness_cosigns_both_logs_of_a_real_relay, sigsum_witness_cosigns_what_we_ask,
    a_sigsum_log_gets_its_cosignatures_from_us,
]


def main():
    failed = 0
    print("1..%d" % len(CASES), flush=True)
    for number, case in enumerate(CASES, 1):
        name = case.__name__.replace("_", " ")
        top = pathlib.Path(tempfile.mkdtemp(prefix="sealpost-peers."))
        try:
            case(top)
            print("ok %d - %s" % (number, name), flush=True)
        except Skip as e:
            print("ok %d - %s # SKIP %s" % (number, name, e), flush=True)
        except Exception:
            failed += 1
            traceback.print_exc(file=sys.stdout)
            print("not ok %d - %s" % (number, name), flush=True)
        shutil.rmtree(top, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
