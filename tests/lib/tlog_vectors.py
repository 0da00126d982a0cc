#!/usr/bin/python3
"""tlog_vectors.py - prints tests/vectors/sealpost/witness.json: sections 14.11
and 14.12 of PROTOCOL.md as tests/lib/tlog.py reads them.  Same bytes each
time.  test_policy.py compares the committed file, test_witness_vectors.c runs
the programs' own code on it.
"""
import json
import sys

import tlog

ORIGIN = "relay.example/delivery"
START = 1_790_000_000
WITNESS_SEED, LOG_SEED, NEW_SEED = b"\x21" * 32, b"\x11" * 32, b"\x12" * 32


def steps():
    log = tlog.Log(ORIGIN, seed=LOG_SEED)
    fork = tlog.Log(ORIGIN, seed=LOG_SEED, salt=b"fork ")
    stranger = tlog.Log(ORIGIN, seed=NEW_SEED)
    other = tlog.Log("relay.example/directory", seed=LOG_SEED)
    empty = "%s\n0\n%s\n" % (ORIGIN, tlog.b64(b"\1" * 32))
    extended = log.text(9) + "extension\n"
    proof = log.proof(9, 20)
    return [
        ("nothing", b""),
        ("no note", b"old 0\n\n"),
        ("leading zero", b"old 00\n\n" + log.note(3).encode()),
        ("unknown origin", other.request(0, 3)),
        ("unknown origin, and no checkpoint", b"old 0\n\nwho\nare\nyou\n\n" +
         log.key.sign("x\n").encode()),
        ("unknown key", stranger.request(0, 3)),
        ("extension line", ("old 0\n\n%s\n%s" % (
            extended, log.key.sign(extended))).encode()),
        ("old size above ours", log.request(3, 9)),
        ("old size above the checkpoint's", log.request(9, 3)),
        ("size 0, wrong root", tlog.add_checkpoint(
            0, [], empty + "\n" + log.key.sign(empty))),
        ("size 0", log.request(0, 0)),
        ("proof from 0", log.request(0, 9, proof[:1])),
        ("first", log.request(0, 9)),
        ("first again: not from 0", log.request(0, 9)),
        ("same head, later", log.request(9, 9)),
        ("same size, other root", fork.request(9, 9)),
        ("other root, other old size", fork.request(0, 9)),
        ("other history", fork.request(9, 20)),
        ("proof too short", log.request(9, 20, proof[1:])),
        ("proof too long", log.request(9, 20, proof + proof[:1])),
        ("64 hashes", log.request(9, 20, [b"\0" * 32] * 64)),
        ("63 hashes", log.request(9, 20, [b"\0" * 32] * 63)),
        ("bad second line of the key", log.request(9, 20) +
         log.key.sign("x\n").encode()),
        ("line of a stranger", log.request(9, 20) +
         stranger.key.sign("x\n").encode()),
        ("smaller", log.request(20, 9)),
        ("smaller, from its size", log.request(9, 9)),
        ("grown", log.request(20, 64)),
        ("one more", log.request(64, 65)),
    ]


def judged():
    now = [START]
    witness = tlog.Witness("witness.example/w1", WITNESS_SEED,
                           clock=lambda: now[0])
    witness.follow(tlog.Log(ORIGIN, seed=LOG_SEED).key.vkey)
    rows = []
    for name, body in steps():
        now[0] += 600
        status, _, answer = witness.judge(body)
        row = {"name": name, "now": now[0], "body": body.decode(),
               "status": status}
        if status in (200, 409):
            row["answer"] = answer
        rows.append(row)
    return rows


def witness_key(i):
    return tlog.Key("w%d.example" % i, tlog.COSIGNATURE, bytes([0x30 + i]) * 32)


def policies():
    log = tlog.Key(ORIGIN, tlog.LOG, LOG_SEED)
    w = ["witness W%d %s\n" % (i, witness_key(i).vkey) for i in range(4)]
    head = "log %s\n" % log.vkey + "".join(w)
    good = [
        (head + "quorum none\n", [0, 15]),
        (head + "quorum W2\n", [0, 4, 11, 15]),
        ("# a comment\n\n\t" + head + "group g  2 W0\tW1 W2 \nquorum g\n",
         [1, 3, 5, 8, 9, 12]),
        (head + "group a all W0 W1\ngroup b any W2 W3\ngroup c 1 a b\n"
         "quorum c\n", [0, 1, 2, 3, 4, 8]),
        (head + "group a 1 W0\ngroup b all a W1\nquorum b\ngroup d any W3\n",
         [1, 2, 3, 8]),
    ]
    bad = [("", 0), (head, 0), ("quorum none", 1), (head + "quorum W9\n", 6),
           (head + "quorum g\ngroup g any W0\n", 6),
           (head + "group g any g\nquorum g\n", 6),
           (head + "group g 3 W0 W1\nquorum g\n", 6),
           (head + "group g 0 W0\nquorum g\n", 6),
           (head + "group g any W0\ngroup h any W0\nquorum g\n", 7),
           (head + w[0].replace("W0", "V0") + "quorum none\n", 6),
           (head + "log %s\nquorum none\n" % log.vkey, 6),
           (head + "quorum none\nquorum none\n", 7),
           ("log %s\nquorum none\n" % witness_key(0).vkey, 1),
           ("witness w %s\nquorum none\n" % log.vkey, 1),
           (head + "group none any W0\nquorum W0\n", 6),
           ("quorum none\r\n", 1)]
    return good, bad


def held(text, mask):
    """A second reading of a policy that is known to be good."""
    groups, quorum = {}, None
    for line in text.split("\n"):
        words = line.split()
        if words[:1] == ["witness"]:
            groups[words[1]] = mask >> int(words[1][1:]) & 1 == 1
        elif words[:1] == ["group"]:
            n = sum(groups[m] for m in words[3:])
            need = {"any": 1, "all": len(words) - 3}.get(words[2])
            groups[words[1]] = n >= (need or int(words[2]))
        elif words[:1] == ["quorum"]:
            quorum = words[1]
    return quorum == "none" or groups[quorum]


def policy_rows():
    log = tlog.Log(ORIGIN, seed=LOG_SEED)
    good, bad = policies()
    rows = []
    for text, masks in good:
        notes = []
        for mask in masks:
            note = log.note(5)
            for i in range(4):
                if mask >> i & 1:
                    note += witness_key(i).cosign(log.text(5), START + i)
            notes.append({"note": note, "verified": mask,
                          "quorum": held(text, mask)})
        rows.append({"policy": text, "notes": notes})
    return rows + [{"policy": text, "bad_line": line} for text, line in bad]


def document():
    log = tlog.Key(ORIGIN, tlog.LOG, LOG_SEED)
    witness = tlog.Key("witness.example/w1", tlog.COSIGNATURE, WITNESS_SEED)
    return {
        "comment": "Made by tests/lib/tlog_vectors.py. One witness is asked "
                   "these requests in turn; bad_line 0 is the file as a whole.",
        "log": {"vkey": log.vkey, "seed": LOG_SEED.hex()},
        "witness": {"vkey": witness.vkey, "seed": WITNESS_SEED.hex()},
        "requests": judged(),
        "policies": policy_rows(),
    }


def text():
    return json.dumps(document(), indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
