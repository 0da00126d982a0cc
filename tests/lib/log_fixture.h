/*
 * log_fixture.h - long delivery logs through the store, without packets: each
 * entry is an event of the relay's own (admin), with its opening, as a running
 * relay writes them.
 */
#ifndef SEALPOST_TESTS_LOG_FIXTURE_H
#define SEALPOST_TESTS_LOG_FIXTURE_H

#include <stdint.h>

#include "common/err.h"
#include "server/store.h"

enum { LOG_FILL_BATCH = 4096 };

/* Appends up to BATCH entries in one commit, not beyond SIZE of them in the
 * log.  ERR_FULL and the other words of store_apply(). */
enum err log_fill_batch(struct store *st, uint64_t size, unsigned batch);
/* Until the log has SIZE entries (or more). */
enum err log_fill(struct store *st, uint64_t size, unsigned batch);
uint64_t log_fill_size(struct store *st);

#endif
