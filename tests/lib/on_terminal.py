"""on_terminal.py LINE COMMAND... - runs COMMAND on a terminal of its own, types
LINE when a prompt stands there, copies what the terminal shows to stdout and
ends with the command's exit code.  Several lines: separated by newlines, one a
prompt."""
import os
import pty
import sys

lines = sys.argv[1].split("\n")
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b""
while True:
    try:
        some = os.read(fd, 4096)
    except OSError:  # the other end is closed
        break
    if not some:
        break
    shown += some
    if lines and shown.endswith((b": ", b"? ", b"] ")):
        os.write(fd, lines.pop(0).encode() + b"\n")
sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
