/*
 * succession_keep.h - shared by succession*.c only: what a succession changes
 * in the vault.
 */
#ifndef SEALPOST_CLIENT_SUCCESSION_KEEP_H
#define SEALPOST_CLIENT_SUCCESSION_KEEP_H

#include "client/succession.h"

struct succession_loss {
    uint64_t policy; /* leaf of the POLICY */
    uint64_t from;   /* the first index that was lost */
    /* filled in: */
    unsigned events; /* of ours */
    uint64_t since_ms;
    unsigned again; /* packets that go again */
    unsigned ended; /* packets that had come to their end */
};

/* All in one transaction of the vault: lost events and receipts to
 * REC_SUCCESSION, packets to where they are now, THEIRS as our newest head. */
enum err succession_keep(struct roster *r, const struct era *was,
                         const struct head *ours, const struct head *theirs,
                         struct succession_loss *loss, struct problem *pb);

#endif
