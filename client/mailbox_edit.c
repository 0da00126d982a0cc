#include "client/mailbox_edit.h"

#include <string.h>

#include "proto/crypto.h"

void
mailbox_edit_new(struct mailbox_edit *e, const struct agency_id *agency,
                 const char *label)
{
    struct stmt_mailbox *m = &e->st.body.mailbox;

    memset(e, 0, sizeof(*e));
    e->st.kind = STMT_MAILBOX;
    e->st.issuer = *agency;
    crypto_random(m->mailbox.b, sizeof(m->mailbox.b));
    m->state = MAILBOX_OPEN;
    m->label = text_ref(label);
    m->contact = text_ref("");
    m->devices = e->devices;
}

void
mailbox_edit_from(struct mailbox_edit *e, const struct directory *dir,
                  const struct dir_mailbox *from)
{
    const struct dir_members *now = &from->members[from->n_members - 1];
    struct stmt_mailbox *m = &e->st.body.mailbox;

    mailbox_edit_new(e, &from->agency->id, from->label);
    m->mailbox = from->id;
    m->state = from->state;
    m->purposes = from->purposes;
    m->deputy = from->deputy;
    m->contact = text_ref(from->contact);
    for (size_t i = 0; i < now->n; i++) {
        const struct dir_device *d = directory_device(dir, &now->devices[i]);

        if (d != NULL && d->revoked_index == DIR_NEVER)
            e->devices[m->n++] = d->id;
    }
}

static size_t
place_of(const struct mailbox_edit *e, const struct device_id *d)
{
    size_t i = 0;

    while (i < e->st.body.mailbox.n && !id_eq(&e->devices[i], d))
        i++;
    return i;
}

enum err
mailbox_edit_add(struct mailbox_edit *e, const struct device_id *d,
                 struct problem *pb)
{
    struct stmt_mailbox *m = &e->st.body.mailbox;

    if (place_of(e, d) < m->n)
        return ERR_OK;
    if (m->n == LIMIT_MAILBOX_DEVICES)
        return problem_set(pb, P_POLICY, ERR_FULL, "the mailbox is full",
                           "it has %d devices already", LIMIT_MAILBOX_DEVICES);
    e->devices[m->n++] = *d;
    return ERR_OK;
}

enum err
mailbox_edit_remove(struct mailbox_edit *e, const struct device_id *d,
                    struct problem *pb)
{
    struct stmt_mailbox *m = &e->st.body.mailbox;
    size_t i = place_of(e, d);

    if (i == m->n) {
        (void)problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND,
                          "the device is not in that mailbox",
                          "there is nothing to take out");
        problem_next(pb, "`sealpost agency show` lists who is in which");
        return ERR_NOTFOUND;
    }
    m->n--;
    memmove(&e->devices[i], &e->devices[i + 1],
            (m->n - i) * sizeof(e->devices[0]));
    return ERR_OK;
}
