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
    "  --urgent             expires after 7 days instead of 30\n"
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
    "                       withdrawn, warned, quarantined, alarm";

const char help_decline[] =
    "  --reason R           undecryptable, invalid, wrong_hub, duplicate,\n"
    "                       no_consent, not_trafficking_redirected\n"
    "  --note T             in words; travels sealed like everything else";
