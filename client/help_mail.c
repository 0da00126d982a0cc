#include "client/help_mail.h"

const char help_send[] =
    "One packet to one mailbox (\"Agency/mailbox\", or \"Agency\" when it has\n"
    "one).  It is sealed to every device of that mailbox; nobody else can "
    "open\n"
    "it, the relay included.  Offline it stays in the outbox and goes with "
    "the\n"
    "next `sealpost sync`.\n"
    "\n"
    "  FILE.json            a referral; - reads standard input\n"
    "  --draft ID           one begun with `sealpost new`\n"
    "  --text T, --text-file F    a message\n"
    "  --attach FILE        again for more files\n"
    "  --type T             referral, message, test, duty_to_notify,\n"
    "                       support_request\n"
    "  --urgent             expires after 7 days instead of 30; shows first "
    "when\n"
    "                       that mailbox was last collected, and whom to "
    "phone\n"
    "  --escalate           an urgent packet that nobody collects goes on to "
    "the\n"
    "                       mailbox's deputy by itself, with the next sync\n"
    "  --expires DAYS       1 to 30\n"
    "  --in-reply-to ID     the same thread\n"
    "  --override-stale     send though the directory is a week old\n"
    "  --override-consent REASON   send against a missing agreement; the\n"
    "                       reason travels with it";

const char help_watch[] =
    "Connects again by itself when the network comes back.  Other commands\n"
    "work meanwhile.\n"
    "\n"
    "  --once               one round, then end\n"
    "  --exec CMD           the shell runs CMD EVENT PACKET-ID for whatever\n"
    "                       happens: received, handed_over, refused, expired,\n"
    "                       withdrawn, warned, readdressed, quarantined, "
    "alarm";

const char help_readdress[] =
    "For a packet that nobody collects, or that expired or was refused: it is\n"
    "withdrawn (when it still waits), sealed anew and sent to the deputy that\n"
    "its mailbox names, or to another one: same thread, same content, same\n"
    "files, of which the relay gets only what it has dropped.  When somebody\n"
    "collects it in that moment nothing else happens.  Offline the next sync\n"
    "does it.  A mailbox of another agency must be agreed to like in `send`.\n"
    "\n"
    "  --deputy             the deputy that the mailbox names (the default)\n"
    "  --to MAILBOX         another one; of what is lost, also the same again\n"
    "  --override-consent REASON   against a missing agreement; the reason\n"
    "                       travels with it";

const char help_decline[] =
    "  --reason R           undecryptable, invalid, wrong_hub, duplicate,\n"
    "                       no_consent, not_trafficking_redirected\n"
    "  --note T             in words; travels sealed like everything else";
