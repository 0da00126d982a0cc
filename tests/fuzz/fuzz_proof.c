/* Proof files and receipts: what parses is written back alike. */
#include <stdlib.h>
#include <string.h>

#include "proto/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char log_text[] = "relay.example/log1+73be8b4c+"
                               "AdPgSH/KWo1eEN1qvW/iMdtrMFviaDgjoj/M3xYpcYNH";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct receipt receipt;
    struct proof proof;
    struct hash leaf;
    struct buf b = {0};
    struct vkey log;

    if (vkey_parse(&log, log_text, sizeof(log_text) - 1) != ERR_OK)
        abort();
    merkle_leaf("entry 256", 9, &leaf);
    if (proof_parse(data, size, &proof) == ERR_OK) {
        if (proof_format(&proof, &b) != ERR_OK || b.len != size ||
            memcmp(b.data, data, size) != 0)
            abort();
        if (proof_verify(&proof, &leaf, &log, NULL, 0, NULL, NULL) == ERR_OK &&
            proof.index != 256)
            abort();
    }
    /* Nobody has the log's key: no receipt of it can be made up. */
    if (receipt_verify(data, size, &log, &receipt) == ERR_OK)
        abort();
    buf_clear(&b);
    return 0;
}
