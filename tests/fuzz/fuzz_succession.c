/*
 * Succession cards: a real one with changes (first byte even;
 * tests/lib/patch.h), or the input as it is.  What parses is a card that is
 * written again and read the same; one whose check fits after a change is the
 * same card among other text.  And names that follow each other.
 */
#include <string.h>

#include "proto/crypto.h"
#include "proto/succession.h"
#include "tests/lib/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct succession_card real = {
    .name = "relay.example.org",
    .log_key = {{1, 2, 3}},
    .delivery_origin = "relay.example.org/delivery/2",
    .directory_origin = "relay.example.org/directory/2",
    .delivery_size = 1204,
    .delivery_root = {{4, 5}},
    .directory_size = 31,
    .directory_root = {{6}},
};

static bool
is_same(const struct succession_card *a, const struct succession_card *b)
{
    return strcmp(a->name, b->name) == 0 && id_eq(&a->log_key, &b->log_key) &&
           strcmp(a->delivery_origin, b->delivery_origin) == 0 &&
           strcmp(a->directory_origin, b->directory_origin) == 0 &&
           a->delivery_size == b->delivery_size &&
           id_eq(&a->delivery_root, &b->delivery_root) &&
           a->directory_size == b->directory_size &&
           id_eq(&a->directory_root, &b->directory_root);
}

static void
check_again(const struct succession_card *card)
{
    struct succession_card again;
    struct buf b = {0};
    char check[10];

    must(succession_card_make(&b, card) == ERR_OK);
    must(succession_card_parse(&again, (const char *)b.data, b.len) == ERR_OK);
    must(is_same(card, &again));
    must(succession_card_check(check, card) == ERR_OK && strlen(check) == 9);
    buf_clear(&b);
}

static void
try_origin(const uint8_t *data, size_t size)
{
    char origin[LIMIT_ORIGIN + 1] = "", next[LIMIT_ORIGIN + 1];

    if (size > LIMIT_ORIGIN)
        return;
    memcpy(origin, data, size);
    if (!text_is_name(text_ref(origin), LIMIT_ORIGIN) ||
        succession_origin(origin, next) != ERR_OK)
        return;
    must(strcmp(origin, next) != 0);
    must(text_is_name(text_ref(next), LIMIT_ORIGIN));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd input = rd_from(data, size);
    struct succession_card card;
    struct buf text = {0};
    bool is_real = rd_u8(&input) % 2 == 0;

    must(crypto_init() == ERR_OK);
    if (is_real) {
        must(succession_card_make(&text, &real) == ERR_OK);
        (void)patch_apply(&input, &text, 2 * LIMIT_RELAY_CARD);
    } else {
        buf_put(&text, data + 1, size - 1);
        try_origin(data + 1, size - 1);
    }
    if (succession_card_parse(&card, (const char *)text.data, text.len) ==
        ERR_OK)
        check_again(&card);
    buf_clear(&text);
    return 0;
}
