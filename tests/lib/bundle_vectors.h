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

#endif
