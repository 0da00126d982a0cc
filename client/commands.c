#include "client/commands.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const struct command commands[] = {
    {"help", "[COMMAND]", "this list, or all about one command", NULL,
     cmd_help},
    {"version", "", "which sealpost this is", NULL, cmd_version},
};
const size_t commands_count = COUNT(commands);
