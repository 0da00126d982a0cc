"""A relay's peer in Python, from PROTOCOL.md alone: statements, the founding
file, the handshake, records and messages.  Shares no code with the C side."""
import base64
import hashlib
import os
import re
import socket
import struct
import time

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import (Encoding,
                                                          PublicFormat)
from dissononce.cipher.chachapoly import ChaChaPolyCipher

from dissononce.dh.x25519.private import PrivateKey
from dissononce.dh.x25519.public import PublicKey
from dissononce.dh.x25519.x25519 import X25519DH
from dissononce.hash.sha256 import SHA256Hash
from dissononce.processing.handshakepatterns.interactive.NK import \
    NKHandshakePattern
from dissononce.processing.handshakepatterns.interactive.XK import \
    XKHandshakePattern
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState

XK, NK = 1, 2
SIZES = (128, 512, 2048, 8192, 32768, 65519)
IDLE, LAST, PART, BLOB, BYE = range(5)
WELCOME, DIR_GET, DIR, STMT_PUT, JOIN_STATUS, JOIN_STATE, ERROR = \
    1, 30, 31, 32, 42, 44, 255


# --- statements (section 12) --------------------------------------------------

class Signer:
    def __init__(self):
        self.key = Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes(Encoding.Raw,
                                                         PublicFormat.Raw)
        self.id = hashlib.sha256(b"sealpost/1/id\0" + self.public).digest()[:16]

    def sign(self, data):
        return self.key.sign(data)


def short(text):
    return bytes([len(text)]) + text


def statement(kind, seq, prev, issuer, body, signer):
    signed = (b"sealpost/1/stmt\0" + struct.pack(">BQ", kind, seq) + prev +
              struct.pack(">Q", int(time.time())) + issuer +
              struct.pack(">H", len(body)) + body)
    return (hashlib.sha256(signed).digest(),
            signed + b"\1" + signer.id + signer.sign(signed))


class Network:
    """One registrar, one agency of class non_statutory with one device."""

    def __init__(self, card):
        def line(name):
            return re.search("^%s: (.*)$" % name, card, re.M).group(1)

        def key(name):
            text = line(name).upper()
            return base64.b32decode(text + "=" * (-len(text) % 8))
        self.name = line("name").encode()
        self.relay_key = key("transport-key")
        self.registrar, self.root, self.device = Signer(), Signer(), Signer()
        self.transport = X25519DH().generate_keypair()
        policy = (struct.pack(">BBB", 2, 1, 1) + self.registrar.public +
                  short(self.name) + self.relay_key + key("log-key") +
                  short(line("delivery-origin").encode()) +
                  short(line("directory-origin").encode()) + bytes(40) +
                  struct.pack(">I", 400))
        self.id, first = statement(1, 0, bytes(32), bytes(16), policy,
                                   self.registrar)
        self.leaves = [first, self.admit(), self.enrol()]

    def pop(self, signer, what):
        return signer.sign(b"sealpost/1/pop\0" + self.id + self.root.id + what)

    def admit(self):
        body = (self.root.public + b"\2DE" + struct.pack(">I", 0) +
                short(b"Harbour") + struct.pack(">H", 0) +
                self.pop(self.root, self.root.public))
        return statement(2, 1, self.id, self.id[:16], body, self.registrar)[1]

    def enrol(self):
        body = (self.device.public + self.transport.public.data +
                struct.pack(">Q", int(time.time()) + 86400) + short(b"desk 1"))
        body += self.pop(self.device, body)
        return statement(16, 0, self.id, self.root.id, body, self.root)[1]

    def genesis(self):
        return b"sealpost/1/bundle\0" + b"".join(
            struct.pack(">H", len(s)) + s for s in self.leaves)


# --- the connection (sections 3, 4, 5) ------------------------------------------

class Direction:
    def __init__(self, cipherstate):
        self.state, self.count = cipherstate, 0

    def counted(self, result):
        self.count += 1
        if self.count % 65536 == 0:
            cipher = ChaCha20Poly1305(self.state._key)
            self.state._key = cipher.encrypt(bytes(4) + b"\xff" * 8, bytes(32),
                                             b"")[:32]
        return result

    def seal(self, plain):
        return self.counted(self.state.encrypt_with_ad(b"", plain))

    def open(self, sealed):
        return self.counted(self.state.decrypt_with_ad(b"", sealed))


class Peer:
    """A socket to the relay; nothing is said yet."""

    def __init__(self, address, patience=20):
        self.sock = socket.create_connection(address, timeout=patience)

    def close(self):
        self.sock.close()

    def write(self, data):
        self.sock.sendall(data)

    def read(self, length):
        data = b""
        while len(data) < length:
            more = self.sock.recv(length - len(data))
            if not more:
                raise EOFError("closed after %d of %d" % (len(data), length))
            data += more
        return data

    def rest(self):
        """All that comes until the relay closes."""
        data = b""
        try:
            while True:
                more = self.sock.recv(65536)
                if not more:
                    return data
                data += more
        except ConnectionResetError:
            return data
        finally:
            self.close()

    def begin(self, suite, net, relay_key=None, name=None, preamble=None):
        """Preamble and message 1."""
        name = name or net.name
        self.suite = suite
        self.shake = HandshakeState(
            SymmetricState(CipherState(ChaChaPolyCipher()), SHA256Hash()),
            X25519DH())
        self.shake.initialize(
            (XKHandshakePattern if suite == XK else NKHandshakePattern)(),
            True, b"sealpost/1/transport\0SPT1" + bytes([suite]) + short(name),
            s=net.transport if suite == XK else None,
            rs=PublicKey(relay_key or net.relay_key))
        message = bytearray()
        self.shake.write_message(b"", message)
        self.write((preamble or b"SPT1" + bytes([suite])) +
                   struct.pack(">H", 48) + bytes(message))

    def hear_two(self):
        assert struct.unpack(">H", self.read(2))[0] == 58
        payload = bytearray()
        ciphers = self.shake.read_message(self.read(58), payload)
        self.version, self.relay_ms = struct.unpack(">HQ", bytes(payload))
        if ciphers:
            self.out, self.into = map(Direction, ciphers)

    def say_three(self, agency, device, version=1):
        message = bytearray()
        ciphers = self.shake.write_message(
            struct.pack(">H", version) + agency + device, message)
        self.write(struct.pack(">H", 98) + bytes(message))
        self.out, self.into = map(Direction, ciphers)

    def stranger(self, net):
        self.begin(NK, net)
        self.hear_two()
        return self

    def member(self, net, mail=0):
        self.begin(XK, net)
        self.hear_two()
        self.say_three(net.root.id, net.device.id)
        assert self.message()[:2] == [WELCOME, 0]
        self.say([WELCOME, 0, None, None, mail])
        return self

    def sealed(self, kind, data, size=None):
        plain = bytes([kind]) + len(data).to_bytes(3, "big") + data
        size = size or next(s for s in SIZES if s >= len(plain))
        record = self.out.seal(plain + bytes(size - len(plain)))
        return struct.pack(">H", len(record)) + record

    def say_bytes(self, message):
        room = SIZES[-1] - 4
        cuts = range(0, len(message), room)
        for at in cuts:
            kind = LAST if at == cuts[-1] else PART
            self.write(self.sealed(kind, message[at:at + room]))

    def say(self, fields):
        self.say_bytes(msgpack.packb(fields, use_bin_type=True))

    def record(self):
        plain = self.into.open(self.read(struct.unpack(">H", self.read(2))[0]))
        length = int.from_bytes(plain[1:4], "big")
        assert len(plain) == next(s for s in SIZES if s >= 4 + length)
        assert not any(plain[4 + length:])
        return plain[0], plain[4:4 + length]

    def message(self):
        whole = b""
        while True:
            kind, data = self.record()
            if kind == BYE:
                raise EOFError("bye %d" % struct.unpack(">H", data))
            assert kind in (LAST, PART), kind
            whole += data
            if kind == LAST:
                return msgpack.unpackb(whole, raw=False)

    def ask(self, fields):
        self.say(fields)
        answer = self.message()
        assert answer[1] == fields[1], answer
        return answer

    def bye(self):
        """Nothing but a bye comes; its code."""
        kind, data = self.record()
        assert kind == BYE, kind
        assert self.rest() == b""
        return struct.unpack(">H", data)[0]


def other_key():
    return X25519DH().generate_keypair(PrivateKey(os.urandom(32))).public.data
