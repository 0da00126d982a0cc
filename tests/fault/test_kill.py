#!/usr/bin/env python3
"""Relay and clients are killed (-9) at random moments while packets flow.

Judged from outside, by what clients were told: what has a receipt is
retrievable or in a signed final state, nothing comes twice, the same packet
gets the same receipt, heads agree, and the balance holds.

  KILLS=20       rounds          KILL_SEED=N    the same kills again
"""
import hashlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from scene import Scene, run_stories  # noqa: E402

KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("KILL_SEED", random.randrange(1 << 32)))
DESK = "Northgate Hub/First contact"
FINAL = {"handed_over", "refused", "expired", "withdrawn"}
MOMENT_S = 0.5          # a command's life, and a little more
OK, UNREACHABLE = 0, 12

scene = None


# ---- what clients were told ---------------------------------------------------

class History:
    def __init__(self):
        self.sends = []          # {token, sum, told, id}
        self.receipts = {}       # packet id -> proof file as first seen
        self.killed = {}         # who -> how often

    def kill(self, who):
        self.killed[who] = self.killed.get(who, 0) + 1

    def note_receipt(self, packet_id):
        """The proof file never changes from the first time on."""
        path = scene.dir / "proof"
        path.unlink(missing_ok=True)
        scene.ask("ngo", "receipt", packet_id, "-o", path)
        proof = path.read_bytes()
        assert self.receipts.setdefault(packet_id, proof) == proof


def finish(proc, may_fail):
    """What a client that was not killed may end with."""
    code, answer = scene.answer(proc)
    allowed = {OK, UNREACHABLE} if may_fail else {OK}
    assert code in allowed, answer
    return answer if code == OK else None


# ---- one round ------------------------------------------------------------------

def start_all(roll, number, history):
    """Everybody is busy at once; gives who -> process."""
    token = f"token {number} {roll.getrandbits(64):016x}"
    args, checksum = [], None
    if number % 3 == 0:
        path = scene.dir / f"scan-{number}.bin"
        path.write_bytes(roll.randbytes(roll.randrange(1, 3 << 20)))
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        args = ["--attach", path]
    history.sends.append({"token": token, "sum": checksum, "told": None})
    work = {"ngo": ("send", "--to", DESK, "--text", token, *args, "--yes"),
            "hub": ("sync",), "hub-2": ("sync",)}
    return {who: scene.start(who, *args, "--json")
            for who, args in work.items()}


def one_round(roll, number, history):
    running = start_all(roll, number, history)
    victim = roll.choice(["relay", "relay", "ngo", "hub", "hub-2"])
    watched = running.get(victim, running["ngo"])
    try:
        watched.wait(timeout=roll.random() * MOMENT_S)
    except subprocess.TimeoutExpired:
        pass
    if victim == "relay":
        scene.relay_end(signal.SIGKILL)
        scene.relay_start()
    elif watched.poll() is None:
        watched.kill()
    for who, proc in running.items():
        proc.wait(timeout=60)
        if proc.returncode == -signal.SIGKILL:
            history.kill(who)
            continue
        answer = finish(proc, may_fail=victim == "relay")
        if who == "ngo" and answer is not None:
            history.sends[-1]["told"] = answer
    if victim == "relay":
        history.kill("relay")
    told = history.sends[-1]["told"]
    if told is not None and told["receipt"] is not None:
        history.note_receipt(told["packet_id"])


def settle():
    """Everything that waits goes, and all receipts come home."""
    for who in ("ngo", "hub", "hub-2", "ngo", "hub"):
        answer = scene.ask(who, "sync")
        assert answer["alarms"] == 0, answer
        assert answer["quarantined"] == 0, answer


# ---- the judge ---------------------------------------------------------------------

def everything_sent_has_one_end(history):
    outbox = scene.ask("ngo", "outbox", "--all")["outbox"]
    for packet in outbox:
        assert packet["state"] in FINAL, packet
        history.note_receipt(packet["packet_id"])
    texts = [scene.ask("ngo", "read", p["packet_id"])["text"].strip()
             for p in outbox]
    assert len(set(texts)) == len(texts), "sent twice"
    for send in history.sends:
        if send["told"] is not None:
            assert send["token"] in texts, send
            state = scene.ask("ngo", "status", send["told"]["packet_id"])
            assert state["state"] in FINAL, state
    return outbox, texts


def every_desk_has_everything_once(outbox, texts):
    sent = {p["packet_id"] for p in outbox}
    for who in ("hub", "hub-2"):
        inbox = scene.ask(who, "inbox", "--all")["inbox"]
        ids = [p["packet_id"] for p in inbox]
        assert len(set(ids)) == len(ids), "came twice"
        assert set(ids) == sent, (who, sent ^ set(ids))
        assert scene.ask(who, "quarantine")["quarantine"] == []
        came = sorted(scene.ask(who, "read", i)["text"].strip() for i in ids)
        assert came == sorted(texts), who


def attachments_are_whole(history):
    sums = {s["token"]: s["sum"] for s in history.sends}
    for packet in scene.ask("hub", "inbox", "--all")["inbox"]:
        if not packet["attachments"]:
            continue
        out = scene.dir / "export"
        scene.ask("hub", "export", packet["packet_id"], "-o", out)
        text = (out / "message.txt").read_text()
        token = next(t for t in sums if t in text)
        for path in (out / "attachments").iterdir():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert digest == sums[token], token
        shutil.rmtree(out)


def the_balance_holds(outbox):
    for who in ("ngo", "hub", "auditor"):
        audit = scene.ask(who, "audit")
        assert audit["findings"] == [], audit["findings"]
    row = next(b for b in audit["balance"] if b["agency"] == "Harbour Light")
    ends = ("handed_over", "refused", "expired", "withdrawn", "pending")
    assert row["stored"] == sum(row[e] for e in ends) == len(outbox), row
    assert row["pending"] == 0, row
    heads = {(a["delivery_size"], a["directory_size"]) for a in
             (scene.ask(w, "sync") for w in ("ngo", "hub", "hub-2"))}
    assert len(heads) == 1, heads


def receipts_verify_offline(history):
    code, vkey = scene.relay_tells("vkey", "delivery")
    assert code == 0
    (scene.dir / "vkey").write_text(vkey)
    for proof in history.receipts.values():
        (scene.dir / "proof").write_bytes(proof)
        scene.ask("auditor", "verify", scene.dir / "proof", "--vkey",
                  scene.dir / "vkey")


# ---- stories -------------------------------------------------------------------------

def nothing_is_lost_in_a_series_of_kills():
    roll = random.Random(SEED)
    history = History()
    for number in range(KILLS):
        try:
            one_round(roll, number, history)
        except Exception:
            print(f"# round {number}; KILL_SEED={SEED} does it again")
            raise
    settle()
    outbox, texts = everything_sent_has_one_end(history)
    every_desk_has_everything_once(outbox, texts)
    attachments_are_whole(history)
    the_balance_holds(outbox)
    receipts_verify_offline(history)
    print(f"# {KILLS} rounds, seed {SEED}; killed: {history.killed}; "
          f"{len(outbox)} packets, {len(history.receipts)} receipts")


def a_packet_sent_again_gets_the_same_receipt():
    """A vault that never heard the answer (here: a copy of it) asks again."""
    (scene.dir / "quota.conf").write_text("[quota]\npending_packets = 1\n")
    scene.relay_end(signal.SIGTERM)
    scene.relay_start("--config", scene.dir / "quota.conf")
    scene.ask("ngo", "send", "--to", DESK, "--text", "One too many.", "--yes")
    code, told = scene.try_ask("ngo", "send", "--to", DESK, "--text",
                               "Sealed, and refused for now.", "--yes")
    assert code == 13 and told["state"] == "queued", told
    shutil.copytree(scene.dir / "ngo", scene.dir / "before")
    scene.relay_end(signal.SIGTERM)
    scene.relay_start()
    proofs = []
    for again in range(2):
        scene.ask("ngo", "sync")
        path = scene.dir / f"proof-{again}"
        scene.ask("ngo", "receipt", told["packet_id"], "-o", path)
        proofs.append(path.read_bytes())
        scene.relay_end(signal.SIGKILL)
        scene.relay_start()
        if again == 0:
            shutil.rmtree(scene.dir / "ngo")
            (scene.dir / "before").rename(scene.dir / "ngo")
    assert proofs[0] == proofs[1]


def the_relay_finds_nothing_wrong_with_itself():
    scene.relay_end(signal.SIGKILL)
    code, text = scene.relay_tells("check")
    assert code == 0, text


STORIES = [
    nothing_is_lost_in_a_series_of_kills,
    a_packet_sent_again_gets_the_same_receipt,
    the_relay_finds_nothing_wrong_with_itself,
]


def main():
    global scene
    scene = Scene("ngo", "hub", "auditor", "hub-2")
    try:
        return run_stories([(s.__name__, s) for s in STORIES])
    finally:
        scene.close()


if __name__ == "__main__":
    sys.exit(main())
