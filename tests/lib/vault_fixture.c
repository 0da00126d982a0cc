#include "tests/lib/vault_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/crypto.h"
#include "tests/lib/scratch.h"

enum { KIND = 9 };

static const uint8_t paper_seed[VAULT_PAPER_LEN] =
    "a seed on a sheet of paper.....";
const struct vault_secret paper = {VAULT_PAPER, paper_seed, VAULT_PAPER_LEN};
struct fixture fx;

int
fixture_setup(void **state)
{
    (void)state;
    if (crypto_init() != ERR_OK)
        return -1;
    fx.scratch = scratch_new();
    snprintf(fx.dir, sizeof(fx.dir), "%s/vault", fx.scratch);
    return vault_create(&fx.v, fx.dir, &paper, NULL) == ERR_OK ? 0 : -1;
}

int
fixture_teardown(void **state)
{
    (void)state;
    vault_close(fx.v);
    fx.v = NULL;
    scratch_free(fx.scratch);
    return 0;
}

void
fixture_crash(void)
{
    if (fx.v == NULL)
        return;
    vault_abort(fx.v);
    if (vault_is_held(fx.v))
        assert_int_equal(vault_release(fx.v), ERR_OK);
    vault_close(fx.v);
    fx.v = NULL;
}

enum err
fixture_open(void)
{
    return vault_open(&fx.v, fx.dir, &paper, 0);
}

void
fixture_reopen(void)
{
    assert_int_equal(vault_close(fx.v), ERR_OK);
    fx.v = NULL;
    assert_int_equal(fixture_open(), ERR_OK);
}

const uint8_t *
record_id(unsigned number)
{
    static uint8_t id[VAULT_ID_LEN];

    memset(id, 0xd5, sizeof(id));
    memcpy(id, &number, sizeof(number));
    return id;
}

void
record_bytes(uint8_t *out, size_t len, unsigned number)
{
    char text[64];
    size_t n = (size_t)snprintf(text, sizeof(text),
                                "record %u, seen by nobody else. ", number);

    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)text[i % n];
}

void
put_record(unsigned number, size_t len)
{
    uint8_t *bytes = malloc(len + 1);

    assert_non_null(bytes);
    record_bytes(bytes, len, number);
    assert_int_equal(vault_put(fx.v, KIND, record_id(number), bytes, len),
                     ERR_OK);
    free(bytes);
}

void
commit_record(unsigned number, size_t len)
{
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    put_record(number, len);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
}

bool
has_record(unsigned number, size_t len)
{
    uint8_t *bytes = malloc(len + 1);
    struct buf got = {0};
    bool ok;

    assert_non_null(bytes);
    record_bytes(bytes, len, number);
    ok = vault_get(fx.v, KIND, record_id(number), &got) == ERR_OK &&
         got.len == len && (len == 0 || memcmp(got.data, bytes, len) == 0);
    buf_clear(&got);
    free(bytes);
    return ok;
}
