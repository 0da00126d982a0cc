/* Reads about the two logs: heads, entries, proofs, tiles. */
#include "server/store_inside.h"

#include <string.h>

#include "proto/tile.h"

static enum err
read_head(struct store_reader *rd, enum store_log log, struct q *q,
          struct head *out)
{
    enum err rc = q_next(q);

    if (rc == ERR_OK) {
        rc = head_of_row(rd->view.st, log, q, out);
        q_end(q);
    }
    return rc;
}

enum err
store_head(struct store_reader *rd, enum store_log log, struct head *out)
{
    struct q q = db_q(&rd->view.db, SQL_HEAD_LAST);

    q_u64(&q, log);
    return read_head(rd, log, &q, out);
}

enum err
store_head_at(struct store_reader *rd, enum store_log log, uint64_t size,
              struct head *out)
{
    struct q q = db_q(&rd->view.db, SQL_HEAD_AT);

    q_u64(&q, log);
    q_peer(&q, size);
    return read_head(rd, log, &q, out);
}

enum err
store_head_above(struct store_reader *rd, enum store_log log, uint64_t index,
                 struct head *out)
{
    uint64_t start = era_start(rd->view.st, log);

    return view_first_head(&rd->view, log, index < start ? start : index, out);
}

enum err
store_node(void *arg, unsigned level, uint64_t index, struct hash *out)
{
    const struct store_nodes *nodes = arg;
    struct view_log at = {&nodes->rd->view, nodes->log};

    return view_node(&at, level, index, out);
}

static enum err
log_size(struct store_reader *rd, enum store_log log, uint64_t *out)
{
    struct merkle_peaks peaks;
    struct hash root;
    enum err rc = log_load(&rd->view.db, log, &peaks, &root);

    if (rc == ERR_OK)
        *out = peaks.size;
    return rc;
}

static enum err
check_size(struct store_reader *rd, enum store_log log, uint64_t size)
{
    uint64_t now;
    enum err rc = log_size(rd, log, &now);

    return rc == ERR_OK && size > now ? ERR_STATE : rc;
}

enum err
store_inclusion(struct store_reader *rd, enum store_log log, uint64_t index,
                uint64_t size, struct hash path[MERKLE_PATH_MAX], size_t *n)
{
    struct store_nodes nodes = {rd, log};
    enum err rc = check_size(rd, log, size);

    return rc == ERR_OK
               ? merkle_inclusion(store_node, &nodes, index, size, path, n)
               : rc;
}

enum err
store_consistency(struct store_reader *rd, enum store_log log, uint64_t old,
                  uint64_t size, struct hash path[MERKLE_PATH_MAX], size_t *n)
{
    struct store_nodes nodes = {rd, log};
    enum err rc = check_size(rd, log, size);

    return rc == ERR_OK
               ? merkle_consistency(store_node, &nodes, old, size, path, n)
               : rc;
}

enum err
store_leaf_proof(struct store_reader *rd, enum store_log log, uint64_t index,
                 struct buf *out)
{
    struct head head;
    enum err rc = view_first_head(&rd->view, log, index, &head);

    return rc == ERR_OK ? view_proof(&rd->view, log, index, &head, NULL, out)
                        : rc;
}

enum err
store_leaves(struct store_reader *rd, enum store_log log, uint64_t from,
             unsigned max, store_bytes_fn *each, void *arg)
{
    struct q q;
    enum err rc;

    if (from >= MERKLE_SIZE_MAX)
        return ERR_OK;
    q = db_q(&rd->view.db, SQL_LEAF_RANGE);
    q_u64(&q, leaf_row(log, from));
    q_u64(&q, leaf_row(log, MERKLE_SIZE_MAX - 1));
    q_u64(&q, max);
    while ((rc = q_next(&q)) == ERR_OK) {
        rc = each(arg, q_get(&q, 0) & (MERKLE_SIZE_MAX - 1), q_bytes(&q, 1));
        if (rc != ERR_OK) {
            q_end(&q);
            return rc;
        }
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static enum err
put_entry(void *arg, uint64_t index, struct span entry)
{
    (void)index;
    return bundle_put(arg, entry.p, entry.len);
}

enum err
store_tile(struct store_reader *rd, enum store_log log, const char *path,
           struct buf *out)
{
    struct store_nodes nodes = {rd, log};
    struct tile tile;
    uint64_t size;
    enum err rc = tile_parse(path, &tile);

    if (rc == ERR_OK)
        rc = log_size(rd, log, &size);
    if (rc != ERR_OK)
        return rc;
    if (tile.width > tile_width(tile.level, tile.index, size))
        return ERR_NOTFOUND;
    if (tile.level != TILE_ENTRIES)
        return tile_build(&tile, store_node, &nodes, out);
    return store_leaves(rd, log, tile.index * TILE_WIDTH, tile.width, put_entry,
                        out);
}
