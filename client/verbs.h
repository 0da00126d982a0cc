/*
 * verbs.h - commands of two words: `sealpost registrar admit ...`.  A verb gets
 * the arguments from its own name on.
 */
#ifndef SEALPOST_CLIENT_VERBS_H
#define SEALPOST_CLIENT_VERBS_H

#include "client/commands.h"

struct verb {
    const char *name;
    command_fn *run;
};

/* Runs the verb that ARGV[1] names; says which there are when it names none.
 * NOUN is what stands before it ("agency mailbox").  Gives the exit code. */
int verbs_run(struct app *app, const char *noun, int argc, char **argv,
              const struct verb *verbs, size_t n);

#define VERBS(t) (t), (sizeof(t) / sizeof((t)[0]))

#endif
