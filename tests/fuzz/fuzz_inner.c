/*
 * A decrypted body: padding, then INNER.  What parses must be inside the input
 * and sign back to the same bytes but for the signature.
 *
 * Commitments are in the way of any change to a part, so input whose only
 * fault they are is mended and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/inner.h"
#include "proto/pad.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
    if (!truth)
        abort();
}

static void
check_parsed(struct inner *in, const uint8_t *inner, size_t len)
{
    static const struct sign_secret key;
    static const struct hash hh;
    struct buf again = {0};

    for (size_t i = 0; i < in->n_parts; i++) {
        const struct inner_part *p = &in->parts[i];

        require(inner_part(in, p->number) == p);
        require(!p->here || (p->bytes >= inner &&
                             p->len <= (size_t)(inner + len - p->bytes)));
    }
    for (size_t i = 0; i < in->n_atts; i++)
        require(inner_att(in, &in->atts[i].id) == &in->atts[i]);
    require(inner_sign(&again, in, &hh, &key) == ERR_OK);
    require(again.len == len);
    require(memcmp(again.data, inner, len - 64) == 0);
    (void)inner_verify(inner, len, &hh, &key.pub);
    buf_clear(&again);
}

/* Writes the commitments that the parts call for, where INNER is in order up
 * to them; the parser then decides about the rest. */
static void
mend(uint8_t *inner, size_t len)
{
    uint8_t *rows = inner + INNER_FIXED_LEN + 1;
    size_t n = len > INNER_FIXED_LEN ? rows[-1] : 0;
    size_t at = INNER_FIXED_LEN + 1 + 34 * n;

    for (size_t i = 0; i < n && at <= len && len - at >= 36; i++) {
        uint8_t *row = rows + 34 * i;
        const uint8_t *p = inner + at;
        size_t part_len =
            (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
        struct hash commit;

        if (row[1] == 0)
            continue;
        if (part_len > len - at - 36)
            return;
        inner_part_commit(&commit, row[0], p + 4, p + 36, part_len);
        memcpy(row + 2, commit.b, sizeof(commit.b));
        at += 36 + part_len;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct inner in;
    const uint8_t *unpadded;
    size_t len;
    uint8_t *copy;

    require(crypto_init() == ERR_OK);
    if (unpad(data, size, &unpadded, &len) == ERR_OK)
        require(pad_len(len) == size && unpadded == data + 4);
    copy = malloc(size + 1);
    require(copy != NULL);
    memcpy(copy, data, size);
    if (inner_parse(&in, copy, size) == ERR_VERIFY)
        mend(copy, size);
    if (inner_parse(&in, copy, size) == ERR_OK)
        check_parsed(&in, copy, size);
    free(copy);
    return 0;
}
