"""A reader of Sealpost's bytes written from proto/PROTOCOL.md alone; numbers in
comments are its sections.  Shares no code with the programs it checks."""
import base64
import hashlib
import hmac
import struct

import nacl.exceptions
import nacl.signing
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

import mlkem


class Bad(Exception):
    """Not of the form that the document describes, or does not verify."""


def need(condition, why):
    if not condition:
        raise Bad(why)


# ---- 2: conventions ----

def H(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def domain(name):
    return b"sealpost/1/" + name + b"\0"


def blake2b256(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def D(x):
    mib = 1 << 20
    return blake2b256(domain(b"bulk") + struct.pack(">Q", len(x)) + b"".join(
        blake2b256(x[i:i + mib]) for i in range(0, len(x), mib)))


def verify(key, sig, message):
    try:
        nacl.signing.VerifyKey(key).verify(message, sig)
    except (nacl.exceptions.BadSignatureError, ValueError):
        raise Bad("signature") from None


class Cursor:
    """Fields in order; whatever is missing or left over is Bad."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(n <= len(self.data) - self.at, "too short")
        self.at += n
        return self.data[self.at - n:self.at]

    def u(self, width):
        return int.from_bytes(self.take(width), "big")

    def expect(self, data):
        need(self.take(len(data)) == data, "magic")

    def text(self, width):
        return self.take(self.u(width))

    def end(self):
        need(self.at == len(self.data), "bytes left over")


def ascending(items):
    need(all(a < b for a, b in zip(items, items[1:])), "not ascending")


# ---- 8.3: padding and chunks ----

def padme(n):
    e = n.bit_length() - 1
    s = e.bit_length()
    m = (1 << (e - s)) - 1
    return (n + m) & ~m


def stream_len(plain):
    return 56 + plain + 16 * (plain // 16384 + 1)


def plain_len(stream):
    n = (stream - 56) // 16400
    rest = stream - 56 - 16400 * n
    need(stream >= 72 and 16 <= rest < 16400, "length of a stream")
    return 16384 * n + rest - 16


def is_padded_stream(length):
    try:
        p = plain_len(length)
    except Bad:
        return False
    return p >= 4096 and padme(p) == p


def hkdf_expand(algorithm, prk, info, n):
    out, t, i = b"", b"", 1
    while len(out) < n:
        t = hmac.new(prk, t + info + bytes([i]), algorithm).digest()
        out += t
        i += 1
    return out[:n]


def aead_open(key, nonce, sealed):
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed, b"")
    except InvalidTag:
        raise Bad("tag") from None


def chunked_open(key, context, stream):
    plain_len(len(stream))
    okm = hkdf_expand("sha512", key, b"c2sp.org/chunked-encryption@v1+"
                      b"AEAD_CHACHA20_POLY1305\0" + stream[:24] + context, 76)
    need(okm[44:] == stream[24:56], "commitment")
    out = []
    for i, at in enumerate(range(56, len(stream), 16400)):
        nonce = int.from_bytes(okm[32:44], "big") ^ i
        out.append(aead_open(okm[:32], nonce.to_bytes(12, "big"),
                             stream[at:at + 16400]))
    need(len(out[-1]) < 16384, "no end mark")
    return b"".join(out)


def unpad(padded):
    n = int.from_bytes(padded[:4], "big")
    need(len(padded) == padme(max(4096, 4 + n)), "padded length")
    need(not any(padded[4 + n:]), "padding")
    return padded[4:4 + n]


def open_attachment(key, att_id, length, blob):
    """8.5"""
    plain = chunked_open(key, domain(b"att") + att_id, blob)
    need(len(plain) == padme(max(4096, length)), "padded length")
    need(not any(plain[length:]), "padding")
    return plain[:length]


# ---- 8.2: wraps ----

SID = b"HPKE" + bytes.fromhex("647a00010003")


def lextract(salt, label, ikm):
    return hmac.new(salt, b"HPKE-v1" + SID + label + ikm, "sha256").digest()


def lexpand(prk, label, info, n):
    return hkdf_expand("sha256", prk, struct.pack(">H", n) + b"HPKE-v1" + SID +
                       label + info, n)


def unwrap(seed, hh, slot, wrap):
    info = domain(b"wrap") + hh + struct.pack(">H", slot)
    try:
        ss = mlkem.xwing_decaps(seed, wrap[:1120])
    except ValueError:  # all-zero X25519
        raise Bad("shared secret") from None
    ctx = b"\0" + lextract(b"", b"psk_id_hash", b"") + lextract(
        b"", b"info_hash", info)
    secret = lextract(ss, b"secret", b"")
    return aead_open(lexpand(secret, b"key", ctx, 32),
                     lexpand(secret, b"base_nonce", ctx, 12), wrap[1120:])


# ---- 8.1: header ----

def parse_hdr(data):
    c, h = Cursor(data), {}
    c.expect(b"SPP1\x02")
    h["class"] = c.u(1)
    n_slots = c.u(2)
    h["packet_id"], h["mailbox"] = c.take(16), c.take(16)
    h["not_after"], h["body_len"] = c.u(8), c.u(8)
    n_att = c.u(2)
    h["slots"] = [(c.take(16), c.take(16)) for _ in range(n_slots)]
    h["atts"] = [(c.take(16), c.u(8), c.take(32)) for _ in range(n_att)]
    c.end()
    need(h["class"] <= 1 and 1 <= n_slots <= 256 and n_att <= 128, "counts")
    need(h["not_after"] % 3600 == 0, "not_after")
    need(is_padded_stream(h["body_len"]) and
         plain_len(h["body_len"]) <= 1 << 20, "body_len")
    need(all(is_padded_stream(a[1]) for a in h["atts"]), "ct_len")
    ascending([s[0] for s in h["slots"]])
    ascending([a[0] for a in h["atts"]])
    return h


def header_hash(hdr):
    return H(domain(b"hdr"), hdr)


def packet_digest(hdr, wrap_hashes, body):
    return H(domain(b"pkt"), header_hash(hdr), H(domain(b"wraps"), wrap_hashes),
             D(body))


# ---- 8.4: content ----

class Commitment(Bad):
    pass


def parse_inner(data):
    c, i = Cursor(data), {}
    need(c.u(1) == 1, "version")
    i["type"] = c.u(1)
    i["sender_agency"], i["sender_device"] = c.take(16), c.take(16)
    i["created_ms"] = c.u(8)
    i["dir"], i["dlv"], i["in_reply_to"] = c.take(104), c.take(104), c.take(16)
    fixed_end = c.at
    n = c.u(1)
    need(1 <= n <= 16, "parts")
    i["parts"] = [{"part": c.u(1), "here": c.u(1), "commit": c.take(32)}
                  for _ in range(n)]
    parts_end = c.at
    ascending([p["part"] for p in i["parts"]])
    need(i["parts"][0]["part"] == 0 and i["parts"][0]["here"] == 1, "meta")
    need(all(p["here"] <= 1 for p in i["parts"]), "here")
    for p in i["parts"]:
        if p["here"]:
            length = c.u(4)
            p["blind"], p["bytes"] = c.take(32), c.take(length)
    n_att = c.u(2)
    i["atts"] = [{"att_id": c.take(16), "part": c.u(1), "plain_len": c.u(8),
                  "att_key": c.take(32)} for _ in range(n_att)]
    i["sig"] = c.take(64)
    c.end()
    here = [p["part"] for p in i["parts"] if p["here"]]
    need(all(a["part"] in here for a in i["atts"]), "part of an attachment")
    i["hashes"] = (
        H(domain(b"i0"), data[:fixed_end]) +
        H(domain(b"i1"), data[fixed_end:parts_end]) +
        H(domain(b"i2"), struct.pack(">H", n_att), *[
            a["att_id"] + bytes([a["part"]]) + struct.pack(">Q", a["plain_len"])
            for a in i["atts"]]))
    for p in i["parts"]:
        if p["here"] and p["commit"] != H(
                domain(b"part"), bytes([p["part"]]), p["blind"], p["bytes"]):
            raise Commitment("commitment")
    return i


def fits_header(inner, hdr):
    return [(a["att_id"], stream_len(padme(max(4096, a["plain_len"]))))
            for a in inner["atts"]] == [(a[0], a[1]) for a in hdr["atts"]]


MAY_SEND = {1: {1, 2}, 2: {1, 2, 3}, 3: {1, 2, 3}, 4: {1, 2, 3, 5},
            5: {1, 2, 3, 5}, 6: {1, 2, 3, 5}, 7: {1}, 8: {1}}
LIFE_S, AHEAD_S = 30 * 86400 + 3600, 48 * 3600


# ---- 9: opening ----

def check_arrival(d, stored, device, mailbox):
    """Step 1; STORED is the event of the verified proof."""
    try:
        h = parse_hdr(d["hdr"])
        need(len(d["body"]) == h["body_len"] and len(d["wrap"]) == 1168 and
             len(d["wrap_hashes"]) == 32 * len(h["slots"]), "lengths")
    except Bad:
        return None, "header, wraps or body are not of the promised form"
    slot = d["slot"]
    if slot >= len(h["slots"]) or h["slots"][slot][0] != device or \
            H(d["wrap"]) != d["wrap_hashes"][32 * slot:32 * slot + 32]:
        return None, "not addressed to this device"
    h["digest"] = packet_digest(d["hdr"], d["wrap_hashes"], d["body"])
    if (stored["packet_id"], stored["pkt_digest"], stored["not_after"],
            stored["class"], stored["sender_agency"]) != (
                h["packet_id"], h["digest"], h["not_after"], h["class"],
                d["sender_agency"]):
        return None, "the relay's proof is about other bytes"
    if not h["mailbox"] == stored["recipient_mailbox"] == mailbox:
        return None, "delivered to a mailbox that is not ours"
    return h, None


def decrypt(d, seed):
    """Steps 2-4."""
    hh = header_hash(d["hdr"])
    cek = unwrap(seed, hh, d["slot"], d["wrap"])
    return unpad(chunked_open(cek, domain(b"body") + hh, d["body"]))


def judge(inner, h, hh, stored, facts, now_ms):
    """Steps 5-7 with what the directory says of the sender; None: fine."""
    if not fits_header(inner, h):
        return "content is not of the expected form"
    if not facts["was_live"]:
        return "the sending device was not live in its agency"
    if stored["sender_agency"] != inner["sender_agency"]:
        return "stored by another agency than it claims"
    try:
        verify(facts["key"], inner["sig"],
               domain(b"sig") + hh + inner["hashes"])
    except Bad:
        return "the sender's signature is wrong"
    if facts["class"] not in MAY_SEND.get(inner["type"], ()):
        return "this kind of agency may not send this type"
    if inner["created_ms"] > now_ms + AHEAD_S * 1000:
        return "claims to be made in the future"
    if h["not_after"] - inner["created_ms"] // 1000 > LIFE_S:
        return "lives longer than allowed"
    return None


def open_packet(d, stored, reader, facts, now_ms):
    """Verdict, cause (None: nothing wrong), content or None."""
    h, cause = check_arrival(d, stored, reader["device"], reader["mailbox"])
    if cause is not None:
        return "alarm", cause, None
    try:
        text = decrypt(d, reader["seed"])
    except Bad:
        return "cannot_open", "cannot be opened with our keys", None
    try:
        inner = parse_inner(text)
    except Commitment:
        return ("quarantined", "a part is not what its commitment says", None)
    except Bad:
        return "quarantined", "content is not of the expected form", None
    cause = judge(inner, h, header_hash(d["hdr"]), stored, facts, now_ms)
    return "opened" if cause is None else "quarantined", cause, inner


def opened_hash(sig):
    return H(domain(b"opened"), sig)


# ---- 10, 11: what devices sign ----

OUTCOMES = {1: "opened", 2: "quarantined", 3: "cannot_open", 4: "gone"}
REASONS = {0: "none", 1: "undecryptable", 2: "malformed", 3: "wrong_mailbox",
           4: "closed", 5: "policy", 6: "replaced", 7: "sent_in_error"}
IN_RCPT, IN_WDRW = {0, 1, 2, 3, 4, 5}, {0, 3, 5, 6, 7}


def read_rcpt(data, key):
    c, r = Cursor(data), {}
    c.expect(domain(b"rcpt"))
    outcome = c.u(1)
    need(c.u(1) == 0, "reserved")
    reason = c.u(2)
    need(outcome in OUTCOMES and reason in IN_RCPT and
         (outcome == 1) == (reason == 0), "outcome and reason")
    r["outcome"], r["reason"] = OUTCOMES[outcome], REASONS[reason]
    for name, n in (("packet_id", 16), ("pkt_digest", 32), ("agency", 16),
                    ("device", 16), ("prekey_id", 16), ("opened", 32)):
        r[name] = c.take(n)
    r["time_ms"], r["stored_index"] = c.u(8), c.u(8)
    r["dlv"] = c.take(104)
    verify(key, c.take(64), data[:-64])
    c.end()
    return r


def read_wdrw(data, key):
    c, w = Cursor(data), {}
    c.expect(domain(b"wdrw"))
    reason = c.u(2)
    need(reason in IN_WDRW, "reason")
    w["reason"] = REASONS[reason]
    for name, n in (("packet_id", 16), ("pkt_digest", 32),
                    ("sender_agency", 16), ("device", 16)):
        w[name] = c.take(n)
    w["time_ms"] = c.u(8)
    verify(key, c.take(64), data[:-64])
    c.end()
    return w


def read_prekey(data, key):
    c, p = Cursor(data), {}
    c.expect(domain(b"prekey") + b"\x02")
    need(c.u(1) <= 1, "kind")
    p["device"] = c.take(16)
    p["not_before"], p["not_after"] = c.u(8), c.u(8)
    need(0 < p["not_after"] - p["not_before"] <= 45 * 86400, "validity")
    need(c.u(2) == 1216, "length of the key")
    p["public_key"] = c.take(1216)
    verify(key, c.take(64), data[:-64])
    c.end()
    p["prekey_id"] = H(data)[:16]
    return p


# ---- 14: logs ----

def b64(text):
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Bad("base64") from None
    need(base64.b64encode(raw) == text, "base64")
    return raw


def note_key_id(name, kind, key):
    return H(name, b"\n", bytes([kind]), key)[:4]


def read_checkpoint(note, name, key):
    """14.1: (size, root) of a note that NAME's KEY signed."""
    text, empty, lines = note.rpartition(b"\n\n")
    need(empty and lines.endswith(b"\n"), "note")
    text += b"\n"
    signed = False
    for line in lines[:-1].split(b"\n"):
        words = line.split(b" ")
        need(len(words) == 3 and words[0] == "\u2014".encode(), "line")
        raw = b64(words[2])
        if words[1] == name and raw[:4] == note_key_id(name, 1, key):
            verify(key, raw[4:], text)
            signed = True
    need(signed, "not signed by the log")
    lines = text.split(b"\n")
    need(len(lines) == 4 and lines[0] == name and lines[3] == b"", "checkpoint")
    need(lines[1].isdigit() and str(int(lines[1])).encode() == lines[1], "size")
    root = b64(lines[2])
    need(len(root) == 32, "root")
    return int(lines[1]), root


def root_from_path(leaf, index, size, path):
    """RFC 9162 2.1.3.2."""
    need(index < size, "index")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        need(sn != 0, "path too long")
        if fn & 1 or fn == sn:
            r = H(b"\1", p, r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = H(b"\1", r, p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "path too short")
    return r


def read_event(data):
    c, e = Cursor(data), {}
    need(c.u(1) == 1, "version")
    e["type"], e["class"], e["size_class"] = c.u(1), c.u(1), c.u(1)
    e["reason"] = c.u(2)
    need(c.u(2) == 0, "reserved")
    e["time_ms"] = c.u(8)
    for name in ("packet_id", "sender_agency", "recipient_mailbox", "actor"):
        e[name] = c.take(16)
    e["pkt_digest"] = c.take(32)
    e["not_after"], e["ref"] = c.u(8), c.u(8)
    e["evidence"] = c.take(32)
    c.end()
    return e


def read_receipt(data, name, key):
    """14.5: a proof file whose extra is the opening."""
    head, empty, note = data.partition(b"\n\n")
    need(empty, "proof file")
    lines = head.split(b"\n")
    need(lines[0] == b"c2sp.org/tlog-proof@v1", "first line")
    need(lines[1].startswith(b"extra ") and lines[2].startswith(b"index "),
         "extra and index")
    opening = b64(lines[1][6:])
    need(len(opening) == 192, "opening")
    index = int(lines[2][6:])
    path = [b64(line) for line in lines[3:]]
    size, root = read_checkpoint(note, name, key)
    entry = b"\1\1" + H(domain(b"event"), opening)
    need(root_from_path(H(b"\0", entry), index, size, path) == root, "path")
    return {"index": index, "size": size, "root": root,
            "event": read_event(opening[32:])}
