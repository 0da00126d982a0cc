#include "common/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "common/list.h"
#include "tests/lib/fail_alloc.h"

#define MANY 2000u

static const uint8_t seed[16] = {1, 2, 3, 4, 5, 6, 7, 8};
static char things[MANY];

static void
key_of(uint8_t key[16], uint32_t n)
{
    memset(key, 0, 16);
    put_u32(key + 12, n);
}

static void
insert(struct map *m, uint32_t n)
{
    uint8_t key[16];

    key_of(key, n);
    assert_int_equal(map_insert(m, key, &things[n]), ERR_OK);
}

static void *
find(const struct map *m, uint32_t n)
{
    uint8_t key[16];

    key_of(key, n);
    return map_find(m, key);
}

static void
what_goes_in_is_found_until_it_is_removed(void **state)
{
    struct map m;
    uint8_t key[16];

    (void)state;
    map_init(&m, 16, seed);
    assert_null(find(&m, 0));
    key_of(key, 0);
    assert_null(map_remove(&m, key));
    for (uint32_t n = 0; n < MANY; n++)
        insert(&m, n);
    assert_int_equal(m.count, MANY);
    /* Removing in another order than inserting moves entries about. */
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t n = i * 7 % MANY;
        key_of(key, n);
        assert_ptr_equal(map_remove(&m, key), &things[n]);
        assert_null(map_remove(&m, key));
        for (uint32_t j = i + 1; j < i + 20 && j < MANY; j++)
            assert_ptr_equal(find(&m, j * 7 % MANY), &things[j * 7 % MANY]);
    }
    assert_int_equal(m.count, 0);
    map_clear(&m);
    map_clear(&m);
}

static void
the_first_value_stays(void **state)
{
    struct map m;
    uint8_t key[16];

    (void)state;
    map_init(&m, 16, seed);
    insert(&m, 1);
    key_of(key, 1);
    assert_int_equal(map_insert(&m, key, &things[2]), ERR_EXISTS);
    assert_ptr_equal(find(&m, 1), &things[1]);
    map_clear(&m);
}

static void
a_walk_meets_everyone_once(void **state)
{
    struct map m;
    char met[MANY] = {0};
    size_t pos = 0;
    const void *key;
    char *thing;

    (void)state;
    map_init(&m, 16, seed);
    for (uint32_t n = 0; n < MANY; n++)
        insert(&m, n);
    while ((thing = map_next(&m, &pos, &key)) != NULL) {
        assert_int_equal(get_u32((const uint8_t *)key + 12), thing - things);
        met[thing - things]++;
    }
    for (uint32_t n = 0; n < MANY; n++)
        assert_int_equal(met[n], 1);
    map_clear(&m);
}

static void
odd_key_lengths_work(void **state)
{
    struct map m;

    (void)state;
    for (size_t len = 1; len <= 64; len++) {
        uint8_t a[64] = {0}, b[64] = {0};
        b[len - 1] = 1;
        map_init(&m, len, seed);
        assert_int_equal(map_insert(&m, a, &things[0]), ERR_OK);
        assert_int_equal(map_insert(&m, b, &things[1]), ERR_OK);
        assert_ptr_equal(map_find(&m, b), &things[1]);
        assert_ptr_equal(map_remove(&m, a), &things[0]);
        assert_ptr_equal(map_find(&m, b), &things[1]);
        map_clear(&m);
    }
}

static void
without_memory_the_map_stays_as_it_was(void **state)
{
    struct map m;
    uint8_t key[16];
    uint32_t n = 0;
    enum err rc;

    (void)state;
    map_init(&m, 16, seed);
    do {
        fail_alloc_at(0);
        key_of(key, n);
        rc = map_insert(&m, key, &things[n]);
        fail_alloc_off();
        if (n == 0)
            insert(&m, n); /* the first memory */
        n++;
    } while (rc == ERR_OK || n == 1);
    assert_int_equal(rc, ERR_NOMEM);
    assert_int_equal(m.count, n - 1);
    for (uint32_t i = 0; i < n - 1; i++)
        assert_ptr_equal(find(&m, i), &things[i]);
    map_clear(&m);
}

struct thing {
    int value;
    struct list_node node;
};

static void
a_list_keeps_its_order(void **state)
{
    struct thing t[3] = {{.value = 0}, {.value = 1}, {.value = 2}};
    struct list l;
    int expect = 0;

    (void)state;
    list_init(&l);
    assert_true(list_is_empty(&l));
    assert_null(list_first(&l));
    assert_null(list_pop_front(&l));
    list_push_back(&l, &t[1].node);
    list_push_back(&l, &t[2].node);
    list_push_front(&l, &t[0].node);
    for (struct list_node *n = list_first(&l); n != NULL; n = list_next(&l, n))
        assert_int_equal(list_entry(n, struct thing, node)->value, expect++);
    assert_int_equal(expect, 3);
    list_remove(&t[1].node);
    list_remove(&t[1].node); /* again is fine */
    assert_false(list_is_linked(&t[1].node));
    assert_ptr_equal(list_pop_front(&l), &t[0].node);
    assert_ptr_equal(list_last(&l), &t[2].node);
    list_remove(&t[2].node);
    assert_true(list_is_empty(&l));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_is_found_until_it_is_removed),
        cmocka_unit_test(the_first_value_stays),
        cmocka_unit_test(a_walk_meets_everyone_once),
        cmocka_unit_test(odd_key_lengths_work),
        cmocka_unit_test(without_memory_the_map_stays_as_it_was),
        cmocka_unit_test(a_list_keeps_its_order),
    };

    return cmocka_run_group_tests_name("map and list", tests, NULL, NULL);
}
