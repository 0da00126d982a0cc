/* Notes, checkpoints and verifier keys: what parses is written back alike. */
#include <stdlib.h>
#include <string.h>

#include "proto/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The log and the witness of tests/vectors/tlog/xmod.json. */
static const char log_text[] = "relay.example/log1+73be8b4c+"
                               "AdPgSH/KWo1eEN1qvW/iMdtrMFviaDgjoj/M3xYpcYNH";
static const char witness_text[] =
    "witness.example/w1+dbde64cc+"
    "BN+GARmBG3ZTJJSX8/UQnTezIZRqgCkLwWQCBUNSL47c";

static void
expect_same(const struct buf *b, const void *data, size_t size)
{
    if (b->len != size || memcmp(b->data, data, size) != 0)
        abort();
}

static void
try_vkey(const uint8_t *data, size_t size)
{
    struct buf b = {0};
    struct vkey key;

    if (vkey_parse(&key, (const char *)data, size) == ERR_OK) {
        vkey_format(&key, &b);
        expect_same(&b, data, size);
    }
    buf_clear(&b);
}

static void
try_checkpoint(const char *text, size_t len)
{
    struct checkpoint cp;
    struct buf b = {0};

    if (checkpoint_parse(text, len, &cp) == ERR_OK) {
        if (checkpoint_text(&cp, &b) != ERR_OK)
            abort();
        expect_same(&b, text, len);
    }
    buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vkey keys[2];
    struct note note;
    struct head head;

    if (vkey_parse(&keys[0], log_text, sizeof(log_text) - 1) != ERR_OK ||
        vkey_parse(&keys[1], witness_text, sizeof(witness_text) - 1) != ERR_OK)
        abort();
    try_vkey(data, size);
    try_checkpoint((const char *)data, size);
    if (note_open(data, size, keys, 2, &note) == ERR_OK)
        try_checkpoint(note.text, note.text_len);
    if (head_from_note(data, size, &keys[0], &keys[1], 1, &head, &note) ==
            ERR_OK &&
        head_verify(&head, &keys[0]) != ERR_OK)
        abort();
    return 0;
}
