/*
 * blobs_inside.h - shared by blobs.c and blobs_seal.c only: the record of one
 * sealed file.
 */
#ifndef SEALPOST_CLIENT_BLOBS_INSIDE_H
#define SEALPOST_CLIENT_BLOBS_INSIDE_H

#include "client/blobs.h"
#include "client/vault.h"

/* The id of its REC_BLOB. */
struct blob_id {
    uint8_t b[16];
};
void blob_id_of(struct blob_id *out, const struct agency_id *owner,
                const struct att_id *att);

struct blob {
    struct vault_file file;
    char *path; /* owned */
    bool is_complete;
    uint64_t coming_ms; /* when its download began; 0: made here */
};

/* ERR_NOTFOUND without a problem.  Free B->path. */
enum err blob_load(struct app *app, const struct blob_id *id, struct blob *out,
                   struct problem *pb);
enum err blob_save(struct app *app, const struct blob_id *id,
                   const struct blob *b, struct problem *pb);
/* Draws a name and writes its record; the file is still to be made. */
enum err blob_make(struct app *app, const struct blob_id *id, struct blob *b,
                   struct problem *pb);
/* What a failed write to the vault's disk means. */
enum err blob_disk_problem(enum err e, struct problem *pb);

#endif
