#include "tests/lib/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Also in release builds: a helper that goes on after a mistake misleads. */
static void
must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "net: %s\n", what);
    abort();
}

/* ---- keys ---- */

static void
next_seed(struct net *net, uint8_t seed[32])
{
    struct hash h;
    uint8_t n[2] = {(uint8_t)(net->next_seed >> 8), (uint8_t)net->next_seed};

    net->next_seed++;
    domain_hash(&h, "sealpost test seed", &(struct span){n, 2}, 1);
    memcpy(seed, h.b, 32);
}

void
net_sign_key(struct net *net, struct sign_secret *out)
{
    uint8_t seed[32];

    next_seed(net, seed);
    sign_keypair_from_seed(out, seed);
}

void
net_dh_key(struct net *net, struct dh_secret *out, struct dh_key *pub)
{
    next_seed(net, out->b);
    dh_public(pub, out);
}

/* ---- statements ---- */

static void
head(const struct net *net, struct statement *st, uint8_t kind,
     const struct agency_id *issuer)
{
    *st = (struct statement){
        .kind = kind, .time_s = net->now_s, .issuer = *issuer};
    must(directory_chain(net->dir, issuer, &st->seq, &st->prev) == ERR_OK,
         "the issuer has no chain");
}

void
net_head_registrar(const struct net *net, struct statement *st, uint8_t kind)
{
    struct agency_id id;

    memcpy(id.b, net->network_id.b, sizeof(id.b));
    head(net, st, kind, &id);
}

void
net_head_agency(const struct net *net, struct statement *st, uint8_t kind,
                unsigned agency)
{
    head(net, st, kind, &net->agencies[agency].id);
}

void
net_build_registrar(const struct net *net, struct buf *out,
                    const struct statement *st)
{
    must(stmt_build(out, st) == ERR_OK, "cannot build");
    for (unsigned i = 0; i < net->k; i++)
        must(stmt_sign(out, &net->registrars[i]) == ERR_OK, "cannot sign");
}

void
net_build_agency(const struct net *net, struct buf *out,
                 const struct statement *st, unsigned agency)
{
    must(stmt_build(out, st) == ERR_OK, "cannot build");
    must(stmt_sign(out, &net->agencies[agency].root) == ERR_OK, "cannot sign");
}

struct dir_finding
net_log_bytes(struct net *net, const void *bytes, size_t len)
{
    struct dir_finding f;
    struct buf *leaf = &net->leaves[net->n_leaves];

    must(net->n_leaves < NET_LEAVES, "too many leaves");
    buf_put(leaf, bytes, len);
    must(buf_status(leaf) == ERR_OK, "out of memory");
    net->n_leaves++;
    must(directory_apply(net->dir, bytes, len, &f) == ERR_OK, "cannot apply");
    return f;
}

static struct dir_finding
log_and_clear(struct net *net, struct buf *b)
{
    struct dir_finding f = net_log_bytes(net, b->data, b->len);

    buf_clear(b);
    return f;
}

struct dir_finding
net_log_registrar(struct net *net, const struct statement *st)
{
    struct buf b = {0};

    net_build_registrar(net, &b, st);
    return log_and_clear(net, &b);
}

struct dir_finding
net_log_agency(struct net *net, const struct statement *st, unsigned agency)
{
    struct buf b = {0};

    net_build_agency(net, &b, st, agency);
    return log_and_clear(net, &b);
}

static void
must_apply(struct dir_finding f)
{
    must(f.effect == DIR_APPLIED, dir_code_text(f.code));
}

/* ---- genesis ---- */

static void
found(struct net *net)
{
    struct statement st = {.kind = STMT_POLICY, .time_s = net->now_s};
    struct sign_key keys[NET_REGISTRARS];

    for (unsigned i = 0; i < net->n; i++)
        keys[i] = net->registrars[i].pub;
    st.body.policy = (struct stmt_policy){
        .min_suite = 2,
        .k = net->k,
        .n = net->n,
        .keys = keys,
        .relay_name = text_ref("relay.test"),
        .relay_key = net->relay_key,
        .log_key = net->log_key.pub,
        .delivery_origin = text_ref("relay.test/delivery"),
        .directory_origin = text_ref("relay.test/directory"),
        .retention_days = 400,
    };
    must_apply(net_log_registrar(net, &st));
    must(directory_network_id(net->dir, &net->network_id), "no network id");
}

void
net_fill_policy(const struct net *net, struct statement *st)
{
    const struct dir_policy *p = directory_policy(net->dir);

    net_head_registrar(net, st, STMT_POLICY);
    st->body.policy = (struct stmt_policy){
        .min_suite = p->min_suite,
        .k = p->k,
        .n = p->n,
        .keys = p->keys,
        .relay_name = text_ref(p->relay_name),
        .relay_key = p->relay_key,
        .log_key = p->log_key,
        .delivery_origin = text_ref(p->delivery_origin),
        .directory_origin = text_ref(p->directory_origin),
        .retention_days = p->retention_days,
    };
}

void
net_init_k_of_n(struct net *net, uint8_t k, uint8_t n)
{
    must(crypto_init() == ERR_OK, "no crypto");
    must(k >= 1 && k <= n && n <= NET_REGISTRARS, "bad k of n");
    memset(net, 0, sizeof(*net));
    net->now_s = NET_TIME;
    net->k = k;
    net->n = n;
    net->dir = directory_new(NULL);
    must(net->dir != NULL, "out of memory");
    for (unsigned i = 0; i < NET_REGISTRARS; i++)
        net_sign_key(net, &net->registrars[i]);
    net_sign_key(net, &net->log_key);
    net_dh_key(net, &net->relay_dh, &net->relay_key);
    found(net);
}

void
net_init(struct net *net)
{
    net_init_k_of_n(net, 1, 1);
}

void
net_clear(struct net *net)
{
    for (size_t i = 0; i < net->n_leaves; i++)
        buf_clear(&net->leaves[i]);
    directory_free(net->dir);
    memset(net, 0, sizeof(*net));
}

/* ---- members ---- */

void
net_fill_admit(struct net *net, struct statement *st,
               const struct sign_secret *root, const char *name, uint8_t class)
{
    net_head_registrar(net, st, STMT_ADMIT);
    st->body.admit = (struct stmt_admit){.root = root->pub,
                                         .class = class,
                                         .country = {'D', 'E'},
                                         .name = text_ref(name)};
    must(stmt_pop_make(st, root, &net->network_id) == ERR_OK, "no pop");
}

void
net_fill_device(struct net *net, struct statement *st, unsigned agency,
                struct sign_secret *key)
{
    struct dh_secret dh;
    struct dh_key pub;

    net_sign_key(net, key);
    net_dh_key(net, &dh, &pub);
    net_head_agency(net, st, STMT_DEVICE, agency);
    st->body.device = (struct stmt_device){.sign_key = key->pub,
                                           .transport_key = pub,
                                           .not_after_s = net->now_s + 86400,
                                           .label = text_ref("new")};
}

void
net_fill_reroot(struct net *net, struct statement *st, unsigned agency,
                struct sign_secret *key, uint64_t effective_s)
{
    net_sign_key(net, key);
    net_head_registrar(net, st, STMT_REROOT);
    st->body.reroot.agency = net->agencies[agency].id;
    st->body.reroot.root = key->pub;
    st->body.reroot.effective_s = effective_s;
    must(stmt_pop_make(st, key, &net->network_id) == ERR_OK, "no pop");
}

unsigned
net_agency(struct net *net, const char *name, uint8_t class)
{
    unsigned i = (unsigned)net->n_agencies;
    struct net_agency *a = &net->agencies[i];
    struct statement st;

    must(i < NET_MAX, "too many agencies");
    net_sign_key(net, &a->root);
    agency_id_of(&a->id, &a->root.pub);
    net_fill_admit(net, &st, &a->root, name, class);
    must_apply(net_log_registrar(net, &st));
    net->n_agencies++;
    return i;
}

unsigned
net_device(struct net *net, unsigned agency, const char *label)
{
    unsigned i = (unsigned)net->n_devices;
    struct net_device *d = &net->devices[i];
    struct statement st;

    must(i < NET_MAX, "too many devices");
    d->agency = agency;
    net_sign_key(net, &d->sign);
    net_dh_key(net, &d->dh, &d->dh_pub);
    device_id_of(&d->id, &d->sign.pub);
    net_head_agency(net, &st, STMT_DEVICE, agency);
    st.body.device =
        (struct stmt_device){.sign_key = d->sign.pub,
                             .transport_key = d->dh_pub,
                             .not_after_s = net->now_s + (uint64_t)365 * 86400,
                             .label = text_ref(label)};
    must(stmt_pop_make(&st, &d->sign, &net->network_id) == ERR_OK, "no pop");
    must_apply(net_log_agency(net, &st, agency));
    net->n_devices++;
    return i;
}

static void
log_mailbox(struct net *net, unsigned mailbox, const char *label, uint8_t state,
            const unsigned *devices, size_t n)
{
    const struct net_mailbox *m = &net->mailboxes[mailbox];
    struct device_id ids[NET_MAX];
    struct statement st;

    must(n <= NET_MAX, "too many devices");
    for (size_t i = 0; i < n; i++)
        ids[i] = net->devices[devices[i]].id;
    net_head_agency(net, &st, STMT_MAILBOX, m->agency);
    st.body.mailbox = (struct stmt_mailbox){
        .mailbox = m->id,
        .state = state,
        .label = text_ref(label),
        .purposes = 1,
        .deputy = m->deputy,
        .contact = text_ref("+49 30 0000 000\nday and night"),
        .n = (uint8_t)n,
        .devices = ids};
    must_apply(net_log_agency(net, &st, m->agency));
}

unsigned
net_mailbox(struct net *net, unsigned agency, const char *label,
            const unsigned *devices, size_t n)
{
    unsigned i = (unsigned)net->n_mailboxes;
    struct net_mailbox *m = &net->mailboxes[i];
    uint8_t seed[32];

    must(i < NET_MAX, "too many mailboxes");
    m->agency = agency;
    next_seed(net, seed);
    memcpy(m->id.b, seed, sizeof(m->id.b));
    log_mailbox(net, i, label, MAILBOX_OPEN, devices, n);
    net->n_mailboxes++;
    return i;
}

void
net_mailbox_update(struct net *net, unsigned mailbox, const char *label,
                   uint8_t state, const unsigned *devices, size_t n)
{
    log_mailbox(net, mailbox, label, state, devices, n);
}

void
net_revoke(struct net *net, unsigned device, uint8_t reason, uint64_t since_s)
{
    const struct net_device *d = &net->devices[device];
    struct statement st;

    net_head_agency(net, &st, STMT_REVOKE, d->agency);
    st.body.revoke = (struct stmt_revoke){
        .device = d->id, .reason = reason, .since_s = since_s};
    must_apply(net_log_agency(net, &st, d->agency));
}

void
net_suspend(struct net *net, unsigned agency, uint8_t state)
{
    struct statement st;

    net_head_registrar(net, &st, STMT_SUSPEND);
    st.body.suspend = (struct stmt_suspend){.agency = net->agencies[agency].id,
                                            .state = state};
    must_apply(net_log_registrar(net, &st));
}

unsigned
net_desk(struct net *net, const char *name, uint8_t class)
{
    unsigned agency = net_agency(net, name, class);
    unsigned device = net_device(net, agency, "desk 1");

    net_mailbox(net, agency, "intake", &device, 1);
    return agency;
}

const struct dir_agency *
net_dir_agency(const struct net *net, unsigned i)
{
    return directory_agency(net->dir, &net->agencies[i].id);
}

const struct dir_device *
net_dir_device(const struct net *net, unsigned i)
{
    return directory_device(net->dir, &net->devices[i].id);
}

const struct dir_mailbox *
net_dir_mailbox(const struct net *net, unsigned i)
{
    return directory_mailbox(net->dir, &net->mailboxes[i].id);
}
