/* One statement, or a bundle of them.  What parses must build again to the
 * same signed part; a directory must take anything as a leaf. */
#include <stdlib.h>
#include <string.h>

#include "proto/directory.h"
#include "proto/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
build_again(const struct statement *st)
{
    struct buf b = {0};

    if (stmt_build(&b, st) != ERR_OK || b.len != st->signed_len + 1 ||
        memcmp(b.data, st->signed_part, st->signed_len) != 0)
        abort();
    buf_clear(&b);
}

static void
try_statement(const uint8_t *data, size_t size)
{
    static const struct sign_key key;
    static const struct hash network;
    struct statement st;

    if (stmt_parse(&st, data, size) != ERR_OK)
        return;
    if (stmt_kind_info(st.kind) != NULL)
        build_again(&st);
    for (unsigned i = 0; i < st.n_sig; i++)
        if (stmt_sig_check(&st, i, &key) == ERR_OK)
            abort();
    (void)stmt_pop_check(&st, &network);
}

static void
try_bundle(const uint8_t *data, size_t size)
{
    struct stmt_bundle b;
    const uint8_t *bytes;
    size_t len;

    if (stmt_bundle_open(&b, data, size) != ERR_OK)
        return;
    while (stmt_bundle_next(&b, &bytes, &len))
        try_statement(bytes, len);
}

static void
try_leaf(const uint8_t *data, size_t size)
{
    struct directory *dir = directory_new(NULL);
    struct dir_finding f;

    if (dir == NULL || directory_apply(dir, data, size, &f) != ERR_OK ||
        directory_apply(dir, data, size, &f) != ERR_OK)
        abort();
    if (f.effect == DIR_APPLIED || directory_size(dir) != 2)
        abort();
    directory_free(dir);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (crypto_init() != ERR_OK)
        abort();
    try_statement(data, size);
    try_bundle(data, size);
    try_leaf(data, size);
    return 0;
}
