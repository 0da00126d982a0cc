#include "client/commands.h"

#include "client/help_admin.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const struct command commands[] = {
    {"registrar", "init|invite|requests|admit|refuse|suspend|...",
     "found a network and decide who is in it", help_registrar, cmd_registrar},
    {"join", "INVITE --name NAME --country CC | --status",
     "join a network with an invite", help_join, cmd_join},
    {"agency", "show|card|sign|revoke|mailbox|new-root|cancel",
     "your agency's machines and mailboxes", help_agency, cmd_agency},
    {"device", "request CARD | install SIGNED",
     "make this machine one of your agency's", help_device, cmd_device},
    {"key", "backup|recover|passphrase|list|remove N", "what opens this vault",
     help_key, cmd_key},
    {"contacts", "[--agency X] | verify AGENCY",
     "who can be written to, and who was checked by phone", help_contacts,
     cmd_contacts},
    {"verify", "FILE|DIR [--vkey KEY]", "check a receipt or export, offline",
     NULL, cmd_verify},
    {"audit", "[--from DAY] [--to DAY]",
     "check the whole delivery log: what came of every packet", NULL,
     cmd_audit},
    {"help", "[COMMAND]", "this list, or all about one command", NULL,
     cmd_help},
    {"version", "", "which sealpost this is", NULL, cmd_version},
};
const size_t commands_count = COUNT(commands);
