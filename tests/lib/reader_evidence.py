"""A judge of evidence bundles written from proto/PROTOCOL.md alone (14.10);
numbers in comments are its sections."""
import struct

import reader
from reader import Bad, Cursor, H, ascending, domain, need

SECTIONS = {1: "header", 2: "seal", 3: "lists", 4: "parts", 5: "directory",
            6: "events", 7: "cosigned"}
NEEDS = {2: 1, 3: 1, 4: 3, 7: 6}
NOBODY, NONE = bytes(16), bytes(32)


class Fault(Bad):
    def __init__(self, section, why):
        super().__init__(f"{section}: {why}")
        self.section = section


# ---- the file ----

def rows(c, read):
    n = c.u(2)
    need(1 <= n <= 512, "rows")
    return [read(c) for _ in range(n)]


def text16(c, most):
    data = c.text(2)
    need(len(data) <= most, "length")
    return data


def read_parts(c):
    n = c.u(1)
    need(1 <= n <= 16, "parts")
    out = [(c.u(1), c.take(32), c.text(4)) for _ in range(n)]
    ascending([p[0] for p in out])
    return out


def read_leaf(c):
    index, statement = c.u(8), text16(c, 8192)
    return index, statement, [c.take(32) for _ in range(c.u(1))]


def read_directory(c):
    note = text16(c, 16384)
    leaves = rows(c, read_leaf)
    ascending([x[0] for x in leaves])
    return note, leaves


def whole(c):
    return c.take(len(c.data) - c.at)


READ = {1: whole, 2: whole, 3: whole, 4: read_parts, 5: read_directory,
        6: lambda c: rows(c, lambda r: (text16(r, 16384), text16(r, 8192))),
        7: lambda c: rows(c, lambda r: (text16(r, 16384), b""))}


def read_bundle(data):
    c, out, last = Cursor(data), {}, 0
    need(len(data) <= 8 << 20, "size")
    c.expect(domain(b"evidence"))
    while c.at < len(data):
        kind, body = c.u(1), Cursor(c.text(4))
        need(last < kind <= 7 and body.data, "order of sections")
        need(NEEDS.get(kind) is None or NEEDS[kind] in out, "a section needs")
        last = kind
        out[kind] = READ[kind](body)
        body.end()
    need(1 in out or 6 in out, "about no packet")
    return {SECTIONS[k]: v for k, v in out.items()}


# ---- 12.1: statements ----

def key_id(key):
    return H(domain(b"id"), key)[:16]


def read_policy(c, s):
    c.u(1)
    s["k"], n = c.u(1), c.u(1)
    s["keys"] = [c.take(32) for _ in range(n)]
    c.text(1)
    c.take(32)
    s["log_key"] = c.take(32)
    s["delivery"], s["directory"] = c.text(1), c.text(1)
    c.take(8 + 32 + 4)
    need(1 <= s["k"] <= n <= 16 and len(set(s["keys"])) == n, "k of n")


def read_admit(c, s):
    s["root"] = c.take(32)
    s["agency"] = key_id(s["root"])
    c.take(1 + 2 + 4)
    s["name"] = c.text(1)
    c.text(2)
    s["pop_by"], s["pop_over"], s["pop"] = s["root"], s["root"], c.take(64)


def read_suspend(c, s):
    s["agency"] = c.take(16)
    c.take(1)


def read_reroot(c, s):
    s["agency"], s["root"], s["effective"] = c.take(16), c.take(32), c.u(8)
    s["pop_by"], s["pop_over"], s["pop"] = s["root"], c.data[:56], c.take(64)


def read_end(c, s, reason):
    s["device"] = c.take(16)
    c.take(reason)
    s["since"] = c.u(8)


def read_device(c, s):
    s["key"] = c.take(32)
    c.take(32)
    s["not_after"] = c.u(8)
    c.text(1)
    s["agency"] = s["issuer"]
    s["pop_by"], s["pop_over"], s["pop"] = s["key"], c.data[:c.at], c.take(64)


def read_cancel(c, s):
    s["cancels"] = c.take(32)


def read_mailbox(c, s):
    s["mailbox"] = c.take(16)
    c.take(1)
    c.text(1)
    c.take(4 + 16)
    c.text(2)
    ascending([c.take(16) for _ in range(c.u(1))])


BODIES = {1: read_policy, 2: read_admit, 3: read_suspend, 4: read_reroot,
          5: lambda c, s: read_end(c, s, 0), 16: read_device,
          17: lambda c, s: read_end(c, s, 1), 18: read_cancel, 19: read_mailbox}


def read_statement(data):
    c, s = Cursor(data), {}
    c.expect(domain(b"stmt"))
    s["kind"], s["seq"], s["prev"] = c.u(1), c.u(8), c.take(32)
    s["time"], s["issuer"] = c.u(8), c.take(16)
    body = Cursor(c.text(2))
    s["signed"] = data[:c.at]
    s["sigs"] = [(c.take(16), c.take(64)) for _ in range(c.u(1))]
    c.end()
    ascending([x[0] for x in s["sigs"]])
    s["hash"] = H(s["signed"])
    need(s["kind"] in BODIES, "kind")
    BODIES[s["kind"]](body, s)
    body.end()
    return s


class Who:
    """The parties, as far as the statements that were given tell."""

    def __init__(self):
        self.network_id, self.policies, self.clock = None, [], 0
        self.roots, self.pending, self.chains = {}, {}, {}
        self.devices, self.mailboxes, self.hashes = {}, {}, set()

    def check_registrars(self, s, policy):
        keys = {key_id(k): k for k in policy["keys"]}
        need(len(s["sigs"]) >= policy["k"], "too few signatures")
        for signer, sig in s["sigs"]:
            need(signer in keys, "signer")
            reader.verify(keys[signer], sig, s["signed"])

    def check_root(self, s):
        agency = s["issuer"]
        need(agency in self.roots and len(s["sigs"]) == 1, "issuer")
        pending = self.pending.get(agency)
        due = pending and pending["effective"] <= max(s["time"], self.clock)
        signer, sig = s["sigs"][0]
        if pending and (due or signer == key_id(pending["root"])):
            self.roots[agency] = pending["root"]
            del self.pending[agency]
        need(signer == key_id(self.roots[agency]), "root")
        reader.verify(self.roots[agency], sig, s["signed"])

    def check_chain(self, s):
        last = self.chains.get(s["issuer"])
        if last is None:
            need(s["seq"] != 0 or s["prev"] == self.network_id, "chain")
        else:
            need(s["seq"] > last[0], "chain")
            need(s["seq"] != last[0] + 1 or s["prev"] == last[1], "chain")

    def check_pop(self, s):
        if "pop" in s:
            reader.verify(s["pop_by"], s["pop"], domain(b"pop") +
                          self.network_id + s["agency"] + s["pop_over"])

    def found(self, s):
        need(s["kind"] == 1 and s["seq"] == 0 and s["prev"] == NONE and
             s["issuer"] == NOBODY, "genesis")
        self.check_registrars(s, s)
        self.network_id = s["hash"]
        s["issuer"] = s["hash"][:16]

    def add(self, index, data):
        s = read_statement(data)
        if index == 0:
            self.found(s)
        else:
            need(self.policies, "no genesis")
            by_registrar = s["issuer"] == self.network_id[:16]
            need(by_registrar == (s["kind"] < 16), "authority")
            self.check_chain(s)
            if by_registrar:
                self.check_registrars(s, self.policies[-1])
            else:
                self.check_root(s)
        self.check_pop(s)
        self.apply(s)
        self.chains[s["issuer"]] = (s["seq"], s["hash"])
        self.clock = max(self.clock, s["time"])
        self.hashes.add(H(data))

    def apply(self, s):
        kind = s["kind"]
        if kind == 1:
            self.policies.append(s)
        elif kind == 2:
            self.roots.setdefault(s["agency"], s["root"])
        elif kind in (3, 4):
            need(s["agency"] in self.roots, "agency")
            if kind == 4:
                self.pending[s["agency"]] = s
        elif kind in (5, 17):
            d = self.devices.get(s["device"])
            need(d and (kind == 5 or d["agency"] == s["issuer"]), "device")
            need(s["since"] <= s["time"] and
                 s["since"] < d.get("since", 1 << 64), "since")
            d["since"] = s["since"]
        elif kind == 16:
            need(key_id(s["key"]) not in self.devices, "device")
            self.devices[key_id(s["key"])] = s
        elif kind == 18:
            p = self.pending.pop(s["issuer"], None)
            need(p and p["hash"] == s["cancels"], "cancel")
        else:
            need(self.mailboxes.setdefault(s["mailbox"], s["issuer"]) ==
                 s["issuer"], "mailbox")


def standing(device, *times_ms):
    if device is None:
        return "unknown"
    latest = max(times_ms) // 1000
    if "since" in device:
        return "revoked_later" if latest < device["since"] else "revoked"
    return "live" if latest < device["not_after"] else "expired"


# ---- 14.10: judging ----

def judge_directory(b, p):
    who = p["who"] = Who()
    if "directory" not in b:
        return
    note, leaves = b["directory"]
    for index, statement, _ in leaves:
        who.add(index, statement)
    newest = who.policies[-1]
    size, root = reader.read_checkpoint(note, newest["directory"],
                                        newest["log_key"])
    for index, statement, path in leaves:
        need(reader.root_from_path(H(b"\0", statement), index, size,
                                   path) == root, "path")


def judge_header(b, p):
    if "header" in b:
        p["hdr"] = reader.parse_hdr(b["header"])
        p["hh"] = reader.header_hash(b["header"])


def judge_seal(b, p):
    if "seal" in b:
        need(len(b["seal"]) == 32 * (len(p["hdr"]["slots"]) + 1), "slots")
        p["digest"] = H(domain(b"pkt"), p["hh"],
                        H(domain(b"wraps"), b["seal"][:-32]), b["seal"][-32:])


def read_lists(data):
    c, i = Cursor(data), {}
    need(c.u(1) == 1, "version")
    c.take(1)
    i["sender"], i["device"], i["created_ms"] = c.take(16), c.take(16), c.u(8)
    c.take(104 + 104 + 16)
    fixed_end = c.at
    i["parts"] = [(c.u(1), c.u(1), c.take(32)) for _ in range(c.u(1))]
    parts_end = c.at
    i["atts"] = [(c.take(16), c.u(1), c.u(8)) for _ in range(c.u(2))]
    i["hashes"] = H(domain(b"i0"), data[:fixed_end]) + H(
        domain(b"i1"), data[fixed_end:parts_end]) + H(
        domain(b"i2"), data[parts_end:c.at])
    i["sig"] = c.take(64)
    c.end()
    ascending([x[0] for x in i["parts"]])
    need(1 <= len(i["parts"]) <= 16 and i["parts"][0][:2] == (0, 1), "parts")
    return i


def judge_lists(b, p):
    if "lists" not in b:
        return
    i = p["lists"] = read_lists(b["lists"])
    need([(a[0], reader.stream_len(reader.padme(max(4096, a[2]))))
          for a in i["atts"]] == [(a[0], a[1]) for a in p["hdr"]["atts"]],
         "attachments")
    device = p["who"].devices.get(i["device"])
    if device is not None:
        need(device["agency"] == i["sender"], "agency")
        reader.verify(device["key"], i["sig"],
                      domain(b"sig") + p["hh"] + i["hashes"])
        p["signed"] = True


def judge_parts(b, p):
    for number, blind, data in b.get("parts", []):
        commits = {x[0]: x[2] for x in p["lists"]["parts"]}
        need(commits.get(number) == H(domain(b"part"), bytes([number]), blind,
                                      data), "commitment")


def read_receipt(who, data):
    for policy in reversed(who.policies):
        try:
            return reader.read_receipt(data, policy["delivery"],
                                       policy["log_key"])
        except Bad:
            continue
    raise Bad("no key fits")


def same_packet(p, e):
    for name in ("packet_id", "sender_agency", "recipient_mailbox",
                 "pkt_digest", "not_after", "class"):
        need(p["common"].setdefault(name, e[name]) == e[name], name)


OPENED, FAILED, ANY = {1}, {2, 3, 4}, {1, 2, 3, 4}
WORDS = {2: OPENED, 3: FAILED, 16: OPENED, 17: FAILED, 18: ANY}


def check_word(p, e, data):
    """Who stands behind an event: None when the bytes are missing."""
    named = e["type"] in WORDS or e["type"] == 4
    need(named == (e["evidence"] != NONE), "names evidence")
    if not named or not data:
        return (None if named else "relay"), False
    need(H(data) == e["evidence"], "evidence")
    if e["type"] == 3 and e["reason"] == 16:
        return ("statement" if H(data) in p["who"].hashes else None), False
    side = 4 if e["type"] == 4 else 2
    device = p["who"].devices.get(e["actor"])
    if device is None:
        return None, False
    if side == 4:
        w = reader.read_wdrw(data, device["key"])
        need(w["sender_agency"] == device["agency"] == e["sender_agency"] and
             w["device"] == e["actor"], "withdrawing device")
    else:
        w = reader.read_rcpt(data, device["key"])
        number = {v: k for k, v in reader.OUTCOMES.items()}[w["outcome"]]
        need(number in WORDS[e["type"]] and w["stored_index"] == e["ref"] and
             w["agency"] == device["agency"] and w["device"] == e["actor"],
             "receiving device")
        need(p["who"].mailboxes.get(e["recipient_mailbox"], w["agency"]) ==
             w["agency"], "mailbox")
        if "hdr" in p:
            need((w["device"], w["prekey_id"]) in p["hdr"]["slots"], "slot")
    need((w["packet_id"], w["pkt_digest"]) ==
         (e["packet_id"], e["pkt_digest"]), "another packet")
    need({v: k for k, v in reader.REASONS.items()}[w["reason"]] ==
         e["reason"], "reason")
    shown = side == 2 and p.get("signed", False) and \
        w["opened"] == reader.opened_hash(p["lists"]["sig"])
    return "device", shown


def check_order(events):
    ascending([e["index"] for e in events])
    types = [e["event"]["type"] for e in events]
    ends = [i for i, t in enumerate(types) if t in (2, 3, 4, 5)]
    need(len(ends) <= 1 and 1 not in types[1:], "order")
    stored = {e["event"]["ref"] for e in events
              if e["event"]["type"] not in (1, 20)}
    stored |= {e["index"] for e in events if e["event"]["type"] == 1}
    need(len(stored) <= 1, "ref")
    if ends:
        need(not set(types[:ends[0]]) & {16, 18, 20}, "too early")
        need(19 not in types[ends[0]:], "too late")


def judge_events(b, p):
    p["events"] = []
    p["common"] = {}
    if "hdr" in p:
        h = p["hdr"]
        p["common"] = {"packet_id": h["packet_id"], "class": h["class"],
                       "recipient_mailbox": h["mailbox"],
                       "not_after": h["not_after"]}
    if "digest" in p:
        p["common"]["pkt_digest"] = p["digest"]
    if "lists" in p:
        p["common"]["sender_agency"] = p["lists"]["sender"]
    for proof, evidence in b.get("events", []):
        r = read_receipt(p["who"], proof)
        e = r["event"]
        same_packet(p, e)
        need(e["type"] != 5 or e["time_ms"] // 1000 >= e["not_after"] + 900,
             "too early")
        r["behind_it"], r["decrypted"] = check_word(p, e, evidence)
        r["opening"] = proof.split(b"\n")[1]
        p["events"].append(r)
    check_order(p["events"])


def cosigned_time(note, name, key):
    """14.1: when the witness signed this note; None: not at all."""
    text, _, lines = note.rpartition(b"\n\n")
    for line in lines[:-1].split(b"\n"):
        raw = reader.b64(line.split(b" ")[2])
        if line.split(b" ")[1] == name and \
                raw[:4] == reader.note_key_id(name, 4, key):
            time = struct.unpack(">Q", raw[4:12])[0]
            reader.verify(key, raw[12:], b"cosignature/v1\ntime %d\n" % time +
                          text + b"\n")
            return time
    return None


def judge_cosigned(b, p):
    p["witnessed"] = {}
    for proof, _ in b.get("cosigned", []):
        r = read_receipt(p["who"], proof)
        need(any((e["index"], e["opening"]) ==
                 (r["index"], proof.split(b"\n")[1]) for e in p["events"]),
             "of no receipt here")
        if p["witness"] is not None:
            p["witnessed"][r["index"]] = cosigned_time(
                proof.partition(b"\n\n")[2], *p["witness"])


STEPS = [("directory", judge_directory), ("header", judge_header),
         ("seal", judge_seal), ("lists", judge_lists), ("parts", judge_parts),
         ("events", judge_events), ("cosigned", judge_cosigned)]


def judge(data, witness=None):
    """What DATA proves; Fault names the section that is wrong.  WITNESS is
    (name, key) of the one that makes the quorum."""
    try:
        b = read_bundle(data)
    except Bad as e:
        raise Fault("file", e) from None
    p = {"witness": witness, "signed": False}
    for section, step in STEPS:
        try:
            step(b, p)
        except (Bad, IndexError) as e:
            raise Fault(section, e) from None
    if p["signed"]:
        times = [p["lists"]["created_ms"]] + [
            e["event"]["time_ms"] for e in p["events"]
            if e["event"]["type"] == 1]
        p["sender_was"] = standing(
            p["who"].devices[p["lists"]["device"]], *times)
    p["disclosed"] = sum(1 << x[0] for x in b.get("parts", []))
    return p
