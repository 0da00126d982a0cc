/*
 * http_files.h - the public logs over HTTP: DIR/public/delivery under
 * /delivery/, and DIR/public/directory under /directory/ when it is asked for.
 * Reads those files and nothing else; knows no store, no relay.
 *
 * Files are opened on the loop's thread: they are small, and this process has
 * nothing better to do meanwhile.
 *
 * Life: http_files_open() ... http_files_close(), and it may be freed when the
 * loop has run out.
 */
#ifndef SEALPOST_SERVER_HTTP_FILES_H
#define SEALPOST_SERVER_HTTP_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "common/err.h"
#include "common/http_server.h"

struct http_files {
    struct http_server *server;
    const char *data_dir;
    bool directory; /* serve the directory log too */
};

/* Set data_dir (borrowed) and directory before.  Errors of
 * http_server_open(). */
enum err http_files_open(struct http_files *f, uv_loop_t *loop,
                         const char *host, uint16_t port,
                         const struct http_limits *limits);
/* Again too. */
void http_files_close(struct http_files *f);

#endif
