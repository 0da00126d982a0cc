#!/usr/bin/python3
"""A witness that behaves badly, for scenarios.

  bad_witness.py key NAME              prints its verifier key
  bad_witness.py hang NAME PORT READY  takes every question and answers none
  bad_witness.py lie NAME PORT READY   cosigns at once, with another key's
                                       signature under its own name
READY is a file (a fifo) that gets a line when it listens.
"""
import http.server
import pathlib
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import tlog  # noqa: E402

OWN, OTHER = b"\3" * 32, b"\4" * 32


class Liar(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        text, _ = tlog.split_note(body.split("\n\n", 1)[1])
        own = tlog.Key(sys.argv[2], tlog.COSIGNATURE, OWN)
        own.secret = tlog.Key("x", tlog.COSIGNATURE, OTHER).secret
        line = own.cosign(text, int(time.time())).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(line)))
        self.end_headers()
        self.wfile.write(line)

    def log_message(self, *_):
        pass


class Silent(Liar):
    def do_POST(self):
        threading.Event().wait()


def main():
    if sys.argv[1] == "key":
        print(tlog.Key(sys.argv[2], tlog.COSIGNATURE, OWN).vkey)
        return
    how = {"lie": Liar, "hang": Silent}[sys.argv[1]]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3])),
                                             how)
    server.daemon_threads = True
    with open(sys.argv[4], "w") as ready:
        print("ready", file=ready)
    server.serve_forever()


if __name__ == "__main__":
    main()
