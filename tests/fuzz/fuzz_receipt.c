/* The three fixed objects that devices sign: RCPT, WDRW, prekey statement.
 * What parses must be of one kind only and write back to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "proto/prekey.h"
#include "proto/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sign_secret key;
enum { SIG_LEN = 64 };

static void
require_same(const uint8_t *again, const uint8_t *data, size_t size)
{
    if (memcmp(again, data, size - SIG_LEN) != 0)
        abort();
}

static int
try_rcpt(const uint8_t *data, size_t size)
{
    uint8_t again[RCPT_LEN];
    struct rcpt r;

    if (rcpt_parse(&r, data, size) != ERR_OK)
        return 0;
    if (rcpt_sign(again, &r, &key) != ERR_OK)
        abort();
    require_same(again, data, size);
    (void)rcpt_verify(data, &key.pub);
    return 1;
}

static int
try_wdrw(const uint8_t *data, size_t size)
{
    uint8_t again[WDRW_LEN];
    struct wdrw w;

    if (wdrw_parse(&w, data, size) != ERR_OK)
        return 0;
    if (wdrw_sign(again, &w, &key) != ERR_OK)
        abort();
    require_same(again, data, size);
    (void)wdrw_verify(data, &key.pub);
    return 1;
}

static int
try_prekey(const uint8_t *data, size_t size)
{
    uint8_t again[PREKEY_LEN];
    struct prekey pk;

    if (prekey_parse(&pk, data, size) != ERR_OK)
        return 0;
    (void)prekey_age(pk.not_before, pk.not_after, 0);
    (void)prekey_destroy_at(0, pk.not_after);
    if (prekey_sign(again, &pk, &key) != ERR_OK)
        abort();
    require_same(again, data, size);
    (void)prekey_verify(data, &key.pub);
    return 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (crypto_init() != ERR_OK)
        abort();
    if (try_rcpt(data, size) + try_wdrw(data, size) + try_prekey(data, size) >
        1)
        abort();
    return 0;
}
