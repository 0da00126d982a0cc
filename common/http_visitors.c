#include "common/http_visitors.h"

#include <stdlib.h>
#include <string.h>

void
http_visitors_init(struct http_visitors *v, unsigned per_s, unsigned burst,
                   const uint8_t seed[16])
{
    map_init(&v->map, 16, seed);
    list_init(&v->gone);
    v->gone_count = 0;
    v->per_s = per_s;
    v->burst = burst;
}

void
http_visitors_clear(struct http_visitors *v)
{
    size_t at = 0;
    struct http_visitor *visitor;

    while ((visitor = map_next(&v->map, &at, NULL)) != NULL)
        free(visitor);
    map_clear(&v->map);
    list_init(&v->gone);
    v->gone_count = 0;
}

/* Whoever has a /64 has all of its addresses. */
static void
customer_of(uint8_t out[16], const uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    memcpy(out, address, 16);
    if (memcmp(address, mapped, sizeof(mapped)) != 0)
        memset(out + 8, 0, 8);
}

struct http_visitor *
http_visitors_enter(struct http_visitors *v, const uint8_t address[16])
{
    uint8_t key[16];
    struct http_visitor *visitor;

    customer_of(key, address);
    visitor = map_find(&v->map, key);
    if (visitor == NULL) {
        visitor = calloc(1, sizeof(*visitor));
        if (visitor == NULL)
            return NULL;
        memcpy(visitor->address, key, sizeof(key));
        if (map_insert(&v->map, key, visitor) != ERR_OK) {
            free(visitor);
            return NULL;
        }
    }
    if (list_is_linked(&visitor->node)) {
        list_remove(&visitor->node);
        v->gone_count--;
    }
    visitor->connections++;
    return visitor;
}

static void
forget_oldest(struct http_visitors *v)
{
    struct http_visitor *oldest =
        list_entry(list_pop_front(&v->gone), struct http_visitor, node);

    v->gone_count--;
    (void)map_remove(&v->map, oldest->address);
    free(oldest);
}

void
http_visitors_leave(struct http_visitors *v, struct http_visitor *visitor)
{
    if (--visitor->connections > 0)
        return;
    list_push_back(&v->gone, &visitor->node);
    if (++v->gone_count > HTTP_VISITORS_GONE_MAX)
        forget_oldest(v);
}

/* A request costs a second, counted per_s times as fast; BURST of them may be
 * owed at once. */
bool
http_visitors_ask(const struct http_visitors *v, struct http_visitor *visitor,
                  uint64_t now_ms, unsigned *wait_s)
{
    uint64_t now = now_ms * v->per_s;
    uint64_t credit = (uint64_t)v->burst * 1000;
    uint64_t from = visitor->paid_until > now ? visitor->paid_until : now;

    if (v->per_s == 0)
        return true;
    if (from + 1000 > now + credit) {
        uint64_t missing = from + 1000 - now - credit;
        uint64_t second = (uint64_t)v->per_s * 1000;

        *wait_s = (unsigned)((missing + second - 1) / second);
        return false;
    }
    visitor->paid_until = from + 1000;
    return true;
}
