#include "client/help_evidence.h"

const char help_verify[] =
    "Checks, without a network, that a receipt (`sealpost receipt ID -o "
    "FILE`)\n"
    "is the relay's own word: that it logged this event, at this time, at "
    "this\n"
    "place of its log.  Anybody can do that; --vkey is the key of the relay's\n"
    "delivery log as `sealpostd vkey` prints it, or a file with it, and then "
    "no\n"
    "vault is needed.  Without it the key is that of your network's policy.\n"
    "\n"
    "With a directory that `sealpost export` made: each file against\n"
    "manifest.json, then the receipt in it.  Exit code 14 when anything is "
    "not\n"
    "as it should be.";

const char help_audit[] =
    "Reads the whole delivery log up to the newest head that the relay has\n"
    "signed and checks: that the entries are those of that head; that each\n"
    "event shown to you is the one in the log; that every end of a packet was\n"
    "signed by a device that could, and not by the relay alone; that heads\n"
    "which others saw belong to the same log; that what you hold receipts for\n"
    "is there.  Then it counts, for each agency:\n"
    "\n"
    "  stored = handed over + refused + expired + withdrawn + pending\n"
    "\n"
    "An agency sees what it sent and got; an auditor what the registrar put "
    "in\n"
    "its scope, and each page that an auditor reads is itself logged.  Nobody\n"
    "sees what a packet says.  --from and --to (days, UTC) count only what\n"
    "happened then; the whole log is checked all the same.\n"
    "\n"
    "Exit code 20 when there is a finding, 14 when the log itself is wrong.";
