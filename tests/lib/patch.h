/*
 * patch.h - the input of a fuzzer read as changes to bytes that were made right
 * before: what needs signatures and hashes cannot be made up from nothing, and
 * seeds do not go stale when the format changes.
 */
#ifndef SEALPOST_TESTS_PATCH_H
#define SEALPOST_TESTS_PATCH_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/bytes.h"

/* A truth that no input may break. */
void must(bool truth);

/*
 * Each change is u8 what | u16 place (modulo the length) | u8 N | ...:
 *   0 N bytes xor      1 N bytes instead     2 N bytes between
 *   3 N bytes out      4 cut there           5 N bytes from u16 again, there
 * MAX is the longest that may come out.  False: nothing is changed.
 */
bool patch_apply(struct rd *input, struct buf *bytes, size_t max);
/* One change; false at the end of the input. */
bool patch_step(struct rd *input, struct buf *bytes, size_t max);

#endif
