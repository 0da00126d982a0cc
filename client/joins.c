#include "client/joins.h"

#include <string.h>
#include <strings.h>

#include "common/bytes.h"

static enum err
take(struct join_entry *e, const struct msg_field *row,
     const struct hash *network)
{
    const struct msg_field *req = &row[JOINS_ROW_REQUEST];
    enum err rc;

    memcpy(e->code_hash.b, row[JOINS_ROW_CODE_HASH].p, 32);
    e->received_s = row[JOINS_ROW_RECEIVED_S].u;
    buf_put(&e->bytes, req->p, req->len);
    rc = buf_status(&e->bytes);
    if (rc == ERR_OK)
        rc = join_request_parse(&e->request, e->bytes.data, e->bytes.len);
    if (rc == ERR_OK)
        rc = join_request_check(&e->request, network);
    if (rc != ERR_OK)
        return rc;
    memcpy(e->name, e->request.name.p, e->request.name.len);
    e->name[e->request.name.len] = '\0';
    memcpy(e->country, e->request.country, 2);
    e->wished_class = e->request.wished_class;
    fingerprint(e->digits, network, &e->request.root, e->name);
    return ERR_OK;
}

enum err
joins_fetch(struct office *o, struct joins *out, struct problem *pb)
{
    const struct msg *answer;
    const struct msg_field *rows;
    enum err rc = upstream_call(o->up, MSG_JOIN_LIST, NULL, 0, MSG_JOINS,
                                &answer, NULL, pb);

    memset(out, 0, sizeof(*out));
    if (rc != ERR_OK)
        return rc;
    rows = &answer->f[JOINS_ROWS];
    for (size_t i = 0; i < rows->len && out->n < LIMIT_JOINS_PAGE; i++) {
        struct join_entry *e = &out->list[out->n];

        if (take(e, rows->items[i].items, &o->id.network_id) == ERR_OK) {
            out->n++;
        } else {
            buf_clear(&e->bytes);
            memset(e, 0, sizeof(*e));
            out->broken++;
        }
    }
    return ERR_OK;
}

void
joins_clear(struct joins *j)
{
    for (size_t i = 0; i < j->n; i++)
        buf_clear(&j->list[i].bytes);
    memset(j, 0, sizeof(*j));
}

static int
fits(const struct join_entry *e, const char *text)
{
    char hex[65];

    hex_encode(hex, e->code_hash.b, 32);
    return strcasecmp(e->name, text) == 0 ||
           (strlen(text) >= 4 && strncasecmp(hex, text, strlen(text)) == 0);
}

enum err
joins_find(const struct joins *j, const char *text,
           const struct join_entry **out, struct problem *pb)
{
    const struct join_entry *found = NULL;

    for (size_t i = 0; i < j->n; i++) {
        if (!fits(&j->list[i], text))
            continue;
        if (found != NULL)
            return problem_set(pb, P_AMBIGUOUS, ERR_CONFLICT,
                               "several requests fit",
                               "\"%.60s\" is not enough "
                               "to tell them apart",
                               text);
        found = &j->list[i];
    }
    if (found == NULL) {
        (void)problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND,
                          "there is no such request",
                          "nobody waits under "
                          "\"%.60s\"",
                          text);
        problem_next(pb, "`sealpost registrar requests` lists who waits");
        return ERR_NOTFOUND;
    }
    *out = found;
    return ERR_OK;
}
