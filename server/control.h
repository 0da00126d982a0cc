/*
 * control.h - DIR/run/control.sock (0600): one line in, a text out, closed.
 *   status    key=value lines for `sealpostd status`
 *   metrics   the same numbers, Prometheus text format
 *   sweep     run the sweep now (for operators who changed the clock)
 * and what control_log.h lists.  The other end is control_ask.h.
 */
#ifndef SEALPOST_SERVER_CONTROL_H
#define SEALPOST_SERVER_CONTROL_H

#include "common/err.h"

struct control;
struct relay;

/* Listens at DIR/run/control.sock.  Borrows R until control_close(). */
enum err control_open(struct relay *r, struct control **out);
void control_close(struct control *c);

#endif
