#!/usr/bin/env python3
"""Every lie of LIES.md is told, and must be noticed as the table says: by whom,
with which words, with which file as proof.  The honest run of the same scripts
stays silent."""
import fnmatch
import pathlib
import re
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lies  # noqa: E402
from lies import HUB, NGO, scene  # noqa: E402

TABLE = pathlib.Path(__file__).with_name("LIES.md")


# --- scripts: each takes the stage and a way to begin and to end the lie --------

def letters(stage, lie):
    """A letter, an answer, another letter, an audit: the lie all the while."""
    lie()
    stage.exchange()
    stage.send()
    stage.look()
    stage.audit()


def second_letter(stage, lie):
    """The lie begins when one letter has gone through."""
    stage.exchange()
    lie()
    stage.send()
    stage.look()
    stage.audit()


def audited(stage, lie):
    """The lie is told to the auditor."""
    stage.exchange()
    lie()
    stage.audit()


def uncollected(stage, lie):
    """Nobody fetches it; its last day passes, and the sweep comes in time."""
    lie()
    sent = stage.send()
    stage.until(sent["expires_ms"] / 1000 + 16 * 60)
    stage.sweep()
    stage.until(sent["expires_ms"] / 1000 + 60 * 60)
    stage.look()
    stage.audit()


def taken_back(stage, lie):
    lie()
    sent = stage.send()
    stage.do("ngo", "withdraw", sent["packet_id"])
    stage.look()
    stage.audit()


def swept_late(stage, lie):
    """Nobody fetches it; the sweep comes two days after its last one."""
    lie()
    sent = stage.send()
    stage.until(sent["expires_ms"] / 1000 + 16 * 60)
    stage.sweep()
    stage.until(sent["expires_ms"] / 1000 + 2 * 86400)
    stage.truth()
    stage.sweep()
    stage.look()
    stage.audit()


def gossip(stage, lie):
    """The NGO alone is shown an old directory; the hub, which knows the new
    one, writes to it."""
    size = stage.do("ngo", "sync")["directory_size"]
    stage.do("registrar", "registrar", "suspend", "Audit Office", "--yes")
    stage.do("hub", "sync")
    lie(size)
    stage.look()
    stage.do("hub", "send", "--to", "Harbour Light/Referrals", "--text", "hi",
             "--yes")
    stage.look()


def restored(stage, lie):
    """The relay goes on from an older copy of itself, guard and all."""
    stage.exchange()
    stage.relay_copy("older")
    lie()
    stage.send()
    stage.look()
    stage.relay_go("older")
    lie()
    stage.look()
    stage.audit()


def regrown(stage, lie):
    """The same; then the older copy gets more letters than the newer had."""
    stage.exchange()
    stage.relay_copy("older")
    lie()
    stage.send()
    stage.do("ngo", "sync")
    stage.relay_go("older")
    lie()
    for _ in range(3):
        stage.do("hub", "send", "--to", "Harbour Light/Referrals", "--text",
                 "hi", "--yes")
    stage.do("ngo", "sync")


def unrevoked(stage, lie):
    """The older copy does not know that an agency was suspended."""
    stage.relay_copy("older")
    lie()
    stage.do("registrar", "registrar", "suspend", "Audit Office", "--yes")
    stage.do("ngo", "sync")
    stage.relay_go("older")
    lie()
    stage.look()


def forked(stage, lie):
    """Two copies of the relay, each for one side; then all meet one."""
    stage.exchange()
    stage.relay_copy("other")
    lie()
    stage.send()
    stage.do("ngo", "sync")
    stage.relay_go("other")
    lie()
    for _ in range(2):
        stage.do("hub", "send", "--to", "Harbour Light/Referrals", "--text",
                 "hi", "--yes")
    stage.do("hub", "sync")
    stage.do("ngo", "sync")
    stage.do("hub", "sync")


def stop_the_hub(stage):
    device = stage.do("hub", "agency", "show")["this_device"]
    stage.do("registrar", "registrar", "stop-device", device, "--yes")


def witnessed(stage, lie):
    """A witness has seen the newest directory; the NGO trusts it."""
    stage.witnessed("ngo")
    size = stage.do("ngo", "sync")["directory_size"]
    stop_the_hub(stage)
    stage.cosigned_again()
    lie(size)
    stage.do("ngo", "sync")


def unwitnessed(stage, lie):
    """Nobody asks the witness any more; eight days pass."""
    stage.witnessed("ngo")
    size = stage.do("ngo", "sync")["directory_size"]
    lie(size)
    if stage.is_lying:
        stage.beside_end()
        stop_the_hub(stage)
    stage.until(time.time() + 8 * 86400)
    if stage.beside:
        stage.cosigned_again()
    stage.do("ngo", "sync")
    stage.send()


def shown_to_one(stage, lie):
    """Only the registrar sees what it had logged; witness and members do not.
    Two hours pass."""
    stage.witnessed("registrar")
    size = stage.do("registrar", "sync")["directory_size"]
    lie(size)
    stop_the_hub(stage)
    stage.until(time.time() + 2 * 3600)
    stage.cosigned_again()
    stage.do("registrar", "sync")


# --- the table -------------------------------------------------------------------

PARTIES = {"hub": HUB, "ngo": NGO, "auditor": "Audit Office",
           "registrar": "Demo Registrar"}


class Row:
    def __init__(self, line):
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        (self.number, self.kind, lie, self.script, self.what, self.clause,
         self.by, self.words, proof) = cells
        name, *rest = lie.strip("`").split()
        self.lie = name
        self.to = next((PARTIES[x[1:]] for x in rest if x[0] == "@"), "*")
        self.to = next(("!" + PARTIES[x[1:]] for x in rest if x[0] == "!"),
                       self.to)
        self.arg = next((int(x) for x in rest if x.isdigit()), 0)
        self.proof = proof.strip("`") if "split-view" in proof else None


def rows():
    lines = re.findall(r"^\| *\d+ *\|.*$", TABLE.read_text(), re.M)
    return [Row(line) for line in lines]


def play(template, script, row=None):
    """What was seen, and the proof files."""
    stage = lies.Stage(template)

    def lie(arg=None):
        if row is not None:
            stage.lie(row.lie, row.to, row.arg if arg is None else arg)
    try:
        script(stage, lie)
        return stage.seen, stage.proof_files()
    finally:
        stage.close()


def is_noticed(template, row):
    def story():
        seen, files = play(template, globals()[row.script], row)
        assert seen, "nobody noticed"
        assert any("%s %s" % (party, command) == row.by and row.words in words
                   for party, command, words in seen), seen
        if row.proof:
            assert any(fnmatch.fnmatch(f, row.proof) for f in files), files
        else:
            assert not files, files
    return story


def is_silent(template, script):
    def story():
        seen, files = play(template, script)
        # That nobody fetched a packet is no lie.
        seen = [s for s in seen if s[2] != "a packet did not arrive"]
        assert not seen and not files, (seen, files)
    return story


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    template = scene.Scene("ngo", "hub", "auditor")
    template.relay_end(signal.SIGTERM)
    table = [r for r in rows() if re.search(wanted, r.lie + " " + r.script)]
    stories = [("lie %s, %s: %s" % (r.number, r.kind, r.what),
                is_noticed(template, r)) for r in table]
    for name in sorted({r.script for r in table}):
        stories.append(("the honest relay, %s: nobody complains" % name,
                        is_silent(template, globals()[name])))
    try:
        sys.exit(scene.run_stories(stories))
    finally:
        template.close()
