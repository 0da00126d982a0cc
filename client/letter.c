#include "client/letter.h"

#include <string.h>

#include "client/app.h"
#include "client/shelf.h"
#include "common/bytes.h"

void
letter_clear(struct letter *l)
{
    inner_clear(&l->in);
    buf_clear(&l->bytes);
    json_decref(l->meta);
    l->meta = NULL;
}

json_t *
letter_part(const struct letter *l, uint8_t n)
{
    const struct inner_part *p = inner_part(&l->in, n);
    struct problem none = {0};
    json_t *j = NULL;

    if (p == NULL || !p->here ||
        json_read(p->bytes, p->len, "a part", &j, &none) != ERR_OK)
        return NULL;
    return j;
}

enum err
letter_read(struct letter *l, struct buf *bytes, struct problem *pb)
{
    l->bytes = *bytes;
    *bytes = (struct buf){0};
    if (inner_parse(&l->in, l->bytes.data, l->bytes.len) != ERR_OK) {
        letter_clear(l);
        return shelf_problem(ERR_VERIFY, pb);
    }
    l->meta = letter_part(l, INNER_PART_META);
    if (!json_is_object(l->meta)) {
        json_decref(l->meta);
        l->meta = json_object();
    }
    return ERR_OK;
}

enum err
letter_load(struct app *app, const struct mail *m, struct letter *l,
            struct problem *pb)
{
    struct buf b = {0};
    uint8_t id[16];
    enum err rc;

    mail_record_id(id, &m->id, m->direction);
    rc = shelf_get_raw(app, REC_INNER, id, &b, pb);
    if (rc == ERR_NOTFOUND)
        rc = shelf_problem(ERR_VERIFY, pb);
    if (rc == ERR_OK)
        rc = letter_read(l, &b, pb);
    buf_clear(&b);
    return rc;
}

void
letter_text(const struct letter *l, struct buf *out)
{
    json_t *j = letter_part(l, LETTER_TEXT_PART);
    const json_t *text = json_object_get(j, "text");

    if (json_is_string(text))
        buf_put(out, json_string_value(text), json_string_length(text));
    json_decref(j);
}

const char *
letter_att_name(const struct letter *l, const struct att_id *id)
{
    json_t *list = json_object_get(l->meta, "attachments");
    char hex[33];
    json_t *row;
    size_t i;

    hex_encode(hex, id->b, sizeof(id->b));
    json_array_foreach(list, i, row)
    {
        if (strcmp(json_get_str(row, "att_id"), hex) == 0)
            return json_get_str(row, "name");
    }
    return NULL;
}
