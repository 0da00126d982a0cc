/*
 * roster_names.c - agencies and mailboxes as people call them, and whom they
 * have checked by phone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/app.h"
#include "client/identity.h"
#include "client/roster_inside.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/text.h"

enum { PREFIX_MIN = 8, NAME_MAX_LEN = LIMIT_AGENCY_NAME + LIMIT_LABEL + 2 };

/* ---- names ---- */

void
roster_mailbox_name(const struct roster *r, const struct mailbox_id *id,
                    char *out, size_t max)
{
    const struct dir_mailbox *m = directory_mailbox(r->dir, id);
    char hex[33];

    hex_encode(hex, id->b, sizeof(id->b));
    if (m == NULL)
        (void)snprintf(out, max, "%s", hex);
    else
        (void)snprintf(out, max, "%s/%s", m->agency->name, m->label);
}

void
roster_agency_name(const struct roster *r, const struct agency_id *id,
                   char *out, size_t max)
{
    const struct dir_agency *a = directory_agency(r->dir, id);
    char hex[33];

    hex_encode(hex, id->b, sizeof(id->b));
    (void)snprintf(out, max, "%s", a == NULL ? hex : a->name);
}

bool
roster_mailbox_agency(const struct roster *r, const struct mailbox_id *id,
                      struct agency_id *out)
{
    const struct dir_mailbox *m = directory_mailbox(r->dir, id);

    if (m != NULL)
        *out = m->agency->id;
    return m != NULL;
}

const struct dir_mailbox *
roster_own_mailbox(const struct roster *r, const struct identity *id)
{
    const struct dir_mailbox *m = directory_mailbox(r->dir, &id->mailbox);

    if (m != NULL && m->state == MAILBOX_OPEN &&
        mailbox_has_device(m, &id->device))
        return m;
    for (size_t i = 0; (m = directory_mailbox_nth(r->dir, i)) != NULL; i++)
        if (m->state == MAILBOX_OPEN && mailbox_has_device(m, &id->device))
            return m;
    return NULL;
}

static bool
is_hex(const char *text)
{
    return strlen(text) >= PREFIX_MIN &&
           strspn(text, "0123456789abcdefABCDEF") == strlen(text);
}

/* How many open mailboxes have an id that starts so. */
static size_t
count_prefix(const struct roster *r, const char *text, struct mailbox_id *out)
{
    const struct dir_mailbox *m;
    size_t len = strlen(text);
    size_t found = 0;
    char hex[33];

    for (size_t i = 0; (m = directory_mailbox_nth(r->dir, i)) != NULL; i++) {
        hex_encode(hex, m->id.b, sizeof(m->id.b));
        if (m->state != MAILBOX_OPEN || len > 32 ||
            strncasecmp(hex, text, len) != 0)
            continue;
        *out = m->id;
        found++;
    }
    return found;
}

/* The open mailbox whose name is nearest to what was typed. */
static bool
nearest(const struct roster *r, const char *text, char *out, size_t max)
{
    const struct dir_mailbox *m;
    size_t best = 1 + strlen(text) / 3;
    bool found = false;

    for (size_t i = 0; (m = directory_mailbox_nth(r->dir, i)) != NULL; i++) {
        char name[NAME_MAX_LEN];
        size_t d, a;

        roster_mailbox_name(r, &m->id, name, sizeof(name));
        d = text_distance(text, name);
        a = text_distance(text, m->agency->name);
        d = a < d ? a : d;
        if (m->state != MAILBOX_OPEN || d > best)
            continue;
        best = d;
        found = true;
        (void)snprintf(out, max, "%s", name);
    }
    return found;
}

static enum err
unknown(const struct roster *r, const char *text, enum err why,
        struct problem *pb)
{
    char near[NAME_MAX_LEN];

    (void)problem_set(
        pb, P_RECIPIENT_UNKNOWN, ERR_NOTFOUND, "there is no such recipient",
        why == ERR_CONFLICT ? "\"%.100s\" has several mailboxes: write "
                              "\"Agency/mailbox\""
                            : "nobody in the directory is called \"%.100s\"",
        text);
    if (why != ERR_CONFLICT && nearest(r, text, near, sizeof(near)))
        problem_next(pb, "did you mean \"%s\"?  `sealpost contacts` lists all",
                     near);
    return ERR_NOTFOUND;
}

enum err
roster_find_mailbox(const struct roster *r, const char *text,
                    struct mailbox_id *out, struct problem *pb)
{
    const struct dir_mailbox *m;
    struct mailbox_id id;
    enum err rc = directory_find_mailbox(r->dir, text, &m);

    if (rc == ERR_OK) {
        *out = m->id;
        return ERR_OK;
    }
    if (is_hex(text) && count_prefix(r, text, &id) == 1) {
        *out = id;
        return ERR_OK;
    }
    return unknown(r, text, rc, pb);
}

/* ---- who was checked ---- */

static json_t *
contact_of(const struct roster *r, const struct agency_id *id)
{
    struct problem none = {0};
    json_t *j = NULL;

    (void)shelf_get(r->app, REC_CONTACT, id->b, &j, &none);
    return j;
}

bool
roster_is_verified(const struct roster *r, const struct agency_id *id)
{
    const struct dir_agency *a = directory_agency(r->dir, id);
    json_t *j = contact_of(r, id);
    struct sign_key root;
    bool yes = a != NULL && j != NULL && !json_get_bool(j, "held") &&
               json_get_hex(j, "root", root.b, sizeof(root.b)) == ERR_OK &&
               id_eq(&root, directory_root_now(a, clock_wall_ms() / 1000));

    json_decref(j);
    return yes;
}

bool
roster_is_held(const struct roster *r, const struct agency_id *id)
{
    json_t *j = contact_of(r, id);
    bool yes = j != NULL && json_get_bool(j, "held");

    json_decref(j);
    return yes;
}

enum err
roster_set_verified(struct roster *r, const struct agency_id *id,
                    uint64_t now_ms, struct problem *pb)
{
    const struct dir_agency *a = directory_agency(r->dir, id);
    const struct sign_key *root;
    json_t *j;
    enum err rc;

    if (a == NULL)
        return problem_set(pb, P_RECIPIENT_UNKNOWN, ERR_NOTFOUND,
                           "there is no such agency",
                           "the directory does not know it");
    root = directory_root_now(a, now_ms / 1000);
    if (a->reroot.pending && roster_is_held(r, id))
        root = &a->reroot.root;
    rc = shelf_begin(r->app, pb);
    if (rc != ERR_OK)
        return rc;
    j = json_object();
    json_put_u64(j, "checked_ms", now_ms);
    json_put_hex(j, "root", root->b, sizeof(root->b));
    shelf_put(r->app, REC_CONTACT, id->b, j);
    json_decref(j);
    return shelf_end(r->app, ERR_OK, pb);
}

void
contacts_hold_rerooted(struct roster *r, uint64_t from, uint64_t now_s)
{
    const struct dir_agency *a;

    for (size_t i = 0; (a = directory_agency_nth(r->dir, i)) != NULL; i++) {
        json_t *j;

        if (!a->reroot.pending || a->reroot.index < from ||
            a->reroot.effective_s >= now_s + LIMIT_REROOT_LEFT_H * 3600)
            continue;
        j = json_object();
        json_put_bool(j, "held", 1);
        json_put_hex(j, "root", a->reroot.root.b, 32);
        shelf_put(r->app, REC_CONTACT, a->id.b, j);
        json_decref(j);
    }
}
