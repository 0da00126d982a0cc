#include "proto/tile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/lines.h"

/* Digits come in groups of three; u64 has at most seven groups. */
enum { GROUP = 1000, GROUPS_MAX = 7 };

void
tile_path(const struct tile *tile, char out[TILE_PATH_MAX])
{
    unsigned groups[GROUPS_MAX];
    uint64_t rest = tile->index;
    size_t n = 0, at;

    do {
        groups[n++] = (unsigned)(rest % GROUP);
        rest /= GROUP;
    } while (rest != 0);
    if (tile->level == TILE_ENTRIES)
        at = (size_t)snprintf(out, TILE_PATH_MAX, "tile/entries");
    else
        at = (size_t)snprintf(out, TILE_PATH_MAX, "tile/%d", tile->level);
    while (n-- > 0)
        at += (size_t)snprintf(out + at, TILE_PATH_MAX - at,
                               n > 0 ? "/x%03u" : "/%03u", groups[n]);
    if (tile->width < TILE_WIDTH)
        snprintf(out + at, TILE_PATH_MAX - at, ".p/%u", tile->width);
}

/* Takes what stands before the first SEP (all of it when there is none). */
static struct line
take_until(struct line *line, char sep)
{
    struct line head = *line;
    const char *end = memchr(line->text, sep, line->len);

    if (end != NULL)
        head.len = (size_t)(end - line->text);
    line->text += head.len;
    line->len -= head.len;
    return head;
}

static enum err
parse_level(struct line *line, int *level)
{
    struct line part;
    uint64_t v;

    if (!line_skip(line, "tile/"))
        return ERR_MALFORMED;
    part = take_until(line, '/');
    if (line_is(&part, "entries")) {
        *level = TILE_ENTRIES;
        return ERR_OK;
    }
    if (line_u64(&part, &v) != ERR_OK || v > TILE_LEVEL_MAX)
        return ERR_MALFORMED;
    *level = (int)v;
    return ERR_OK;
}

/* "/x001/x234/067" up to the end or to ".p/". */
static enum err
parse_index(struct line *line, uint64_t *index)
{
    uint64_t v = 0;
    bool more = true;

    while (more) {
        unsigned group = 0;

        if (!line_skip(line, "/"))
            return ERR_MALFORMED;
        more = line_skip(line, "x");
        if (line->len < 3)
            return ERR_MALFORMED;
        for (int i = 0; i < 3; i++) {
            char c = line->text[i];

            if (c < '0' || c > '9')
                return ERR_MALFORMED;
            group = group * 10 + (unsigned)(c - '0');
        }
        line->text += 3;
        line->len -= 3;
        if (v > (UINT64_MAX - group) / GROUP)
            return ERR_MALFORMED;
        v = v * GROUP + group;
    }
    *index = v;
    return ERR_OK;
}

static enum err
parse_width(struct line *line, unsigned *width)
{
    uint64_t v = TILE_WIDTH;

    if (line->len == 0) {
        *width = TILE_WIDTH;
        return ERR_OK;
    }
    if (!line_skip(line, ".p/") || line_u64(line, &v) != ERR_OK)
        return ERR_MALFORMED;
    if (v == 0 || v >= TILE_WIDTH)
        return ERR_MALFORMED;
    *width = (unsigned)v;
    return ERR_OK;
}

enum err
tile_parse(const char *path, struct tile *out)
{
    struct line line = {path, strlen(path)};
    char again[TILE_PATH_MAX];
    struct tile tile;

    if (line.len >= TILE_PATH_MAX || parse_level(&line, &tile.level) ||
        parse_index(&line, &tile.index) || parse_width(&line, &tile.width))
        return ERR_MALFORMED;
    /* Leading "x000" groups are a second name for the same tile. */
    tile_path(&tile, again);
    if (strcmp(path, again) != 0)
        return ERR_MALFORMED;
    *out = tile;
    return ERR_OK;
}

/* How many nodes a tile level has in a tree of SIZE leaves. */
static uint64_t
nodes_at(int level, uint64_t size)
{
    if (level == TILE_ENTRIES)
        return size;
    return level < 8 ? size >> (8 * level) : 0;
}

unsigned
tile_width(int level, uint64_t index, uint64_t size)
{
    uint64_t nodes = nodes_at(level, size);

    if (index < nodes / TILE_WIDTH)
        return TILE_WIDTH;
    return index == nodes / TILE_WIDTH ? (unsigned)(nodes % TILE_WIDTH) : 0;
}

enum err
tile_each_new(uint64_t old, uint64_t size, tile_each_fn *each, void *arg)
{
    for (int level = TILE_ENTRIES; nodes_at(level, size) > 0; level++) {
        uint64_t from = nodes_at(level, old), to = nodes_at(level, size);
        struct tile tile = {.level = level};

        if (from >= to)
            continue;
        for (uint64_t i = from / TILE_WIDTH; i * TILE_WIDTH < to; i++) {
            enum err rc;

            tile.index = i;
            tile.width = tile_width(level, i, size);
            rc = each(arg, &tile);
            if (rc != ERR_OK)
                return rc;
        }
    }
    return ERR_OK;
}

enum err
tile_build(const struct tile *tile, merkle_read_fn *read, void *arg,
           struct buf *out)
{
    struct hash nodes[TILE_WIDTH];
    unsigned level;

    if (tile->level < 0 || tile->level > 7 || tile->width > TILE_WIDTH)
        return ERR_STATE;
    level = 8 * (unsigned)tile->level;
    for (unsigned i = 0; i < tile->width; i++) {
        enum err rc = read(arg, level, tile->index * TILE_WIDTH + i, &nodes[i]);

        if (rc != ERR_OK)
            return rc;
    }
    buf_put(out, nodes, tile->width * sizeof(nodes[0]));
    return buf_status(out);
}

void
tile_of_node(unsigned level, uint64_t index, struct tile *tile,
             unsigned *sub_level, unsigned *sub_index)
{
    unsigned sub = level % 8;

    tile->level = (int)(level / 8);
    tile->index = index >> (8 - sub);
    *sub_level = sub;
    *sub_index = (unsigned)(index & ((1U << (8 - sub)) - 1));
    tile->width = (*sub_index + 1) << sub;
}

enum err
tile_node(const uint8_t *bytes, size_t len, unsigned sub_level,
          unsigned sub_index, struct hash *out)
{
    struct hash nodes[TILE_WIDTH];
    size_t width, first;

    if (sub_level > 8 || sub_index >= (unsigned)TILE_WIDTH >> sub_level)
        return ERR_NOTFOUND;
    width = (size_t)1 << sub_level;
    first = (size_t)sub_index << sub_level;
    if (len / 32 < first + width)
        return ERR_NOTFOUND;
    memcpy(nodes, bytes + first * 32, width * 32);
    for (; width > 1; width /= 2)
        for (size_t i = 0; i < width / 2; i++)
            merkle_node(&nodes[2 * i], &nodes[2 * i + 1], &nodes[i]);
    *out = nodes[0];
    return ERR_OK;
}

enum err
bundle_put(struct buf *out, const void *entry, size_t len)
{
    if (len > UINT16_MAX)
        return ERR_TOOBIG;
    buf_u16(out, (uint16_t)len);
    buf_put(out, entry, len);
    return buf_status(out);
}

enum err
bundle_next(struct rd *r, const uint8_t **entry, size_t *len)
{
    const uint8_t *p;
    size_t n;

    if (r->left == 0)
        return r->bad ? ERR_MALFORMED : ERR_NOTFOUND;
    n = rd_u16(r);
    p = rd_ref(r, n);
    if (r->bad)
        return ERR_MALFORMED;
    *entry = p;
    *len = n;
    return ERR_OK;
}
