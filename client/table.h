/*
 * table.h - a short table for people: text of others made safe, columns as wide
 * as their longest cell, cells that are too long cut with dots.
 * Zero-initialise with the number of columns; table_print() also clears.
 */
#ifndef SEALPOST_CLIENT_TABLE_H
#define SEALPOST_CLIENT_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "client/app.h"
#include "common/buf.h"
#include "common/clock.h"

enum { TABLE_COLUMNS_MAX = 8 };

struct table {
    size_t columns;
    struct buf text; /* each cell safe and terminated by a zero byte */
    const char *heads[TABLE_COLUMNS_MAX]; /* borrowed; NULL at [0]: no heads */
    size_t widths[TABLE_COLUMNS_MAX];
};

/* COLUMNS cells, copied; NULL is "". */
void table_row(struct table *t, const char *const *cells);
/* Onto standard output, nothing with --json or without rows. */
void table_print(struct app *app, struct table *t);

/* TEXT of others as one safe line of at most COLUMNS, terminated. */
void show_line(struct buf *out, const char *text, size_t columns);
/* "2026-11-22 07:30", local; "" for 0.  OUT has CLOCK_TEXT_MAX. */
const char *show_time(char out[CLOCK_TEXT_MAX], uint64_t ms);
/* "1.4 MiB" */
const char *show_size(char out[32], uint64_t bytes);
/* NAME of a state as people read it: "handed over"; OUT has 32. */
const char *show_words(char out[32], const char *name);

#endif
