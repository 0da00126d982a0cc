#include "server/http_path.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    [HTTP_PATH_DELIVERY] = "delivery",
    [HTTP_PATH_DIRECTORY] = "directory",
};

/* What is behind "/NAME/", or NULL. */
static const char *
behind(const char *path, const char *name)
{
    size_t n = strlen(name);

    if (path[0] != '/' || strncmp(path + 1, name, n) != 0 || path[n + 1] != '/')
        return NULL;
    return path + n + 2;
}

static enum err
parse_rest(const char *rest, struct http_path *p)
{
    char name[TILE_PATH_MAX] = "checkpoint";
    struct tile tile;

    p->kind = HTTP_PATH_CHECKPOINT;
    if (strcmp(rest, name) != 0) {
        if (tile_parse(rest, &tile) != ERR_OK)
            return ERR_NOTFOUND;
        tile_path(&tile, name);
        p->kind = tile.width < TILE_WIDTH ? HTTP_PATH_PARTIAL : HTTP_PATH_TILE;
    }
    (void)snprintf(p->file, sizeof(p->file), "%s/%s", names[p->log], name);
    return ERR_OK;
}

enum err
http_path_parse(const char *path, struct http_path *out)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct http_path p = {.log = (enum http_path_log)i};
        const char *rest = behind(path, names[i]);

        if (rest != NULL && parse_rest(rest, &p) == ERR_OK) {
            *out = p;
            return ERR_OK;
        }
    }
    return ERR_NOTFOUND;
}
