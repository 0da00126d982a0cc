/*
 * draft.h - referrals being written, in the vault (REC_DRAFT).  Every save is
 * one transaction, so a crash loses nothing that was answered; nothing of it
 * ever lies on the disk in clear.
 * Life: draft_new() or draft_load() ... draft_clear().
 */
#ifndef SEALPOST_CLIENT_DRAFT_H
#define SEALPOST_CLIENT_DRAFT_H

#include <stdint.h>

#include "client/json.h"
#include "client/vault.h"

struct app;

struct draft {
    uint8_t id[VAULT_ID_LEN];
    uint64_t created_ms;
    uint64_t changed_ms;
    json_t *doc;      /* the referral so far; owned */
    char cursor[192]; /* the question answered last, "" before the first */
};

/* A fresh one around DOC (taken); nothing is saved yet. */
void draft_new(struct draft *out, json_t *doc);
/* By hex id or a unique beginning of it (4 digits at least).  P_NOT_FOUND,
 * P_AMBIGUOUS, or the vault's problems. */
enum err draft_load(struct app *app, const char *id, struct draft *out,
                    struct problem *pb);
/* The next one from *POS (0 at the start), oldest first.  ERR_NOTFOUND without
 * a problem ends. */
enum err draft_next(struct app *app, size_t *pos, struct draft *out,
                    struct problem *pb);
/* Sets changed_ms and writes. */
enum err draft_save(struct app *app, struct draft *d, struct problem *pb);
/* Shreds it: when this returns, no key on this disk opens it. */
enum err draft_delete(struct app *app, const uint8_t id[VAULT_ID_LEN],
                      struct problem *pb);
void draft_clear(struct draft *d);

/* 32 hex digits and a terminator; the first eight are shown to people. */
#define DRAFT_HEX_LEN 33
void draft_hex(const struct draft *d, char out[DRAFT_HEX_LEN]);

#endif
