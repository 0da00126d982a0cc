/*
 * handle_prekey.c - PREKEY_PUT (a device's own, verified) and PREKEY_GET.
 */
#include <stdlib.h>

#include "common/clock.h"
#include "proto/prekey.h"
#include "server/handlers.h"
#include "server/page.h"
#include "server/relay.h"
#include "server/task.h"

static void
on_put(struct task *t)
{
    if (t->session == NULL)
        return;
    if (t->job.op.result.why == STORE_OK)
        session_send(t->session, MSG_OK, t->req, NULL, 0);
    else
        session_store_error(t->session, t->req, t->job.op.result.why);
}

static enum err
take(struct store_prekey *out, const struct msg_field *f,
     const struct dir_device *d)
{
    struct prekey pk;
    enum err rc = prekey_parse(&pk, f->p, f->len);

    if (rc == ERR_OK && !id_eq(&pk.device, &d->id))
        rc = ERR_REFUSED;
    if (rc == ERR_OK)
        rc = prekey_verify(f->p, &d->sign_key);
    if (rc != ERR_OK)
        return rc;
    out->stmt = (struct span){f->p, f->len};
    out->id = pk.id;
    out->not_before_s = pk.not_before;
    out->not_after_s = pk.not_after;
    return ERR_OK;
}

void
handle_prekey_put(struct session *s, const struct msg *m, const uint8_t *bytes,
                  size_t len)
{
    struct task *t = task_new(session_relay(s), s, m->req, STORE_OP_PREKEYS,
                              bytes, len, on_put);
    struct store_prekey *keys = calloc(LIMIT_PREKEYS_PUT, sizeof(*keys));
    const struct msg_field *list;
    enum err rc = ERR_OK;

    if (t == NULL || keys == NULL) {
        free(keys);
        task_free(t);
        session_error(s, m->req, PERR_BUSY, "no memory");
        return;
    }
    t->extra = keys;
    list = &t->msg.f[PREKEY_PUT_STMTS];
    for (size_t i = 0; i < list->len && rc == ERR_OK; i++)
        rc = take(&keys[i], &list->items[i], session_device(s));
    if (rc != ERR_OK) {
        task_free(t);
        session_error(s, m->req, PERR_EVIDENCE, "a prekey does not verify");
        return;
    }
    t->job.op.prekeys.device = session_device(s)->id;
    t->job.op.prekeys.prekeys = keys;
    t->job.op.prekeys.n = list->len;
    relay_submit(session_relay(s), t);
}

static enum err
on_prekey(void *arg, uint64_t index, struct span stmt)
{
    struct page *p = arg;
    struct msg_field f = msg_bin(stmt.p, stmt.len);

    (void)index;
    return p->n >= LIMIT_PREKEYS_GET ? ERR_CANCELLED : page_add(p, &f, 1);
}

void
handle_prekey_get(struct session *s, const struct msg *m, const uint8_t *bytes,
                  size_t len)
{
    struct relay *r = session_relay(s);
    struct msg_field items[LIMIT_PREKEYS_GET];
    struct mailbox_id mailbox;
    struct page p = {0};
    enum err rc;

    (void)bytes;
    (void)len;
    msg_copy(mailbox.b, &m->f[PREKEY_GET_MAILBOX], sizeof(mailbox.b));
    rc = store_prekeys(r->reader, &mailbox, clock_wall_ms() / 1000, on_prekey,
                       &p);
    if (rc == ERR_OK || rc == ERR_CANCELLED) {
        struct msg_field f[] = {
            [PREKEYS_STMTS] = page_list(&p, items, 1),
            [PREKEYS_DIR_SIZE] = msg_u(directory_size(r->directory)),
        };
        session_send(s, MSG_PREKEYS, m->req, f, 2);
    } else {
        session_error(s, m->req,
                      rc == ERR_NOTFOUND ? PERR_MAILBOX : PERR_INTERNAL, NULL);
    }
    page_clear(&p);
}
