#include "proto/bundle_who.h"

#include <stdlib.h>
#include <string.h>

#include "proto/merkle.h"

enum err
bundle_who_init(struct bundle_who *w, size_t n)
{
    *w = (struct bundle_who){0};
    w->policies = calloc(n + 1, sizeof(*w->policies));
    w->agencies = calloc(n + 1, sizeof(*w->agencies));
    w->devices = calloc(n + 1, sizeof(*w->devices));
    w->mailboxes = calloc(n + 1, sizeof(*w->mailboxes));
    w->leaves = calloc(n + 1, sizeof(*w->leaves));
    if (w->policies != NULL && w->agencies != NULL && w->devices != NULL &&
        w->mailboxes != NULL && w->leaves != NULL)
        return ERR_OK;
    bundle_who_clear(w);
    return ERR_NOMEM;
}

void
bundle_who_clear(struct bundle_who *w)
{
    free(w->policies);
    free(w->agencies);
    free(w->devices);
    free(w->mailboxes);
    free(w->leaves);
    *w = (struct bundle_who){0};
}

/* ---- look-ups ---- */

const struct who_policy *
bundle_who_policy(const struct bundle_who *w)
{
    return w->n_policies == 0 ? NULL : &w->policies[w->n_policies - 1];
}

static struct who_agency *
agency(const struct bundle_who *w, const struct agency_id *id)
{
    for (size_t i = 0; i < w->n_agencies; i++)
        if (id_eq(&w->agencies[i].id, id))
            return &w->agencies[i];
    return NULL;
}

static struct who_device *
device(const struct bundle_who *w, const struct device_id *id)
{
    for (size_t i = 0; i < w->n_devices; i++)
        if (id_eq(&w->devices[i].id, id))
            return &w->devices[i];
    return NULL;
}

static struct who_mailbox *
mailbox(const struct bundle_who *w, const struct mailbox_id *id)
{
    for (size_t i = 0; i < w->n_mailboxes; i++)
        if (id_eq(&w->mailboxes[i].id, id))
            return &w->mailboxes[i];
    return NULL;
}

const struct who_agency *
bundle_who_agency(const struct bundle_who *w, const struct agency_id *id)
{
    return agency(w, id);
}

const struct who_device *
bundle_who_device(const struct bundle_who *w, const struct device_id *id)
{
    return device(w, id);
}

const struct who_mailbox *
bundle_who_mailbox(const struct bundle_who *w, const struct mailbox_id *id)
{
    return mailbox(w, id);
}

bool
bundle_who_has(const struct bundle_who *w, struct span statement)
{
    struct hash h;

    merkle_leaf(statement.p, statement.len, &h);
    for (size_t i = 0; i < w->n_leaves; i++)
        if (id_eq(&w->leaves[i], &h))
            return true;
    return false;
}

static void
copy_text(char *out, struct text_ref t)
{
    memcpy(out, t.p, t.len);
    out[t.len] = '\0';
}

/* ---- signatures ---- */

/* What could not be checked for want of memory is not wrong. */
static bool
fits(struct bundle_who *w, enum err rc)
{
    if (rc == ERR_NOMEM)
        w->no_memory = true;
    return rc == ERR_OK;
}

static const char *
judge_registrars(struct bundle_who *w, const struct statement *st,
                 const struct sign_key *keys, unsigned n, unsigned k)
{
    for (unsigned i = 0; i < st->n_sig; i++) {
        unsigned j = 0;

        while (j < n && !fits(w, stmt_sig_check(st, i, &keys[j])))
            j++;
        if (j == n)
            return "it is not signed by the registrar of the policy before it";
    }
    return st->n_sig < k ? "fewer registrars signed it than the policy asks for"
                         : NULL;
}

/* A root that is announced takes hold with the clock of the whole log, of which
 * we see a part: until our part has come that far, either may sign. */
static const char *
judge_root(struct bundle_who *w, struct who_agency *a,
           const struct statement *st)
{
    uint64_t clock_s = st->time_s > w->clock_s ? st->time_s : w->clock_s;
    bool is_due = a->reroot.pending && a->reroot.effective_s <= clock_s;

    if (st->n_sig == 1 && !is_due && fits(w, stmt_sig_check(st, 0, &a->root)))
        return NULL;
    if (st->n_sig != 1 || !a->reroot.pending ||
        !fits(w, stmt_sig_check(st, 0, &a->reroot.root)))
        return "it is not signed by the root of its agency";
    a->root = a->reroot.root;
    a->reroot.pending = false;
    return NULL;
}

static const char *
judge_chain(const struct bundle_who *w, const struct who_chain *chain,
            const struct statement *st)
{
    bool is_wrong;

    if (!chain->has_last)
        is_wrong = st->seq == 0 && !id_eq(&st->prev, &w->network_id);
    else if (st->seq == chain->seq + 1)
        is_wrong = !id_eq(&st->prev, &chain->hash);
    else
        is_wrong = st->seq <= chain->seq;
    return is_wrong ? "it does not follow its issuer's statements before it"
                    : NULL;
}

static void
move_chain(struct who_chain *chain, const struct statement *st)
{
    chain->has_last = true;
    chain->seq = st->seq;
    stmt_hash(&chain->hash, st);
}

/* ---- one kind after the other ---- */

static const char *
apply_policy(struct bundle_who *w, uint64_t index, const struct statement *st)
{
    const struct stmt_policy *p = &st->body.policy;
    struct who_policy *to = &w->policies[w->n_policies];
    char origin[LIMIT_ORIGIN + 1];

    to->index = index;
    to->k = p->k;
    to->n = p->n;
    memcpy(to->keys, p->keys, p->n * sizeof(p->keys[0]));
    to->old_size = p->old_size;
    copy_text(to->relay_name, p->relay_name);
    copy_text(origin, p->delivery_origin);
    if (vkey_make(&to->delivery, origin, NOTE_ED25519, &p->log_key) != ERR_OK)
        return "its delivery log cannot have that name";
    copy_text(origin, p->directory_origin);
    if (vkey_make(&to->directory, origin, NOTE_ED25519, &p->log_key) != ERR_OK)
        return "its directory log cannot have that name";
    w->n_policies++;
    return NULL;
}

static const char *
apply_admit(struct bundle_who *w, uint64_t index, const struct statement *st)
{
    const struct stmt_admit *admit = &st->body.admit;
    struct agency_id id;
    struct who_agency *a;

    if (!fits(w, stmt_pop_check(st, &w->network_id)))
        return "its root's proof of possession does not verify";
    agency_id_of(&id, &admit->root);
    a = agency(w, &id);
    if (a == NULL) {
        a = &w->agencies[w->n_agencies++];
        a->id = id;
        a->root = admit->root;
        a->admitted_index = index;
    }
    a->class = admit->class;
    memcpy(a->country, admit->country, sizeof(admit->country));
    copy_text(a->name, admit->name);
    return NULL;
}

static const char *
apply_suspend(struct bundle_who *w, uint64_t index, const struct statement *st)
{
    struct who_agency *a = agency(w, &st->body.suspend.agency);

    (void)index;
    if (a == NULL)
        return "the agency that it suspends was not admitted before it";
    a->suspended = st->body.suspend.state == 1;
    a->suspended_s = st->time_s;
    return NULL;
}

static const char *
apply_reroot(struct bundle_who *w, uint64_t index, const struct statement *st)
{
    const struct stmt_reroot *c = &st->body.reroot;
    struct who_agency *a = agency(w, &c->agency);

    (void)index;
    if (a == NULL)
        return "the agency that it is about was not admitted before it";
    if (!fits(w, stmt_pop_check(st, &w->network_id)))
        return "the new root's proof of possession does not verify";
    a->reroot.pending = true;
    a->reroot.root = c->root;
    a->reroot.effective_s = c->effective_s;
    stmt_hash(&a->reroot.statement, st);
    return NULL;
}

static const char *
apply_cancel(struct bundle_who *w, uint64_t index, const struct statement *st)
{
    struct who_agency *a = agency(w, &st->issuer);

    (void)index;
    if (!a->reroot.pending ||
        !id_eq(&a->reroot.statement, &st->body.cancel.statement))
        return "it cancels what is not pending";
    a->reroot.pending = false;
    return NULL;
}

static const char *
apply_device(struct bundle_who *w, uint64_t index, const struct statement *st)
{
    const struct stmt_device *s = &st->body.device;
    struct who_device *d = &w->devices[w->n_devices];
    struct device_id id;

    if (!fits(w, stmt_pop_check(st, &w->network_id)))
        return "the device's proof of possession does not verify";
    device_id_of(&id, &s->sign_key);
    if (device(w, &id) != NULL)
        return "the device was enrolled before";
    d->id = id;
    d->agency = agency(w, &st->issuer);
    d->key = s->sign_key;
    copy_text(d->label, s->label);
    d->added_index = index;
    d->not_after_s = s->not_after_s;
    d->revoked_index = DIR_NEVER;
    w->n_devices++;
    return NULL;
}

static const char *
end_device(struct who_device *d, uint64_t index, uint64_t said_s,
           uint64_t since_s, uint8_t reason)
{
    if (since_s > said_s)
        return "it begins after it was said";
    /* A second one has effect only with an earlier since. */
    if (d->revoked_index != DIR_NEVER && since_s >= d->since_s)
        return "it changes nothing";
    if (d->revoked_index == DIR_NEVER) {
        d->revoked_index = index;
        d->revoked_s = said_s;
        d->reason = reason;
    }
    d->since_s = since_s;
    return NULL;
}

static const char *
apply_stop_device(struct bundle_who *w, uint64_t index,
                  const struct statement *st)
{
    struct who_device *d = device(w, &st->body.stop_device.device);

    if (d == NULL)
        return "the device that it stops was not enrolled before it";
    return end_device(d, index, st->time_s, st->body.stop_device.since_s, 0);
}

static const char *
apply_revoke(struct bundle_who *w, uint64_t index, const struct statement *st)
{
    const struct stmt_revoke *c = &st->body.revoke;
    struct who_device *d = device(w, &c->device);

    if (d == NULL || !id_eq(&d->agency->id, &st->issuer))
        return "the device that it revokes was not its agency's before it";
    return end_device(d, index, st->time_s, c->since_s, c->reason);
}

static const char *
apply_mailbox(struct bundle_who *w, uint64_t index, const struct statement *st)
{
    const struct stmt_mailbox *s = &st->body.mailbox;
    const struct who_agency *a = agency(w, &st->issuer);
    struct who_mailbox *m = mailbox(w, &s->mailbox);

    (void)index;
    if (m != NULL && m->agency != a)
        return "the mailbox is another agency's";
    if (m == NULL)
        m = &w->mailboxes[w->n_mailboxes++];
    m->id = s->mailbox;
    m->agency = a;
    copy_text(m->label, s->label);
    return NULL;
}

static const struct {
    uint8_t kind;
    const char *(*apply)(struct bundle_who *w, uint64_t index,
                         const struct statement *st);
} kinds[] = {
    {STMT_POLICY, apply_policy},           {STMT_ADMIT, apply_admit},
    {STMT_SUSPEND, apply_suspend},         {STMT_REROOT, apply_reroot},
    {STMT_STOP_DEVICE, apply_stop_device}, {STMT_DEVICE, apply_device},
    {STMT_REVOKE, apply_revoke},           {STMT_CANCEL, apply_cancel},
    {STMT_MAILBOX, apply_mailbox},
};

static const char *
apply(struct bundle_who *w, uint64_t index, const struct statement *st)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].kind == st->kind)
            return kinds[i].apply(w, index, st);
    return "it is of a kind that has no place in a bundle";
}

/* ---- any statement ---- */

static const char *
add_genesis(struct bundle_who *w, const struct statement *st)
{
    static const struct agency_id nobody;
    static const struct hash none;
    const struct stmt_policy *p = &st->body.policy;
    const char *why;

    if (st->kind != STMT_POLICY || st->seq != 0 || !id_eq(&st->prev, &none) ||
        !id_eq(&st->issuer, &nobody))
        return "it is no founding policy";
    why = judge_registrars(w, st, p->keys, p->n, p->k);
    if (why == NULL)
        why = apply_policy(w, 0, st);
    if (why == NULL) {
        stmt_hash(&w->network_id, st);
        move_chain(&w->registrars, st);
    }
    return why;
}

static const char *
add_other(struct bundle_who *w, uint64_t index, const struct statement *st)
{
    const struct stmt_kind_info *info = stmt_kind_info(st->kind);
    const struct who_policy *p = bundle_who_policy(w);
    struct who_agency *a = agency(w, &st->issuer);
    bool by_registrar =
        memcmp(st->issuer.b, w->network_id.b, sizeof(st->issuer.b)) == 0;
    struct who_chain *chain;
    const char *why;

    if (!by_registrar && a == NULL)
        return "its issuer was not admitted before it";
    if (info == NULL || (info->by == STMT_BY_REGISTRAR) != by_registrar)
        return "it is not its issuer's to make";
    chain = by_registrar ? &w->registrars : &a->chain;
    why = judge_chain(w, chain, st);
    if (why == NULL)
        why = by_registrar ? judge_registrars(w, st, p->keys, p->n, p->k)
                           : judge_root(w, a, st);
    if (why == NULL)
        why = apply(w, index, st);
    if (why == NULL)
        move_chain(chain, st);
    return why;
}

enum err
bundle_who_add(struct bundle_who *w, uint64_t index, struct span statement,
               const char **why)
{
    struct statement st;

    *why = NULL;
    if (stmt_parse(&st, statement.p, statement.len) != ERR_OK)
        *why = "it is not a statement";
    else if (index == 0)
        *why = add_genesis(w, &st);
    else if (w->n_policies == 0)
        *why = "the founding policy is not in front of it";
    else
        *why = add_other(w, index, &st);
    if (*why != NULL)
        return w->no_memory ? ERR_NOMEM : ERR_VERIFY;
    if (st.time_s > w->clock_s)
        w->clock_s = st.time_s;
    merkle_leaf(statement.p, statement.len, &w->leaves[w->n_leaves++]);
    return ERR_OK;
}
