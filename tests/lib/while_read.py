"""while_read.py grow|shrink|unlink FILE COMMAND... - runs COMMAND and does that
to FILE as soon as COMMAND has it open; ends with COMMAND's exit code."""
import os
import subprocess
import sys

how, path = sys.argv[1], os.path.realpath(sys.argv[2])


def has_open(pid):
    try:
        names = os.listdir("/proc/%d/fd" % pid)
        return any(os.path.realpath("/proc/%d/fd/%s" % (pid, n)) == path
                   for n in names)
    except OSError:
        return False


process = subprocess.Popen(sys.argv[3:])
while process.poll() is None and not has_open(process.pid):
    pass
if how == "unlink":
    os.unlink(path)
elif how == "shrink":
    os.truncate(path, 10)
else:
    with open(path, "ab") as f:
        f.write(b"one line more\n")
sys.exit(process.wait())
