/* Each commit takes all the memory it needs first; from then on it cannot
 * fail. */
#include "proto/directory_inside.h"

#include <stdlib.h>
#include <string.h>

struct dir_key_role dir_key_of_policy = {.by_policy = true};
struct dir_key_role dir_key_of_member = {.by_policy = false};

enum err
array_grow(void *where, size_t count, size_t size)
{
    size_t cap = count == 0 ? 1 : count * 2;
    void *items;

    if ((count & (count - 1)) != 0) /* not full */
        return ERR_OK;
    if (cap > SIZE_MAX / size)
        return ERR_NOMEM;
    memcpy(&items, where, sizeof(items)); /* whatever it points to */
    items = realloc(items, cap * size);
    if (items == NULL)
        return ERR_NOMEM;
    memcpy(where, &items, sizeof(items));
    return ERR_OK;
}

static char *
text_dup(struct text_ref t)
{
    char *s = malloc(t.len + 1);

    if (s == NULL)
        return NULL;
    memcpy(s, t.p, t.len);
    s[t.len] = '\0';
    return s;
}

/* OUT has room: the limit of the field was checked by stmt_parse. */
static void
text_copy(char *out, struct text_ref t)
{
    memcpy(out, t.p, t.len);
    out[t.len] = '\0';
}

/* Notes N keys as used; all or, when memory runs out, none. */
static enum err
use_keys(struct directory *dir, const uint8_t *const *keys, size_t n,
         struct dir_key_role *role)
{
    bool is_new[LIMIT_REGISTRAR_KEYS + 2] = {false};

    for (size_t i = 0; i < n; i++) {
        enum err rc = map_insert(&dir->used_keys, keys[i], role);

        is_new[i] = rc == ERR_OK;
        if (rc == ERR_OK || rc == ERR_EXISTS)
            continue;
        while (i-- > 0)
            if (is_new[i])
                map_remove(&dir->used_keys, keys[i]);
        return rc;
    }
    return ERR_OK;
}

/* ---- the registrars' statements ---- */

static enum err
commit_policy(struct directory *dir, const struct statement *st)
{
    const struct stmt_policy *p = &st->body.policy;
    const uint8_t *keys[LIMIT_REGISTRAR_KEYS + 2];
    size_t n = 0;
    enum err rc;

    for (; n < p->n; n++)
        keys[n] = p->keys[n].b;
    keys[n++] = p->relay_key.b;
    keys[n++] = p->log_key.b;
    rc = ARRAY_GROW(dir->policies, dir->n_policies);
    if (rc == ERR_OK)
        rc = use_keys(dir, keys, n, &dir_key_of_policy);
    if (rc != ERR_OK)
        return rc;
    dir->policy = (struct dir_policy){
        .index = dir->peaks.size,
        .min_suite = p->min_suite,
        .k = p->k,
        .n = p->n,
        .relay_key = p->relay_key,
        .log_key = p->log_key,
        .old_size = p->old_size,
        .old_root = p->old_root,
        .retention_days = p->retention_days,
    };
    memcpy(dir->policy.keys, p->keys, (size_t)p->n * 32);
    text_copy(dir->policy.relay_name, p->relay_name);
    text_copy(dir->policy.delivery_origin, p->delivery_origin);
    text_copy(dir->policy.directory_origin, p->directory_origin);
    dir->policies[dir->n_policies++] = dir->policy;
    return ERR_OK;
}

static enum err
reserve_standing(struct dir_agency *a)
{
    return ARRAY_GROW(a->standing, a->n_standing);
}

/* Room was reserved. */
static void
note_standing(struct directory *dir, struct dir_agency *a)
{
    a->standing[a->n_standing++] = (struct dir_standing){
        .index = dir->peaks.size, .class = a->class, .suspended = a->suspended};
}

static void
fill_agency(struct dir_agency *a, const struct stmt_admit *admit,
            char *services)
{
    free(a->services);
    a->services = services;
    a->class = admit->class;
    a->capabilities = admit->capabilities;
    memcpy(a->country, admit->country, 2);
    text_copy(a->name, admit->name);
}

static enum err
update_agency(struct directory *dir, struct dir_agency *a,
              const struct stmt_admit *admit)
{
    char *services = text_dup(admit->services);

    if (services == NULL || reserve_standing(a) != ERR_OK) {
        free(services);
        return ERR_NOMEM;
    }
    fill_agency(a, admit, services);
    note_standing(dir, a);
    return ERR_OK;
}

static enum err
enter_agency(struct directory *dir, struct dir_agency *a)
{
    const uint8_t *key = a->root.b;
    bool is_new = map_find(&dir->used_keys, key) == NULL;
    enum err rc = ARRAY_GROW(dir->agencies, dir->n_agencies);

    if (rc == ERR_OK)
        rc = reserve_standing(a);
    if (rc == ERR_OK)
        rc = use_keys(dir, &key, 1, &dir_key_of_member);
    if (rc != ERR_OK)
        return rc;
    rc = map_insert(&dir->agency_by_id, a->id.b, a);
    if (rc != ERR_OK) {
        if (is_new)
            map_remove(&dir->used_keys, key);
        return rc;
    }
    dir->agencies[dir->n_agencies++] = a;
    note_standing(dir, a);
    return ERR_OK;
}

static enum err
commit_admit(struct directory *dir, const struct statement *st)
{
    const struct stmt_admit *admit = &st->body.admit;
    struct agency_id id;
    struct dir_agency *a;
    char *services;
    enum err rc;

    agency_id_of(&id, &admit->root);
    a = map_find(&dir->agency_by_id, id.b);
    if (a != NULL)
        return update_agency(dir, a, admit);
    a = calloc(1, sizeof(*a));
    services = text_dup(admit->services);
    if (a == NULL || services == NULL) {
        free(a);
        free(services);
        return ERR_NOMEM;
    }
    fill_agency(a, admit, services);
    a->id = id;
    a->first_root = a->root = admit->root;
    a->root_index = a->admitted_index = dir->peaks.size;
    a->prev = dir->network_id;
    rc = enter_agency(dir, a);
    if (rc != ERR_OK) {
        free(a->standing);
        free(a->services);
        free(a);
    }
    return rc;
}

static enum err
commit_suspend(struct directory *dir, const struct statement *st)
{
    struct dir_agency *a =
        map_find(&dir->agency_by_id, st->body.suspend.agency.b);
    enum err rc = reserve_standing(a);

    if (rc != ERR_OK)
        return rc;
    a->suspended = st->body.suspend.state == 1;
    note_standing(dir, a);
    return ERR_OK;
}

static void
settle_reroot(struct dir_agency *a, uint64_t clock_s)
{
    if (!reroot_is_due(a, clock_s))
        return;
    a->root = a->reroot.root;
    a->root_index = a->reroot.index;
    a->reroot.pending = false;
}

static enum err
commit_reroot(struct directory *dir, const struct statement *st)
{
    const struct stmt_reroot *c = &st->body.reroot;
    struct dir_agency *a = map_find(&dir->agency_by_id, c->agency.b);
    const uint8_t *key = c->root.b;
    enum err rc = use_keys(dir, &key, 1, &dir_key_of_member);

    if (rc != ERR_OK)
        return rc;
    settle_reroot(a, dir_clock(dir, st)); /* the one before may be due */
    a->reroot.pending = true;
    a->reroot.root = c->root;
    a->reroot.effective_s = c->effective_s;
    a->reroot.index = dir->peaks.size;
    stmt_hash(&a->reroot.statement, st);
    return ERR_OK;
}

static void
end_device(struct directory *dir, const struct device_id *id, uint8_t reason,
           uint64_t since_s, const struct statement *st)
{
    struct dir_device *d = map_find(&dir->device_by_id, id->b);

    if (d->revoked_index == DIR_NEVER) {
        d->revoked_index = dir->peaks.size;
        stmt_hash(&d->revoked_by, st);
    }
    d->revoked_since_s = since_s;
    d->revoked_reason = reason;
}

static enum err
commit_stop_device(struct directory *dir, const struct statement *st)
{
    const struct stmt_stop_device *s = &st->body.stop_device;

    end_device(dir, &s->device, 0, s->since_s, st);
    return ERR_OK;
}

/* ---- the agencies' statements ---- */

static enum err
enter_device(struct directory *dir, struct dir_device *d)
{
    struct dir_agency *a = d->agency;
    const uint8_t *keys[2] = {d->sign_key.b, d->transport_key.b};
    enum err rc = ARRAY_GROW(dir->devices, dir->n_devices);

    if (rc == ERR_OK)
        rc = ARRAY_GROW(a->devices, a->n_devices);
    if (rc == ERR_OK)
        rc = use_keys(dir, keys, 2, &dir_key_of_member);
    if (rc == ERR_OK)
        rc = map_insert(&dir->device_by_id, d->id.b, d);
    if (rc == ERR_OK)
        rc = map_insert(&dir->device_by_transport, d->transport_key.b, d);
    if (rc != ERR_OK)
        goto fail;
    dir->devices[dir->n_devices++] = d;
    a->devices[a->n_devices++] = d;
    return ERR_OK;
fail: /* none of these was there before */
    map_remove(&dir->device_by_id, d->id.b);
    map_remove(&dir->used_keys, keys[0]);
    map_remove(&dir->used_keys, keys[1]);
    return rc;
}

static enum err
commit_device(struct directory *dir, const struct statement *st)
{
    const struct stmt_device *b = &st->body.device;
    struct dir_device *d = calloc(1, sizeof(*d));
    enum err rc;

    if (d == NULL)
        return ERR_NOMEM;
    device_id_of(&d->id, &b->sign_key);
    d->agency = map_find(&dir->agency_by_id, st->issuer.b);
    d->sign_key = b->sign_key;
    d->transport_key = b->transport_key;
    d->not_after_s = b->not_after_s;
    text_copy(d->label, b->label);
    d->added_index = dir->peaks.size;
    d->revoked_index = DIR_NEVER;
    rc = enter_device(dir, d);
    if (rc != ERR_OK)
        free(d);
    return rc;
}

static enum err
commit_revoke(struct directory *dir, const struct statement *st)
{
    const struct stmt_revoke *c = &st->body.revoke;

    end_device(dir, &c->device, c->reason, c->since_s, st);
    return ERR_OK;
}

static enum err
commit_cancel(struct directory *dir, const struct statement *st)
{
    struct dir_agency *a = map_find(&dir->agency_by_id, st->issuer.b);

    a->reroot.pending = false;
    return ERR_OK;
}

static enum err
enter_mailbox(struct directory *dir, struct dir_mailbox *m)
{
    struct dir_agency *a = m->agency;
    enum err rc = ARRAY_GROW(dir->mailboxes, dir->n_mailboxes);

    if (rc == ERR_OK)
        rc = ARRAY_GROW(a->mailboxes, a->n_mailboxes);
    if (rc == ERR_OK)
        rc = map_insert(&dir->mailbox_by_id, m->id.b, m);
    if (rc != ERR_OK)
        return rc;
    dir->mailboxes[dir->n_mailboxes++] = m;
    a->mailboxes[a->n_mailboxes++] = m;
    return ERR_OK;
}

/* Takes CONTACT and DEVICES; room was reserved. */
static void
fill_mailbox(struct directory *dir, struct dir_mailbox *m,
             const struct stmt_mailbox *b, char *contact,
             struct device_id *devices)
{
    free(m->contact);
    m->contact = contact;
    m->state = b->state;
    m->purposes = b->purposes;
    m->deputy = b->deputy;
    text_copy(m->label, b->label);
    memcpy(devices, b->devices, (size_t)b->n * 16);
    m->members[m->n_members++] = (struct dir_members){
        .index = dir->peaks.size,
        .state = b->state,
        .n = b->n,
        .devices = devices,
    };
}

static enum err
commit_mailbox(struct directory *dir, const struct statement *st)
{
    const struct stmt_mailbox *b = &st->body.mailbox;
    struct dir_mailbox *m = map_find(&dir->mailbox_by_id, b->mailbox.b);
    struct dir_mailbox *fresh = NULL;
    char *contact = text_dup(b->contact);
    /* One more than needed, so that an empty list has an address too. */
    struct device_id *devices = calloc((size_t)b->n + 1, sizeof(*devices));

    if (m == NULL) {
        m = fresh = calloc(1, sizeof(*fresh));
        if (fresh == NULL)
            goto fail;
        fresh->id = b->mailbox;
        fresh->agency = map_find(&dir->agency_by_id, st->issuer.b);
    }
    if (contact == NULL || devices == NULL ||
        ARRAY_GROW(m->members, m->n_members) != ERR_OK)
        goto fail;
    if (fresh != NULL && enter_mailbox(dir, fresh) != ERR_OK)
        goto fail;
    fill_mailbox(dir, m, b, contact, devices);
    return ERR_OK;
fail:
    free(contact);
    free(devices);
    if (fresh != NULL)
        free(fresh->members);
    free(fresh);
    return ERR_NOMEM;
}

/* ---- the frame ---- */

static const struct {
    uint8_t kind;
    enum err (*commit)(struct directory *dir, const struct statement *st);
} commits[] = {
    {STMT_POLICY, commit_policy},           {STMT_ADMIT, commit_admit},
    {STMT_SUSPEND, commit_suspend},         {STMT_REROOT, commit_reroot},
    {STMT_STOP_DEVICE, commit_stop_device}, {STMT_DEVICE, commit_device},
    {STMT_REVOKE, commit_revoke},           {STMT_CANCEL, commit_cancel},
    {STMT_MAILBOX, commit_mailbox},
};

static enum err
commit_body(struct directory *dir, const struct statement *st)
{
    for (size_t i = 0; i < sizeof(commits) / sizeof(commits[0]); i++)
        if (commits[i].kind == st->kind)
            return commits[i].commit(dir, st);
    if (st->kind < STMT_IGNORABLE)
        dir->needs_newer = true;
    return ERR_OK;
}

static void
move_chain(struct directory *dir, const struct statement *st)
{
    struct dir_agency *a = map_find(&dir->agency_by_id, st->issuer.b);
    struct hash h;

    stmt_hash(&h, st);
    if (!dir->founded) {
        dir->founded = dir->has_network_id = true;
        dir->network_id = h;
    }
    if (a != NULL) {
        a->next_seq = st->seq + 1;
        a->prev = h;
    } else {
        dir->registrar_next_seq = st->seq + 1;
        dir->registrar_prev = h;
    }
}

enum err
dir_commit(struct directory *dir, const struct statement *st)
{
    enum err rc = commit_body(dir, st);

    if (rc != ERR_OK)
        return rc;
    move_chain(dir, st);
    dir->log_time_s = dir_clock(dir, st);
    for (size_t i = 0; i < dir->n_agencies; i++)
        settle_reroot(dir->agencies[i], dir->log_time_s);
    return ERR_OK;
}
