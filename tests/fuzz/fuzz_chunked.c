/* Streams from a stranger: nothing opens but what was sealed, and lengths and
 * chunks never disagree.  The first byte chooses what is done with the rest. */
#include <stdlib.h>
#include <string.h>

#include "proto/chunked.h"

static const uint8_t key[32] = {1};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool good)
{
    if (!good)
        abort();
}

static void
open_arbitrary(const uint8_t *data, size_t len)
{
    struct buf out = {0};
    uint64_t plain_len = 0;
    enum err rc = chunked_plain_len(len, &plain_len);

    must(rc != ERR_OK || chunked_len(plain_len) == len);
    rc = chunked_open(&out, key, "c", 1, data, len);
    must(rc == ERR_MALFORMED || rc == ERR_VERIFY);
    must(out.len == 0);
    buf_clear(&out);
}

/* Seal the rest, change one byte at a place the input chooses (or cut there),
 * and open again. */
static void
change_sealed(const uint8_t *data, size_t len, bool cut)
{
    struct buf s = {0}, out = {0};
    size_t at;
    enum err rc;

    if (len < 4)
        return;
    at = (size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2];
    must(chunked_seal(&s, key, "c", 1, data + 4, len - 4) == ERR_OK);
    must(chunked_open(&out, key, "c", 1, s.data, s.len) == ERR_OK);
    must(out.len == len - 4 && memcmp(out.data, data + 4, out.len) == 0);
    at %= s.len;
    s.data[at] ^= (uint8_t)(data[3] | 1);
    rc = chunked_open(&out, key, "c", 1, s.data, cut ? at : s.len);
    must(rc == ERR_VERIFY || (cut && rc == ERR_MALFORMED));
    must(out.len == len - 4);
    buf_clear(&s);
    buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static bool started;

    if (!started)
        must(crypto_init() == ERR_OK);
    started = true;
    if (len == 0)
        return 0;
    if (data[0] % 3 == 0)
        open_arbitrary(data + 1, len - 1);
    else
        change_sealed(data + 1, len - 1, data[0] % 3 == 1);
    return 0;
}
