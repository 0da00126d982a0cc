/*
 * audit_result.c - what came of it: sums, findings, notes.
 */
#include "client/audit_inside.h"

void
audit_result(const struct audit *a, struct audit_sum *out)
{
    *out = a->sum;
    out->entries = logtree_size(&a->tree);
    out->before = a->before;
    out->unseen = a->sealed - a->sum.opened;
    for (size_t i = 0; i < a->n_notes; i++) {
        out->reads += a->notes[i].type == EVENT_AUDITOR_READ;
        out->quota +=
            a->notes[i].type == EVENT_QUOTA_REFUSED ? a->notes[i].ref : 0;
    }
    if (a->balance != NULL)
        out->total = balance_total(a->balance);
}

size_t
audit_finding_count(const struct audit *a)
{
    return a->n_found;
}

const struct audit_finding *
audit_finding_at(const struct audit *a, size_t i)
{
    return i < a->n_found ? &a->found[i] : NULL;
}

const struct audit_note *
audit_note_at(const struct audit *a, size_t i)
{
    return i < a->n_notes ? &a->notes[i] : NULL;
}

const struct balance *
audit_balance(const struct audit *a)
{
    return a->balance;
}

const struct audit_options *
audit_options(const struct audit *a)
{
    return &a->o;
}
