/*
 * audit_book_inside.h - between audit_book.c (writes) and audit_book_open.c
 * (reads) only: the parts of a book, in this order, integers big-endian:
 *
 *   "SPAB" | u16 version | basis | state | leaves | run | samples | notes
 *   | marks | findings | balance | "DONE"
 */
#ifndef SEALPOST_CLIENT_AUDIT_BOOK_INSIDE_H
#define SEALPOST_CLIENT_AUDIT_BOOK_INSIDE_H

#include "client/audit_book.h"
#include "client/audit_inside.h"

#define BOOK_MAGIC "SPAB"
#define BOOK_END "DONE"

enum {
    BOOK_BASIS_LEN = 32 + 32 + 8 + 8 + 8 + 8 + 1,
    BOOK_STATE_LEN = HEAD_LEN + 11 * 8 + 1,
    BOOK_NOTE_LEN = 3 * 8 + 2 + 2 + 3 * 16,
    BOOK_FINDING_LEN = 24 + 200 + 1 + 3 * 16 + 1 + 2 * 8,
    BOOK_PACKET_LEN = 3 * 16 + 32 + 4 * 8 + 2 + 2 + 1,
    BOOK_COUNT_MAX = 1 << 28, /* of anything; more memory than there is */
};

/* On what the judgements in it rest. */
struct book_basis {
    struct hash log;   /* key and name of the log, network, auditor */
    struct hash scope; /* class and scope of the auditor */
    uint64_t policy;   /* leaf of the policy in force */
    uint64_t retention_s;
    uint64_t dir_size;
    uint64_t newest_ms; /* latest time of any event in it */
    bool has_strangers;
};
void book_basis_of(const struct audit_options *o, struct book_basis *out);

enum {
    PACKET_OWN = 1,
    PACKET_CARRIED = 2,
    PACKET_OVER = 4,
    PACKET_WARNED = 8,
    PACKET_LATE = 16
};

#endif
