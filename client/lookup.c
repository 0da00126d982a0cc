#include "client/lookup.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/text.h"

enum { PREFIX_MIN = 8, ID_DIGITS = 32 };

/* Does the id start with what was typed? */
static bool
id_starts(const uint8_t id[16], const char *typed)
{
    char hex[ID_DIGITS + 1];
    size_t len = strlen(typed);

    hex_encode(hex, id, 16);
    return len >= PREFIX_MIN && len <= ID_DIGITS &&
           strncasecmp(hex, typed, len) == 0;
}

static enum err
several(const char *text, struct problem *pb)
{
    return problem_set(pb, P_AMBIGUOUS, ERR_CONFLICT, "several fit",
                       "\"%.80s\" is not enough to tell them apart", text);
}

/* ---- agencies ---- */

static const struct dir_agency *
nearest_agency(const struct directory *dir, const char *text)
{
    const struct dir_agency *a, *best = NULL;
    size_t limit = 1 + strlen(text) / 3;

    for (size_t i = 0; (a = directory_agency_nth(dir, i)) != NULL; i++) {
        size_t d = text_distance(text, a->name);

        if (d <= limit) {
            limit = d;
            best = a;
        }
    }
    return best;
}

enum err
lookup_agency(const struct directory *dir, const char *text,
              const struct dir_agency **out, struct problem *pb)
{
    const struct dir_agency *a, *found = NULL;

    if (directory_find_agency(dir, text, out) == ERR_OK)
        return ERR_OK;
    for (size_t i = 0; (a = directory_agency_nth(dir, i)) != NULL; i++) {
        if (!id_starts(a->id.b, text))
            continue;
        if (found != NULL)
            return several(text, pb);
        found = a;
    }
    if (found != NULL) {
        *out = found;
        return ERR_OK;
    }
    (void)problem_set(pb, P_RECIPIENT_UNKNOWN, ERR_NOTFOUND,
                      "there is no such agency",
                      "\"%.80s\" is not in the directory", text);
    a = nearest_agency(dir, text);
    if (a != NULL)
        problem_next(pb, "did you mean \"%s\"?  `sealpost contacts` lists all",
                     a->name);
    return ERR_NOTFOUND;
}

/* ---- devices ---- */

static bool
device_fits(const struct dir_device *d, const char *text)
{
    return id_starts(d->id.b, text) || strcasecmp(d->label, text) == 0;
}

/* Devices that fit, LIVE ones only or all. */
static size_t
count_devices(const struct dir_agency *a, const char *text, uint64_t now_s,
              bool live, const struct dir_device **found)
{
    size_t n = 0;

    for (size_t i = 0; i < a->n_devices; i++) {
        const struct dir_device *d = a->devices[i];

        if (!device_fits(d, text) || (live && !device_is_live(d, now_s)))
            continue;
        *found = d;
        n++;
    }
    return n;
}

enum err
lookup_device(const struct dir_agency *a, const char *text, uint64_t now_s,
              const struct dir_device **out, struct problem *pb)
{
    const struct dir_device *found = NULL;
    size_t n = count_devices(a, text, now_s, true, &found);

    if (n == 0)
        n = count_devices(a, text, now_s, false, &found);
    if (n > 1)
        return several(text, pb);
    if (n == 1) {
        *out = found;
        return ERR_OK;
    }
    (void)problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND, "there is no such device",
                      "no device of %s is called \"%.80s\" or has an id that "
                      "starts so",
                      a->name, text);
    problem_next(pb, "`sealpost agency show` lists labels and ids");
    return ERR_NOTFOUND;
}

/* ---- mailboxes ---- */

static enum err
which_mailbox(const struct dir_agency *a, struct problem *pb)
{
    struct buf list = {0};

    for (size_t i = 0; i < a->n_mailboxes; i++)
        if (a->mailboxes[i]->state == MAILBOX_OPEN)
            buf_printf(&list, "%s\"%s\"", list.len == 0 ? "" : ", ",
                       a->mailboxes[i]->label);
    (void)problem_set(
        pb, P_USAGE, ERR_MALFORMED, "which mailbox is meant?", "%s has %.300s",
        a->name, list.len == 0 ? "no open mailbox" : (const char *)list.data);
    problem_next(pb, "name it: --mailbox LABEL");
    buf_clear(&list);
    return ERR_MALFORMED;
}

static enum err
no_mailbox(const struct dir_agency *a, const char *text, struct problem *pb)
{
    (void)problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND, "there is no such mailbox",
                      "%s has no open mailbox \"%.80s\"", a->name, text);
    problem_next(pb, "`sealpost agency show` lists them");
    return ERR_NOTFOUND;
}

enum err
lookup_mailbox(const struct dir_agency *a, const char *text,
               const struct dir_mailbox **out, struct problem *pb)
{
    const struct dir_mailbox *found = NULL;
    size_t n = 0;

    for (size_t i = 0; i < a->n_mailboxes; i++) {
        const struct dir_mailbox *m = a->mailboxes[i];

        if (m->state != MAILBOX_OPEN ||
            (text != NULL && strcasecmp(m->label, text) != 0 &&
             !id_starts(m->id.b, text)))
            continue;
        found = m;
        n++;
    }
    if (n == 1) {
        *out = found;
        return ERR_OK;
    }
    if (text == NULL)
        return which_mailbox(a, pb);
    return n > 1 ? several(text, pb) : no_mailbox(a, text, pb);
}
