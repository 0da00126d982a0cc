/*
 * vault_fixture.h - a small vault in a scratch directory, opened by a paper
 * seed (no Argon2id, so it is quick).  One per test program at a time.
 */
#ifndef SEALPOST_TESTS_VAULT_FIXTURE_H
#define SEALPOST_TESTS_VAULT_FIXTURE_H

#include "client/vault.h"

struct fixture {
    char *scratch;
    char dir[512];
    struct vault *v;
};
extern struct fixture fx;
extern const struct vault_secret paper;

/* For cmocka: fx.v is open and empty. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Closes without a new epoch, as a crash would leave it. */
void fixture_crash(void);
enum err fixture_open(void);
void fixture_reopen(void); /* close and open, both must work */

/* The id of record NUMBER, and its text ("record 7, ...", LEN bytes). */
const uint8_t *record_id(unsigned number);
void record_bytes(uint8_t *out, size_t len, unsigned number);
/* Must work, in an open transaction and in one of their own. */
void put_record(unsigned number, size_t len);
void commit_record(unsigned number, size_t len);
/* True when the record reads back as put_record() made it. */
bool has_record(unsigned number, size_t len);

#endif
