/*
 * inner_inside.h - shared by inner.c and inner_lists.c only.
 */
#ifndef SEALPOST_PROTO_INNER_INSIDE_H
#define SEALPOST_PROTO_INNER_INSIDE_H

#include "proto/inner.h"

enum {
    INNER_PART_ROW_LEN = 1 + 1 + 32,
    INNER_ATT_SIGNED_LEN = 16 + 1 + 8, /* the key is not signed */
};

/* FIXED is INNER_FIXED_LEN bytes. */
void inner_read_fixed(struct inner *in, const uint8_t *fixed);
/* Numbers ascend, meta comes first and is here; the attachments ascend, each in
 * a part that is here. */
bool inner_lists_are_valid(const struct inner *in);

#endif
