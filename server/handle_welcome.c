/*
 * handle_welcome.c - the first message of each side: what each has seen.
 */
#include "common/log.h"
#include "proto/note.h"
#include "server/forkproof.h"
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

/* The next start refuses too: the head is kept. */
static void
stop_for_fork(struct relay *r, const struct msg_field *note, const char *what)
{
    enum err rc = forkproof_keep(r->data_dir, note->p, note->len);

    if (rc != ERR_OK)
        log_error("cannot write %s/fork-proof: %s", r->data_dir, err_text(rc));
    relay_fatal(r, ERR_CONFLICT, what);
}

static bool
take_head(struct session *s, enum store_log log, const struct msg_field *f)
{
    struct relay *r = session_relay(s);
    char what[512];
    struct head theirs;
    enum err rc;

    if (f->kind == MSG_NIL || f->len == 0)
        return true;
    /* A head that is not ours to answer for is the client's own affair. */
    if (head_from_note(f->p, f->len, store_vkey(r->store, log), NULL, 0,
                       &theirs, NULL) != ERR_OK)
        return true;
    rc = forkproof_judge(r->reader, log, &theirs, what, sizeof(what));
    if (rc == ERR_CONFLICT)
        stop_for_fork(r, f, what);
    return rc == ERR_OK;
}

bool
welcome_take(struct session *s, const struct msg *m)
{
    return take_head(s, STORE_DIRECTORY, &m->f[WELCOME_DIR]) &&
           take_head(s, STORE_DELIVERY, &m->f[WELCOME_DLV]);
}
