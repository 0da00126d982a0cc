#include "proto/directory_inside.h"

#include <string.h>

#include "common/bytes.h"

/* ---- look-ups ---- */

const struct dir_policy *
directory_policy(const struct directory *dir)
{
    return dir->founded ? &dir->policy : NULL;
}

const struct dir_policy *
directory_policy_nth(const struct directory *dir, size_t i)
{
    return i < dir->n_policies ? &dir->policies[i] : NULL;
}

const struct dir_agency *
directory_agency(const struct directory *dir, const struct agency_id *id)
{
    return map_find(&dir->agency_by_id, id->b);
}

const struct dir_device *
directory_device(const struct directory *dir, const struct device_id *id)
{
    return map_find(&dir->device_by_id, id->b);
}

const struct dir_device *
directory_device_by_transport_key(const struct directory *dir,
                                  const struct dh_key *key)
{
    return map_find(&dir->device_by_transport, key->b);
}

const struct dir_mailbox *
directory_mailbox(const struct directory *dir, const struct mailbox_id *id)
{
    return map_find(&dir->mailbox_by_id, id->b);
}

const struct dir_agency *
directory_agency_nth(const struct directory *dir, size_t i)
{
    return i < dir->n_agencies ? dir->agencies[i] : NULL;
}

const struct dir_device *
directory_device_nth(const struct directory *dir, size_t i)
{
    return i < dir->n_devices ? dir->devices[i] : NULL;
}

const struct dir_mailbox *
directory_mailbox_nth(const struct directory *dir, size_t i)
{
    return i < dir->n_mailboxes ? dir->mailboxes[i] : NULL;
}

/* ---- names ---- */

enum err
directory_find_agency(const struct directory *dir, const char *name,
                      const struct dir_agency **out)
{
    struct agency_id id;
    const struct dir_agency *a;

    for (size_t i = 0; i < dir->n_agencies; i++) {
        if (dir_same_name(text_ref(name), dir->agencies[i]->name)) {
            *out = dir->agencies[i]; /* names are taken once */
            return ERR_OK;
        }
    }
    if (hex_decode(id.b, sizeof(id.b), name) != ERR_OK)
        return ERR_NOTFOUND;
    a = directory_agency(dir, &id);
    if (a == NULL)
        return ERR_NOTFOUND;
    *out = a;
    return ERR_OK;
}

/* NAME is the agency, or the agency, a slash and the label; both may hold
 * slashes themselves. */
static bool
mailbox_is_called(const struct dir_mailbox *m, const char *name)
{
    size_t n = strlen(m->agency->name);
    size_t open = 0;

    if (strlen(name) < n ||
        !dir_same_name((struct text_ref){name, n}, m->agency->name))
        return false;
    if (name[n] == '/')
        return dir_same_name(text_ref(name + n + 1), m->label);
    for (size_t i = 0; i < m->agency->n_mailboxes; i++)
        open += m->agency->mailboxes[i]->state == MAILBOX_OPEN;
    return name[n] == '\0' && open == 1;
}

static bool
agency_has_several(const struct directory *dir, const char *name)
{
    const struct dir_agency *a;
    size_t open = 0;

    if (directory_find_agency(dir, name, &a) != ERR_OK)
        return false;
    for (size_t i = 0; i < a->n_mailboxes; i++)
        open += a->mailboxes[i]->state == MAILBOX_OPEN;
    return open > 1;
}

enum err
directory_find_mailbox(const struct directory *dir, const char *name,
                       const struct dir_mailbox **out)
{
    const struct dir_mailbox *found = NULL;
    struct mailbox_id id;

    for (size_t i = 0; i < dir->n_mailboxes; i++) {
        const struct dir_mailbox *m = dir->mailboxes[i];

        if (m->state != MAILBOX_OPEN || !mailbox_is_called(m, name))
            continue;
        if (found != NULL)
            return ERR_CONFLICT;
        found = m;
    }
    if (found == NULL && hex_decode(id.b, sizeof(id.b), name) == ERR_OK)
        found = directory_mailbox(dir, &id);
    if (found == NULL)
        return agency_has_several(dir, name) ? ERR_CONFLICT : ERR_NOTFOUND;
    *out = found;
    return ERR_OK;
}

/* ---- now ---- */

const struct sign_key *
directory_root_now(const struct dir_agency *agency, uint64_t now_s)
{
    return reroot_is_due(agency, now_s) ? &agency->reroot.root : &agency->root;
}

bool
device_is_live(const struct dir_device *device, uint64_t now_s)
{
    return device->revoked_index == DIR_NEVER && now_s < device->not_after_s;
}

static const struct dir_members *
members_now(const struct dir_mailbox *mailbox)
{
    return &mailbox->members[mailbox->n_members - 1];
}

bool
mailbox_has_device(const struct dir_mailbox *mailbox,
                   const struct device_id *device)
{
    const struct dir_members *m = members_now(mailbox);

    for (unsigned i = 0; i < m->n; i++)
        if (id_eq(&m->devices[i], device))
            return true;
    return false;
}

size_t
directory_live_devices(const struct directory *dir,
                       const struct dir_mailbox *mailbox, uint64_t now_s,
                       const struct dir_device **out)
{
    const struct dir_members *m = members_now(mailbox);
    size_t n = 0;

    if (m->state != MAILBOX_OPEN)
        return 0;
    for (unsigned i = 0; i < m->n; i++) {
        const struct dir_device *d = directory_device(dir, &m->devices[i]);

        if (d != NULL && device_is_live(d, now_s))
            out[n++] = d;
    }
    return n;
}

/* ---- then ---- */

bool
directory_device_live_at(const struct directory *dir,
                         const struct device_id *device,
                         const struct agency_id *agency, uint64_t size)
{
    const struct dir_device *d = directory_device(dir, device);

    return d != NULL && id_eq(&d->agency->id, agency) &&
           d->added_index < size && d->revoked_index >= size;
}

const struct dir_standing *
directory_standing_at(const struct directory *dir,
                      const struct agency_id *agency, uint64_t size)
{
    const struct dir_agency *a = directory_agency(dir, agency);

    if (a == NULL)
        return NULL;
    for (size_t i = a->n_standing; i-- > 0;)
        if (a->standing[i].index < size)
            return &a->standing[i];
    return NULL;
}

const struct dir_members *
directory_members_at(const struct directory *dir,
                     const struct mailbox_id *mailbox, uint64_t size)
{
    const struct dir_mailbox *m = directory_mailbox(dir, mailbox);

    if (m == NULL)
        return NULL;
    for (size_t i = m->n_members; i-- > 0;)
        if (m->members[i].index < size)
            return &m->members[i];
    return NULL;
}
