/*
 * verify_bundle.h - `sealpost verify FILE` when FILE is an evidence bundle:
 * offline, and without vault, key or content.
 */
#ifndef SEALPOST_CLIENT_VERIFY_BUNDLE_H
#define SEALPOST_CLIENT_VERIFY_BUNDLE_H

#include "client/bundle_tell.h"

/* Judges BYTES and tells what they prove, or P_VERIFY naming the piece that is
 * wrong.  PART (may be NULL) is the disclosed part to show besides, by number
 * or name; P_NOT_FOUND. */
enum err verify_bundle(struct app *app, const struct buf *bytes,
                       const struct bundle_anchor *a,
                       const struct bundle_reader *r, const char *part,
                       struct problem *pb);

#endif
