/*
 * msgsample.h - messages for tests, right and wrong, packed by hand: what
 * proto/msg.c accepts must not depend on what its own library writes.
 */
#ifndef SEALPOST_TESTS_MSGSAMPLE_H
#define SEALPOST_TESTS_MSGSAMPLE_H

#include "common/buf.h"
#include "proto/msg.h"

/* Shortest forms; STR and BIN bodies are letters 'a'. */
void sample_head(struct buf *b, enum msg_kind kind, uint64_t v);
void sample_value(struct buf *b, enum msg_kind kind, uint64_t v);
/* A field with that number, length or count; items are their smallest. */
void sample_field(struct buf *b, const struct msg_field_spec *s, uint64_t v);
/* A request number that suits the row. */
uint32_t sample_req(const struct msg_spec *spec);

/* How a sample differs from the smallest valid message. */
struct sample_change {
    int field;          /* that field is other, -1: none */
    enum msg_kind kind; /* its kind */
    uint64_t v;         /* its number, length or count */
    int more_fields;    /* -1: the last is missing, 1: a nil too many */
};
extern const struct sample_change sample_plain;

/* Appends the message. */
void sample_message(struct buf *b, const struct msg_spec *spec,
                    const struct sample_change *c);

#endif
