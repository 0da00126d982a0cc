#!/usr/bin/env python3
"""The README's commands, as they stand there, in the order in which they stand.

Every fenced block names who types it (```sh WHO).  Each WHO has a vault of its own; files that people hand to each
other lie in one shared directory, which is also where commands run.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SEALPOST_BUILD", ROOT / "build"))
BLOCK = re.compile(r"^```sh (\S+)\n(.*?)^```$", re.M | re.S)
DEADLINE_S = 300


class Desk:
    """One scratch directory with everybody's vaults."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sealpost-readme."))
        (self.dir / "tests").symlink_to(ROOT / "tests")
        self.exports = {}
        self.background = []

    def env(self, who):
        pass_file = self.dir / f"{who}.passphrase"
        if not pass_file.exists():
            pass_file.write_text(f"correct horse battery {who}\n")
            pass_file.chmod(0o600)
        return {
            **os.environ,
            **self.exports,
            "PATH": f"{BUILD}:{os.environ['PATH']}",
            "SEALPOST_HOME": str(self.dir / who),
            "SEALPOST_PASSPHRASE_FILE": str(pass_file),
            "SEALPOST_VAULT_COST": "floor",
        }

    def run(self, who, line):
        if line.startswith("export "):
            name, value = line[len("export "):].split("=", 1)
            self.exports[name] = value
            return 0, ""
        if who.endswith("-background"):
            return self.start(who, line)
        if who.endswith("-again"):
            self.stop(who.removesuffix("-again"))
            return self.start(who, line)
        done = subprocess.run(["sh", "-c", line], cwd=self.dir, env=self.env(who), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=DEADLINE_S)
        return done.returncode, done.stdout + done.stderr

    def start(self, who, line):
        """A server: it prints its address when it listens."""
        proc = subprocess.Popen(["sh", "-c", "exec " + line], cwd=self.dir, env=self.env(who),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.background.append((who.partition("-")[0], proc))
        first = proc.stdout.readline()
        return (0, first) if first.strip() else (1, "it printed no address")

    def stop(self, whose=None):
        """Ctrl-C for the servers of one, or of all."""
        for who, proc in self.background:
            if whose in (None, who) and proc.poll() is None:
                proc.send_signal(signal.SIGTERM)
                proc.wait(timeout=10)

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def run_here(line):
    """The demo, from the root of the tree, as a reader would run it."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(["sh", "-c", line], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=DEADLINE_S)
    return done.returncode, done.stdout + done.stderr


def check_only(line):
    """`make test` runs this very file: here it is only asked whether make knows it."""
    return run_here(line.replace("make ", "make -n ", 1))


def missing_places():
    """What `follow one packet` names and the tree does not have."""
    text = (ROOT / "README.md").read_text()
    gone = []
    for path, name in re.findall(r"`((?:client|server|proto|common)/\w+\.c)(?:: (\w+))?`", text):
        file = ROOT / path
        if not file.exists() or (name and not re.search(rf"^{name}\(", file.read_text(), re.M)):
            gone.append(f"{path}: {name}")
    return gone


def main():
    blocks = BLOCK.findall((ROOT / "README.md").read_text())
    bare = re.findall(r"^```sh\n", (ROOT / "README.md").read_text(), re.M)
    desk = Desk()
    number = failed = 0
    try:
        for who, text in blocks:
            for line in text.strip().splitlines():
                number += 1
                if who == "here":
                    code, out = run_here(line)
                elif who == "check":
                    code, out = check_only(line)
                else:
                    code, out = desk.run(who, line)
                print(f"{'ok' if code == 0 else 'not ok'} {number} - [{who}] {line}")
                if code != 0:
                    failed += 1
                    print("\n".join("# " + row for row in out.splitlines()[-40:]))
        number += 1
        print(f"{'not ok' if bare or number < 20 else 'ok'} {number} - every block says who types it")
        failed += bool(bare) or number < 20
        number += 1
        gone = missing_places()
        print(f"{'not ok' if gone else 'ok'} {number} - the places it names are there {' '.join(gone)}")
        failed += bool(gone)
    finally:
        desk.close()
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
