/*
 * transfer.h - attachments on their way in or out over one session, in chunks:
 * memory is O(chunk) and the disk is never touched on the loop's thread.
 *
 *   in:  BLOB_PUT -> row reserved -> file opened -> BLOB_AT(handle, have)
 *        -> records gather -> worker writes, syncs -> BLOB_PROGRESS ...
 *        -> BLOB_END -> digest -> BLOB_COMPLETE -> BLOB_AT(have = total)
 *   out: BLOB_GET -> BLOB_AT -> worker reads -> records, as fast as the
 *        client reads them
 *
 * One worker job at a time per transfer, one upload at a time per attachment: a
 * new one (the client came back) waits for the old one to save what it has.
 * What the session does meanwhile does not matter: a transfer that has lost its
 * session finishes its job, saves how far it got, and goes.
 */
#ifndef SEALPOST_SERVER_TRANSFER_H
#define SEALPOST_SERVER_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store.h"

struct session;
struct transfers;

enum {
    TRANSFERS_MAX = 4,               /* of one session at a time */
    TRANSFER_CHUNK = 256 * 1024,     /* bytes per worker job */
    TRANSFER_SYNC = 8 * 1024 * 1024, /* bytes between two progress marks */
};

struct transfers *transfers_new(struct session *s);
/* The session ends.  NULL is fine. */
void transfers_close(struct transfers *ts);
/* The session's socket has room again.  NULL is fine. */
void transfers_pump(struct transfers *ts);

/* A row was reserved for an upload, now or before; REQ gets BLOB_AT, with all
 * bytes when the attachment is complete.  False: too many. */
bool transfer_upload(struct session *s, uint32_t req,
                     const struct store_blob *info);
/* REQ gets BLOB_AT and then LEN bytes from OFFSET.  False: too many. */
bool transfer_download(struct session *s, uint32_t req,
                       const struct store_blob *info, uint64_t offset,
                       uint64_t len);
/* One blob record.  False: no such upload, or not where it should go on. */
bool transfer_bytes(struct session *s, uint32_t handle, uint64_t offset,
                    const uint8_t *bytes, size_t len);
/* BLOB_END; REQ gets BLOB_AT or ERROR.  False: no such upload. */
bool transfer_end(struct session *s, uint32_t req, uint32_t handle);

#endif
