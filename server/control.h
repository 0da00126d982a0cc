/*
 * control.h - DIR/run/control.sock (0600): one line in, a text out, closed.
 *   status    key=value lines for `sealpostd status`
 *   metrics   the same numbers, Prometheus text format
 *   sweep     run the sweep now (for operators who changed the clock)
 * and what control_log.h lists.
 */
#ifndef SEALPOST_SERVER_CONTROL_H
#define SEALPOST_SERVER_CONTROL_H

#include "common/buf.h"
#include "common/err.h"

struct control;
struct relay;

/* Listens at DIR/run/control.sock.  Borrows R until control_close(). */
enum err control_open(struct relay *r, struct control **out);
void control_close(struct control *c);

/* The other end: asks the relay that runs on DATA_DIR.  ERR_UNREACHABLE when
 * none does. */
enum err control_ask(const char *data_dir, const char *question,
                     struct buf *answer);

#endif
