/*
 * witnesses_tell.h - the policy in use and what its witnesses have said, for
 * people and scripts.
 */
#ifndef SEALPOST_CLIENT_WITNESSES_TELL_H
#define SEALPOST_CLIENT_WITNESSES_TELL_H

#include <stddef.h>
#include <stdint.h>

#include "client/freshness.h"
#include "client/roster.h"

/* Which have cosigned which log, and when: a line and a table, and "witnesses"
 * in the result (null without a policy in use). */
void witnesses_tell(const struct roster *r, uint64_t now_ms);
/* "w1, w2 and 3 more", those that cosigned the newest directory head, by their
 * names in the policy; "" when there is none.  Terminated, safe to show. */
void witnesses_names(const struct roster *r, char *out, size_t max);
/* One sentence on how old the directory is and who says so. */
void freshness_sentence(const struct roster *r, const struct freshness *f,
                        char *out, size_t max);

#endif
