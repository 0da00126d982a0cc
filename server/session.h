/*
 * session.h - the relay's end of one connection.
 *
 *   HANDSHAKE --who, ready--> GREETING --WELCOME--> READY --> CLOSING
 *        (a stranger over NK is READY at once, for three messages)
 *
 * What can go wrong: silence, garbage, revocation, a client that does not
 * read, a full queue, the relay stopping.  All of it ends in session_close().
 * Life: session_open() ... session_close() ... freed when its handles are.
 */
#ifndef SEALPOST_SERVER_SESSION_H
#define SEALPOST_SERVER_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/list.h"
#include "proto/directory.h"
#include "proto/msg.h"

struct relay;
struct session;
struct stream;

/* Takes S, an accepted stream that is not started.  NULL: no memory, S is
 * closed. */
struct session *session_open(struct relay *r, struct stream *s);
/* At once, with a bye when the peer is authenticated.  Any time, again too. */
void session_close(struct session *s, uint16_t bye, enum err why);
/* The same without a word, and what is unsent is lost. */
void session_drop(struct session *s, enum err why);
/* Ends the session unless its device and agency may still be here. */
void session_recheck(struct session *s);

/* ---- for handlers ---- */

struct relay *session_relay(struct session *s);
/* NULL for a stranger. */
const struct dir_device *session_device(const struct session *s);
bool session_is_mail(const struct session *s);
/* A stranger's write (a statement over NK): 4 a minute from one address. */
bool session_may_write(const struct session *s);
struct list *session_tasks(struct session *s);
void session_task_done(struct session *s);
/* Link of the node in relay->sessions. */
struct session *session_from_node(struct list_node *n);
/* Link of the node in relay->guests. */
struct session *session_from_guest(struct list_node *n);
/* Where deliveries stand (mailroom.c). */
struct mailroom *session_mailroom(struct session *s);
/* Where attachments stand (transfer.c); heap, made when first asked. */
struct transfers *session_transfers(struct session *s);

/* Queues an answer (REQ of the question) or a push (REQ 0). */
void session_send(struct session *s, enum msg_type type, uint32_t req,
                  const struct msg_field *f, unsigned n);
/* A push; a client that leaves megabytes of them unread is ended: it finds the
 * same by asking. */
void session_push(struct session *s, enum msg_type type,
                  const struct msg_field *f, unsigned n);
/* DETAIL may be NULL. */
void session_error(struct session *s, uint32_t req, enum perr code,
                   const char *detail);
/* What the store said, in the wire's words. */
void session_store_error(struct session *s, uint32_t req, unsigned store_why);
void session_blob(struct session *s, uint32_t handle, uint64_t offset,
                  const uint8_t *bytes, size_t len);
/* Bytes queued and not yet given to the kernel. */
size_t session_unsent(const struct session *s);
/* Back-pressure, counted: reading goes on when every pause has its resume. */
void session_pause(struct session *s);
void session_resume(struct session *s);

/* One request, one handler; M and BYTES are borrowed for the call. */
typedef void handler_fn(struct session *s, const struct msg *m,
                        const uint8_t *bytes, size_t len);

#endif
