/*
 * public.h - one log's files as others read them: DIR/public/<log>/ with tiles,
 * entry bundles and the checkpoint (c2sp.org/tlog-tiles).  Knows what stands
 * where and what has to be on the disk before what; what to publish and when
 * is publish.h's.  Blocking: for a worker thread.
 *
 * Directories are 0755 and files 0644, whatever os_private_files() says: all in
 * here is public, and a web server of another user may serve it.  Everything
 * else that the relay keeps is its own user's alone.
 *
 * At every moment all that the checkpoint file needs is there.  What a crash
 * leaves beside it goes with public_tidy().
 */
#ifndef SEALPOST_SERVER_PUBLIC_H
#define SEALPOST_SERVER_PUBLIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/os.h"
#include "proto/tile.h"
#include "server/store.h"

/* Set up by public_init(); holds nothing that wants freeing. */
struct public
{
    char dir[OS_PATH_MAX];
    char dirty[OS_PATH_MAX]; /* holds names that are not durable; "": none */
    const atomic_bool *stop; /* may be NULL; when set: ERR_CANCELLED, soon */
    char why[256];           /* after a failure: which file, which cause */
};

enum err public_init(struct public *pub, const char *data_dir,
                     enum store_log log, const atomic_bool *stop);
/* Appends the checkpoint file as it is.  ERR_NOTFOUND. */
enum err public_checkpoint(struct public *pub, struct buf *out);

/* Makes the directory.  With SIZE, what a tree of SIZE leaves does not need is
 * removed (leftovers of a crash); public_wipe removes everything, the
 * checkpoint first.  Links are somebody's own doing: what they lead to stays.
 */
enum err public_tidy(struct public *pub, uint64_t size);
enum err public_wipe(struct public *pub);

/* What the tree of SIZE leaves needs and somebody removed or cut is there
 * again.  Looks at names and lengths only: changed bytes stay. */
enum err public_mend(struct public *pub, struct store_reader *rd,
                     enum store_log log, uint64_t size);

/* Everything that the tree of SIZE leaves has and that of OLD had not, out of
 * RD, is on the disk when this gives ERR_OK. */
enum err public_grow(struct public *pub, struct store_reader *rd,
                     enum store_log log, uint64_t old, uint64_t size);
/* The checkpoint changes in one step. */
enum err public_show(struct public *pub, const void *note, size_t len);
/* Partial tiles of the tree of OLD leaves whose full ones are in that of SIZE:
 * after public_show().  Smaller ones at the edge stay, for readers of older
 * checkpoints. */
enum err public_trim(struct public *pub, uint64_t old, uint64_t size);

#endif
