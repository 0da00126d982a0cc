/*
 * trust_file.h - a trust policy from a file, and what it says of a proof file,
 * in plain words.  No vault and no network are needed.
 */
#ifndef SEALPOST_CLIENT_TRUST_FILE_H
#define SEALPOST_CLIENT_TRUST_FILE_H

#include "client/app.h"
#include "proto/trust.h"

/* Gives *OUT, to be freed with trust_free().  P_TRUST with the line. */
enum err trust_file_read(const char *path, struct trust **out,
                         struct problem *pb);
/* The log of the policy that signed the checkpoint of a proof file, and who
 * cosigned it; OUT borrows T.  P_VERIFY; the quorum is not judged here. */
enum err trust_file_judge(const struct trust *t, const struct buf *proof,
                          struct trusted *out, struct problem *pb);
/* The same when LOG is known to have signed it, whatever logs T names. */
enum err trust_file_witnesses(const struct trust *t, const struct buf *proof,
                              const struct vkey *log, struct trusted *out,
                              struct problem *pb);
/* Who has cosigned and when, who has not, and whether that is enough. */
void trust_file_tell(struct app *app, const struct trust *t,
                     const struct trusted *judged);
/* P_QUORUM, naming who is missing, when it does not hold. */
enum err trust_file_quorum(const struct trust *t, const struct trusted *judged,
                           struct problem *pb);

#endif
