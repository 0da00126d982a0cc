/*
 * handlers.h - which request goes where: one table, one file a family.
 */
#ifndef SEALPOST_SERVER_HANDLERS_H
#define SEALPOST_SERVER_HANDLERS_H

#include <stdbool.h>

#include "server/session.h"

/* NULL: not a request that a client may make. */
handler_fn *handler_of(unsigned type);

/* WELCOME both ways (handle_welcome.c).  welcome_take checks the client's
 * newest heads against our logs: a head under our own key that is not a prefix
 * of our log stops the relay.  False: end the session. */
void welcome_send(struct session *s);
bool welcome_take(struct session *s, const struct msg *m);

handler_fn handle_send;    /* handle_send.c */
handler_fn handle_receipt; /* handle_receipt.c */
handler_fn handle_withdraw;
handler_fn handle_events_get; /* handle_events.c */
handler_fn handle_receipt_get;
handler_fn handle_audit_get;
handler_fn handle_proof_get; /* handle_log.c */
handler_fn handle_consistency_get;
handler_fn handle_tile_get;
handler_fn handle_cosigned_get;
handler_fn handle_prekey_put; /* handle_prekey.c */
handler_fn handle_prekey_get;
handler_fn handle_collected_get; /* handle_collected.c */
handler_fn handle_dir_get;       /* handle_directory.c */
handler_fn handle_stmt_put;
handler_fn handle_blob_put; /* handle_blob.c */
handler_fn handle_blob_end;
handler_fn handle_blob_get;
handler_fn handle_invite_new; /* handle_join.c */
handler_fn handle_join;
handler_fn handle_join_status;
handler_fn handle_join_list;
handler_fn handle_join_refuse;

#endif
