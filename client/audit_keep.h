/*
 * audit_keep.h - the book of the last audit (audit_book.h) sealed in the vault:
 * a file among the blobs, named with its key by REC_AUDIT_BOOK.
 *
 * A new book's name is committed before its file is made, and takes the place
 * of the old one when the file is complete on the disk: a crash in between
 * leaves the old book, or none, never half of one.
 */
#ifndef SEALPOST_CLIENT_AUDIT_KEEP_H
#define SEALPOST_CLIENT_AUDIT_KEEP_H

#include "client/app.h"
#include "client/audit_book.h"
#include "client/vault.h"

/* Gives *OUT and its HEAD, or ERR_NOTFOUND and why in FIT (BOOK_NONE: there
 * never was one).  Other errors set PB. */
enum err audit_keep_open(struct app *app, const struct audit_options *options,
                         struct audit **out, struct head *head,
                         enum book_fit *fit, struct problem *pb);
/* In place of the one before.  A is closed and not finished.  What is not worth
 * keeping is dropped. */
enum err audit_keep_save(struct app *app, const struct audit *a,
                         const struct head *head, struct problem *pb);

/* The files that a sweep of the blobs must leave; at most AUDIT_KEEP_FILES. */
enum { AUDIT_KEEP_FILES = 2 };
enum err audit_keep_files(struct app *app,
                          struct vault_file out[AUDIT_KEEP_FILES], size_t *n,
                          struct problem *pb);

#endif
