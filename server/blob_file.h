/*
 * blob_file.h - the bytes of attachments as files: reserved at once, written
 * in place, synced.  A file means nothing by itself: the store's rows alone
 * say what is announced, how far it got and what is complete.  All calls may
 * block: run them on a worker, one at a time per object.  O(chunk) memory.
 *
 *   BLOB_BEGIN -> blob_upload_open -> write* -> sync -> BLOB_PROGRESS -> ...
 *   -> sync -> digest -> BLOB_COMPLETE -> close
 */
#ifndef SEALPOST_SERVER_BLOB_FILE_H
#define SEALPOST_SERVER_BLOB_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/crypto.h"
#include "proto/ids.h"
#include "server/store.h"

struct blob_upload;
struct blob_download;

/* Goes on at INFO->have: reads what is there once more, for the digest.  At 0
 * it takes the room for all of it first.  ERR_FULL: there is none.
 * ERR_NOTFOUND: the file is gone.  ERR_CANCELLED: see blob_files_stop().
 * ERR_IO, ERR_NOMEM. */
enum err blob_upload_open(struct store *st, const struct store_blob *info,
                          struct blob_upload **out);
/* Where the next byte goes; all before it were written. */
uint64_t blob_upload_at(const struct blob_upload *up);
/* ERR_STATE unless OFFSET is blob_upload_at(); ERR_TOOBIG past the end. */
enum err blob_upload_write(struct blob_upload *up, uint64_t offset,
                           const void *bytes, size_t len);
/* All bytes written so far are on disk: *HAVE for BLOB_PROGRESS.  After an
 * error the object is only good for closing (an fsync is never retried). */
enum err blob_upload_sync(struct blob_upload *up, uint64_t *have);
/* D() of the whole; ERR_STATE unless all bytes were written and synced. */
enum err blob_upload_digest(struct blob_upload *up, struct hash *out);
void blob_upload_close(struct blob_upload *up);

/* ERR_NOTFOUND: no such file.  The file stays readable while open, even if the
 * store drops the attachment. */
enum err blob_download_open(struct store *st, const struct store_blob *info,
                            struct blob_download **out);
/* Exactly LEN bytes from OFFSET; ERR_TOOBIG past the end. */
enum err blob_download_read(struct blob_download *down, uint64_t offset,
                            void *out, size_t len);
void blob_download_close(struct blob_download *down);

/* From any thread: reading again what is there, which takes long, ends now, and
 * whatever a worker is at is done within a chunk. */
void blob_files_stop(struct store *st);

#endif
