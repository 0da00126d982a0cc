/*
 * slip.h - one printable page in plain words: that a packet was stored and
 * collected, when, and how anybody can check it.  For a manager, or for the
 * person it is about: no name of a person stands in it, and nothing of the
 * case. Pure.
 */
#ifndef SEALPOST_CLIENT_SLIP_H
#define SEALPOST_CLIENT_SLIP_H

#include <stdbool.h>
#include <stdint.h>

#include "client/mail.h"
#include "common/buf.h"

enum { SLIP_WIDTH = 72, SLIP_LINES_MAX = 60 };

/* Names of agencies and mailboxes as the directory has them; borrowed. */
struct slip {
    const struct mail *m;
    const char *from_agency;
    const char *to; /* "Northgate Hub/First contact" */
    const char *relay;
    const char *vkey;   /* of the delivery log, "" when not known */
    uint64_t stored_ms; /* 0: not stored yet */
    uint64_t stored_index;
    uint64_t log_size;        /* of the head in the receipt; 0: no receipt */
    bool is_verified;         /* the receipt, just now */
    uint64_t collected_index; /* UINT64_MAX: not known */
    uint64_t made_ms;         /* when this page was made */
};

/* The whole page, each line ended.  ERR_NOMEM. */
enum err slip_page(const struct slip *s, struct buf *out);

#endif
