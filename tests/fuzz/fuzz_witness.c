/* add-checkpoint: what parses is written back alike, nothing that nobody
 * signed is cosigned, and answers of witnesses are read without harm. */
#include <stdlib.h>
#include <string.h>

#include "proto/witness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char log_vkey[] = "relay.example/log1+73be8b4c+"
                               "AdPgSH/KWo1eEN1qvW/iMdtrMFviaDgjoj/M3xYpcYNH";
static const char witness_vkey[] =
    "witness.example/w1+dbde64cc+"
    "BN+GARmBG3ZTJJSX8/UQnTezIZRqgCkLwWQCBUNSL47c";

static void
try_request(const uint8_t *data, size_t size)
{
    struct witness_request req;
    struct buf b = {0};

    if (witness_request_parse(data, size, &req) == ERR_OK) {
        if (witness_request_format(&req, &b) != ERR_OK || b.len != size ||
            memcmp(b.data, data, size) != 0)
            abort();
    }
    buf_clear(&b);
}

static void
try_judge(const uint8_t *data, size_t size, const struct vkey *log_key)
{
    struct witness_log log = {.n_keys = 1};
    struct witness_judgement j;

    log.keys[0] = *log_key;
    witness_judge(data, size, &log, 1, 1800000000, &j);
    if (witness_status(j.why) == 200 || j.evidence != WITNESS_EVIDENCE_NONE)
        if (head_verify(&j.head, log_key) != ERR_OK)
            abort();
}

static void
try_answer(const uint8_t *data, size_t size, const struct vkey *witness)
{
    static const char text[] = "relay.example/never\n0\n"
                               "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    struct buf b = {0};
    uint64_t v;

    if (witness_answer_lines(text, sizeof(text) - 1, data, size, witness, &b,
                             &v) == ERR_OK)
        abort();
    buf_clear(&b);
    (void)witness_answer_size(data, size, &v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vkey log_key, witness;

    if (vkey_parse(&log_key, log_vkey, sizeof(log_vkey) - 1) != ERR_OK ||
        vkey_parse(&witness, witness_vkey, sizeof(witness_vkey) - 1) != ERR_OK)
        abort();
    try_request(data, size);
    try_judge(data, size, &log_key);
    try_answer(data, size, &witness);
    return 0;
}
