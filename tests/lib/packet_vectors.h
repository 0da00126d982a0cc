/*
 * packet_vectors.h - the files of tests/vectors/sealpost: packets, receipts,
 * prekeys and attachments with fixed randomness, for readers that share no
 * code with this one.  The same bytes at every run.
 */
#ifndef SEALPOST_TESTS_PACKET_VECTORS_H
#define SEALPOST_TESTS_PACKET_VECTORS_H

#include "common/buf.h"

struct packet_vectors_file {
    const char *name; /* below tests/vectors/sealpost */
    /* Appends the file's JSON to OUT. */
    void (*make)(struct buf *out);
};
/* Ends with a row without name. */
extern const struct packet_vectors_file packet_vectors[];

#endif
