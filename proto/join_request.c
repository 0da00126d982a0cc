#include "proto/invite.h"

#include <string.h>

#include "common/bytes.h"
#include "proto/base32.h"

/* Terminators included. */
static const char join_domain[] = "sealpost/1/join";
static const char device_domain[] = "sealpost/1/device";

/* ---- join request: make ---- */

static void
admit_of(struct statement *st, const struct join_form *f)
{
    *st = (struct statement){.kind = STMT_ADMIT};
    st->body.admit = (struct stmt_admit){
        .root = f->root->pub,
        .class = f->wished_class,
        .name = text_ref(f->name),
    };
    memcpy(st->body.admit.country, f->country, 2);
}

/* Signed by the root as statement SEQ of its chain. */
static enum err
build_signed(struct buf *out, struct statement *st, const struct join_form *f,
             uint64_t seq, const struct hash *prev)
{
    enum err rc;

    st->seq = seq;
    st->prev = *prev;
    st->time_s = f->time_s;
    agency_id_of(&st->issuer, &f->root->pub);
    if (st->kind == STMT_DEVICE) {
        rc = stmt_pop_make(st, f->device_key, f->network_id);
        if (rc != ERR_OK)
            return rc;
    }
    rc = stmt_build(out, st);
    return rc == ERR_OK ? stmt_sign(out, f->root) : rc;
}

static enum err
build_device(struct buf *out, const struct join_form *f)
{
    struct statement st = {.kind = STMT_DEVICE};

    st.body.device = (struct stmt_device){
        .sign_key = f->device_key->pub,
        .transport_key = *f->device_transport_key,
        .not_after_s = f->device_not_after_s,
        .label = text_ref(f->device_label),
    };
    return build_signed(out, &st, f, 0, f->network_id);
}

static enum err
build_mailbox(struct buf *out, const struct join_form *f,
              const struct hash *prev)
{
    struct statement st = {.kind = STMT_MAILBOX};
    struct device_id device;

    device_id_of(&device, &f->device_key->pub);
    st.body.mailbox = (struct stmt_mailbox){
        .mailbox = *f->mailbox,
        .state = MAILBOX_OPEN,
        .label = text_ref(f->mailbox_label),
        .purposes = f->purposes,
        .contact = text_ref(f->contact),
        .n = 1,
        .devices = &device,
    };
    return build_signed(out, &st, f, 1, prev);
}

static void
put_request(struct buf *out, const struct stmt_admit *admit,
            const struct buf *device, const struct buf *mailbox)
{
    buf_put(out, join_domain, sizeof(join_domain));
    buf_put(out, admit->root.b, 32);
    buf_put(out, admit->country, 2);
    buf_u8(out, admit->class);
    buf_u8(out, (uint8_t)admit->name.len);
    buf_put(out, admit->name.p, admit->name.len);
    buf_put(out, admit->pop.b, 64);
    buf_u16(out, (uint16_t)device->len);
    buf_put(out, device->data, device->len);
    buf_u16(out, (uint16_t)mailbox->len);
    buf_put(out, mailbox->data, mailbox->len);
}

enum err
join_request_make(struct buf *out, const struct join_form *form)
{
    struct buf device = {0}, mailbox = {0};
    struct statement admit, st;
    struct hash prev;
    size_t start = out->len;
    enum err rc;

    if (form->country == NULL || strlen(form->country) != 2)
        return ERR_MALFORMED;
    admit_of(&admit, form);
    rc = stmt_pop_make(&admit, form->root, form->network_id);
    if (rc == ERR_OK)
        rc = build_device(&device, form);
    if (rc == ERR_OK)
        rc = stmt_parse(&st, device.data, device.len);
    if (rc != ERR_OK)
        goto out;
    stmt_hash(&prev, &st);
    rc = build_mailbox(&mailbox, form, &prev);
    if (rc != ERR_OK)
        goto out;
    put_request(out, &admit.body.admit, &device, &mailbox);
    rc = buf_status(out);
    if (rc == ERR_OK && out->len - start > LIMIT_JOIN_REQUEST)
        rc = ERR_TOOBIG;
    if (rc != ERR_OK)
        out->len = start;
out:
    buf_clear(&device);
    buf_clear(&mailbox);
    return rc;
}

/* ---- join request: parse and check ---- */

static struct text_ref
read_text(struct rd *r, size_t len)
{
    const uint8_t *p = rd_ref(r, len);

    return (struct text_ref){(const char *)p, p == NULL ? 0 : len};
}

static bool
is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

enum err
join_request_parse(struct join_request *out, const void *bytes, size_t len)
{
    struct join_request got = {0};
    struct rd r = rd_from(bytes, len);

    if (len > LIMIT_JOIN_REQUEST)
        return ERR_TOOBIG;
    rd_expect(&r, join_domain, sizeof(join_domain));
    rd_copy(&r, got.root.b, 32);
    rd_copy(&r, got.country, 2);
    got.wished_class = rd_u8(&r);
    got.name = read_text(&r, rd_u8(&r));
    rd_copy(&r, got.pop.b, 64);
    got.device = read_text(&r, rd_u16(&r));
    got.mailbox = read_text(&r, rd_u16(&r));
    if (rd_end(&r) != ERR_OK || agency_class_name(got.wished_class) == NULL ||
        !is_upper(got.country[0]) || !is_upper(got.country[1]) ||
        !text_is_line(got.name, LIMIT_AGENCY_NAME))
        return ERR_MALFORMED;
    *out = got;
    return ERR_OK;
}

void
join_request_admit(struct statement *st, const struct join_request *req)
{
    st->kind = STMT_ADMIT;
    st->body.admit = (struct stmt_admit){
        .root = req->root,
        .class = req->wished_class,
        .country = {req->country[0], req->country[1]},
        .name = req->name,
        .services = {"", 0},
        .pop = req->pop,
    };
}

/* Statement SEQ of the applicant's chain, of KIND, signed by its root alone. */
static enum err
check_statement(struct statement *st, struct text_ref bytes, uint8_t kind,
                uint64_t seq, const struct hash *prev,
                const struct sign_key *root)
{
    struct agency_id agency;
    enum err rc = stmt_parse(st, bytes.p, bytes.len);

    if (rc != ERR_OK)
        return ERR_MALFORMED;
    agency_id_of(&agency, root);
    if (st->kind != kind || st->seq != seq || !id_eq(&st->prev, prev) ||
        !id_eq(&st->issuer, &agency) || st->n_sig != 1)
        return ERR_MALFORMED;
    return stmt_sig_check(st, 0, root);
}

static enum err
check_pop(const struct join_request *req, const struct hash *network_id)
{
    struct statement st = {0};
    struct buf body = {0};
    enum err rc;

    join_request_admit(&st, req);
    rc = stmt_body_build(&body, &st);
    if (rc == ERR_OK) {
        st.body_bytes = body.data;
        st.body_len = body.len;
        rc = stmt_pop_check(&st, network_id);
    }
    buf_clear(&body);
    return rc;
}

enum err
join_request_check(const struct join_request *req,
                   const struct hash *network_id)
{
    struct statement device, mailbox;
    struct device_id id;
    struct hash prev;
    enum err rc = check_pop(req, network_id);

    if (rc == ERR_OK)
        rc = check_statement(&device, req->device, STMT_DEVICE, 0, network_id,
                             &req->root);
    if (rc == ERR_OK)
        rc = stmt_pop_check(&device, network_id);
    if (rc != ERR_OK)
        return rc;
    stmt_hash(&prev, &device);
    rc = check_statement(&mailbox, req->mailbox, STMT_MAILBOX, 1, &prev,
                         &req->root);
    if (rc != ERR_OK)
        return rc;
    device_id_of(&id, &device.body.device.sign_key);
    if (mailbox.body.mailbox.n != 1 ||
        !id_eq(&mailbox.body.mailbox.devices[0], &id) ||
        mailbox.body.mailbox.state != MAILBOX_OPEN ||
        id_eq(&device.body.device.sign_key, &req->root))
        return ERR_MALFORMED;
    return ERR_OK;
}

/* ---- device request ---- */

enum err
device_request_make(struct buf *out, const struct hash *network_id,
                    struct statement *st, const struct sign_secret *key)
{
    struct buf body = {0};
    enum err rc = stmt_pop_make(st, key, network_id);

    if (rc == ERR_OK)
        rc = stmt_body_build(&body, st);
    if (rc == ERR_OK) {
        buf_put(out, device_domain, sizeof(device_domain));
        buf_put(out, network_id->b, 32);
        buf_put(out, st->issuer.b, 16);
        buf_u16(out, (uint16_t)body.len);
        buf_put(out, body.data, body.len);
        rc = buf_status(out);
    }
    buf_clear(&body);
    return rc;
}

enum err
device_request_parse(struct device_request *out, const void *bytes, size_t len)
{
    struct device_request got = {0};
    struct rd r = rd_from(bytes, len);
    struct text_ref body;
    enum err rc;

    rd_expect(&r, device_domain, sizeof(device_domain));
    rd_copy(&r, got.network_id.b, 32);
    rd_copy(&r, got.agency.b, 16);
    body = read_text(&r, rd_u16(&r));
    if (rd_end(&r) != ERR_OK ||
        stmt_body_parse(&got.device, STMT_DEVICE, body.p, body.len) != ERR_OK)
        return ERR_MALFORMED;
    got.device.issuer = got.agency;
    rc = stmt_pop_check(&got.device, &got.network_id);
    if (rc != ERR_OK)
        return rc;
    *out = got;
    return ERR_OK;
}

void
device_request_check(char out[DEVICE_CHECK_LEN + 1], const void *bytes,
                     size_t len)
{
    char digits[13];
    struct hash h;

    domain_hash(&h, "sealpost/1/device-check", &(struct span){bytes, len}, 1);
    crockford_encode(digits, 12, h.b, sizeof(h.b));
    for (unsigned g = 0; g < 3; g++) {
        memcpy(out + 5 * g, digits + 4 * g, 4);
        out[5 * g + 4] = g == 2 ? '\0' : '-';
    }
}

bool
device_check_is(const char *check, const char *typed)
{
    char a[DEVICE_CHECK_LEN + 1], b[DEVICE_CHECK_LEN + 1];

    return crockford_clean(a, sizeof(a), check) == ERR_OK &&
           crockford_clean(b, sizeof(b), typed) == ERR_OK && strcmp(a, b) == 0;
}
