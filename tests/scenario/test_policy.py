#!/usr/bin/python3
"""`sealpost verify FILE --policy FILE` without a vault: receipts made here from
the text of PROTOCOL.md by tests/lib/tlog.py, policies of all kinds, and files
that are not what they should be.
"""
import hashlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))

import tlog  # noqa: E402
import tlog_vectors  # noqa: E402

BUILD = pathlib.Path(os.environ.get("SEALPOST_BUILD", ROOT / "build")).resolve()
ORIGIN = "relay.example/delivery"
AT = 1_790_000_000
PLACE, SIZE = 5, 11


def opening(salt=b"s" * 32):
    """A packet was stored: salt(32) || EVENT(160)."""
    event = struct.pack(">BBBBHHQ16s16s16s16s32sQQ32s", 1, 1, 1, 16, 0, 0,
                        AT * 1000, b"P" * 16, b"A" * 16, b"M" * 16, b"D" * 16,
                        b"d" * 32, AT + 86400, 0, b"\0" * 32)
    return salt + event


def entry(opened):
    return b"\1\1" + hashlib.sha256(b"sealpost/1/event\0" + opened).digest()


class World:
    """One log with a receipt in it, and six witnesses."""

    def __init__(self, top):
        self.dir = pathlib.Path(tempfile.mkdtemp(dir=top))
        self.log = tlog.Log(ORIGIN).grow(SIZE)
        self.log.leaves[PLACE] = tlog.leaf(entry(opening()))
        self.witnesses = [
            tlog.Key("w%d.example.org" % i, tlog.COSIGNATURE, bytes([i]) * 32)
            for i in range(10, 16)]

    def receipt(self, *cosigners, name="receipt", extra=""):
        """COSIGNERS: numbers of witnesses; number I did it at AT + 60 I."""
        path = tlog.inclusion(PLACE, self.log.leaves[:SIZE])
        text = self.log.text(SIZE)
        lines = [self.witnesses[i].cosign(text, AT + 60 * i)
                 for i in cosigners]
        out = self.dir / name
        out.write_text(
            "c2sp.org/tlog-proof@v1\nextra %s\nindex %d\n%s\n%s%s" %
            (tlog.b64(opening()), PLACE,
             "".join(tlog.b64(h) + "\n" for h in path),
             self.log.note(SIZE) + "".join(lines), extra))
        return out

    def policy(self, tail, names=("log", 0, 1, 2, 3, 4, 5), name="policy"):
        out = self.dir / name
        lines = []
        for n in names:
            lines.append("log " + self.log.key.vkey if n == "log" else
                         "witness W%d %s" % (n, self.witnesses[n].vkey))
        out.write_text("\n".join(lines) + "\n" + tail)
        return out

    def verify(self, *args, json_out=True):
        env = dict(os.environ, SEALPOST_HOME=str(self.dir / "nobody"))
        done = subprocess.run(
            [BUILD / "sealpost", *(["--json"] if json_out else []), "verify",
             *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60, env=env)
        return done.returncode, (json.loads(done.stdout) if json_out
                                 else done.stdout + done.stderr)

    def good(self, receipt, policy):
        code, out = self.verify(receipt, "--policy", policy)
        assert code == 0, out
        return out

    def bad(self, receipt, policy, want):
        code, out = self.verify(receipt, "--policy", policy)
        error = out["error"]
        assert (code, error["code"]) == want, out
        return error["why"]


TWO_GROUPS = ("group X 2 W0 W1 W2\ngroup Y any W3 W4 W5\n"
              "group both all X Y\nquorum both\n")


def no_vault_is_needed_and_the_log_comes_from_the_policy(top):
    w = World(top)
    out = w.good(w.receipt(), w.policy("quorum none\n"))
    assert out["relay"] == ORIGIN and out["event"] == "stored"
    assert out["quorum"] is True and "quorum_time" not in out
    assert [x["cosigned"] for x in out["witnesses"]] == [False] * 6
    assert not (w.dir / "nobody").exists()


def a_quorum_holds_when_it_holds(top):
    w = World(top)
    policy = w.policy(TWO_GROUPS)
    for n, cosigners in enumerate(((0, 1, 3), (0, 2, 4), (0, 1, 2, 3, 4, 5))):
        out = w.good(w.receipt(*cosigners), policy)
        assert out["quorum"] is True
        assert [x["name"] for x in out["witnesses"] if x["cosigned"]] == \
            ["W%d" % i for i in cosigners]
        assert [x["time"] for x in out["witnesses"] if x["cosigned"]] == \
            [AT + 60 * i for i in cosigners]
        assert out["quorum_time"] == AT + (0, 0, 60)[n]
    for cosigners in ((), (0, 1), (3, 4, 5), (0, 3), (2, 5)):
        why = w.bad(w.receipt(*cosigners), policy, (14, "E-QUORUM"))
        assert why.startswith("%d of the policy's 6" % len(cosigners)), why


def people_read_who_and_when(top):
    w = World(top)
    policy = w.policy(TWO_GROUPS)
    code, out = w.verify(w.receipt(0, 1, 3), "--policy", policy,
                         json_out=False)
    assert code == 0 and "The receipt is genuine." in out, out
    assert "  yes  W0 (w10.example.org), on 2026-09-21 14:13 UTC\n" in out, out
    assert "  no   W2 (w12.example.org)\n" in out, out
    assert "The quorum both holds" in out
    code, out = w.verify(w.receipt(0, 3), "--policy", policy, json_out=False)
    assert code == 14 and "The receipt is genuine." not in out, out
    assert "E-QUORUM" in out and "  yes  W3" in out, out


def unknown_witnesses_count_for_nothing(top):
    w = World(top)
    policy = w.policy("quorum W0\n", names=("log", 0))
    w.bad(w.receipt(1, 2, 3), policy, (14, "E-QUORUM"))
    w.good(w.receipt(0, 1, 2), policy)


def a_false_cosignature_of_a_known_witness_is_refused(top):
    w = World(top)
    policy = w.policy("quorum W0\n")
    other = w.witnesses[1].cosign("x\n", AT)
    w.bad(w.receipt(0, extra=other), policy, (14, "E-VERIFY"))
    w.good(w.receipt(0, extra=tlog.Key("who", 4, b"z" * 32).cosign("x\n", 1)),
           policy)


def a_foreign_log_is_refused(top):
    w = World(top)
    stranger = tlog.Log(ORIGIN, seed=b"\7" * 32)
    elsewhere = tlog.Log("other.example/delivery")
    for key, words in ((stranger, "changed"), (elsewhere, "does not name")):
        policy = w.dir / "p"
        policy.write_text("log %s\nquorum none\n" % key.key.vkey)
        assert words in w.bad(w.receipt(), policy, (14, "E-VERIFY"))
    policy.write_text("log %s\nlog %s\nquorum none\n" %
                      (stranger.key.vkey, w.log.key.vkey))
    w.good(w.receipt(), policy)


def a_changed_receipt_is_refused(top):
    w = World(top)
    policy = w.policy("quorum W0\n")
    receipt = w.receipt(0)
    whole = receipt.read_bytes()
    for bad in (whole[:100], whole[:-1],
                whole.replace(b"index 5", b"index 6"),
                whole.replace(b"\n11\n", b"\n12\n"), whole + b"x",
                whole.replace(b"\n", b"\r\n"), b"X" + whole[1:]):
        receipt.write_bytes(bad)
        w.bad(receipt, policy, (14, "E-VERIFY"))
    for other in (b"", b"\xff" * 500):
        receipt.write_bytes(other)
        w.bad(receipt, policy, (1, "E-FILE"))


def what_is_wrong_in_a_policy_is_told_with_its_line(top):
    w = World(top)
    receipt = w.receipt(0)
    for tail, words in (("", "no quorum line"),
                        ("quorum W9\n", "line 8: no line above"),
                        ("group g 7 W0 W1\nquorum g\n", "line 8: 7 of 2"),
                        ("group g any W0\ngroup h any W0\n", "line 9: W0"),
                        ("witness W0 x\n", "line 8: there is a witness W0"),
                        ("quorum none\r\n", "line 8: the line ends"),
                        ("quorum none", "line 8: the last line")):
        why = w.bad(receipt, w.policy(tail), (2, "E-TRUST"))
        assert words in why, why
    policy = w.policy("quorum none\n")
    for raw in (b"\0" * 10 + b"\n", b"\xff\xfe\n", b"x" * 70000,
                b"#" * 65537, policy.read_bytes() * 2):
        policy.write_bytes(raw)
        code, out = w.verify(receipt, "--policy", policy)
        assert (code, out["error"]["code"]) in ((2, "E-TRUST"), (1, "E-FILE"))
    w.bad(receipt, w.dir / "missing", (1, "E-FILE"))


def vkey_still_does_what_it_did(top):
    w = World(top)
    receipt = w.receipt(0)
    code, out = w.verify(receipt, "--vkey", w.log.key.vkey)
    assert code == 0 and "quorum" not in out, out
    code, out = w.verify(receipt, "--vkey", w.log.key.vkey, "--policy",
                         w.policy("quorum none\n"))
    assert (code, out["error"]["code"]) == (2, "E-USAGE"), out


def the_committed_vectors_are_the_readers(top):
    committed = ROOT / "tests/vectors/sealpost/witness.json"
    assert committed.read_text() == tlog_vectors.text()


CASES = [
    no_vault_is_needed_and_the_log_comes_from_the_policy,
    a_quorum_holds_when_it_holds, people_read_who_and_when,
    unknown_witnesses_count_for_nothing,
    a_false_cosignature_of_a_known_witness_is_refused,
    a_foreign_log_is_refused, a_changed_receipt_is_refused,
    what_is_wrong_in_a_policy_is_told_with_its_line,
    vkey_still_does_what_it_did, the_committed_vectors_are_the_readers,
]


def main():
    top = tempfile.mkdtemp(prefix="sealpost-policy.")
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
