"""tlog.py - transparency logs as a stranger would write them from the C2SP
texts (signed-note, tlog-checkpoint, tlog-cosignature, tlog-witness) and
RFC 6962; nothing here comes from proto/.  Log is one that signs, Witness one
that judges and cosigns, Served puts a Witness behind HTTP.
"""
import base64
import hashlib
import http.server
import re
import threading
import time

import nacl.exceptions
import nacl.signing

LOG, COSIGNATURE = 1, 4
DASH = "\u2014"


def b64(b):
    return base64.b64encode(b).decode()


def unb64(text):
    raw = base64.b64decode(text, validate=True)
    if b64(raw) != text:
        raise ValueError("not the one form of base64")
    return raw


class Key:
    """A name and an Ed25519 key of one of the two types."""

    def __init__(self, name, kind, seed):
        self.name, self.kind = name, kind
        self.secret = nacl.signing.SigningKey(seed)
        self.public = bytes(self.secret.verify_key)
        self.keyid = keyid(name, kind, self.public)
        self.vkey = "%s+%s+%s" % (name, self.keyid.hex(),
                                  b64(bytes([kind]) + self.public))

    def line(self, raw):
        return "%s %s %s\n" % (DASH, self.name, b64(self.keyid + raw))

    def sign(self, text):
        return self.line(self.secret.sign(text.encode()).signature)

    def cosign(self, text, at):
        message = "cosignature/v1\ntime %d\n%s" % (at, text)
        return self.line(at.to_bytes(8, "big") +
                         self.secret.sign(message.encode()).signature)


def keyid(name, kind, public):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) +
                          public).digest()[:4]


class Verifier:
    def __init__(self, vkey):
        self.name, hexid, raw = vkey.split("+", 2)
        raw = unb64(raw)
        self.kind, self.public = raw[0], raw[1:]
        self.keyid = keyid(self.name, self.kind, self.public)
        assert self.keyid.hex() == hexid, "the vkey's hash is wrong"

    def _holds(self, message, sig):
        try:
            nacl.signing.VerifyKey(self.public).verify(message.encode(), sig)
            return True
        except (nacl.exceptions.BadSignatureError, ValueError):
            return False

    def check(self, text, raw):
        """Of RAW behind the keyid: None when wrong, else its time (0: a log's)."""
        if self.kind == LOG:
            return 0 if self._holds(text, raw) else None
        at = int.from_bytes(raw[:8], "big")
        message = "cosignature/v1\ntime %d\n%s" % (at, text)
        return at if self._holds(message, raw[8:]) else None


def signature_lines(block):
    """[(name, keyid, raw)] of lines that all are signatures."""
    out = []
    for line in block.split("\n")[:-1]:
        mark, name, rest = line.split(" ")
        raw = unb64(rest)
        assert mark == DASH and len(raw) > 4, line
        out.append((name, raw[:4], raw[4:]))
    assert block.endswith("\n")
    return out


def split_note(note):
    """(text, signature lines as text)"""
    at = note.rindex("\n\n")
    return note[:at + 1], note[at + 2:]


def signed_by(note, verifier):
    """The times of the verifier's good signatures; ValueError on a bad one."""
    text, block = split_note(note)
    times = []
    for name, ident, raw in signature_lines(block):
        if (name, ident) == (verifier.name, verifier.keyid):
            at = verifier.check(text, raw)
            if at is None:
                raise ValueError("a known key's signature is wrong")
            times.append(at)
    return times


# ---- RFC 6962 ----

def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def below(n):
    """The largest power of two smaller than N."""
    return 1 << ((n - 1).bit_length() - 1)


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = below(len(leaves))
    return node(root(leaves[:k]), root(leaves[k:]))


def consistency(m, leaves, whole=True):
    """2.1.2: PROOF(m, D[n]) as SUBPROOF."""
    n = len(leaves)
    if m == n:
        return [] if whole else [root(leaves)]
    k = below(n)
    if m <= k:
        return consistency(m, leaves[:k], whole) + [root(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [root(leaves[:k])]


def inclusion(m, leaves):
    """2.1.1: PATH(m, D[n])"""
    if len(leaves) == 1:
        return []
    k = below(len(leaves))
    if m < k:
        return inclusion(m, leaves[:k]) + [root(leaves[k:])]
    return inclusion(m - k, leaves[k:]) + [root(leaves[:k])]


def joined(old, size, old_root, new_root, path):
    """RFC 9162 2.1.4.2."""
    if old == size:
        return not path and old_root == new_root
    if old == 0 or old > size or not path:
        return False
    path = list(path)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root


# ---- a log ----

class Log:
    def __init__(self, origin, seed=b"\1" * 32, salt=b""):
        self.key = Key(origin, LOG, seed)
        self.origin, self.salt, self.leaves = origin, salt, []

    def grow(self, size):
        while len(self.leaves) < size:
            self.leaves.append(leaf(self.salt + b"entry %d" %
                                    len(self.leaves)))
        return self

    def text(self, size):
        self.grow(size)
        return "%s\n%d\n%s\n" % (self.origin, size,
                                 b64(root(self.leaves[:size])))

    def note(self, size):
        text = self.text(size)
        return text + "\n" + self.key.sign(text)

    def proof(self, old, size):
        self.grow(size)
        return [] if old in (0, size) else \
            consistency(old, self.leaves[:size])

    def request(self, old, size, path=None):
        if path is None:
            path = self.proof(old, size) if old <= size else []
        return add_checkpoint(old, path, self.note(size))


def add_checkpoint(old, path, note):
    return ("old %d\n" % old + "".join(b64(h) + "\n" for h in path) + "\n" +
            note).encode()


# ---- a witness ----

class Witness:
    """Judges as c2sp.org/tlog-witness says; keeps its state in memory."""

    def __init__(self, name, seed=b"\2" * 32, clock=lambda: int(time.time())):
        self.key = Key(name, COSIGNATURE, seed)
        self.clock, self.logs, self.lock = clock, {}, threading.Lock()

    def follow(self, vkey):
        v = Verifier(vkey)
        self.logs[v.name] = {"key": v, "size": 0, "note": None,
                             "root": root([])}

    @staticmethod
    def _parse(body):
        head, note = body.decode().split("\n\n", 1)
        lines = head.split("\n")
        if not re.fullmatch(r"old (0|[1-9][0-9]*)", lines[0]) or \
                len(lines) > 64:
            raise ValueError("old line")
        path = [unb64(x) for x in lines[1:]]
        if any(len(h) != 32 for h in path):
            raise ValueError("hash")
        text, block = split_note(note)
        signature_lines(block)
        return int(lines[0][4:]), path, note, text.split("\n")

    def judge(self, body):
        """(status, content type, body)"""
        with self.lock:
            return self._judge(body)

    def _judge(self, body):
        try:
            old, path, note, lines = self._parse(body)
        except (ValueError, AssertionError):
            return 400, "text/plain", "malformed\n"
        log = self.logs.get(lines[0])
        if log is None:
            return 404, "text/plain", "unknown\n"
        try:
            if len(lines) != 4 or not re.fullmatch("0|[1-9][0-9]*", lines[1]):
                raise ValueError("checkpoint")
            size, new_root = int(lines[1]), unb64(lines[2])
            if len(new_root) != 32:
                raise ValueError("root")
        except ValueError:
            return 400, "text/plain", "malformed\n"
        try:
            known = signed_by(note, log["key"])
        except ValueError:
            known = []
        if not known:
            return 403, "text/plain", "unsigned\n"
        return self._grow(log, old, size, new_root, path, note)

    def _grow(self, log, old, size, new_root, path, note):
        if old > size:
            return 400, "text/plain", "backwards\n"
        if old != log["size"]:
            return 409, "text/x.tlog.size", "%d\n" % log["size"]
        if size == 0 and new_root != root([]):
            return 422, "text/plain", "root\n"
        if old == 0 and path or old > 0 and not joined(
                old, size, log["root"], new_root, path):
            return 422, "text/plain", "proof\n"
        line = self.key.cosign(split_note(note)[0], self.clock())
        log.update(size=size, root=new_root, note=note + line)
        return 200, "text/plain", line


class Served:
    """A Witness behind HTTP, as a context; URL, and the REQUESTS it saw."""

    def __init__(self, witness):
        self.witness, self.requests = witness, []
        served = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                served.requests.append(body)
                status, kind, text = 404, "text/plain", "no\n"
                if self.path == "/add-checkpoint":
                    status, kind, text = served.witness.judge(body)
                raw = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.http.server_port

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
