/*
 * audit_tell.h - an audit for people (a table whose lines add up, how long
 * things took, what is wrong, who may see what and who did) and for scripts.
 * Lays out a view; looks nothing up.
 */
#ifndef SEALPOST_CLIENT_AUDIT_TELL_H
#define SEALPOST_CLIENT_AUDIT_TELL_H

#include "client/app.h"
#include "client/audit_book.h"
#include "client/audit_view.h"

/* FIT: whether an earlier audit was taken up. */
void audit_tell(struct app *app, const struct audit_view *v, enum book_fit fit);
/* Into the JSON result of the run. */
void audit_tell_json(struct app *app, const struct audit_view *v,
                     enum book_fit fit);

/* Fields of a tally, and its own copies under "own"; shared with others who
 * tell a balance. */
void tell_put_counts(json_t *to, const struct balance_counts *c);
/* One line of the table: NAME and T; the header line stands above. */
void tell_header(struct app *app, const char *first_column);
void tell_row(struct app *app, const char *name, const struct tally *t);
/* NAME's packets, and below them its own copies when there are any. */
void tell_rows(struct app *app, const char *name,
               const struct balance_counts *c);

#endif
