/*
 * handle_directory.c - DIR_GET and STMT_PUT.
 */
#include <stdlib.h>

#include "server/handlers.h"
#include "server/listener.h"
#include "server/page.h"
#include "server/relay.h"
#include "server/statements.h"

static enum err
on_leaf(void *arg, uint64_t index, struct span leaf)
{
    struct page *p = arg;
    struct msg_field f = msg_bin(leaf.p, leaf.len);

    (void)index;
    return page_is_full(p, leaf.len) ? ERR_CANCELLED : page_add(p, &f, 1);
}

static void
answer(struct session *s, uint32_t req, uint64_t from, const struct page *p)
{
    struct relay *r = session_relay(s);
    struct msg_field *items = calloc(p->n + 1, sizeof(*items));
    struct buf note = {0};
    struct head h;

    if (items == NULL || store_head(r->reader, STORE_DIRECTORY, &h) != ERR_OK ||
        head_to_note(&h, store_vkey(r->store, STORE_DIRECTORY), &note) !=
            ERR_OK) {
        session_error(s, req, PERR_INTERNAL, NULL);
    } else {
        struct msg_field f[] = {
            [DIR_FROM] = msg_u(from),
            [DIR_LEAVES] = page_list(p, items, 1),
            [DIR_CHECKPOINT] = msg_bin(note.data, note.len),
        };
        session_send(s, MSG_DIR, req, f, 3);
    }
    buf_clear(&note);
    free(items);
}

void
handle_dir_get(struct session *s, const struct msg *m, const uint8_t *bytes,
               size_t len)
{
    struct page p = {0};
    uint64_t from = m->f[DIR_GET_FROM].u;
    enum err rc = store_leaves(session_relay(s)->reader, STORE_DIRECTORY, from,
                               (unsigned)m->f[DIR_GET_MAX].u, on_leaf, &p);

    (void)bytes;
    (void)len;
    if (rc == ERR_OK || rc == ERR_CANCELLED)
        answer(s, m->req, from, &p);
    else
        session_error(s, m->req, PERR_INTERNAL, err_text(rc));
    page_clear(&p);
}

void
handle_stmt_put(struct session *s, const struct msg *m, const uint8_t *bytes,
                size_t len)
{
    const struct msg_field *f = &m->f[STMT_PUT_STMT];

    (void)bytes;
    (void)len;
    if (session_device(s) == NULL && !session_may_write(s))
        session_error(s, m->req, PERR_RATE, "4 a minute from one address");
    else if (statements_put(session_relay(s), s, m->req, f->p, f->len) !=
             ERR_OK)
        session_error(s, m->req, PERR_BUSY, "too many statements wait");
}
