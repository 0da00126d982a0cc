"""lies.py - the script that every lie runs through: a small network of the real
programs around a relay that may lie, and what each party noticed.

A founded network is kept as a template; each lie gets a copy of its own.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import scene  # noqa: E402

HUB, NGO = "Northgate Hub", "Harbour Light"
MAILBOX = "Northgate Hub/First contact"
LIAR = scene.BUILD / "tests/hostile/liar"
FAKETIME = next(pathlib.Path("/usr/lib").glob(
    "*/faketime/libfaketimeMT.so.1"), None)


class Stage(scene.Scene):
    """A copy of a founded network whose relay is the liar."""

    def __init__(self, template):  # not the parent's: nothing is founded
        self.dir = template.dir.with_name(template.dir.name + ".lie")
        shutil.rmtree(self.dir, ignore_errors=True)
        shutil.copytree(template.dir, self.dir, symlinks=True,
                        ignore=shutil.ignore_patterns("*.sock", "ready"))
        self.relay, self.ahead_s, self.seen = None, 0, []
        self.is_lying, self.config, self.beside = False, None, []
        self.relay_start()

    # ---- the relay ----

    def relay_start(self, data="relay"):
        address = (self.dir / "relay/run/address").read_text().strip()
        ready, theirs = os.pipe()
        with open(self.dir / "relay.log", "ab") as log:
            self.relay = subprocess.Popen(
                [LIAR, "run", "--data", self.dir / data, "--listen", address,
                 "--ready-fd", str(theirs), *self.options()],
                env=self.env({"LIAR_DIR": str(self.dir / data)}),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[theirs])
        self.data = data
        os.close(theirs)
        line = os.read(ready, 200)
        os.close(ready)
        if not line.startswith(b"ready "):
            raise AssertionError((self.dir / "relay.log").read_text())

    def options(self):
        return ["--config", self.config] if self.config else []

    def relay_again(self):
        self.relay_end(signal.SIGTERM)
        self.relay_start(self.data)

    def relay_go(self, data):
        """It goes on from a copy: that is the lie already."""
        if self.is_lying:
            self.relay_end(signal.SIGTERM)
            self.relay_start(data)

    def relay_copy(self, name):
        """The relay's directory as it is now, guard and all."""
        self.relay_end(signal.SIGTERM)
        shutil.copytree(self.dir / self.data, self.dir / name,
                        ignore=shutil.ignore_patterns("*.sock"))
        self.relay_start(self.data)

    def lie(self, name, agency="*", number=0):
        self.is_lying = True
        (self.dir / self.data / "lie").write_text(
            "%s|%s|%d\n" % (name, agency, number))

    def truth(self):
        (self.dir / self.data / "lie").unlink(missing_ok=True)

    # ---- time ----

    def env(self, more):
        env = {**os.environ, **more}
        if self.ahead_s:
            env.update(LD_PRELOAD=str(FAKETIME),
                       FAKETIME="+%d" % self.ahead_s)
        return env

    def until(self, time_s):
        """For everybody; the relay starts again."""
        self.ahead_s = int(time_s - time.time())
        was_witnessed = bool(self.beside)
        self.beside_end()
        self.relay_again()
        if was_witnessed:
            self.witness_up(self.witness_at)
            self.collector_up()

    # ---- witnesses ----

    def beside_it(self, *command):
        """A server that says when it is ready; its address, if it has one."""
        ready, theirs = os.pipe()
        with open(self.dir / "beside.log", "ab") as log:
            self.beside.append(subprocess.Popen(
                [*command, "--ready-fd", str(theirs)], env=self.env({}),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[theirs]))
        os.close(theirs)
        line = os.read(ready, 200).decode()
        os.close(ready)
        assert line, (self.dir / "beside.log").read_text()
        return line.split()[-1]

    def beside_end(self):
        for proc in self.beside:
            proc.terminate()
            proc.wait(timeout=10)
        self.beside = []

    def close(self):
        self.beside_end()
        super().close()

    def witness_up(self, listen="127.0.0.1:0"):
        return self.beside_it(scene.BUILD / "sealpost", "witness", "run",
                              self.dir / "w1", "--listen", listen)

    def collector_up(self):
        self.beside_it(scene.BUILD / "sealpostd", "http", "--data",
                       self.dir / self.data, "--config", self.config)

    def witnessed(self, *parties):
        """A witness cosigns the relay's logs, and PARTIES trust it."""
        def tell(*command):
            return subprocess.run(command, capture_output=True, text=True,
                                  check=True, timeout=scene.DEADLINE_S).stdout
        client, daemon = scene.BUILD / "sealpost", scene.BUILD / "sealpostd"
        witness, policy = self.dir / "w1", self.dir / "policy"
        key = tell(client, "witness", "init", witness, "--name", "w1.example")
        lines = []
        for log in "delivery", "directory":
            vkey = tell(daemon, "vkey", "--data", self.dir / self.data,
                        log).strip()
            tell(client, "witness", "add", witness, vkey)
            lines.append("log " + vkey)
        self.witness_at = self.witness_up()
        lines += ["witness w1 %s http://%s" % (key.strip(), self.witness_at),
                  "quorum w1", ""]
        policy.write_text("\n".join(lines))
        self.config = self.dir / "relay.conf"
        self.config.write_text("[publish]\nbeat = 200ms\n[witness]\n"
                               "again = 1s\npolicy = %s\n" % policy)
        self.relay_again()
        self.collector_up()
        self.cosigned_again()
        for party in parties:
            self.ask(party, "trust", "use", policy)

    def facts(self):
        done = subprocess.run(
            [scene.BUILD / "sealpostd", "status", "--json", "--data",
             self.dir / self.data], env=self.env({}), capture_output=True,
            text=True, check=True, timeout=scene.DEADLINE_S)
        return json.loads(done.stdout)

    def cosigned_again(self):
        """Until the witness has signed twice more: what is shown by now."""
        end = time.monotonic() + scene.DEADLINE_S
        before = self.facts()["cosignatures_total"]
        while self.facts()["cosignatures_total"] < before + 4:
            assert time.monotonic() < end, "no witness signs"

    def sweep(self):
        done = subprocess.run(
            [scene.BUILD / "sealpostd", "sweep", "--data",
             self.dir / self.data], env=self.env({}), capture_output=True,
            text=True, timeout=scene.DEADLINE_S)
        assert done.returncode == 0, done.stderr

    # ---- the parties ----

    def start(self, party, *args, **how):
        env = self.env({
            "SEALPOST_VAULT_COST": "floor",
            "SEALPOST_HOME": str(self.dir / party),
            "SEALPOST_PASSPHRASE_FILE": str(self.dir / "pass" / party)})
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
               "stderr": subprocess.PIPE, **how}
        return subprocess.Popen([scene.BUILD / "sealpost", *map(str, args)],
                                env=env, **how)

    def do(self, party, *args):
        """What it says; what it noticed goes to `seen`."""
        code, answer = self.try_ask(party, *args)
        error = answer.get("error", {})
        words = [error.get("code"), error.get("what"), error.get("why")]
        words += [f.get("text") for f in answer.get("findings", [])]
        if answer.get("alarms") or error.get("code") == "E-VERIFY":
            kept = self.try_ask(party, "quarantine")[1]
            words += re.findall(r'"why": "([^"]*)"', json.dumps(kept))
        if answer.get("undelivered"):
            words.append("a packet did not arrive")
        if answer.get("waiting_for"):
            words.append("it waits for " + answer["waiting_for"])
        if any(words) and code != 12:
            self.seen.append((party, args[0], " / ".join(filter(None, words))))
        return answer

    def proof_files(self):
        return sorted(p.name for party in ("ngo", "hub", "auditor")
                      for p in (self.dir / party).rglob("split-view-*"))

    # ---- the script ----

    def send(self, party="ngo", *more):
        return self.do(party, "send", "--to", MAILBOX, "--text",
                       "a test of the line", "--yes", *more)

    def exchange(self):
        """One letter there, an answer back, everybody looks."""
        self.send()
        self.look()
        self.do("hub", "accept", "latest", "--reference", "R-1")
        self.look()

    def look(self):
        for party in ("ngo", "hub", "ngo"):
            self.do(party, "sync")

    def audit(self):
        self.do("auditor", "audit")
