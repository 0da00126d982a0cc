#include "proto/directory_inside.h"

#include <string.h>

enum { HOUR_S = 3600, DAY_S = 86400 };

bool
dir_same_name(struct text_ref a, const char *b)
{
    for (size_t i = 0; i < a.len; i++) {
        char x = a.p[i], y = b[i];

        if (x >= 'A' && x <= 'Z')
            x = (char)(x - 'A' + 'a');
        if (y >= 'A' && y <= 'Z')
            y = (char)(y - 'A' + 'a');
        if (x != y || y == '\0')
            return false;
    }
    return b[a.len] == '\0';
}

static bool
same_text(struct text_ref a, const char *b)
{
    return strlen(b) == a.len && memcmp(a.p, b, a.len) == 0;
}

bool
reroot_is_due(const struct dir_agency *agency, uint64_t clock_s)
{
    return agency->reroot.pending && agency->reroot.effective_s <= clock_s;
}

static bool
is_registrar(const struct directory *dir, const struct agency_id *id)
{
    return memcmp(id->b, dir->network_id.b, sizeof(id->b)) == 0;
}

/* ---- keys ---- */

static bool
is_used(const struct directory *dir, const uint8_t key[32])
{
    return map_find(&dir->used_keys, key) != NULL;
}

/* A POLICY may name again what a POLICY named before. */
static bool
policy_may_name(const struct directory *dir, const uint8_t key[32])
{
    const struct dir_key_role *role = map_find(&dir->used_keys, key);

    return role == NULL || role->by_policy;
}

/* A registrar's own agency may be rooted in its registrar key. */
static bool
may_be_root(const struct directory *dir, const struct stmt_admit *admit)
{
    if (admit->class == CLASS_REGISTRAR)
        for (unsigned i = 0; i < dir->policy.n; i++)
            if (id_eq(&dir->policy.keys[i], &admit->root))
                return true;
    return !is_used(dir, admit->root.b);
}

/* ---- signatures ---- */

static enum dir_code
judge_registrars(const struct statement *st, const struct sign_key *keys,
                 unsigned n, unsigned k)
{
    for (unsigned i = 0; i < st->n_sig; i++) {
        unsigned j = 0;

        while (j < n && stmt_sig_check(st, i, &keys[j]) != ERR_OK)
            j++;
        if (j == n)
            return DIR_BAD_SIGNATURE;
    }
    /* Signers ascend, so no registrar is counted twice. */
    return st->n_sig < k ? DIR_TOO_FEW_SIGNATURES : DIR_FINE;
}

static enum dir_code
judge_root(const struct statement *st, const struct dir_agency *agency,
           uint64_t clock_s)
{
    if (st->n_sig != 1 ||
        stmt_sig_check(st, 0, directory_root_now(agency, clock_s)) != ERR_OK)
        return DIR_BAD_SIGNATURE;
    return DIR_FINE;
}

/* ---- genesis ---- */

static enum dir_code
judge_genesis(const struct directory *dir, const struct statement *st)
{
    static const struct agency_id nobody;
    static const struct hash none;
    const struct stmt_policy *p = &st->body.policy;
    struct hash h;

    if (dir->peaks.size != 0)
        return DIR_NO_GENESIS;
    stmt_hash(&h, st);
    if (st->kind != STMT_POLICY || st->seq != 0 || !id_eq(&st->prev, &none) ||
        !id_eq(&st->issuer, &nobody) ||
        (dir->has_network_id && !id_eq(&dir->network_id, &h)))
        return DIR_BAD_GENESIS;
    return judge_registrars(st, p->keys, p->n, p->k);
}

/* ---- one judge a kind ---- */

/* One log of a POLICY: who signs it under which name. */
static bool
is_log(const struct dir_policy *p, const struct sign_key *key,
       struct text_ref origin, bool delivery)
{
    return id_eq(&p->log_key, key) &&
           same_text(origin,
                     delivery ? p->delivery_origin : p->directory_origin);
}

/* It was given up: whoever has that key could show two histories. */
static bool
was_given_up(const struct directory *dir, const struct stmt_policy *p,
             bool delivery)
{
    struct text_ref origin =
        delivery ? p->delivery_origin : p->directory_origin;

    if (is_log(&dir->policy, &p->log_key, origin, delivery))
        return false;
    for (size_t i = 0; i < dir->n_policies; i++)
        if (is_log(&dir->policies[i], &p->log_key, origin, delivery))
            return true;
    return false;
}

static enum dir_code
judge_succession(const struct directory *dir, const struct stmt_policy *p)
{
    static const struct hash none;
    bool changes =
        !is_log(&dir->policy, &p->log_key, p->delivery_origin, true) ||
        !is_log(&dir->policy, &p->log_key, p->directory_origin, false);

    if (changes != (p->old_size > 0) ||
        (!changes && !id_eq(&p->old_root, &none)) ||
        was_given_up(dir, p, true) || was_given_up(dir, p, false))
        return DIR_BAD_SUCCESSION;
    return DIR_FINE;
}

static enum dir_code
judge_policy(const struct directory *dir, const struct statement *st)
{
    const struct stmt_policy *p = &st->body.policy;

    for (unsigned i = 0; i < p->n; i++)
        if (!policy_may_name(dir, p->keys[i].b))
            return DIR_KEY_USED;
    if (!policy_may_name(dir, p->relay_key.b) ||
        !policy_may_name(dir, p->log_key.b))
        return DIR_KEY_USED;
    return judge_succession(dir, p);
}

static bool
admit_changes(const struct dir_agency *a, const struct stmt_admit *admit)
{
    return a->class != admit->class ||
           memcmp(a->country, admit->country, 2) != 0 ||
           a->capabilities != admit->capabilities ||
           !same_text(admit->name, a->name) ||
           !same_text(admit->services, a->services);
}

static enum dir_code
judge_admit(const struct directory *dir, const struct statement *st)
{
    const struct stmt_admit *admit = &st->body.admit;
    const struct dir_agency *known;
    struct agency_id id;

    if (stmt_pop_check(st, &dir->network_id) != ERR_OK)
        return DIR_BAD_POP;
    agency_id_of(&id, &admit->root);
    known = directory_agency(dir, &id);
    if (known == NULL && !may_be_root(dir, admit))
        return DIR_KEY_USED;
    for (size_t i = 0; i < dir->n_agencies; i++)
        if (dir->agencies[i] != known &&
            dir_same_name(admit->name, dir->agencies[i]->name))
            return DIR_NAME_TAKEN;
    if (known != NULL && !admit_changes(known, admit))
        return DIR_NO_CHANGE;
    return DIR_FINE;
}

static enum dir_code
judge_suspend(const struct directory *dir, const struct statement *st)
{
    const struct dir_agency *a =
        directory_agency(dir, &st->body.suspend.agency);

    if (a == NULL)
        return DIR_UNKNOWN_AGENCY;
    return a->suspended == (st->body.suspend.state == 1) ? DIR_NO_CHANGE
                                                         : DIR_FINE;
}

static enum dir_code
judge_reroot(const struct directory *dir, const struct statement *st)
{
    const struct stmt_reroot *c = &st->body.reroot;

    if (directory_agency(dir, &c->agency) == NULL)
        return DIR_UNKNOWN_AGENCY;
    if (stmt_pop_check(st, &dir->network_id) != ERR_OK)
        return DIR_BAD_POP;
    if (is_used(dir, c->root.b))
        return DIR_KEY_USED;
    if (c->effective_s < st->time_s + LIMIT_REROOT_DELAY_H * HOUR_S)
        return DIR_BAD_TIME;
    return DIR_FINE;
}

/* What REVOKE and STOP_DEVICE have in common. */
static enum dir_code
judge_end_of(const struct dir_device *d, uint64_t since_s, uint64_t time_s)
{
    if (d == NULL)
        return DIR_UNKNOWN_DEVICE;
    if (since_s > time_s)
        return DIR_BAD_TIME;
    if (d->revoked_index != DIR_NEVER && since_s >= d->revoked_since_s)
        return DIR_NO_CHANGE;
    return DIR_FINE;
}

static enum dir_code
judge_stop_device(const struct directory *dir, const struct statement *st)
{
    const struct stmt_stop_device *s = &st->body.stop_device;

    return judge_end_of(directory_device(dir, &s->device), s->since_s,
                        st->time_s);
}

static enum dir_code
judge_device(const struct directory *dir, const struct statement *st)
{
    const struct stmt_device *d = &st->body.device;

    if (stmt_pop_check(st, &dir->network_id) != ERR_OK)
        return DIR_BAD_POP;
    if (is_used(dir, d->sign_key.b) || is_used(dir, d->transport_key.b) ||
        memcmp(d->sign_key.b, d->transport_key.b, 32) == 0)
        return DIR_KEY_USED;
    if (d->not_after_s <= st->time_s ||
        d->not_after_s > st->time_s + (uint64_t)LIMIT_DEVICE_DAYS * DAY_S)
        return DIR_BAD_TIME;
    if (directory_agency(dir, &st->issuer)->n_devices >= LIMIT_AGENCY_DEVICES)
        return DIR_TOO_MANY;
    return DIR_FINE;
}

static enum dir_code
judge_revoke(const struct directory *dir, const struct statement *st)
{
    const struct stmt_revoke *c = &st->body.revoke;
    const struct dir_device *d = directory_device(dir, &c->device);

    if (d != NULL && !id_eq(&d->agency->id, &st->issuer))
        d = NULL;
    return judge_end_of(d, c->since_s, st->time_s);
}

static enum dir_code
judge_cancel(const struct directory *dir, const struct statement *st)
{
    const struct dir_agency *a = directory_agency(dir, &st->issuer);

    /* One that is due is signed for by the new root, which cannot want it
     * undone; and the old root's signature no longer counts. */
    if (!a->reroot.pending || reroot_is_due(a, dir_clock(dir, st)) ||
        !id_eq(&a->reroot.statement, &st->body.cancel.statement))
        return DIR_NO_CHANGE;
    return DIR_FINE;
}

static bool
mailbox_changes(const struct dir_mailbox *m, const struct stmt_mailbox *new)
{
    const struct dir_members *now = &m->members[m->n_members - 1];

    return m->state != new->state || m->purposes != new->purposes ||
           !id_eq(&m->deputy, &new->deputy) ||
           !same_text(new->label, m->label) ||
           !same_text(new->contact, m->contact) || now->n != new->n ||
           memcmp(now->devices, new->devices, (size_t) new->n * 16) != 0;
}

static bool
label_is_taken(const struct dir_agency *a, const struct dir_mailbox *but,
               struct text_ref label)
{
    for (size_t i = 0; i < a->n_mailboxes; i++)
        if (a->mailboxes[i] != but && a->mailboxes[i]->state == MAILBOX_OPEN &&
            dir_same_name(label, a->mailboxes[i]->label))
            return true;
    return false;
}

static bool
devices_are_own(const struct directory *dir, const struct stmt_mailbox *m,
                const struct dir_agency *a)
{
    for (unsigned i = 0; i < m->n; i++) {
        const struct dir_device *d = directory_device(dir, &m->devices[i]);

        if (d == NULL || d->agency != a)
            return false;
    }
    return true;
}

static enum dir_code
judge_mailbox(const struct directory *dir, const struct statement *st)
{
    static const struct mailbox_id none;
    const struct stmt_mailbox *m = &st->body.mailbox;
    const struct dir_agency *a = directory_agency(dir, &st->issuer);
    const struct dir_mailbox *known = directory_mailbox(dir, &m->mailbox);

    if (known != NULL && known->agency != a)
        return DIR_FOREIGN_MAILBOX;
    if (!devices_are_own(dir, m, a))
        return DIR_UNKNOWN_DEVICE;
    if (!id_eq(&m->deputy, &none) && directory_mailbox(dir, &m->deputy) == NULL)
        return DIR_UNKNOWN_MAILBOX;
    if (m->state == MAILBOX_OPEN && label_is_taken(a, known, m->label))
        return DIR_NAME_TAKEN;
    if (known != NULL && !mailbox_changes(known, m))
        return DIR_NO_CHANGE;
    if (known == NULL && a->n_mailboxes >= LIMIT_AGENCY_MAILBOXES)
        return DIR_TOO_MANY;
    return DIR_FINE;
}

static const struct {
    uint8_t kind;
    enum dir_code (*judge)(const struct directory *dir,
                           const struct statement *st);
} judges[] = {
    {STMT_POLICY, judge_policy},           {STMT_ADMIT, judge_admit},
    {STMT_SUSPEND, judge_suspend},         {STMT_REROOT, judge_reroot},
    {STMT_STOP_DEVICE, judge_stop_device}, {STMT_DEVICE, judge_device},
    {STMT_REVOKE, judge_revoke},           {STMT_CANCEL, judge_cancel},
    {STMT_MAILBOX, judge_mailbox},
};

/* Issuer, authority, chain, signatures: the same for every kind. */
static enum dir_code
judge_frame(const struct directory *dir, const struct statement *st,
            uint64_t clock_s)
{
    const struct stmt_kind_info *info = stmt_kind_info(st->kind);
    const struct dir_agency *a = directory_agency(dir, &st->issuer);
    bool by_registrar = is_registrar(dir, &st->issuer);
    struct hash prev;
    uint64_t seq;

    if (!by_registrar && a == NULL)
        return DIR_UNKNOWN_ISSUER;
    if (info != NULL && (info->by == STMT_BY_REGISTRAR) != by_registrar)
        return DIR_NO_AUTHORITY;
    if (directory_chain(dir, &st->issuer, &seq, &prev) != ERR_OK ||
        st->seq != seq || !id_eq(&st->prev, &prev))
        return DIR_BAD_CHAIN;
    if (!by_registrar)
        return judge_root(st, a, clock_s);
    return judge_registrars(st, dir->policy.keys, dir->policy.n, dir->policy.k);
}

enum dir_code
dir_judge(const struct directory *dir, const struct statement *st,
          uint64_t clock_s)
{
    enum dir_code code;

    if (!dir->founded)
        return judge_genesis(dir, st);
    code = judge_frame(dir, st, clock_s);
    if (code != DIR_FINE)
        return code;
    for (size_t i = 0; i < sizeof(judges) / sizeof(judges[0]); i++)
        if (judges[i].kind == st->kind)
            return judges[i].judge(dir, st);
    return DIR_FINE; /* unknown kind, rightly signed */
}

void
dir_name_parties(const struct directory *dir, const struct statement *st,
                 struct dir_finding *f)
{
    const struct dir_device *d;

    if (stmt_kind_info(st->kind) != NULL &&
        stmt_kind_info(st->kind)->by == STMT_BY_AGENCY)
        f->agency = st->issuer;
    switch (st->kind) {
    case STMT_ADMIT:
        agency_id_of(&f->agency, &st->body.admit.root);
        break;
    case STMT_SUSPEND:
        f->agency = st->body.suspend.agency;
        break;
    case STMT_REROOT:
        f->agency = st->body.reroot.agency;
        break;
    case STMT_STOP_DEVICE:
        f->device = st->body.stop_device.device;
        d = directory_device(dir, &f->device);
        if (d != NULL)
            f->agency = d->agency->id;
        break;
    case STMT_DEVICE:
        device_id_of(&f->device, &st->body.device.sign_key);
        break;
    case STMT_REVOKE:
        f->device = st->body.revoke.device;
        break;
    case STMT_MAILBOX:
        f->mailbox = st->body.mailbox.mailbox;
        break;
    default:
        break;
    }
}
