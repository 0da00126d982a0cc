/*
 * handle_welcome.c - the first message of each side: what each has seen.
 */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "proto/merkle.h"
#include "proto/note.h"
#include "server/handlers.h"
#include "server/relay.h"

void
welcome_send(struct session *s)
{
    struct relay *r = session_relay(s);
    struct head heads[STORE_LOGS];
    struct buf notes[STORE_LOGS] = {{0}, {0}};

    store_heads(r->store, heads);
    for (unsigned log = 0; log < STORE_LOGS; log++)
        (void)head_to_note(&heads[log],
                           store_vkey(r->store, (enum store_log)log),
                           &notes[log]);
    if (buf_status(&notes[0]) != ERR_OK || buf_status(&notes[1]) != ERR_OK) {
        session_close(s, BYE_PROTOCOL, ERR_NOMEM);
    } else {
        struct msg_field f[] = {
            [WELCOME_DIR] = msg_bin(notes[STORE_DIRECTORY].data,
                                    notes[STORE_DIRECTORY].len),
            [WELCOME_DLV] =
                msg_bin(notes[STORE_DELIVERY].data, notes[STORE_DELIVERY].len),
            [WELCOME_MAIL] = msg_u(0),
        };
        session_send(s, MSG_WELCOME, 0, f, 3);
    }
    buf_clear(&notes[0]);
    buf_clear(&notes[1]);
}

/* THEIRS is under our key.  Is it a prefix of what we hold? */
static enum err
is_prefix(struct relay *r, enum store_log log, const struct head *theirs)
{
    struct hash path[MERKLE_PATH_MAX];
    struct head ours;
    size_t n = 0;
    enum err rc = store_head(r->reader, log, &ours);

    if (rc != ERR_OK)
        return rc;
    if (theirs->size > ours.size)
        return ERR_CONFLICT;
    if (theirs->size == 0)
        return ERR_OK;
    rc = store_consistency(r->reader, log, theirs->size, ours.size, path, &n);
    if (rc != ERR_OK)
        return rc;
    rc = merkle_verify_consistency(theirs->size, ours.size, &theirs->root,
                                   &ours.root, path, n);
    return rc == ERR_OK ? ERR_OK : ERR_CONFLICT;
}

static void
stop_for_fork(struct relay *r, enum store_log log, const struct head *theirs)
{
    struct head ours = {0};
    char what[256];

    (void)store_head(r->reader, log, &ours);
    (void)snprintf(what, sizeof(what),
                   "a client holds a %s head of size %llu under our own key; "
                   "this data directory has %llu: it was restored from an "
                   "older copy, or another relay runs with the same keys",
                   log == STORE_DIRECTORY ? "directory" : "delivery",
                   (unsigned long long)theirs->size,
                   (unsigned long long)ours.size);
    relay_fatal(r, ERR_CONFLICT, what);
}

static bool
take_head(struct session *s, enum store_log log, const struct msg_field *f)
{
    struct relay *r = session_relay(s);
    struct head theirs;
    enum err rc;

    if (f->kind == MSG_NIL || f->len == 0)
        return true;
    /* A head that is not ours to answer for is the client's own affair. */
    if (head_from_note(f->p, f->len, store_vkey(r->store, log), NULL, 0,
                       &theirs, NULL) != ERR_OK)
        return true;
    rc = is_prefix(r, log, &theirs);
    if (rc == ERR_CONFLICT)
        stop_for_fork(r, log, &theirs);
    return rc == ERR_OK;
}

bool
welcome_take(struct session *s, const struct msg *m)
{
    return take_head(s, STORE_DIRECTORY, &m->f[WELCOME_DIR]) &&
           take_head(s, STORE_DELIVERY, &m->f[WELCOME_DLV]);
}
