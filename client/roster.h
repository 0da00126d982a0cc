/*
 * roster.h - the directory as this client holds it: every leaf checked and
 * applied by proto/directory, kept in the vault, plus what people have checked
 * by phone.  Knows no network: sync.c feeds it.
 * Life: roster_open() after identity_load() ... roster_close().
 */
#ifndef SEALPOST_CLIENT_ROSTER_H
#define SEALPOST_CLIENT_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "client/problem.h"
#include "common/buf.h"
#include "proto/directory.h"
#include "proto/ids.h"
#include "proto/note.h"

struct app;
struct roster;
struct identity;

/* Reads all leaves from the vault and applies them. */
enum err roster_open(struct app *app, const struct identity *id,
                     struct roster **out, struct problem *pb);
void roster_close(struct roster *r);
struct app *roster_app(const struct roster *r);
const struct directory *roster_directory(const struct roster *r);

/* Applies leaves FROM.. as received and keeps them when HEAD (verified under
 * the policy's log key) has exactly their root; otherwise changes nothing.
 * ERR_VERIFY with P_SPLIT_VIEW when two heads of the relay's own key cannot
 * both be true; the proof is saved beside the vault and named in PB. */
enum err roster_extend(struct roster *r, uint64_t from,
                       const struct buf *leaves, size_t n,
                       const uint8_t *checkpoint, size_t checkpoint_len,
                       struct problem *pb);
/* LEAVES are all of the relay's directory, from 0, and a POLICY that began an
 * era (proto/era.h) stands where we hold something else: it takes the place of
 * ours.  What it cut off (*CUT leaves) waits in REC_SUCCESSION to be put again.
 * P_ORIGIN when it is anything else. */
enum err roster_recut(struct roster *r, const struct buf *leaves, size_t n,
                      const void *checkpoint, size_t len, uint64_t *cut,
                      struct problem *pb);
/* Every leaf as it came, in log order.  EACH ends the walk with ERR_EXISTS,
 * which is then the answer. */
typedef enum err roster_leaf_fn(void *arg, uint64_t index, const uint8_t *leaf,
                                size_t len);
enum err roster_each_leaf(const struct roster *r, roster_leaf_fn *each,
                          void *arg, struct problem *pb);
/* The leaf INDEX as it came. */
enum err roster_leaf(const struct roster *r, uint64_t index, struct buf *out,
                     struct problem *pb);
/* Newest heads verified under the relay's key; size 0 when none was seen. */
const struct head *roster_directory_head(const struct roster *r);
const struct head *roster_delivery_head(const struct roster *r);
/* The newest head of LOG as the note that WELCOME carries; appends nothing when
 * none was seen. */
void roster_note(const struct roster *r, unsigned log, struct buf *out);
/* A newer delivery head, already joined by a verified consistency proof. */
enum err roster_set_delivery_head(struct roster *r, const struct head *h,
                                  struct problem *pb);
/* End of the last complete sync, ms by our clock; 0 never. */
uint64_t roster_synced_ms(const struct roster *r);
/* When the directory got its present size here, likewise; 0: not known. */
uint64_t roster_grown_ms(const struct roster *r);
enum err roster_set_synced(struct roster *r, uint64_t now_ms,
                           struct problem *pb);

/* "Agency/mailbox label", "Agency" (when it has one mailbox), or an id in hex
 * (at least 8 digits).  Unknown: P_RECIPIENT_UNKNOWN with a "did you mean". */
enum err roster_find_mailbox(const struct roster *r, const char *text,
                             struct mailbox_id *out, struct problem *pb);
/* "Agency/label" of a mailbox, or its hex; always terminated. */
void roster_mailbox_name(const struct roster *r, const struct mailbox_id *id,
                         char *out, size_t max);
/* The agency's name, or its hex. */
void roster_agency_name(const struct roster *r, const struct agency_id *id,
                        char *out, size_t max);
/* Digits checked by a person (and not reset by a REROOT since). */
bool roster_is_verified(const struct roster *r, const struct agency_id *id);
enum err roster_set_verified(struct roster *r, const struct agency_id *id,
                             uint64_t now_ms, struct problem *pb);

/* Nothing is sent to this agency until its digits are checked: we learned of a
 * change of its root with less than 71 hours left (PROTOCOL.md section 12.4).
 */
bool roster_is_held(const struct roster *r, const struct agency_id *id);

/* Who signs LOG (enum log_which) by the policy in force.  ERR_STATE before
 * genesis is known. */
enum err roster_vkey(const struct roster *r, unsigned log, struct vkey *out);
/* The mailbox that this device writes from: the one it joined with, else the
 * first open one that has it; NULL: none. */
const struct dir_mailbox *roster_own_mailbox(const struct roster *r,
                                             const struct identity *id);
/* The agency of a mailbox; false when it is not known. */
bool roster_mailbox_agency(const struct roster *r, const struct mailbox_id *id,
                           struct agency_id *out);

#endif
