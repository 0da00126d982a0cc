/*
 * bundling.h - the evidence bundle of one packet, gathered from this vault:
 * header and signed lists, the statements about those who took part, the
 * events with what stands behind them.  No content goes in by itself.
 */
#ifndef SEALPOST_CLIENT_BUNDLING_H
#define SEALPOST_CLIENT_BUNDLING_H

#include "client/desk.h"
#include "client/mail.h"
#include "proto/bundle_judge.h"

/* Zero-initialise; bundling_clear wipes and frees. */
struct bundling {
    struct bundle b; /* borrows what follows */
    struct buf *pieces;
    size_t n_pieces;
};
void bundling_clear(struct bundling *x);

/* All that D knows of M but its content.  What the log says and what does not
 * verify here is left out and told.  P_NOT_FOUND when nothing is known of it
 * yet. */
enum err bundling_gather(struct desk *d, const struct mail *m,
                         struct bundling *x, struct problem *pb);
/* Its receipts once more, to a head that witnesses have cosigned, and the
 * directory's head with their lines: asks the relay, D is connected.
 * P_NOT_FOUND: there is none yet. */
enum err bundling_cosigned(struct desk *d, struct bundling *x,
                           struct problem *pb);
/* Parts PARTS (bit N: part N) of M's content into the bundle, which may have
 * come from a file and must be M's.  P_NOT_FOUND: a part is not here. */
enum err bundling_disclose(struct app *app, const struct mail *m,
                           struct bundling *x, uint32_t parts,
                           struct problem *pb);
/* Takes parts out again.  P_NOT_FOUND: a part is not in it. */
enum err bundling_trim(struct bundling *x, uint32_t parts, struct problem *pb);
/* A bundle from a file. */
enum err bundling_read(const char *path, struct bundling *x,
                       struct problem *pb);

#endif
