/*
 * sequence_model.h - what may follow what in the story of a packet, said a
 * second time and in another way: as the sentence of the design, read letter by
 * letter.  Tests hold the one table of proto/event.h against it.
 *
 *   1, then any of 17 19, then exactly one of 2 3 4 5, then any of 16 17 18 20
 *
 * A story that stops early (before its end) is legal, too: it is pending.
 */
#ifndef SEALPOST_TESTS_LIB_SEQUENCE_MODEL_H
#define SEALPOST_TESTS_LIB_SEQUENCE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* END (may be NULL): 0 nothing yet, 1 pending, or the number that ended it. */
bool model_is_legal(const uint8_t *types, size_t n, unsigned *end);

#endif
