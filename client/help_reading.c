#include "client/help_reading.h"

const char help_home[] =
    "Who you are here, what is unread, unanswered or still under way, what is\n"
    "worth a warning, and what to type next.  Works offline.";

const char help_inbox[] =
    "  --all   older ones too, and what colleagues sent\n"
    "\n"
    "What came to this device, newest first: everything that is unread or\n"
    "waits for an answer, and the rest of the last 30 days.  * is unread,\n"
    "! is urgent.  STATE is how the case stands: \"to answer\" until somebody\n"
    "at this desk accepts or declines it.  NOT DELIVERED is a notice: a "
    "packet\n"
    "of yours did not arrive; `sealpost read` says why.\n"
    "\n"
    "Works offline; `sealpost sync` fetches what waits at the relay.";

const char help_outbox[] =
    "  --all   older ones too\n"
    "\n"
    "What was sent from this device or waits to be sent, newest first.  "
    "STATE:\n"
    "  queued         still here; goes out with the next `sealpost sync`\n"
    "  stored         the relay has it and gave a receipt\n"
    "  handed over    a device of the desk opened it and signed for it\n"
    "  acknowledged, rejected, redirected    what the desk answered\n"
    "  refused, expired    it did NOT arrive: phone them and send again\n"
    "  withdrawn      you took it back in time";

const char help_read[] =
    "  --part N|NAME   one part only: identity, contact, case, needs, asylum,\n"
    "                  justice, account, privileged (1 to 8), or 0\n"
    "\n"
    "Shows a packet and marks it as read.  ID is the beginning of a packet's\n"
    "id, or `latest`.  What the sender keeps back is named as withheld.  Look\n"
    "at the line below the sender: until somebody has compared the digits by\n"
    "phone it says NOT VERIFIED.  Text of others is shown, never obeyed.";

const char help_status[] =
    "Without ID: what is still under way, how old the directory is, and\n"
    "everything worth a warning.  With ID (or `latest`, the newest that was\n"
    "sent): each event of the packet in the relay's log, with the entry's\n"
    "number and the device that signed, how the case stands, and whether the\n"
    "relay's receipt verifies.  Works offline, from what the last sync "
    "brought.";

const char help_export[] =
    "Writes a packet as plain files into DIR, which is made when it is not\n"
    "there (for you alone): referral.json or message.txt, attachments/,\n"
    "receipt.txt, and manifest.json with the SHA-256 of each.  Names of files\n"
    "are made harmless, doubles are numbered.  Nothing is ever written over a\n"
    "file or through a link; when something fails, nothing is left behind.\n"
    "\n"
    "The files are not sealed any more.";

const char help_search[] =
    "Finds packets that have all these words, in subject, text, or the names\n"
    "of files; the last word may be a beginning, \"several words\" in quotes\n"
    "stand together.  Capitals and accents do not matter.  The index is made\n"
    "in memory for this search; nothing of it touches the disk.";

const char help_quarantine[] =
    "What came and was not taken, and why: a signature that does not hold, a\n"
    "sender who may not send this, or a relay that contradicts itself\n"
    "(\"alarm\").  With ID: all that is known of one.  Nothing is ever "
    "released\n"
    "from here: phone the agency on a number you know; an honest sender sends\n"
    "again.";

const char help_receipt[] =
    "The relay's signed receipt for a packet, a small text file without any\n"
    "case content (c2sp.org/tlog-proof).  For a packet that was sent it shows\n"
    "when the relay stored it; for one that came, when it was collected.\n"
    "Anybody can check it with `sealpost verify`, offline.  -o never writes\n"
    "over a file.\n"
    "\n"
    "`--event expired` (refused, warned, ...) gives the relay's word on "
    "another\n"
    "event of the packet; so does the id of a notice of non-delivery.\n"
    "\n"
    "`refresh` fetches a second proof of the same entry, to a head of the log\n"
    "that witnesses have cosigned since (`sealpost help trust`): of one "
    "packet,\n"
    "or of all that have none yet.  The receipt itself stays as it came; -o\n"
    "then writes the newer proof, --first the original.";

const char help_slip[] =
    "One page to print, in plain words: that a packet was stored and "
    "collected,\n"
    "by which desk, when, and how to check it.  No name of a person stands in\n"
    "it and nothing of the case.  ID is a packet that was sent, or `latest`.";
