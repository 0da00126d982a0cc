/*
 * freshness.h - how old the directory is (PROTOCOL.md section 12.5).  With a
 * policy in use it is as old as the newest directory head that its witnesses
 * cosigned; a relay that freezes the directory cannot make it younger.
 * Without one it is as old as the last complete sync.
 */
#ifndef SEALPOST_CLIENT_FRESHNESS_H
#define SEALPOST_CLIENT_FRESHNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/roster.h"
#include "proto/trust.h"

enum { FRESHNESS_DAYS = 7 }; /* sending needs a directory no older */

struct freshness {
    bool by_witnesses;
    /* A policy is in use that does not know this network's directory log (any
     * more). */
    bool is_policy_foreign;
    /* Enough witnesses have cosigned, but hours after our now: then our clock
     * says nothing. */
    bool is_clock_behind;
    uint64_t at_ms;  /* 0: never */
    uint64_t age_ms; /* since then; 0 when that lies ahead */
    bool is_stale;
};

/* T is NULL without a policy that asks for witnesses; NEWEST is NULL when no
 * head is known that T accepts. */
void freshness_judge(const struct trust *t, const struct trusted *newest,
                     uint64_t synced_ms, uint64_t now_ms,
                     struct freshness *out);
/* What the vault says.  A record that cannot be read counts as absent. */
void freshness_of(const struct roster *r, uint64_t now_ms,
                  struct freshness *out);

#endif
