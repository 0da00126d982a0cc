/*
 * vault.h - everything the client keeps, sealed at rest (client/DESIGN.md, The
 * vault). Knows records (kind, id, bytes it never looks into), prekey seeds,
 * unlock slots and sealed attachment files; knows no packets, no clock, no
 * index.
 *
 * A stolen vault shows sizes and counts only: kinds and ids are inside the
 * sealed part.  Rollback inside one epoch is not detected locally, nor is a
 * rollback of the whole directory.  Shredding destroys keys here; a copy of the
 * directory from before (a backup, a snapshot, old blocks of a flash disk)
 * still opens with a secret of its time.
 *
 * Life: vault_create or vault_open ... vault_close.  One process holds a vault
 * at a time; one that lives long calls vault_release and vault_reacquire so
 * that others get a turn.  Not for use from several threads.
 *
 * Errors, the same everywhere:
 *   ERR_NOTFOUND no vault (record, seed, slot) there
 *   ERR_EXISTS   already a vault there
 *   ERR_BUSY     another process holds it
 *   ERR_LOCKED   wrong passphrase or paper seed
 *   ERR_REFUSED  the passphrase costs too little or too much to check
 *   ERR_VERSION  made by a newer program
 *   ERR_VERIFY   damaged, or older than it was when last seen (rolled back)
 *   ERR_FULL     disk full; nothing is lost, the vault stays as it was
 *   ERR_IO       after a failed sync or repair everything gives this: close and
 *                open again
 *   ERR_STATE    wrong moment (no transaction, released, ...)
 */
#ifndef SEALPOST_CLIENT_VAULT_H
#define SEALPOST_CLIENT_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/ids.h"

enum {
    VAULT_ID_LEN = 16,
    VAULT_RECORD_MAX = 16 << 20, /* bytes in one record */
    VAULT_SLOTS_MAX = 8,
    VAULT_PAPER_LEN = 32
};

struct vault; /* opaque */

/* ---- what opens a vault ---- */

/* Argon2id: passes and bytes of memory. */
struct vault_cost {
    uint32_t ops;
    uint64_t mem;
};
extern const struct vault_cost vault_cost_default; /* 3 passes, 256 MiB */
extern const struct vault_cost vault_cost_floor;   /* 2 passes, 64 MiB */

/* "default", "floor", or passes x MiB ("3x256"); NULL and "" mean default.
 * Commands pass getenv("SEALPOST_VAULT_COST").  ERR_MALFORMED, or ERR_REFUSED
 * below the floor and above 4 GiB or 64 passes. */
enum err vault_cost_parse(struct vault_cost *out, const char *text);

enum vault_slot_kind { VAULT_PASSPHRASE = 1, VAULT_PAPER = 2 };

/* Borrowed for the call.  A passphrase has 1 to 1024 bytes, taken as they are;
 * a paper seed has exactly VAULT_PAPER_LEN random bytes. */
struct vault_secret {
    enum vault_slot_kind kind;
    const void *bytes;
    size_t len;
};

/* ---- life ---- */

/* Makes DIR (0700) if need be, and an empty vault in it with one slot; the
 * vault is open and held.  DIR is copied.  COST NULL means default (it does
 * not matter for paper).  A half-made vault of a crashed create is replaced. */
enum err vault_create(struct vault **out, const char *dir,
                      const struct vault_secret *secret,
                      const struct vault_cost *cost);

/* Every slot of the secret's kind is tried.  WAIT_MS: how long to wait for
 * another process to let go before ERR_BUSY (0: at once).  An unfinished
 * transaction at the end of the log is cut off. */
enum err vault_open(struct vault **out, const char *dir,
                    const struct vault_secret *secret, uint32_t wait_ms);

/* ERR_OK when DIR holds a vault (locked or not), ERR_NOTFOUND, ERR_IO. */
enum err vault_exists(const char *dir);

/* Changes the epoch if anything was written since the last, wipes keys, lets
 * the lock go, frees V.  An open transaction is dropped.  The result is that of
 * the epoch change: V is gone whatever it says, and no record is lost (a shred
 * may be: it happens at the next epoch).  NULL gives ERR_OK. */
enum err vault_close(struct vault *v);

/* Lets others have the vault; keys stay in memory.  Until vault_reacquire
 * everything but vault_close gives ERR_STATE, and so does this inside a
 * transaction.  No epoch change. */
enum err vault_release(struct vault *v);

/* Holds the vault again and reads what others did.  CHANGED (may be NULL) is
 * true if there was anything: then rebuild what was derived from records.
 * ERR_BUSY: still released, try again; after anything else only vault_close is
 * left.  Positions of vault_next from before are void.  Works across changed
 * passphrases and epochs. */
enum err vault_reacquire(struct vault *v, uint32_t wait_ms, bool *changed);
bool vault_is_held(const struct vault *v);

/* ---- transactions ----
 *
 * vault_begin, any of the calls marked (T), vault_commit.  All of it lands or
 * none, also across a crash; vault_commit returns after one fdatasync.  Reads
 * see committed state only.  After a failed (T) call, commit gives the same
 * error and drops the transaction. */

enum err vault_begin(struct vault *v);
/* ERR_OK: it is on the disk.  Any error but ERR_IO: nothing happened and V is
 * as before the transaction.  ERR_IO: unknown, it is decided at the next open.
 * With a VAULT_SHRED_NOW inside, the epoch changes right after the commit; if
 * that fails, commit is still ERR_OK and vault_info.shred_pending says so. */
enum err vault_commit(struct vault *v);
/* Without a transaction: nothing. */
void vault_abort(struct vault *v);

/* ---- records ---- */

/* (T) Insert or replace.  KIND 1..255 is the caller's.  Replacing keeps the
 * record's place in the order; the old bytes can be read by nobody after the
 * next epoch.  ERR_TOOBIG above VAULT_RECORD_MAX. */
enum err vault_put(struct vault *v, uint8_t kind,
                   const uint8_t id[VAULT_ID_LEN], const void *bytes,
                   size_t len);

/* What becomes of the record's key: forgotten with the next epoch (cheap), or
 * at once, by changing the epoch after the commit (a few syncs). */
enum vault_delete_how { VAULT_DROP_LATER, VAULT_SHRED_NOW };

/* (T) Deleting what is not there is no error. */
enum err vault_delete(struct vault *v, uint8_t kind,
                      const uint8_t id[VAULT_ID_LEN],
                      enum vault_delete_how how);

/* Appends the record's bytes to OUT, read from the file and verified now.
 * ERR_NOTFOUND, ERR_VERIFY (damaged on disk), ERR_IO, ERR_NOMEM. */
enum err vault_get(struct vault *v, uint8_t kind,
                   const uint8_t id[VAULT_ID_LEN], struct buf *out);
bool vault_has(const struct vault *v, uint8_t kind,
               const uint8_t id[VAULT_ID_LEN]);

struct vault_item {
    uint8_t kind;
    uint8_t id[VAULT_ID_LEN];
    uint64_t seq; /* grows with every put; equal seq: same bytes */
    size_t len;   /* of the record's bytes */
};
/* Records of KIND (0: of all kinds) in the order they were first put.  *POS is
 * 0 at the start; false at the end.  Commits in between are allowed. */
bool vault_next(const struct vault *v, uint8_t kind, size_t *pos,
                struct vault_item *out);
size_t vault_count(const struct vault *v, uint8_t kind);

/* ---- prekey seeds and the marks that live as long as they do ---- */

/* (T) ERR_EXISTS if the id was ever there. */
enum err vault_seed_put(struct vault *v, const struct prekey_id *id,
                        const uint8_t seed[32]);
/* (T) Marks it: vault_seed_get gives ERR_EXPIRED from the commit on, and the
 * next epoch destroys the seed and its marks.  The id stays known for ever. */
enum err vault_seed_destroy(struct vault *v, const struct prekey_id *id);
/* ERR_NOTFOUND never had it, ERR_EXPIRED destroyed ("gone").  Wipe OUT. */
enum err vault_seed_get(const struct vault *v, const struct prekey_id *id,
                        uint8_t seed[32]);
/* Ids in the order they came; *POS starts at 0. */
bool vault_seed_next(const struct vault *v, size_t *pos, struct prekey_id *id,
                     bool *is_destroyed);

/* (T) Remembers MARK (say, a hash of sender device and packet id) as long as
 * the seed lives.  Marking again is no error; ERR_NOTFOUND without a live seed
 * (a seed put in the same transaction counts). */
enum err vault_mark_put(struct vault *v, const struct prekey_id *id,
                        const uint8_t mark[VAULT_ID_LEN]);
bool vault_mark_has(const struct vault *v, const uint8_t mark[VAULT_ID_LEN]);

/* ---- slots; each change is an epoch change, outside of transactions ---- */

struct vault_slot_info {
    enum vault_slot_kind kind;
    struct vault_cost cost; /* zeros for paper */
};
size_t vault_slot_count(const struct vault *v);
/* ERR_NOTFOUND beyond the last. */
enum err vault_slot_get(const struct vault *v, size_t index,
                        struct vault_slot_info *out);
/* Which slot opens with SECRET (asks for the old passphrase before a change).
 * ERR_LOCKED when none does. */
enum err vault_slot_find(const struct vault *v,
                         const struct vault_secret *secret, size_t *index);
/* ERR_TOOBIG when all slots are used.  The new slot is the last. */
enum err vault_slot_add(struct vault *v, const struct vault_secret *secret,
                        const struct vault_cost *cost);
/* Another secret (of either kind) in the same place. */
enum err vault_slot_change(struct vault *v, size_t index,
                           const struct vault_secret *secret,
                           const struct vault_cost *cost);
/* ERR_REFUSED for the last one.  Who has an old copy of the vault and the old
 * secret can still open that copy. */
enum err vault_slot_remove(struct vault *v, size_t index);

/* ---- epochs ---- */

/* Forgets the keys of deleted and replaced records and of destroyed seeds, and
 * seals the log's present end into the head.  Rewrites the log when more than
 * half of it is dead.  Call it daily in a process that lives long; vault_close
 * and a VAULT_SHRED_NOW do it by themselves.  ERR_FULL: old epoch goes on. */
enum err vault_epoch(struct vault *v);

struct vault_info {
    uint64_t epoch;
    uint64_t record_count;
    uint64_t log_len;   /* bytes */
    uint64_t dead_len;  /* bytes of it that nothing needs */
    bool shred_pending; /* deleted, but the key is still in the keyring */
};
void vault_stat(const struct vault *v, struct vault_info *out);

/* Reads and verifies every live record.  ERR_VERIFY names the first bad one in
 * *BAD (may be NULL). */
enum err vault_check(struct vault *v, struct vault_item *bad);

/* ---- sealed attachment files ----
 *
 * Ciphertext too big for the log stands in DIR/blobs/<32 hex digits>; the
 * content is sealed by the caller under a key that a record holds.  Order, so
 * that a sweep by another process never hits a file in use: draw a name, commit
 * the record that names it, then create the file; delete the record first. */

struct vault_file {
    uint8_t b[VAULT_ID_LEN];
};
void vault_file_draw(struct vault_file *out);
/* "DIR/blobs/<hex>", to be opened through common/os.h with mode 0600.  Works
 * while released.  Gives a string to free(); NULL: no memory. */
char *vault_file_path(const struct vault *v, const struct vault_file *file);
/* What is not there is no error. */
enum err vault_file_delete(struct vault *v, const struct vault_file *file);
/* Deletes every file IS_USED denies and what does not look like one of ours;
 * *DELETED (may be NULL) counts.  Call after unlock, with the records read. */
enum err vault_file_sweep(struct vault *v,
                          bool (*is_used)(void *arg,
                                          const struct vault_file *file),
                          void *arg, size_t *deleted);

#endif
