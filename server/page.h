/*
 * page.h - rows of an answer gathered from the store until the page is full.
 * Rows and their bytes are copied; page_clear() frees them all.
 */
#ifndef SEALPOST_SERVER_PAGE_H
#define SEALPOST_SERVER_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "proto/limits.h"
#include "proto/msg.h"

enum { PAGE_ROW_FIELDS = 4 };

struct page_row {
    struct msg_field f[PAGE_ROW_FIELDS];
    uint8_t *mem;
};

struct page {
    struct page_row *rows;
    size_t n, cap;
    size_t bytes;
};

void page_clear(struct page *p);
/* True when no further row of LEN bytes fits (LIMIT_PAGE_BYTES). */
bool page_is_full(const struct page *p, size_t len);
/* Copies N fields (BIN are copied deep).  ERR_NOMEM. */
enum err page_add(struct page *p, const struct msg_field *f, unsigned n);
/* The rows as a LIST of rows (N fields each), or of single values (N == 1);
 * ITEMS has room for p->n and is borrowed by what comes back. */
struct msg_field page_list(const struct page *p, struct msg_field *items,
                           unsigned n);

#endif
