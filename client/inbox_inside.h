/*
 * inbox_inside.h - shared by inbox.c, inbox_judge.c and inbox_keep.c only.
 */
#ifndef SEALPOST_CLIENT_INBOX_INSIDE_H
#define SEALPOST_CLIENT_INBOX_INSIDE_H

#include "client/inbox.h"
#include "proto/proof.h"

/* One packet on its way in. */
struct arriving {
    struct desk *d;
    struct delivery *x;
    struct hash digest;    /* computed from what came */
    struct receipt stored; /* the relay's, when STORED_IS_GOOD */
    bool stored_is_good;
    struct opened o;
    struct mail m; /* when opened */
    struct problem *pb;
};

/* Steps 1 to 8; A->o.verdict afterwards.  Errors when it could not be found
 * out. */
enum err inbox_judge(struct arriving *a);
/* What becomes of an opened packet in this vault: fills A->m. */
enum err inbox_fill_mail(struct arriving *a);
/* (T) Record, content, what it answers. */
enum err inbox_put_mail(struct arriving *a);
/* SHA-256(device || packet_id), what step 8 remembers. */
void inbox_mark(uint8_t out[16], const struct inner *in,
                const struct packet_id *packet);

#endif
