/*
 * compose_inside.h - shared by compose*.c only: a packet on its way into the
 * vault.
 */
#ifndef SEALPOST_CLIENT_COMPOSE_INSIDE_H
#define SEALPOST_CLIENT_COMPOSE_INSIDE_H

#include "client/compose.h"
#include "common/buf.h"

/* Zero-initialise. */
struct packing {
    struct mail m;
    struct inner in;
    struct buf meta;     /* part 0 */
    struct buf text;     /* INNER */
    struct buf withheld; /* REC_WITHHELD */
};

void packing_clear(struct packing *x);

/* Type, sender, time and in_reply_to, as X->m has them. */
void packing_fill(const struct desk *d, struct packing *x);
/* A part that travels, behind a new blind.  Borrows BYTES. */
void packing_add_part(struct inner *in, uint8_t number, const void *bytes,
                      size_t len);
/* Writes X->text.  P_ATTACHMENT: the packet is too large. */
enum err packing_sign(struct packing *x, const struct identity *id,
                      struct problem *pb);
/* (T) */
void packing_put(struct app *app, const struct packing *x);

#endif
