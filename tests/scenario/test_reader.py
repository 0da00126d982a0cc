#!/usr/bin/python3
"""What the programs seal and sign, read by a stranger's reader: the committed
vectors of tests/vectors/sealpost against tests/lib/reader.py."""
import json
import os
import sys
import traceback

sys.dont_write_bytecode = True

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))

import mlkem  # noqa: E402
import reader  # noqa: E402
import reader_evidence  # noqa: E402

VECTORS = os.path.join(ROOT, "tests/vectors")


def vectors(name):
    with open(os.path.join(VECTORS, name), encoding="utf-8") as f:
        return json.load(f)


def raw(value):
    """Hex strings of a dict as bytes, where the name says that it is hex."""
    return {k: bytes.fromhex(v) if isinstance(v, str) else v
            for k, v in value.items()}


def same(got, want, what):
    assert got == want, f"{what}: {got!r}, not {want!r}"


def open_vector(p):
    reader_keys = raw(p["reader"])
    directory = raw(p["directory"])
    return reader.open_packet(
        raw(p["deliver"]), raw(p["stored"]),
        {"device": reader_keys["device"], "seed": reader_keys["prekey_seed"],
         "mailbox": bytes.fromhex(p["mailbox"])},
        {"was_live": True, "key": directory["sender_key"],
         "class": directory["sender_class"]},
        p["now_ms"])


def check_inner(got, want):
    for name, value in raw({k: v for k, v in want.items()
                            if not isinstance(v, list)}).items():
        same(got[name], value, name)
    for list_name in ("parts", "atts"):
        same(len(got[list_name]), len(want[list_name]), list_name)
        for a, b in zip(got[list_name], want[list_name]):
            for name, value in raw(b).items():
                same(a[name], value, f"{list_name}.{name}")


def xwing_agrees_with_its_draft():
    for v in vectors("xwing/xwing-draft-connolly.json")["vectors"]:
        v = {k: bytes.fromhex(x) for k, x in v.items() if k in
             ("seed", "pk", "ct", "ss")}
        same(mlkem.xwing_public(v["seed"]), v["pk"], "pk")
        same(mlkem.xwing_decaps(v["seed"], v["ct"]), v["ss"], "ss")


def every_packet_ends_as_it_should():
    for p in vectors("sealpost/packets.json")["packets"]:
        verdict, cause, inner = open_vector(p)
        same(verdict, p["verdict"], p["name"])
        same(cause or "nothing wrong", p["why"], p["name"])
        if "inner" in p:
            check_inner(inner, p["inner"])
            same(reader.opened_hash(inner["sig"]).hex(), p["opened"], "opened")


def digests_are_the_same():
    for p in vectors("sealpost/packets.json")["packets"]:
        d = raw(p["deliver"])
        if "hh" in p:
            same(reader.header_hash(d["hdr"]).hex(), p["hh"], "hh")
        if "pkt_digest" in p:
            same(reader.packet_digest(d["hdr"], d["wrap_hashes"],
                                      d["body"]).hex(),
                 p["pkt_digest"], "pkt_digest")


def attachments_open():
    for a in vectors("sealpost/attachments.json")["attachments"]:
        v = raw(a)
        same(len(v["blob"]), v["ct_len"], "ct_len")
        same(reader.D(v["blob"]), v["digest"], "digest")
        same(reader.open_attachment(v["att_key"], v["att_id"], v["plain_len"],
                                    v["blob"]),
             bytes(i % 251 for i in range(v["plain_len"])), "file")


def changed(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def must_be_bad(read, *args):
    try:
        read(*args)
    except reader.Bad:
        return
    raise AssertionError("a changed byte was not noticed")


def check_signed(read, rows, name):
    for row in rows:
        data, key = bytes.fromhex(row[name]), bytes.fromhex(row["sign_key"])
        got = read(data, key)
        for field, value in got.items():
            want = row[field]
            same(value.hex() if isinstance(value, bytes) else value, want,
                 field)
        for at in range(0, len(data), max(1, len(data) // 50)):
            must_be_bad(read, changed(data, at), key)
        must_be_bad(read, data[:-1], key)
        must_be_bad(read, data + b"\0", key)


def receipts_and_withdrawals_verify():
    v = vectors("sealpost/receipts.json")
    check_signed(reader.read_rcpt, v["rcpt"], "rcpt")
    check_signed(reader.read_wdrw, v["wdrw"], "wdrw")
    for row in v["rcpt"]:
        same(reader.H(bytes.fromhex(row["rcpt"])).hex(), row["evidence"],
             "evidence")


def prekeys_verify_and_are_of_their_seed():
    rows = vectors("sealpost/prekeys.json")["prekeys"]
    check_signed(reader.read_prekey, rows, "statement")
    for row in rows:
        same(mlkem.xwing_public(bytes.fromhex(row["seed"])).hex(),
             row["public_key"], "public key")


def the_relays_receipts_verify():
    v = vectors("sealpost/proofs.json")
    name, key = v["origin"].encode(), bytes.fromhex(v["log_key"])
    for row in v["receipts"]:
        data = row["receipt"].encode()
        got = reader.read_receipt(data, name, key)
        for field in ("index", "size"):
            same(got[field], row[field], field)
        same(got["root"].hex(), row["root"], "root")
        for field, value in row["event"].items():
            have = got["event"][field]
            same(have.hex() if isinstance(have, bytes) else have, value, field)
        for at in range(24, len(data), 37):
            must_be_bad(lambda: reader.read_receipt(changed(data, at), name,
                                                    key))


def check_evidence(v, row):
    """What the file proves, as both readers see it."""
    name = v["witness_name"].encode(), bytes.fromhex(v["witness_key"])
    p = reader_evidence.judge(bytes.fromhex(row["bundle"]), name)
    same(p["who"].network_id.hex(), row["network_id"], "network id")
    for field in ("packet_id", "pkt_digest", "sender_agency",
                  "recipient_mailbox"):
        same(p["common"][field].hex(), row[field], field)
    same(p["signed"], bool(row["signed"]), "signed")
    same(p.get("sender_was", "unknown"), row["sender_was"], "sender")
    same(p["disclosed"], row["disclosed"], "disclosed")
    same(len(p["events"]), len(row["events"]), "events")
    for got, want in zip(p["events"], row["events"]):
        same(got["event"]["type"], want["type"], "type")
        same(got["event"]["time_ms"], want["time_ms"], "time")
        same(got["index"], want["index"], "index")
        same(got["behind_it"] or "missing", want["behind_it"], "behind it")
        same(got["decrypted"], bool(want["decrypted"]), "decrypted")
        same(p["witnessed"].get(got["index"]) or 0, want["witnessed_by_s"],
             "witnessed")


def evidence_proves_the_same_to_a_stranger():
    v = vectors("sealpost/evidence.json")
    for row in v["bundles"]:
        try:
            check_evidence(v, row)
            fault = "none"
        except reader_evidence.Fault as e:
            fault = e.section
        except AssertionError as e:
            raise AssertionError(f"{row['name']}: {e}") from None
        same(fault, row["fault"], row["name"])


def evidence_is_spoilt_by_any_byte():
    data = bytes.fromhex(vectors("sealpost/evidence.json")["bundles"][0]
                         ["bundle"])
    whole = reader_evidence.judge(data)
    for at in range(0, len(data), 61):
        try:
            p = reader_evidence.judge(changed(data, at))
        except reader.Bad:
            continue
        # Nobody is made to have said something else: less is proven.
        assert not p["signed"] and whole["signed"], f"byte {at}"


TESTS = [xwing_agrees_with_its_draft, every_packet_ends_as_it_should,
         digests_are_the_same, attachments_open,
         receipts_and_withdrawals_verify,
         prekeys_verify_and_are_of_their_seed, the_relays_receipts_verify,
         evidence_proves_the_same_to_a_stranger, evidence_is_spoilt_by_any_byte]


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for n, test in enumerate(TESTS, 1):
        try:
            test()
            print(f"ok {n} - {test.__name__}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {n} - {test.__name__}")
            print("# " + traceback.format_exc().replace("\n", "\n# "),
                  flush=True)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
