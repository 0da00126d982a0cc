/*
 * bundle_judge_inside.h - shared by bundle_judge.c and bundle_judge_events.c.
 */
#ifndef SEALPOST_PROTO_BUNDLE_JUDGE_INSIDE_H
#define SEALPOST_PROTO_BUNDLE_JUDGE_INSIDE_H

#include "proto/bundle_judge.h"

struct judging {
    const struct bundle *b;
    const struct bundle_anchor *a;
    struct bundle_proven p;
    struct hash hh; /* with p.has_header */
    uint64_t next_cosigned;
    bool no_memory;
    struct bundle_fault fault;
};

/* What could not be checked for want of memory is not wrong: notes it, and the
 * next judge_fault() gives ERR_NOMEM. */
bool judge_fits(struct judging *j, enum err rc);

/* Notes the fault; gives ERR_VERIFY, or ERR_NOMEM. */
enum err judge_fault(struct judging *j, unsigned kind, const char *why);
enum err judge_fault_at(struct judging *j, unsigned kind, uint64_t row,
                        const char *why);
/* NOTE by LOG: its head, and what the reader's witnesses say of it. */
enum err judge_note(const struct judging *j, const void *note, size_t len,
                    const struct vkey *log, struct head *head,
                    struct bundle_witnessed *out);
enum bundle_standing judge_standing(const struct who_device *d, uint64_t a_ms,
                                    uint64_t b_ms);
/* The sections `events` and `cosigned`. */
enum err judge_events(struct judging *j);

#endif
