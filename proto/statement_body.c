/* The body of each kind: one row a kind, one reader, one writer, one check that
 * both share. */
#include "proto/statement.h"

#include <assert.h>
#include <string.h>

#include "common/bytes.h"
#include "proto/limits.h"

static struct text_ref
read_text(struct rd *r, size_t len)
{
    const uint8_t *p = rd_ref(r, len);

    return (struct text_ref){(const char *)p, p == NULL ? 0 : len};
}

static void
put_text8(struct buf *b, struct text_ref t)
{
    buf_u8(b, (uint8_t)t.len);
    buf_put(b, t.p, t.len);
}

static void
put_text16(struct buf *b, struct text_ref t)
{
    buf_u16(b, (uint16_t)t.len);
    buf_put(b, t.p, t.len);
}

/* ---- policy ---- */

static void
read_policy(struct rd *r, struct statement *st)
{
    struct stmt_policy *p = &st->body.policy;

    p->min_suite = rd_u8(r);
    p->k = rd_u8(r);
    p->n = rd_u8(r);
    p->keys = (const struct sign_key *)rd_ref(r, (size_t)p->n * 32);
    p->relay_name = read_text(r, rd_u8(r));
    rd_copy(r, p->relay_key.b, 32);
    rd_copy(r, p->log_key.b, 32);
    p->delivery_origin = read_text(r, rd_u8(r));
    p->directory_origin = read_text(r, rd_u8(r));
    p->old_size = rd_u64(r);
    rd_copy(r, p->old_root.b, 32);
    p->retention_days = rd_u32(r);
}

static void
write_policy(struct buf *b, const struct statement *st)
{
    const struct stmt_policy *p = &st->body.policy;

    buf_u8(b, p->min_suite);
    buf_u8(b, p->k);
    buf_u8(b, p->n);
    buf_put(b, p->keys, (size_t)p->n * 32);
    put_text8(b, p->relay_name);
    buf_put(b, p->relay_key.b, 32);
    buf_put(b, p->log_key.b, 32);
    put_text8(b, p->delivery_origin);
    put_text8(b, p->directory_origin);
    buf_u64(b, p->old_size);
    buf_put(b, p->old_root.b, 32);
    buf_u32(b, p->retention_days);
}

static bool
same_text(struct text_ref a, struct text_ref b)
{
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

static bool
keys_differ(const struct sign_key *keys, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < i; j++)
            if (id_eq(&keys[i], &keys[j]))
                return false;
    return true;
}

static bool
policy_is_fine(const struct statement *st)
{
    const struct stmt_policy *p = &st->body.policy;

    return p->k >= 1 && p->k <= p->n && p->n <= LIMIT_REGISTRAR_KEYS &&
           keys_differ(p->keys, p->n) &&
           text_is_name(p->relay_name, LIMIT_RELAY_NAME) &&
           text_is_name(p->delivery_origin, LIMIT_ORIGIN) &&
           text_is_name(p->directory_origin, LIMIT_ORIGIN) &&
           !same_text(p->delivery_origin, p->directory_origin) &&
           p->retention_days >= 1;
}

/* ---- admit ---- */

static void
read_admit(struct rd *r, struct statement *st)
{
    struct stmt_admit *a = &st->body.admit;

    rd_copy(r, a->root.b, 32);
    a->class = rd_u8(r);
    rd_copy(r, a->country, 2);
    a->capabilities = rd_u32(r);
    a->name = read_text(r, rd_u8(r));
    a->services = read_text(r, rd_u16(r));
    rd_copy(r, a->pop.b, 64);
}

static void
write_admit(struct buf *b, const struct statement *st)
{
    const struct stmt_admit *a = &st->body.admit;

    buf_put(b, a->root.b, 32);
    buf_u8(b, a->class);
    buf_put(b, a->country, 2);
    buf_u32(b, a->capabilities);
    put_text8(b, a->name);
    put_text16(b, a->services);
    buf_put(b, a->pop.b, 64);
}

static bool
is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool
admit_is_fine(const struct statement *st)
{
    const struct stmt_admit *a = &st->body.admit;

    return agency_class_name(a->class) != NULL && is_upper(a->country[0]) &&
           is_upper(a->country[1]) &&
           text_is_line(a->name, LIMIT_AGENCY_NAME) &&
           text_is_lines(a->services, LIMIT_SERVICES);
}

/* ---- suspend, reroot, stop_device ---- */

static void
read_suspend(struct rd *r, struct statement *st)
{
    rd_copy(r, st->body.suspend.agency.b, 16);
    st->body.suspend.state = rd_u8(r);
}

static void
write_suspend(struct buf *b, const struct statement *st)
{
    buf_put(b, st->body.suspend.agency.b, 16);
    buf_u8(b, st->body.suspend.state);
}

static bool
suspend_is_fine(const struct statement *st)
{
    return st->body.suspend.state <= 1;
}

static void
read_reroot(struct rd *r, struct statement *st)
{
    struct stmt_reroot *c = &st->body.reroot;

    rd_copy(r, c->agency.b, 16);
    rd_copy(r, c->root.b, 32);
    c->effective_s = rd_u64(r);
    rd_copy(r, c->pop.b, 64);
}

static void
write_reroot(struct buf *b, const struct statement *st)
{
    const struct stmt_reroot *c = &st->body.reroot;

    buf_put(b, c->agency.b, 16);
    buf_put(b, c->root.b, 32);
    buf_u64(b, c->effective_s);
    buf_put(b, c->pop.b, 64);
}

static bool
reroot_is_fine(const struct statement *st)
{
    return st->body.reroot.effective_s <= LIMIT_TIME_S;
}

static void
read_stop_device(struct rd *r, struct statement *st)
{
    rd_copy(r, st->body.stop_device.device.b, 16);
    st->body.stop_device.since_s = rd_u64(r);
}

static void
write_stop_device(struct buf *b, const struct statement *st)
{
    buf_put(b, st->body.stop_device.device.b, 16);
    buf_u64(b, st->body.stop_device.since_s);
}

static bool
stop_device_is_fine(const struct statement *st)
{
    return st->body.stop_device.since_s <= LIMIT_TIME_S;
}

/* ---- device, revoke, cancel ---- */

static void
read_device(struct rd *r, struct statement *st)
{
    struct stmt_device *d = &st->body.device;

    rd_copy(r, d->sign_key.b, 32);
    rd_copy(r, d->transport_key.b, 32);
    d->not_after_s = rd_u64(r);
    d->label = read_text(r, rd_u8(r));
    rd_copy(r, d->pop.b, 64);
}

static void
write_device(struct buf *b, const struct statement *st)
{
    const struct stmt_device *d = &st->body.device;

    buf_put(b, d->sign_key.b, 32);
    buf_put(b, d->transport_key.b, 32);
    buf_u64(b, d->not_after_s);
    put_text8(b, d->label);
    buf_put(b, d->pop.b, 64);
}

static bool
device_is_fine(const struct statement *st)
{
    const struct stmt_device *d = &st->body.device;

    return d->not_after_s <= LIMIT_TIME_S &&
           text_is_line(d->label, LIMIT_LABEL);
}

static void
read_revoke(struct rd *r, struct statement *st)
{
    rd_copy(r, st->body.revoke.device.b, 16);
    st->body.revoke.reason = rd_u8(r);
    st->body.revoke.since_s = rd_u64(r);
}

static void
write_revoke(struct buf *b, const struct statement *st)
{
    buf_put(b, st->body.revoke.device.b, 16);
    buf_u8(b, st->body.revoke.reason);
    buf_u64(b, st->body.revoke.since_s);
}

static bool
revoke_is_fine(const struct statement *st)
{
    return revoke_reason_name(st->body.revoke.reason) != NULL &&
           st->body.revoke.since_s <= LIMIT_TIME_S;
}

static void
read_cancel(struct rd *r, struct statement *st)
{
    rd_copy(r, st->body.cancel.statement.b, 32);
}

static void
write_cancel(struct buf *b, const struct statement *st)
{
    buf_put(b, st->body.cancel.statement.b, 32);
}

static bool
cancel_is_fine(const struct statement *st)
{
    (void)st; /* any hash may be named */
    return true;
}

/* ---- mailbox ---- */

static void
read_mailbox(struct rd *r, struct statement *st)
{
    struct stmt_mailbox *m = &st->body.mailbox;

    rd_copy(r, m->mailbox.b, 16);
    m->state = rd_u8(r);
    m->label = read_text(r, rd_u8(r));
    m->purposes = rd_u32(r);
    rd_copy(r, m->deputy.b, 16);
    m->contact = read_text(r, rd_u16(r));
    m->n = rd_u8(r);
    m->devices = (const struct device_id *)rd_ref(r, (size_t)m->n * 16);
}

/* By insertion: a mailbox has a handful of devices. */
static void
put_sorted(struct buf *b, const struct device_id *ids, unsigned n)
{
    size_t start = b->len;

    for (unsigned i = 0; i < n; i++) {
        size_t at;

        buf_put(b, ids[i].b, 16);
        if (buf_status(b) != ERR_OK)
            return;
        for (at = b->len - 16;
             at > start && memcmp(b->data + at - 16, ids[i].b, 16) > 0;
             at -= 16)
            memcpy(b->data + at, b->data + at - 16, 16);
        memcpy(b->data + at, ids[i].b, 16);
    }
}

static void
write_mailbox(struct buf *b, const struct statement *st)
{
    const struct stmt_mailbox *m = &st->body.mailbox;

    buf_put(b, m->mailbox.b, 16);
    buf_u8(b, m->state);
    put_text8(b, m->label);
    buf_u32(b, m->purposes);
    buf_put(b, m->deputy.b, 16);
    put_text16(b, m->contact);
    buf_u8(b, m->n);
    put_sorted(b, m->devices, m->n);
}

static bool
mailbox_is_fine(const struct statement *st)
{
    static const struct mailbox_id none;
    const struct stmt_mailbox *m = &st->body.mailbox;

    for (unsigned i = 1; i < m->n; i++)
        if (id_cmp(&m->devices[i - 1], &m->devices[i]) >= 0)
            return false;
    return !id_eq(&m->mailbox, &none) && !id_eq(&m->mailbox, &m->deputy) &&
           m->state <= MAILBOX_OPEN && text_is_line(m->label, LIMIT_LABEL) &&
           text_is_lines(m->contact, LIMIT_CONTACT);
}

/* ---- the table ---- */

static const struct body {
    struct stmt_kind_info info;
    void (*read)(struct rd *r, struct statement *st);
    void (*write)(struct buf *b, const struct statement *st);
    bool (*is_fine)(const struct statement *st);
} bodies[] = {
    {{STMT_POLICY, "policy", STMT_BY_REGISTRAR, "the network's rules and keys"},
     read_policy,
     write_policy,
     policy_is_fine},
    {{STMT_ADMIT, "admit", STMT_BY_REGISTRAR,
      "an agency joins, or its entry changes"},
     read_admit,
     write_admit,
     admit_is_fine},
    {{STMT_SUSPEND, "suspend", STMT_BY_REGISTRAR,
      "an agency may not send or receive, or may again"},
     read_suspend,
     write_suspend,
     suspend_is_fine},
    {{STMT_REROOT, "reroot", STMT_BY_REGISTRAR,
      "an agency gets a new root key"},
     read_reroot,
     write_reroot,
     reroot_is_fine},
    {{STMT_STOP_DEVICE, "stop_device", STMT_BY_REGISTRAR,
      "a device is stopped in an emergency"},
     read_stop_device,
     write_stop_device,
     stop_device_is_fine},
    {{STMT_DEVICE, "device", STMT_BY_AGENCY, "a device is enrolled"},
     read_device,
     write_device,
     device_is_fine},
    {{STMT_REVOKE, "revoke", STMT_BY_AGENCY, "a device is revoked"},
     read_revoke,
     write_revoke,
     revoke_is_fine},
    {{STMT_CANCEL, "cancel", STMT_BY_AGENCY,
      "an agency's old root stops a new one"},
     read_cancel,
     write_cancel,
     cancel_is_fine},
    {{STMT_MAILBOX, "mailbox", STMT_BY_AGENCY,
      "a mailbox is made, changed or closed"},
     read_mailbox,
     write_mailbox,
     mailbox_is_fine},
};

static const struct body *
body_of(uint8_t kind)
{
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        if (bodies[i].info.kind == kind)
            return &bodies[i];
    return NULL;
}

const struct stmt_kind_info *
stmt_kind_info(uint8_t kind)
{
    const struct body *b = body_of(kind);

    return b == NULL ? NULL : &b->info;
}

enum err
stmt_body_parse(struct statement *st, uint8_t kind, const void *bytes,
                size_t len)
{
    const struct body *b = body_of(kind);
    struct statement got = *st;
    struct rd r = rd_from(bytes, len);

    if (b == NULL)
        return ERR_UNSUPPORTED;
    got.kind = kind;
    got.body_bytes = bytes;
    got.body_len = len;
    b->read(&r, &got);
    if (rd_end(&r) != ERR_OK || !b->is_fine(&got))
        return ERR_MALFORMED;
    *st = got;
    return ERR_OK;
}

/* Lengths that would not fit their fields; parsing the result checks the rest.
 */
static bool
lengths_fit(const struct statement *st)
{
    switch (st->kind) {
    case STMT_POLICY:
        return st->body.policy.relay_name.len <= UINT8_MAX &&
               st->body.policy.delivery_origin.len <= UINT8_MAX &&
               st->body.policy.directory_origin.len <= UINT8_MAX;
    case STMT_ADMIT:
        return st->body.admit.name.len <= UINT8_MAX &&
               st->body.admit.services.len <= UINT16_MAX;
    case STMT_DEVICE:
        return st->body.device.label.len <= UINT8_MAX;
    case STMT_MAILBOX:
        return st->body.mailbox.label.len <= UINT8_MAX &&
               st->body.mailbox.contact.len <= UINT16_MAX;
    default:
        return true;
    }
}

enum err
stmt_body_build(struct buf *out, const struct statement *st)
{
    const struct body *b = body_of(st->kind);
    size_t start = out->len;
    struct statement check = *st;
    enum err rc;

    if (b == NULL)
        return ERR_UNSUPPORTED;
    if (!lengths_fit(st))
        return ERR_MALFORMED;
    b->write(out, st);
    rc = buf_status(out);
    if (rc == ERR_OK)
        rc = stmt_body_parse(&check, st->kind, out->data + start,
                             out->len - start);
    if (rc != ERR_OK)
        out->len = start;
    return rc;
}
