/*
 * shelf.h - records of the vault as commands use them: JSON in and out, one
 * transaction around several, and the vault's errors in people's words.
 */
#ifndef SEALPOST_CLIENT_SHELF_H
#define SEALPOST_CLIENT_SHELF_H

#include <stdbool.h>
#include <stdint.h>

#include "client/json.h"
#include "client/problem.h"
#include "client/records.h"

struct app;

/* The id of records that exist once. */
extern const uint8_t shelf_one[16];
/* The id of records named by a number: big-endian, then zeros. */
void shelf_number(uint8_t id[16], uint64_t n);
uint64_t shelf_number_of(const uint8_t id[16]);

/* Gives a new reference.  ERR_NOTFOUND without a problem; all else sets PB. */
enum err shelf_get(struct app *app, enum record_kind kind, const uint8_t id[16],
                   json_t **out, struct problem *pb);
/* The same for raw records: appends to OUT. */
enum err shelf_get_raw(struct app *app, enum record_kind kind,
                       const uint8_t id[16], struct buf *out,
                       struct problem *pb);

/* One transaction: begin; put and drop; end, which commits when RC is ERR_OK
 * and nothing in between failed, and else drops it all.  Puts and drops
 * remember the first failure, so only the end need be asked. */
enum err shelf_begin(struct app *app, struct problem *pb);
void shelf_put(struct app *app, enum record_kind kind, const uint8_t id[16],
               const json_t *value);
void shelf_put_raw(struct app *app, enum record_kind kind, const uint8_t id[16],
                   const void *bytes, size_t len);
void shelf_drop(struct app *app, enum record_kind kind, const uint8_t id[16]);
enum err shelf_end(struct app *app, enum err rc, struct problem *pb);

/* An error of the vault in words; gives E. */
enum err shelf_problem(enum err e, struct problem *pb);

#endif
