/*
 * http_path.h - which file a request's path names.  Pure.  Only what the tile
 * grammar (proto/tile.h) and the word `checkpoint` allow, and the file's name
 * is written anew from what was understood: nothing of the path gets into it.
 */
#ifndef SEALPOST_SERVER_HTTP_PATH_H
#define SEALPOST_SERVER_HTTP_PATH_H

#include "common/err.h"
#include "proto/tile.h"

enum http_path_log { HTTP_PATH_DELIVERY, HTTP_PATH_DIRECTORY };
enum http_path_kind { HTTP_PATH_CHECKPOINT, HTTP_PATH_TILE, HTTP_PATH_PARTIAL };

struct http_path {
    enum http_path_log log;
    enum http_path_kind kind;
    char file[TILE_PATH_MAX + 16]; /* below DIR/public: "delivery/tile/0/000" */
};

/* "/delivery/checkpoint", "/directory/tile/entries/x001/002.p/7".
 * ERR_NOTFOUND for everything else. */
enum err http_path_parse(const char *path, struct http_path *out);

#endif
