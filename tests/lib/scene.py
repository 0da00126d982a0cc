"""scene.py - a network of the real programs, for scenarios in Python: who is
in it, one relay that may die, clients that answer in JSON.

A scene lies in one directory below TMPDIR and takes it away at the end.  It
knows no story.
"""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SEALPOST_BUILD", ROOT / "build")).resolve()
DEADLINE_S = 120

FOUND = """
set -eu
here={here} build={build} net={net}
. {here}/tests/lib/network.sh
network_relay
network_registrar
{joins}
relay_stop
"""
JOINS = {
    "ngo": 'network_join ngo "Harbour Light" GB non_statutory Referrals '
           '"Anna\'s laptop"',
    "hub": 'network_join hub "Northgate Hub" GB statutory "First contact" '
           '"Front desk"',
    "auditor": 'network_join auditor "Audit Office" GB auditor Audit Desk',
    "ngo-2": 'network_device ngo ngo-2 "Ben\'s laptop" Referrals',
    "hub-2": 'network_device hub hub-2 "Back desk" "First contact"',
}
PROGRESS = re.compile(rb"\[([#.]+)\] ([\d.]+) (B|KiB|MiB|GiB) of "
                      rb"([\d.]+) (B|KiB|MiB|GiB)")
UNITS = {b"B": 1, b"KiB": 1 << 10, b"MiB": 1 << 20, b"GiB": 1 << 30}


class Scene:
    def __init__(self, *parties):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sealpost-scene."))
        self.relay = None
        self.ready = ""  # what the relay said when it listened
        script = FOUND.format(here=ROOT, build=BUILD, net=self.dir,
                              joins="\n".join(JOINS[p] for p in parties))
        done = subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True,
                              timeout=DEADLINE_S)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        self.relay_start()
        for party in parties:
            self.ask(party, "sync")

    def close(self):
        self.relay_end(signal.SIGTERM)
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- the relay ----

    def relay_start(self, *options):
        """Returns when it listens, at the address that everybody knows."""
        address = (self.dir / "relay/run/address").read_text().strip()
        ready, theirs = os.pipe()
        with open(self.dir / "relay.log", "ab") as log:
            self.relay = subprocess.Popen(
                [BUILD / "sealpostd", "run", "--data", self.dir / "relay",
                 "--listen", address, "--ready-fd", str(theirs), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[theirs])
        os.close(theirs)
        line = os.read(ready, 400)
        os.close(ready)
        self.ready = line.decode().strip()
        if not line.startswith(b"ready "):
            raise AssertionError((self.dir / "relay.log").read_text())

    def relay_end(self, how):
        if self.relay is not None:
            self.relay.send_signal(how)
            self.relay.wait(timeout=10)
        self.relay = None

    def relay_tells(self, *command):
        done = subprocess.run([BUILD / "sealpostd", *command, "--data",
                               self.dir / "relay"], capture_output=True,
                              text=True, timeout=DEADLINE_S)
        return done.returncode, done.stdout

    def relay_status(self):
        code, text = self.relay_tells("status", "--json")
        assert code == 0, text
        return json.loads(text)

    # ---- clients ----

    def start(self, party, *args, **how):
        """A running client; stdout is a pipe unless said otherwise."""
        env = {**os.environ, "SEALPOST_VAULT_COST": "floor",
               "SEALPOST_HOME": str(self.dir / party),
               "SEALPOST_PASSPHRASE_FILE": str(self.dir / "pass" /
                                               party.partition("=")[0])}
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
               "stderr": subprocess.PIPE, **how}
        return subprocess.Popen([BUILD / "sealpost", *map(str, args)],
                                env=env, **how)

    def try_ask(self, party, *args):
        """Exit code and the JSON document."""
        proc = self.start(party, *args, "--json")
        return self.answer(proc)

    @staticmethod
    def answer(proc):
        out, err = proc.communicate(timeout=DEADLINE_S)
        if not out:
            raise AssertionError(f"exit {proc.returncode}, no JSON: {err}")
        return proc.returncode, json.loads(out)

    def ask(self, party, *args):
        code, answer = self.try_ask(party, *args)
        assert code == 0, (party, args, answer)
        return answer

    # ---- clients at a terminal ----

    def at_terminal(self, party, *args):
        return Terminal(self, party, args)


class Terminal:
    """A client whose stderr is a terminal.  It cannot run ahead of who reads
    its progress by more than the terminal's few KiB."""

    def __init__(self, scene, party, args):
        self.master, slave = pty.openpty()
        self.proc = scene.start(party, *args, stdout=subprocess.DEVNULL,
                                stderr=slave)
        os.close(slave)
        self.text = b""
        self.seen = 0

    def read(self):
        """More words; False when there are no more."""
        if not select.select([self.master], [], [], DEADLINE_S)[0]:
            raise AssertionError("it says nothing any more")
        try:
            more = os.read(self.master, 512)
        except OSError:
            return False
        self.text += more
        return bool(more)

    def progress(self):
        """(done, total) in bytes as shown, one after the other, to the end."""
        while True:
            match = PROGRESS.search(self.text, self.seen)
            if match:
                self.seen = match.end()
                _, done, unit, total, of = match.groups()
                yield float(done) * UNITS[unit], float(total) * UNITS[of]
            elif not self.read():
                return

    def until(self, share, bars=1):
        """Reads on until the bar number BARS is filled to SHARE; gives bytes
        done."""
        last = (0, 0)
        for done, total in self.progress():
            if done < last[0] or (last[0] == last[1] and last[1] > 0):
                bars -= 1
            last = done, total
            if bars == 1 and done >= share * total:
                return done
        raise AssertionError(f"it ended before: {self.text[-400:]}")

    def end(self):
        """Lets it finish; gives its exit code."""
        while self.read():
            pass
        os.close(self.master)
        return self.proc.wait(timeout=DEADLINE_S)

    def kill(self):
        self.proc.kill()
        self.end()


class Skip(Exception):
    """What a story needs cannot be had here; says what."""


def run_stories(stories):
    """As TAP; gives the exit code."""
    failed = 0
    print("1..%d" % len(stories), flush=True)
    for number, (name, story) in enumerate(stories, 1):
        try:
            story()
            verdict = "ok"
        except Skip as skip:
            verdict, name = "ok", f"{name} # SKIP {skip}"
        except Exception:
            traceback.print_exc(file=sys.stdout)
            verdict, failed = "not ok", failed + 1
        print("%s %d - %s" % (verdict, number, name.replace("_", " ")),
              flush=True)
    return 1 if failed else 0
