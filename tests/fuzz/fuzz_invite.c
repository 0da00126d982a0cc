/* The papers of joining: invite, relay card, join and device requests, paper
 * key, auditor's scope.  What parses must print again and parse the same. */
#include <stdlib.h>
#include <string.h>

#include "proto/directory.h"
#include "proto/invite.h"
#include "proto/paper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_invite(const char *text)
{
    struct invite inv, again;
    struct buf b = {0};

    if (invite_parse(&inv, text, 0) != ERR_OK)
        return;
    if (invite_make(&b, &inv) != ERR_OK)
        abort();
    buf_u8(&b, 0);
    if (invite_parse(&again, (const char *)b.data, 0) != ERR_OK ||
        memcmp(inv.code, again.code, sizeof(inv.code)) != 0 ||
        strcmp(inv.address, again.address) != 0)
        abort();
    buf_clear(&b);
}

static void
try_card(const uint8_t *data, size_t size)
{
    struct relay_card card, again;
    struct buf b = {0};

    if (relay_card_parse(&card, (const char *)data, size) != ERR_OK)
        return;
    if (relay_card_make(&b, &card) != ERR_OK ||
        relay_card_parse(&again, (const char *)b.data, b.len) != ERR_OK ||
        strcmp(card.name, again.name) != 0)
        abort();
    buf_clear(&b);
}

static void
try_requests(const uint8_t *data, size_t size)
{
    static const struct hash network;
    struct join_request join;
    struct device_request device;

    if (join_request_parse(&join, data, size) == ERR_OK)
        (void)join_request_check(&join, &network);
    (void)device_request_parse(&device, data, size);
}

static void
try_texts(const char *text)
{
    static const struct agency_id agency = {{0x11}};
    char printed[PAPER_TEXT_LEN + 1];
    uint8_t seed[32], again[32];

    if (audit_scope_check(text) != ERR_OK &&
        audit_scope_covers(text, &agency, 1790000000))
        abort(); /* a bad line makes the scope empty */
    if (paper_decode(seed, text) != ERR_OK)
        return;
    paper_encode(printed, seed);
    if (paper_decode(again, printed) != ERR_OK || memcmp(seed, again, 32) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (text == NULL || crypto_init() != ERR_OK)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    try_invite(text);
    try_card(data, size);
    try_requests(data, size);
    try_texts(text);
    free(text);
    return 0;
}
