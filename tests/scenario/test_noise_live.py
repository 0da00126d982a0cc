#!/usr/bin/python3
"""The channel against an independent Noise implementation (dissononce), live.

Speaks PROTOCOL.md section 3 in Python: preamble, prologue, three or two
handshake messages, padded records, messages in parts, blobs, idle, bye and the
change of keys after 65536 records.  The other end is build/tests/peer/link_peer
on a pair of pipes, once as relay and once as client.  dissononce's own rekey()
is not REKEY(k) of the specification, so that is done here.
"""
import os
import queue
import struct
import subprocess
import sys
import threading
import traceback

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from dissononce.cipher.chachapoly import ChaChaPolyCipher
from dissononce.dh.keypair import KeyPair
from dissononce.dh.x25519.private import PrivateKey
from dissononce.dh.x25519.public import PublicKey
from dissononce.dh.x25519.x25519 import X25519DH
from dissononce.exceptions.decrypt import DecryptFailedException
from dissononce.hash.sha256 import SHA256Hash
from dissononce.processing.handshakepatterns.interactive.NK import \
    NKHandshakePattern
from dissononce.processing.handshakepatterns.interactive.XK import \
    XKHandshakePattern
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState

PEER = os.path.join(os.environ.get("SEALPOST_BUILD", "build"),
                    "tests/peer/link_peer")
NAME = b"relay.example"
XK, NK = 1, 2
SIZES = (128, 512, 2048, 8192, 32768, 65519)
IDLE, LAST, PART, BLOB, BYE = range(5)
PATTERN = bytes((i * 251 + (i >> 8)) & 0xff for i in range(200000))


def keypair(head):
    return X25519DH().generate_keypair(
        PrivateKey(bytes(head) + bytes(32 - len(head))))


RELAY = keypair([0x10, 1, 2, 3])
CLIENT = keypair([0x20, 4, 5, 6])
AGENCY = b"A" + bytes(15)
DEVICE = b"D23456789012345d"


class Direction:
    """One transport cipher, with the rule of PROTOCOL.md section 3 for new keys."""

    def __init__(self, cipherstate):
        self.state = cipherstate
        self.count = 0

    def counted(self, result):
        self.count += 1
        if self.count % 65536 == 0:
            nonce = bytes(4) + b"\xff" * 8
            cipher = ChaCha20Poly1305(self.state._key)
            self.state._key = cipher.encrypt(nonce, bytes(32), b"")[:32]
        return result

    def seal(self, plain):
        return self.counted(self.state.encrypt_with_ad(b"", plain))

    def open(self, sealed):
        return self.counted(self.state.decrypt_with_ad(b"", sealed))


class Channel:
    def __init__(self, role):
        self.process = subprocess.Popen([PEER, role], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        # Pipes are small: whoever writes must not keep both ends waiting.
        self.outbox = queue.Queue()
        self.writer = threading.Thread(target=self.pump, daemon=True)
        self.writer.start()

    def pump(self):
        try:
            for data in iter(self.outbox.get, None):
                self.process.stdin.write(data)
                self.process.stdin.flush()
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # the peer ended first; its exit status tells

    def write(self, data):
        self.outbox.put(data)

    def read(self, length):
        data = self.process.stdout.read(length)
        if len(data) != length:
            raise EOFError("the peer closed after %d of %d bytes" %
                           (len(data), length))
        return data

    def ended(self):
        """What the peer ended by; it must have had no more to send."""
        self.outbox.put(None)
        rest = self.process.stdout.read()
        self.writer.join()
        assert rest == b"", "%d bytes after the end" % len(rest)
        reason = self.process.stderr.read().decode().strip()
        assert (self.process.wait() == 0) == (reason == "ERR_CLOSED"), reason
        return reason

    def start(self, suite, initiator):
        self.shake = HandshakeState(
            SymmetricState(CipherState(ChaChaPolyCipher()), SHA256Hash()),
            X25519DH())
        prologue = (b"sealpost/1/transport\0SPT1" + bytes([suite]) +
                    bytes([len(NAME)]) + NAME)
        own = (CLIENT if suite == XK else None) if initiator else RELAY
        self.shake.initialize(
            (XKHandshakePattern if suite == XK else NKHandshakePattern)(),
            initiator, prologue, s=own,
            rs=PublicKey(RELAY.public.data) if initiator else None)
        self.initiator = initiator
        self.ciphers = None

    def say(self, payload, length):
        message = bytearray()
        self.ciphers = self.shake.write_message(payload, message) \
            or self.ciphers
        assert len(message) == length, len(message)
        self.write(struct.pack(">H", length) + bytes(message))

    def hear(self, length):
        assert struct.unpack(">H", self.read(2))[0] == length
        payload = bytearray()
        self.ciphers = self.shake.read_message(self.read(length), payload) \
            or self.ciphers
        return bytes(payload)

    def split(self):
        first, second = map(Direction, self.ciphers)
        self.out, self.into = (first, second) if self.initiator \
            else (second, first)

    def connect(self, suite):
        self.start(suite, True)
        self.write(b"SPT1" + bytes([suite]))
        self.say(b"", 48)
        payload = self.hear(58)
        assert payload == struct.pack(">HQ", 1, 1700000000123), payload
        if suite == XK:
            self.say(struct.pack(">H", 1) + AGENCY + DEVICE, 98)
        self.split()

    def accept(self, suite):
        assert self.read(5) == b"SPT1" + bytes([suite])
        self.start(suite, False)
        assert self.hear(48) == b""
        self.say(struct.pack(">HQ", 1, 1700000000123), 58)
        if suite == XK:
            assert self.hear(98) == struct.pack(">H", 1) + AGENCY + DEVICE
            assert self.shake.rs.data == CLIENT.public.data
        self.split()

    def sealed(self, kind, data):
        plain = bytes([kind]) + len(data).to_bytes(3, "big") + data
        size = next(s for s in SIZES if s >= len(plain))
        record = self.out.seal(plain + bytes(size - len(plain)))
        return struct.pack(">H", len(record)) + record

    def record(self):
        plain = self.into.open(self.read(struct.unpack(">H", self.read(2))[0]))
        length = int.from_bytes(plain[1:4], "big")
        assert len(plain) == next(s for s in SIZES if s >= 4 + length)
        assert not any(plain[4 + length:])
        return plain[0], plain[4:4 + length]

    def send(self, message):
        room = SIZES[-1] - 4
        cuts = range(0, len(message), room)
        for at in cuts:
            kind = LAST if at == cuts[-1] else PART
            self.write(self.sealed(kind, message[at:at + room]))

    def message(self):
        whole = b""
        while True:
            kind, data = self.record()
            assert kind in (LAST, PART), kind
            whole += data
            if kind == LAST:
                return whole

    def bye(self):
        self.write(self.sealed(BYE, struct.pack(">H", 7)))
        assert self.ended() == "ERR_CLOSED"


def exchange_as_client(suite, lengths):
    channel = Channel("relay")
    channel.connect(suite)
    for length in lengths:
        channel.send(PATTERN[:length])
        assert channel.message() == PATTERN[:length]
    return channel


def an_xk_client_in_python_reaches_the_relay():
    channel = exchange_as_client(XK, (1, 124, 125, 65515, 65516, 200000))
    head = struct.pack(">IQ", 9, 1 << 40)
    channel.write(channel.sealed(BLOB, head + PATTERN[:65503]))
    assert channel.record() == (BLOB, head + PATTERN[:65503])
    channel.bye()


def an_nk_client_in_python_reaches_the_relay():
    exchange_as_client(NK, (1, 16384)).bye()


def serve(role, suite):
    """The relay in Python: send everything back until bye."""
    channel = Channel(role)
    channel.accept(suite)
    messages, blob = [], b""
    while True:
        kind, data = channel.record()
        if kind == BYE:
            break
        channel.write(channel.sealed(kind, data))
        if kind == BLOB:
            blob += data[12:]
        else:
            messages.append((kind, data))
    assert data == struct.pack(">H", 7)
    assert channel.ended() == "ERR_CLOSED"
    return messages, blob


def an_xk_client_in_c_is_served_by_python():
    messages, blob = serve("client-xk", XK)
    assert b"".join(d for _, d in messages) == \
        PATTERN[:1] + PATTERN[:121] + PATTERN
    assert [k for k, _ in messages].count(LAST) == 3
    assert blob == PATTERN[:70000]


def an_nk_client_in_c_is_served_by_python():
    messages, blob = serve("client-nk", NK)
    assert [len(d) for _, d in messages] == [1, 121, 16384]
    assert blob == b""


def both_sides_change_keys_after_65536_records():
    channel = exchange_as_client(XK, ())
    total = 131072 + 10
    first = channel.out.state._key, channel.into.state._key
    for at in range(0, total, 64):
        count = min(64, total - at)
        channel.write(b"".join(channel.sealed(IDLE, b"")
                               for _ in range(count)))
        for _ in range(count):
            assert channel.record() == (IDLE, b"")
    assert channel.out.count == channel.into.count == total
    assert channel.out.state._key != first[0]
    assert channel.into.state._key != first[1]
    channel.bye()


def refused(channel, reason):
    """The peer ends for that reason and sends not one byte more."""
    ended = channel.ended()
    assert ended == reason, ended


def a_client_with_another_key_is_refused_after_message_three():
    global CLIENT
    right, CLIENT = CLIENT, keypair([0x30, 9])
    try:
        channel = Channel("relay")
        channel.connect(XK)
        refused(channel, "ERR_AUTH")
    finally:
        CLIENT = right


def another_relay_name_is_refused_at_message_one():
    global NAME
    right, NAME = NAME, b"relay.exampIe"
    try:
        channel = Channel("relay")
        channel.start(NK, True)
        channel.write(b"SPT1" + bytes([NK]))
        channel.say(b"", 48)
        refused(channel, "ERR_VERIFY")
    finally:
        NAME = right


def a_lowered_suite_is_refused_at_message_one():
    channel = Channel("relay")
    channel.start(XK, True)
    channel.write(b"SPT1" + bytes([NK]))
    channel.say(b"", 48)
    refused(channel, "ERR_VERIFY")


def an_all_zero_ephemeral_is_refused_at_message_one():
    channel = Channel("relay")
    channel.write(b"SPT1" + bytes([XK]) + struct.pack(">H", 48) + bytes(48))
    refused(channel, "ERR_VERIFY")


def a_repeated_record_ends_the_channel():
    channel = exchange_as_client(XK, (5,))
    record = channel.sealed(LAST, b"once")
    channel.write(record)
    assert channel.message() == b"once"
    channel.write(record)
    refused(channel, "ERR_VERIFY")


def padding_that_is_not_zero_ends_the_channel():
    channel = exchange_as_client(XK, (5,))
    plain = bytes([LAST]) + (4).to_bytes(3, "big") + b"once" + bytes(119)
    record = channel.out.seal(plain + b"\1")
    channel.write(struct.pack(">H", len(record)) + record)
    refused(channel, "ERR_MALFORMED")


def a_relay_with_another_key_is_noticed_by_the_client():
    global RELAY
    right, RELAY = RELAY, keypair([0x40, 1])
    channel = Channel("client-xk")
    try:
        channel.accept(XK)
    except DecryptFailedException:
        pass
    else:
        raise AssertionError("message 1 opened with another key")
    finally:
        RELAY = right
    channel.write(struct.pack(">H", 58) + RELAY.public.data + bytes(26))
    refused(channel, "ERR_VERIFY")


STORIES = [
    an_xk_client_in_python_reaches_the_relay,
    an_nk_client_in_python_reaches_the_relay,
    an_xk_client_in_c_is_served_by_python,
    an_nk_client_in_c_is_served_by_python,
    both_sides_change_keys_after_65536_records,
    a_client_with_another_key_is_refused_after_message_three,
    another_relay_name_is_refused_at_message_one,
    a_lowered_suite_is_refused_at_message_one,
    an_all_zero_ephemeral_is_refused_at_message_one,
    a_repeated_record_ends_the_channel,
    padding_that_is_not_zero_ends_the_channel,
    a_relay_with_another_key_is_noticed_by_the_client,
]


def main():
    failed = 0
    print("1..%d" % len(STORIES))
    for number, story in enumerate(STORIES, 1):
        try:
            story()
            verdict = "ok"
        except Exception:
            traceback.print_exc(file=sys.stdout)
            verdict, failed = "not ok", failed + 1
        print("%s %d - %s" % (verdict, number, story.__name__), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
