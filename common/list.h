/*
 * list.h - a doubly linked list inside the objects it links.  Owns nothing.
 *
 *     struct session { struct list_node node; ... };
 *     struct list sessions;
 *     list_init(&sessions);
 *     list_push_back(&sessions, &s->node);
 *     for (struct list_node *n = list_first(&sessions); n != NULL;
 *          n = list_next(&sessions, n))
 *         use(list_entry(n, struct session, node));
 */
#ifndef SEALPOST_COMMON_LIST_H
#define SEALPOST_COMMON_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *prev, *next; /* both NULL: in no list */
};
struct list {
    struct list_node head;
};

#define list_entry(node, type, member)                                         \
    ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void
list_init(struct list *l)
{
    l->head.prev = l->head.next = &l->head;
}

static inline bool
list_is_empty(const struct list *l)
{
    return l->head.next == &l->head;
}

static inline bool
list_is_linked(const struct list_node *n)
{
    return n->next != NULL;
}

static inline void
list_insert_after(struct list_node *at, struct list_node *n)
{
    n->prev = at;
    n->next = at->next;
    at->next->prev = n;
    at->next = n;
}

static inline void
list_push_front(struct list *l, struct list_node *n)
{
    list_insert_after(&l->head, n);
}

static inline void
list_push_back(struct list *l, struct list_node *n)
{
    list_insert_after(l->head.prev, n);
}

/* A node that is in no list stays so. */
static inline void
list_remove(struct list_node *n)
{
    if (n->next == NULL)
        return;
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->prev = n->next = NULL;
}

static inline struct list_node *
list_first(const struct list *l)
{
    return list_is_empty(l) ? NULL : l->head.next;
}

static inline struct list_node *
list_last(const struct list *l)
{
    return list_is_empty(l) ? NULL : l->head.prev;
}

static inline struct list_node *
list_next(const struct list *l, const struct list_node *n)
{
    return n->next == &l->head ? NULL : n->next;
}

/* Takes the first out and gives it, or NULL. */
static inline struct list_node *
list_pop_front(struct list *l)
{
    struct list_node *n = list_first(l);

    if (n != NULL)
        list_remove(n);
    return n;
}

#endif
