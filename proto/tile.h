/*
 * tile.h - tiles of height 8 as paths and bytes (c2sp.org/tlog-tiles): what
 * the relay publishes and auditors and clients read.
 *
 * Tile (level, index) holds the nodes (8 * level, 256 * index ...) of the tree,
 * up to 256 of them; an entry bundle holds the entries of a level 0 tile.
 */
#ifndef SEALPOST_PROTO_TILE_H
#define SEALPOST_PROTO_TILE_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/err.h"
#include "proto/ids.h"
#include "proto/merkle.h"

enum {
    TILE_WIDTH = 256,
    TILE_ENTRIES = -1, /* as a level: an entry bundle */
    TILE_LEVEL_MAX = 63,
    TILE_PATH_MAX = 64, /* with terminator */
    TILE_LEN_MAX = TILE_WIDTH * 32,
};

struct tile {
    int level; /* 0..TILE_LEVEL_MAX, or TILE_ENTRIES */
    uint64_t index;
    unsigned width; /* 1..256; below 256 the tile is partial */
};

/* `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`.  Parsing accepts only
 * what formatting writes. */
void tile_path(const struct tile *tile, char out[TILE_PATH_MAX]);
enum err tile_parse(const char *path, struct tile *out);

/* How wide this tile is in a tree of SIZE leaves: 256, less when it is the
 * partial one at the edge, 0 when there is none. */
unsigned tile_width(int level, uint64_t index, uint64_t size);

/*
 * Calls EACH for every tile and bundle that a tree of SIZE leaves has and one
 * of OLD leaves had not (full ones, and the partial one at each level's edge),
 * bundles first, then level by level.  Stops at its first error and gives it.
 */
typedef enum err tile_each_fn(void *arg, const struct tile *tile);
enum err tile_each_new(uint64_t old, uint64_t size, tile_each_fn *each,
                       void *arg);

/* Appends the tile's bytes (32 * width) out of stored nodes.  ERR_STATE for a
 * bundle. */
enum err tile_build(const struct tile *tile, merkle_read_fn *read, void *arg,
                    struct buf *out);
/* Which tile a node of the tree is computed from, and its place inside:
 * (sub_level 0..7, sub_index).  WIDTH is the least that is wide enough. */
void tile_of_node(unsigned level, uint64_t index, struct tile *tile,
                  unsigned *sub_level, unsigned *sub_index);
/* A node out of a tile's bytes.  ERR_NOTFOUND when LEN bytes do not reach. */
enum err tile_node(const uint8_t *bytes, size_t len, unsigned sub_level,
                   unsigned sub_index, struct hash *out);

/* Entry bundles: per entry u16 length || entry.  bundle_next borrows from the
 * cursor; ERR_TOOBIG for an entry above 65535 bytes; ERR_MALFORMED when cut;
 * ERR_NOTFOUND at the end. */
enum err bundle_put(struct buf *out, const void *entry, size_t len);
enum err bundle_next(struct rd *r, const uint8_t **entry, size_t *len);

#endif
