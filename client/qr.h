/*
 * qr.h - a short text as a QR code on the terminal, for invites and paper keys
 * that are carried by a camera instead of by typing (ISO/IEC 18004).  THE
 * libqrencode door.
 */
#ifndef SEALPOST_CLIENT_QR_H
#define SEALPOST_CLIENT_QR_H

#include "common/buf.h"
#include "common/err.h"

/* Appends the code of TEXT as lines of half blocks (two rows a line), dark on
 * light, with its quiet zone; at most about 100 columns.  What was made on the
 * way is wiped; the caller wipes OUT when TEXT is secret.  ERR_TOOBIG: TEXT
 * does not fit a code; ERR_NOMEM. */
enum err qr_draw(struct buf *out, const char *text);

#endif
