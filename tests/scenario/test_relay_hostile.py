#!/usr/bin/python3
"""Strangers at the relay's door: a real sealpostd and raw sockets.

Whatever they send, nothing is answered before authentication, and the relay
stays healthy.  The one peer that behaves (tests/lib/wire.py) is written from
PROTOCOL.md, founding file included.
"""
import os
import random
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
import wire  # noqa: E402
from wire import BYE, DIR_GET, IDLE, LAST, NK, XK, Peer  # noqa: E402

SEALPOSTD = os.path.join(os.environ.get("SEALPOST_BUILD", "build"),
                         "sealpostd")
PER_ADDRESS = 20
HANDSHAKE_S = 10


class Relay:
    def __init__(self):
        self.base = tempfile.mkdtemp(prefix="sealpost-hostile.")
        self.data = os.path.join(self.base, "relay")
        card = self.run("init", "--name", "relay.hostile")
        self.net = wire.Network(card)
        genesis = os.path.join(self.base, "genesis.spost")
        with open(genesis, "wb") as f:
            f.write(self.net.genesis())
        self.run("genesis", genesis)
        conf = os.path.join(self.base, "sealpostd.conf")
        with open(conf, "w") as f:
            f.write("[network]\nsessions_per_address = %d\n" % PER_ADDRESS)
        self.log = open(os.path.join(self.base, "log"), "w+")
        self.process = subprocess.Popen(
            [SEALPOSTD, "run", "--data", self.data, "--config", conf,
             "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
            stderr=self.log)
        host, port = self.process.stdout.readline().decode().split(":")
        self.address = host, int(port)

    def run(self, *args):
        return subprocess.run([SEALPOSTD, *args, "--data", self.data],
                              check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE).stdout.decode()

    def status(self):
        return {k: int(v) for k, v in
                (line.split("=") for line in self.run("status").split())}

    def until(self, name, value):
        """status is asked again and again, for ten seconds at most."""
        end = time.monotonic() + 10
        while self.status()[name] != value:
            assert time.monotonic() < end, self.status()

    def peer(self, **more):
        return Peer(self.address, **more)

    def is_healthy(self):
        assert self.process.poll() is None
        peer = self.peer().member(self.net)
        answer = peer.ask([DIR_GET, 7, 0, 512])
        assert answer[3] == self.net.leaves
        peer.close()
        self.until("sessions", len(loris))

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=5) == 0
        assert self.run("check") == "Everything verifies.\n"
        self.log.seek(0)
        said = self.log.read()
        assert " error: " not in said, said
        shutil.rmtree(self.base)


relay = None
loris = []  # slow ones, opened first, looked at last


class Slow:
    """A client that takes its time; ANSWER is how many bytes it may hear."""
    dribbles = False

    def __init__(self, how, answer):
        self.peer, self.answer = relay.peer(), answer
        self.since = time.monotonic()
        how(self.peer)
        loris.append(self)


def open_the_slow_ones():
    def half_a_frame(peer):
        peer.write(b"SPT1\1\0\x30" + bytes(20))

    def stops_at_message_three(peer):
        peer.begin(XK, relay.net)

    Slow(lambda peer: None, 0)
    Slow(lambda peer: peer.write(b"S"), 0)
    Slow(half_a_frame, 0)
    Slow(lambda peer: peer.write(b"SPT1\1\0\x30"), 0).dribbles = True
    Slow(stops_at_message_three, 60)


# --- stories ------------------------------------------------------------------

def unanswered(data, shut=False):
    peer = relay.peer()
    try:
        peer.write(data)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it was enough before the end
    if shut:
        try:
            peer.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    said = peer.rest()
    assert said == b"", "%d bytes were answered" % len(said)


def nothing_is_answered_to_who_speaks_something_else():
    unanswered(b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n")
    unanswered(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512))
    unanswered(b"SSH-2.0-OpenSSH_9.2\r\n")
    unanswered(b"EHLO relay\r\n")
    unanswered(random.Random(1).randbytes(100000))
    unanswered(b"SPT2\1" + struct.pack(">H", 48) + bytes(48))


def an_unknown_suite_is_not_answered():
    for suite in (0, 3, 4, 255):
        unanswered(b"SPT1" + bytes([suite, 0, 48]) + bytes(48))


def frames_of_a_wrong_size_are_not_answered():
    for size in (0, 1, 47, 49, 58, 98, 4096, 65535):
        unanswered(b"SPT1\1" + struct.pack(">H", size) + bytes(size),
                   shut=True)


def truncated_openings_are_not_answered():
    whole = b"SPT1\2\0\x30" + os.urandom(48)
    for cut in (0, 1, 4, 5, 6, 7, 8, 54):
        unanswered(whole[:cut], shut=True)


def message_one_to_another_relay_is_not_answered():
    for suite in (XK, NK):
        peer = relay.peer()
        peer.begin(suite, relay.net, relay_key=wire.other_key())
        assert peer.rest() == b""
        peer = relay.peer()
        peer.begin(suite, relay.net, name=b"relay.hostilf")
        assert peer.rest() == b""


def a_suite_changed_under_way_is_not_answered():
    peer = relay.peer()
    peer.begin(XK, relay.net, preamble=b"SPT1\2")
    assert peer.rest() == b""


def a_repeated_opening_is_answered_but_of_no_use():
    peer = relay.peer()
    recorded = []
    peer.write = lambda data, write=peer.write: (recorded.append(data),
                                                 write(data))
    peer.member(relay.net)
    peer.close()
    again = relay.peer()
    for data in recorded[:2]:
        again.write(data)
    assert len(again.rest()) == 60  # message 2, and no word behind it


def message_three_of_nobody_known_is_not_answered():
    net = relay.net
    for agency, device, version in (
            (net.root.id, os.urandom(16), 1), (os.urandom(16), net.device.id, 1),
            (bytes(16), bytes(16), 1), (net.root.id, net.device.id, 0),
            (net.root.id, net.device.id, 2)):
        peer = relay.peer()
        peer.begin(XK, net)
        peer.hear_two()
        peer.say_three(agency, device, version)
        assert peer.rest() == b""


def a_device_with_another_transport_key_is_not_answered():
    right = relay.net.transport
    relay.net.transport = wire.X25519DH().generate_keypair()
    try:
        peer = relay.peer()
        peer.begin(XK, relay.net)
        peer.hear_two()
        peer.say_three(relay.net.root.id, relay.net.device.id)
        assert peer.rest() == b""
    finally:
        relay.net.transport = right


def message_two_tells_the_version_and_the_time():
    peer = relay.peer().stranger(relay.net)
    assert peer.version == 1
    assert abs(peer.relay_ms / 1000 - time.time()) < 60
    peer.close()


def records_that_are_wrong_end_the_session_without_a_word():
    def frame(peer, size):
        return struct.pack(">H", size) + os.urandom(size)

    def padded(peer):
        plain = bytes([LAST, 0, 0, 1]) + b"x" + b"\1" + bytes(122)
        record = peer.out.seal(plain)
        return struct.pack(">H", len(record)) + record

    wrong = [
        lambda peer: frame(peer, 144),          # does not open
        lambda peer: frame(peer, 0),            # no size of a record
        lambda peer: frame(peer, 65535),
        padded,                                 # padding is not zero
        lambda peer: peer.sealed(LAST, b""),    # a message of no bytes
        lambda peer: peer.sealed(9, b"x"),      # no kind
        lambda peer: peer.sealed(IDLE, b"x"),
        lambda peer: peer.sealed(LAST, b"x", size=512),
        lambda peer: peer.sealed(LAST, b"x" * 16385),  # above NK's limit
    ]
    for make in wrong:
        peer = relay.peer().stranger(relay.net)
        peer.write(make(peer))
        assert peer.rest() == b""


def a_stranger_may_ask_three_things_only():
    peer = relay.peer().stranger(relay.net)
    answer = peer.ask([wire.JOIN_STATUS, 1, bytes(16)])
    assert answer == [wire.JOIN_STATE, 1, 0, ""], answer
    answer = peer.ask([DIR_GET, 2, 0, 512])
    assert answer[0] == wire.ERROR and answer[2] == 4, answer
    peer.write(peer.sealed(BYE, struct.pack(">H", 0)))
    assert peer.rest() == b""


def what_is_no_message_gets_a_bye():
    for data in (b"\xc1", b"\x93", b"\xdd\xff\xff\xff\xff", b"\x80",
                 b"\x94\x1e\xcc\x01\x00\x01",  # not the shortest form
                 b"\x94\x1e\x01\x00\x01\x00",  # a byte left over
                 b"\x94\x63\x01\x00\x01"):     # no such type
        peer = relay.peer().member(relay.net)
        peer.say_bytes(data)
        assert peer.bye() == 3


def a_repeated_record_ends_the_session():
    peer = relay.peer().member(relay.net)
    record = peer.sealed(IDLE, b"")
    peer.write(record)
    assert peer.record() == (IDLE, b"")
    peer.write(record)
    assert peer.rest() == b""


def peer_or_none():
    """The relay's reset may come before connect() has returned."""
    try:
        return relay.peer()
    except ConnectionResetError:
        return None


def a_flood_from_one_address_is_turned_away_and_the_rest_served():
    before = relay.status()
    tried = [peer_or_none() for _ in range(3 * PER_ADDRESS)]
    flood = [peer for peer in tried if peer is not None]
    too_many = len(tried) + len(loris) - PER_ADDRESS
    turned_away = len(tried) - len(flood)
    while turned_away < too_many:
        ready, _, _ = select.select([p.sock for p in flood], [], [], 10)
        assert ready, "only %d were turned away" % turned_away
        for peer in [p for p in flood if p.sock in ready]:
            assert peer.rest() == b""
            flood.remove(peer)
            turned_away += 1
    status = relay.status()
    counted = status["turned_away_total"] - before["turned_away_total"]
    assert (counted, status["sessions"]) == (turned_away, PER_ADDRESS), \
        (counted, turned_away, status)
    for peer in flood:
        peer.close()
    relay.until("sessions", len(loris))


def many_broken_openings_leave_no_memory_behind():
    def resident():
        with open("/proc/%d/statm" % relay.process.pid) as f:
            return int(f.read().split()[1]) * resource.getpagesize()
    for _ in range(50):
        unanswered(b"SPT1\1\0\x30" + os.urandom(48))
    before = resident()
    for _ in range(400):
        unanswered(b"SPT1\1\0\x30" + os.urandom(48))
    assert resident() - before < 4 << 20


def slow_handshakes_are_closed_in_time_and_unanswered():
    """Opened before all others: the deadline is the handshake's, not that of
    the last byte."""
    waiting = list(loris)
    while waiting:
        ready, _, _ = select.select([s.peer.sock for s in waiting], [], [],
                                    0.25)
        now = time.monotonic()
        for slow in list(waiting):
            if slow.peer.sock in ready and slow.answer > 0:
                slow.answer -= len(slow.peer.read(slow.answer))
            elif slow.peer.sock in ready:
                assert slow.peer.rest() == b""
                assert now - slow.since > HANDSHAKE_S - 1, \
                    "%d closed after %.1f s" % (loris.index(slow), now - slow.since)
                waiting.remove(slow)
            else:
                assert now - slow.since < HANDSHAKE_S + 5, "still open"
                if slow.dribbles:
                    slow.peer.write(b"\0")
    loris.clear()
    relay.until("sessions", 0)


STORIES = [
    nothing_is_answered_to_who_speaks_something_else,
    an_unknown_suite_is_not_answered,
    frames_of_a_wrong_size_are_not_answered,
    truncated_openings_are_not_answered,
    message_one_to_another_relay_is_not_answered,
    a_suite_changed_under_way_is_not_answered,
    a_repeated_opening_is_answered_but_of_no_use,
    message_three_of_nobody_known_is_not_answered,
    a_device_with_another_transport_key_is_not_answered,
    message_two_tells_the_version_and_the_time,
    records_that_are_wrong_end_the_session_without_a_word,
    a_stranger_may_ask_three_things_only,
    what_is_no_message_gets_a_bye,
    a_repeated_record_ends_the_session,
    a_flood_from_one_address_is_turned_away_and_the_rest_served,
    many_broken_openings_leave_no_memory_behind,
    slow_handshakes_are_closed_in_time_and_unanswered,
]


def main():
    global relay
    failed = 0
    relay = Relay()
    open_the_slow_ones()
    print("1..%d" % (len(STORIES) + 1))
    for number, story in enumerate(STORIES, 1):
        try:
            story()
            relay.is_healthy()
            verdict = "ok"
        except Exception:
            traceback.print_exc(file=sys.stdout)
            verdict, failed = "not ok", failed + 1
        print("%s %d - %s" % (verdict, number, story.__name__), flush=True)
    try:
        relay.end()
        verdict = "ok"
    except Exception:
        traceback.print_exc(file=sys.stdout)
        verdict, failed = "not ok", failed + 1
        relay.process.kill()
    print("%s %d - the_relay_ends_in_order_and_verifies" %
          (verdict, len(STORIES) + 1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
