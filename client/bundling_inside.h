/*
 * bundling_inside.h - shared by bundling.c and bundling_leaves.c only.
 */
#ifndef SEALPOST_CLIENT_BUNDLING_INSIDE_H
#define SEALPOST_CLIENT_BUNDLING_INSIDE_H

#include "client/bundling.h"

/* Takes B (also on failure) and gives its bytes, which live as long as X. */
enum err bundling_keep(struct bundling *x, struct buf *b, struct span *out);

/* Whom a bundle is about. */
struct bundling_cast {
    struct agency_id agencies[2]; /* sender, recipient */
    struct mailbox_id mailbox;
    const struct device_id *devices;
    size_t n_devices;
    const struct bundle_receipt *events; /* evidence may be a statement */
    size_t n_events;
};
/* The statements about them, with their places in the newest directory. */
enum err bundling_leaves(struct desk *d, const struct bundling_cast *cast,
                         struct bundling *x, struct problem *pb);

/* What `receipt refresh` left in the vault. */
enum err bundling_refreshed(struct desk *d, const struct mail *m,
                            struct bundling *x, struct problem *pb);

#endif
