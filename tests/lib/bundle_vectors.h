/*
 * bundle_vectors.h - evidence bundles for readers that share no code with this
 * one: good ones with what they prove, spoilt ones with the section that is
 * wrong.  The same bytes at every run.
 */
#ifndef SEALPOST_TESTS_BUNDLE_VECTORS_H
#define SEALPOST_TESTS_BUNDLE_VECTORS_H

#include "common/buf.h"

/* The JSON of evidence.json onto OUT. */
void bundle_vectors_make(struct buf *out);
/* One bundle, as bytes: what a fuzzer starts from.  NULL behind the last. */
const char *bundle_vectors_name(size_t i);
void bundle_vectors_bytes(size_t i, struct buf *out);

#endif
