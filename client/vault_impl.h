/*
 * vault_impl.h - what the vault_*.c files share; nobody else includes it.
 *
 * DIR/head         commits everything: renaming it into place is the moment
 * DIR/keyring.N    keys of epoch N
 * DIR/log.G        records; G is the epoch in which the file was begun
 * DIR/lock         held by the one process that may write
 * DIR/blobs/HEX    sealed attachments
 *
 * What goes wrong where:
 *   crash in a transaction       the tail without an end is cut at open
 *   crash before the head moved  files of an epoch that never was; swept at
 * open crash after it               files of the epoch before; swept at open
 */
#ifndef SEALPOST_CLIENT_VAULT_IMPL_H
#define SEALPOST_CLIENT_VAULT_IMPL_H

#include "client/keyring.h"
#include "client/vault.h"
#include "client/vault_head.h"
#include "client/vault_log.h"
#include "common/os.h"

/* Secrets of the vault itself, in guarded memory. */
struct vault_keys {
    uint8_t vk[32];
    uint8_t ek[32];
    uint8_t next_ek[32]; /* during an epoch change */
    uint8_t rk[32];      /* of the entry in work */
};

/* One entry that will count once its transaction is complete. */
struct run_op {
    struct log_inner inner;
    struct keyring_record record; /* for LOG_PUT */
    uint8_t mark[16];             /* for LOG_MARK */
};

/* The entries of one transaction, being written or being read. */
struct run {
    struct run_op *ops;
    size_t count, cap;
    struct slab secrets; /* beside ops: record key, or seed for LOG_SEED_PUT */
};

struct txn {
    bool is_open;
    bool shred;
    enum err failed; /* what commit will say */
    struct run run;
    struct buf bytes; /* entries, ready to append */
    size_t last_at;   /* where the last of them starts */
    struct log_entry last;
    uint64_t next_seq;
    struct hash chain; /* hash of the last entry but one, then the last */
};

/* The end of the log as far as it is committed. */
struct log_end {
    uint64_t count;
    uint64_t len;
    struct hash last;
};

struct vault {
    char *dir;
    struct os_lock lock;
    bool is_held;
    bool is_broken;     /* after a failed sync nobody knows what the disk has */
    bool is_dirty;      /* something was written since the epoch began */
    bool shred_pending; /* ... and a record was to be shredded */
    struct vault_keys *keys;
    struct vault_head head;
    struct hash head_hash; /* of the head file's bytes */
    struct keyring ring;
    int log_fd;
    uint64_t log_gen;
    struct log_end end;
    struct txn txn;
};

enum { FILE_MODE = 0600, DIR_MODE = 0700 };

/* ERR_STATE or ERR_IO when V cannot be used now. */
enum err vault_usable(const struct vault *v);
/* DIR/NAME, or DIR/NAME.N when N is not 0 (N starts at 1).  ERR_TOOBIG. */
enum err vault_path(char out[OS_PATH_MAX], const struct vault *v,
                    const char *name, uint64_t n);

/* vault_load.c: everything below the head from the disk.  HEAD and EK are set
 * in V; the ring is empty.  On failure V must be reset or dropped. */
enum err vault_read_head(struct vault *v);
enum err vault_load(struct vault *v);
/* Entries others appended since V last looked, and the cut of what is
 * unfinished.  *CHANGED when there were some. */
enum err vault_read_tail(struct vault *v, bool *changed);
/* Forgets what vault_load made. */
void vault_unload(struct vault *v);
/* Removes files that belong to no present epoch. */
enum err vault_sweep(struct vault *v);

/* vault_txn.c */
enum err run_add(struct run *run, const struct run_op *op,
                 const uint8_t secret[32]);
/* Into the keyring; the run is empty afterwards. */
enum err run_apply(struct run *run, struct vault *v);
void run_reset(struct run *run);
void run_clear(struct run *run);

/* vault_epoch.c: a new epoch with HEAD's slots (the rest is filled in). */
enum err vault_change_epoch(struct vault *v, const struct vault_head *head);
/* The first epoch of a vault with no log yet. */
enum err vault_first_epoch(struct vault *v);

#endif
