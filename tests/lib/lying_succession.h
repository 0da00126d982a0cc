/*
 * lying_succession.h - the relay of lying_relay.h comes back from an older copy
 * and goes on under another name, or pretends to.
 */
#ifndef SEALPOST_TESTS_LYING_SUCCESSION_H
#define SEALPOST_TESTS_LYING_SUCCESSION_H

#include "tests/lib/lying_relay.h"

enum succession_lie {
    SUCCESSION_HONEST,
    SUCCESSION_OTHER_ROOT, /* the POLICY names another root */
    SUCCESSION_NO_ENTRY,   /* something else stands where the POLICY should */
    SUCCESSION_OTHER_PAST, /* what it kept is not what it was */
    SUCCESSION_WITHOUT_POLICY
};

/* The log keeps its first KEEP entries; names get SUFFIX, the key stays. */
void relay_succeed(uint64_t keep, const char *suffix, enum succession_lie lie);
/* The packet of P as X brought it (before it was taken), stored again. */
struct delivery *relay_deliver_again(const struct relay_packet *p,
                                     const struct delivery *x);

#endif
