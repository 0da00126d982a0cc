/*
 * vault_log.h - the entries of the vault's log (client/DESIGN.md, The vault):
 * sealing, reading and checking one at a time.  Knows the file's bytes; knows
 * no keyring, no epochs beyond the number, no meaning of records.
 *
 *   u32 len | u8 more | u64 seq | record_id(16) | prev(32) | u64 epoch
 *   | nonce(24) || XChaCha(EK, AAD, rk)(48) | chunked(rk, ..., inner)
 *
 * LEN counts what follows it.  AAD = "sealpost/1/rk\0" and everything before
 * the nonce, so that no bit of an entry's head can change unseen.  PREV is the
 * hash of the entry before: SHA-256("sealpost/1/entry\0" || its first 197
 * bytes), up to and with the commitment of its stream.  Whoever lacks the
 * record key cannot make other bytes fit that commitment; so the chain can be
 * walked without reading the bodies.
 *
 * Inner: u8 op | u8 kind | id(16) | bytes.
 */
#ifndef SEALPOST_CLIENT_VAULT_LOG_H
#define SEALPOST_CLIENT_VAULT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/ids.h"

enum {
    ENTRY_LEN_MORE = 4,    /* where `more` stands */
    ENTRY_NONCE_AT = 69,   /* end of what the AAD covers */
    ENTRY_STREAM_AT = 141, /* where the chunked stream begins */
    ENTRY_HEAD_LEN = 197,  /* with the stream's salt and commitment */
    INNER_HEAD_LEN = 18
};

enum log_op {
    LOG_PUT = 0,
    LOG_DELETE = 1,       /* no bytes */
    LOG_SEED_PUT = 2,     /* bytes: seed(32); id: prekey */
    LOG_SEED_DESTROY = 3, /* no bytes */
    LOG_MARK = 4          /* bytes: mark(16); id: prekey */
};

/* What an entry says, without its bytes. */
struct log_inner {
    enum log_op op;
    uint8_t kind;
    uint8_t id[16];
};

/* The clear part. */
struct log_entry {
    uint32_t len; /* of the whole entry, its length field included */
    bool more;
    uint64_t seq;
    uint8_t record_id[16];
    struct hash prev;
    uint64_t epoch;
};

/* A whole entry that holds RECORD_LEN bytes for its caller. */
uint64_t log_entry_len(uint32_t record_len);

/* Appends the entry to OUT and gives its hash; ENTRY->len is set here.
 * ERR_NOMEM: OUT may have grown. */
enum err log_seal(struct buf *out, struct log_entry *entry,
                  const struct log_inner *inner, const void *bytes, size_t len,
                  const uint8_t rk[32], const uint8_t ek[32],
                  struct hash *hash);
/* Writes ENTRY's clear part and a fresh wrap of RK over the beginning of the
 * entry at P (its stream stays), and gives the hash. */
void log_rewrap(uint8_t *p, const struct log_entry *entry, const uint8_t rk[32],
                const uint8_t ek[32], struct hash *hash);

/* The clear part of the entry at OFFSET of a file of SIZE bytes, and its first
 * ENTRY_HEAD_LEN bytes.  ERR_CLOSED: the file ends within them; ERR_VERIFY: no
 * entry has such a length. */
enum err log_read_head(int fd, uint64_t offset, uint64_t size,
                       struct log_entry *entry, uint8_t head[ENTRY_HEAD_LEN]);
void log_hash(const uint8_t head[ENTRY_HEAD_LEN], struct hash *hash);
/* ERR_VERIFY: not of this epoch key, or changed. */
enum err log_unwrap(const uint8_t head[ENTRY_HEAD_LEN], const uint8_t ek[32],
                    uint8_t rk[32]);
/* Reads and opens the stream of the entry at OFFSET that holds RECORD_LEN bytes
 * for its caller.  Appends them to OUT.  ERR_VERIFY, ERR_CLOSED (the file ends
 * within it), ERR_IO, ERR_NOMEM. */
enum err log_read_record(int fd, uint64_t offset, uint32_t record_len,
                         const uint8_t record_id[16], uint64_t seq,
                         const uint8_t rk[32], struct log_inner *inner,
                         struct buf *out);
/* The same for a clear part just read. */
enum err log_read_body(int fd, uint64_t offset, const struct log_entry *entry,
                       const uint8_t rk[32], struct log_inner *inner,
                       struct buf *out);

/* True when the LEN bytes at OFFSET hold a disk sector (512 bytes, or what
 * of one lies in the range) of zeros only: written in name, never in fact. */
bool log_is_unwritten(int fd, uint64_t offset, uint64_t len);

#endif
