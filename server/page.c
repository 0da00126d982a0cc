#include "server/page.h"

#include <stdlib.h>
#include <string.h>

void
page_clear(struct page *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->rows[i].mem);
    free(p->rows);
    memset(p, 0, sizeof(*p));
}

bool
page_is_full(const struct page *p, size_t len)
{
    return p->bytes + len + LIMIT_PAGE_ROW_COST > LIMIT_PAGE_BYTES;
}

static enum err
grow(struct page *p)
{
    size_t cap = p->cap == 0 ? 16 : p->cap * 2;
    struct page_row *rows;

    if (p->n < p->cap)
        return ERR_OK;
    rows = realloc(p->rows, cap * sizeof(*rows));
    if (rows == NULL)
        return ERR_NOMEM;
    p->rows = rows;
    p->cap = cap;
    return ERR_OK;
}

enum err
page_add(struct page *p, const struct msg_field *f, unsigned n)
{
    struct page_row *row;
    size_t total = 0;
    size_t at = 0;

    if (grow(p) != ERR_OK)
        return ERR_NOMEM;
    for (unsigned i = 0; i < n; i++)
        total += f[i].kind == MSG_BIN ? f[i].len : 0;
    row = &p->rows[p->n];
    row->mem = malloc(total + 1);
    if (row->mem == NULL)
        return ERR_NOMEM;
    for (unsigned i = 0; i < n; i++) {
        row->f[i] = f[i];
        if (f[i].kind != MSG_BIN)
            continue;
        if (f[i].len > 0)
            memcpy(row->mem + at, f[i].p, f[i].len);
        row->f[i].p = row->mem + at;
        at += f[i].len;
    }
    p->bytes += total + LIMIT_PAGE_ROW_COST;
    p->n++;
    return ERR_OK;
}

struct msg_field
page_list(const struct page *p, struct msg_field *items, unsigned n)
{
    for (size_t i = 0; i < p->n; i++)
        items[i] = n == 1 ? p->rows[i].f[0] : msg_list(p->rows[i].f, n);
    return msg_list(items, p->n);
}
