/*
 * verify_bundle.h - `sealpost verify FILE` when FILE is an evidence bundle:
 * offline, and without vault, key or content.
 */
#ifndef SEALPOST_CLIENT_VERIFY_BUNDLE_H
#define SEALPOST_CLIENT_VERIFY_BUNDLE_H

#include "client/bundle_tell.h"

/* Judges BYTES and tells what they prove, or P_VERIFY naming the piece that is
 * wrong.  BASIS says which fields of A are there. */
enum err verify_bundle(struct app *app, const struct buf *bytes,
                       const struct bundle_anchor *a, enum bundle_basis basis,
                       struct problem *pb);

#endif
