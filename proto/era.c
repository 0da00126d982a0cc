#include "proto/era.h"

#include <string.h>

#include "proto/msg.h"

static enum err
key_of(const struct dir_policy *p, unsigned log, struct vkey *out)
{
    return vkey_make(
        out, log == LOG_DIRECTORY ? p->directory_origin : p->delivery_origin,
        NOTE_ED25519, &p->log_key);
}

static bool
same_log(const struct dir_policy *a, const struct dir_policy *b, unsigned log)
{
    return id_eq(&a->log_key, &b->log_key) &&
           (log == LOG_DIRECTORY
                ? strcmp(a->directory_origin, b->directory_origin) == 0
                : strcmp(a->delivery_origin, b->delivery_origin) == 0);
}

/* What a POLICY leaves of the log it succeeds.  The directory goes on leaf by
 * leaf: all before the POLICY itself. */
static uint64_t
left_by(const struct dir_policy *p, unsigned log)
{
    if (p->old_size == 0)
        return ERA_TODAY;
    return log == LOG_DIRECTORY ? p->index : p->old_size;
}

enum err
era_nth(const struct directory *dir, unsigned log, size_t i, struct era *out)
{
    const struct dir_policy *p, *before;
    uint64_t end = ERA_TODAY;
    size_t n = 0;

    while (directory_policy_nth(dir, n) != NULL)
        n++;
    for (; n > 0; n--) {
        p = directory_policy_nth(dir, n - 1);
        before = n > 1 ? directory_policy_nth(dir, n - 2) : NULL;
        if (before != NULL && same_log(p, before, log)) {
            /* the same era began earlier; a POLICY about the other log */
        } else if (i-- == 0) {
            out->policy = p->index;
            out->end = end;
            return key_of(p, log, &out->key);
        }
        if (before != NULL && !same_log(p, before, log) &&
            left_by(p, log) < end)
            end = left_by(p, log);
    }
    return ERR_NOTFOUND;
}

enum err
era_of_head(const struct directory *dir, unsigned log, const struct head *head,
            struct era *out)
{
    struct era e;

    for (size_t i = 0; era_nth(dir, log, i, &e) == ERR_OK; i++)
        if (head_verify(head, &e.key) == ERR_OK) {
            *out = e;
            return ERR_OK;
        }
    return ERR_VERIFY;
}

enum err
era_of_note(const struct directory *dir, unsigned log, const void *bytes,
            size_t len, struct head *head, struct era *out)
{
    struct head h;
    struct era e;

    for (size_t i = 0; era_nth(dir, log, i, &e) == ERR_OK; i++) {
        if (head_from_note(bytes, len, &e.key, NULL, 0, &h, NULL) != ERR_OK)
            continue;
        if (head != NULL)
            *head = h;
        *out = e;
        return ERR_OK;
    }
    return ERR_VERIFY;
}

enum err
era_receipt(const struct directory *dir, const void *bytes, size_t len,
            struct receipt *out, struct era *era)
{
    enum err rc = ERR_VERIFY;
    struct era e;

    for (size_t i = 0; era_nth(dir, LOG_DELIVERY, i, &e) == ERR_OK; i++) {
        rc = receipt_verify(bytes, len, &e.key, out);
        if (rc == ERR_MALFORMED)
            return rc;
        if (rc == ERR_OK && era != NULL)
            *era = e;
        if (rc == ERR_OK)
            return rc;
    }
    return ERR_VERIFY;
}

bool
era_holds(const struct era *era, uint64_t index)
{
    return index < era->end;
}

enum err
era_receipt_held(const struct directory *dir, const void *bytes, size_t len,
                 struct receipt *out)
{
    struct receipt r;
    struct era e;
    enum err rc = era_receipt(dir, bytes, len, &r, &e);

    if (rc == ERR_OK && r.head.size > e.end)
        rc = ERR_VERIFY;
    if (rc == ERR_OK)
        *out = r;
    return rc;
}

enum err
era_proof_held(const struct directory *dir, const struct proof *proof,
               const struct hash *leaf)
{
    struct head h;
    struct era e;
    enum err rc;

    rc = era_of_note(dir, LOG_DELIVERY, proof->note, proof->note_len, &h, &e);
    if (rc == ERR_OK && h.size > e.end)
        rc = ERR_VERIFY;
    return rc == ERR_OK ? proof_verify(proof, leaf, &e.key, NULL, 0, NULL, NULL)
                        : rc;
}
