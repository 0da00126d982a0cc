#include "client/pick.h"

#include <stdlib.h>
#include <string.h>

#include "client/app.h"
#include "proto/packet_type.h"

uint64_t
mail_when_ms(const struct mail *m)
{
    return m->direction == INDEX_IN && m->stored_ms != 0 ? m->stored_ms
                                                         : m->created_ms;
}

bool
mail_is_own_copy(const struct mail *m)
{
    return m->direction == INDEX_OUT && m->type == PACKET_TYPE_OWN_COPY;
}

const struct agency_id *
mail_sender(const struct mail *m, const struct agency_id *self)
{
    return m->direction == INDEX_IN ? &m->peer_agency : self;
}

void
mails_clear(struct mails *mails)
{
    for (size_t i = 0; i < mails->n; i++)
        mail_clear(&mails->items[i]);
    free(mails->items);
    *mails = (struct mails){0};
}

/* ---- many ---- */

static enum err
append(struct mails *mails, size_t *cap, struct mail *m)
{
    if (mails->n == *cap) {
        size_t more = *cap == 0 ? 64 : 2 * *cap;
        struct mail *items = realloc(mails->items, more * sizeof(*items));

        if (items == NULL)
            return ERR_NOMEM;
        mails->items = items;
        *cap = more;
    }
    mails->items[mails->n++] = *m;
    *m = (struct mail){0};
    return ERR_OK;
}

static bool
is_newer(const struct mail *a, const struct mail *b)
{
    return mail_when_ms(a) > mail_when_ms(b);
}

/* Stable, so that what was kept last stays first among equals; packets come
 * nearly in order, so insertion is nearly linear. */
static void
sort(struct mails *mails)
{
    for (size_t i = 0; i < mails->n / 2; i++) {
        struct mail swap = mails->items[i];

        mails->items[i] = mails->items[mails->n - 1 - i];
        mails->items[mails->n - 1 - i] = swap;
    }
    for (size_t i = 1; i < mails->n; i++) {
        struct mail m = mails->items[i];
        size_t at = i;

        for (; at > 0 && is_newer(&m, &mails->items[at - 1]); at--)
            mails->items[at] = mails->items[at - 1];
        mails->items[at] = m;
    }
}

enum err
mails_load(struct app *app, unsigned directions, struct mails *out,
           struct problem *pb)
{
    struct mails all = {0};
    size_t cap = 0;
    size_t pos = 0;
    enum err rc;

    for (;;) {
        struct mail m = {0};

        rc = mail_next(app, &pos, &m, pb);
        if (rc == ERR_OK &&
            (directions & INDEX_BIT((unsigned)m.direction)) != 0)
            rc = problem_from_err(pb, "the packets were not listed",
                                  append(&all, &cap, &m));
        mail_clear(&m);
        if (rc != ERR_OK)
            break;
    }
    if (rc != ERR_NOTFOUND) {
        mails_clear(&all);
        return rc;
    }
    sort(&all);
    *out = all;
    return ERR_OK;
}

/* ---- one ---- */

static enum err
pick_latest(struct app *app, unsigned directions, struct mail *out,
            struct problem *pb)
{
    struct mails all = {0};
    size_t i = 0;
    enum err rc = mails_load(app, directions, &all, pb);

    while (i < all.n && mail_is_own_copy(&all.items[i]))
        i++;
    if (rc == ERR_OK && i == all.n)
        rc = problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND,
                         "there is no such packet here",
                         "there is none yet that could be the latest");
    if (rc == ERR_OK) {
        *out = all.items[i];
        all.items[i] = (struct mail){0};
    }
    mails_clear(&all);
    return rc;
}

enum err
pick_mail(struct app *app, const char *text, unsigned directions,
          struct mail *out, struct problem *pb)
{
    if (strcmp(text, "latest") == 0)
        return pick_latest(app, directions, out, pb);
    return mail_find(app, text, directions, out, pb);
}

enum err
pick_sent_first(struct app *app, const char *text, struct mail *out,
                struct problem *pb)
{
    return pick_mail(
        app, text, strcmp(text, "latest") == 0 ? PICK_SENT : PICK_ANY, out, pb);
}
