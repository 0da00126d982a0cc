/*
 * Slots: each wraps the same VK for one secret.  A change is a new head, and a
 * new head is a new epoch.
 */
#include "client/vault_impl.h"

#include <string.h>

#include "proto/crypto.h"

size_t
vault_slot_count(const struct vault *v)
{
    return v->head.slot_count;
}

enum err
vault_slot_get(const struct vault *v, size_t index, struct vault_slot_info *out)
{
    if (index >= v->head.slot_count)
        return ERR_NOTFOUND;
    slot_describe(&v->head.slots[index], out);
    return ERR_OK;
}

enum err
vault_slot_find(const struct vault *v, const struct vault_secret *secret,
                size_t *index)
{
    uint8_t *vk = crypto_secret_new(32);
    enum err rc = ERR_LOCKED;
    size_t i;

    if (vk == NULL)
        return ERR_NOMEM;
    for (i = 0; i < v->head.slot_count; i++) {
        rc = slot_open(&v->head.slots[i], secret, vk);
        if (rc != ERR_LOCKED)
            break;
    }
    crypto_secret_free(vk);
    if (rc == ERR_OK)
        *index = i;
    return rc;
}

static enum err
ready(const struct vault *v)
{
    enum err rc = vault_usable(v);

    return rc == ERR_OK && v->txn.is_open ? ERR_STATE : rc;
}

enum err
vault_slot_add(struct vault *v, const struct vault_secret *secret,
               const struct vault_cost *cost)
{
    struct vault_head head = v->head;
    enum err rc = ready(v);

    if (rc == ERR_OK && head.slot_count == VAULT_SLOTS_MAX)
        rc = ERR_TOOBIG;
    if (rc == ERR_OK)
        rc = slot_seal(&head.slots[head.slot_count], secret, cost, v->keys->vk);
    head.slot_count++;
    return rc == ERR_OK ? vault_change_epoch(v, &head) : rc;
}

enum err
vault_slot_change(struct vault *v, size_t index,
                  const struct vault_secret *secret,
                  const struct vault_cost *cost)
{
    struct vault_head head = v->head;
    enum err rc = ready(v);

    if (rc == ERR_OK && index >= head.slot_count)
        rc = ERR_NOTFOUND;
    if (rc == ERR_OK)
        rc = slot_seal(&head.slots[index], secret, cost, v->keys->vk);
    return rc == ERR_OK ? vault_change_epoch(v, &head) : rc;
}

enum err
vault_slot_remove(struct vault *v, size_t index)
{
    struct vault_head head = v->head;
    enum err rc = ready(v);

    if (rc == ERR_OK && index >= head.slot_count)
        rc = ERR_NOTFOUND;
    if (rc == ERR_OK && head.slot_count == 1)
        rc = ERR_REFUSED;
    if (rc != ERR_OK)
        return rc;
    head.slot_count--;
    memmove(&head.slots[index], &head.slots[index + 1],
            (head.slot_count - index) * sizeof(head.slots[0]));
    return vault_change_epoch(v, &head);
}
