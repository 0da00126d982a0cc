/*
 * http_child.h - `sealpostd http` as a child of the relay: started with it,
 * started again when it ends, ended with it.  It has no key of ours and no
 * database, and nothing it does or suffers harms the relay.
 *
 * Life: http_child_open() ... http_child_close(); the memory goes with the
 * loop's next turns.
 */
#ifndef SEALPOST_SERVER_HTTP_CHILD_H
#define SEALPOST_SERVER_HTTP_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "common/err.h"

struct http_child;

/* NULL: not given.  Copied, but for the texts: borrowed until close. */
struct http_child_options {
    const char *data_dir;
    const char *config;
    const char *http;  /* HOST:PORT */
    const char *admin; /* HOST:PORT */
    bool directory;
};

/* Starts it and waits until it listens; WHY gets a sentence when it does not,
 * and it has said more on stderr.  ERR_NOTFOUND: there is no sealpostd-http
 * beside this program; ERR_CLOSED: it ended at once; ERR_IO, ERR_NOMEM. */
enum err http_child_open(uv_loop_t *loop, const struct http_child_options *opt,
                         struct http_child **out, char *why, size_t why_len);
/* "http=HOST:PORT admin=HOST:PORT", what there is of it.  Borrowed. */
const char *http_child_addresses(const struct http_child *c);
/* Asks it to end; after two seconds it is made to.  NULL is fine. */
void http_child_close(struct http_child *c);

#endif
