/*
 * control_ask.h - asking the relay that runs on a data directory, through its
 * control socket (control.h).  Needs nothing else of the relay.
 */
#ifndef SEALPOST_SERVER_CONTROL_ASK_H
#define SEALPOST_SERVER_CONTROL_ASK_H

#include <stddef.h>

#include <uv.h>

#include "common/buf.h"
#include "common/err.h"

/* More than any answer has. */
#define CONTROL_ANSWER_MAX ((size_t)256 * 1024)

/* DIR/run/control.sock.  ERR_TOOBIG. */
enum err control_path(char *out, size_t cap, const char *data_dir);

/* Asks and waits, 5 seconds at most; appends what is answered.  For any thread
 * but a loop's.  ERR_UNREACHABLE: no relay runs there; ERR_TIMEOUT, ERR_TOOBIG,
 * ERR_NOMEM. */
enum err control_ask(const char *data_dir, const char *question,
                     struct buf *answer);

/* The same on a loop.  DONE is called once, from the loop only; ANSWER is
 * borrowed until it returns and empty unless ERR_OK. */
typedef void control_answer_fn(void *arg, enum err rc,
                               const struct buf *answer);
struct control_question;
/* Borrows ARG until DONE.  NULL: no memory. */
struct control_question *
control_ask_start(uv_loop_t *loop, const char *data_dir, const char *question,
                  uint64_t deadline_ms, control_answer_fn *done, void *arg);
/* DONE is not called any more; the memory goes with the loop's turns.  Not
 * after DONE; NULL is fine. */
void control_ask_cancel(struct control_question *q);

#endif
