#include "tests/lib/lying_succession.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/desk_fixture.h"

static void
rename_log(struct vkey *key, const char *suffix)
{
    char name[NOTE_NAME_MAX + 1];

    (void)snprintf(name, sizeof(name), "%.200s%s", key->name, suffix);
    assert_int_equal(vkey_make(key, name, NOTE_ED25519, &df.net.log_key.pub),
                     ERR_OK);
}

/* The tree again, from the openings that are left. */
static void
cut_log(uint64_t keep, enum succession_lie lie)
{
    assert_true(keep <= relay.n);
    memtree_clear(&relay.log);
    for (uint64_t i = 0; i < keep; i++) {
        uint8_t entry[SEALED_ENTRY_LEN];

        if (lie == SUCCESSION_OTHER_PAST && i == 0)
            relay.openings[i][0] ^= 1;
        sealed_entry(relay.openings[i], entry);
        memtree_append(&relay.log, entry, sizeof(entry));
    }
    for (uint64_t i = keep; i < relay.n; i++)
        buf_reset(&relay.evidence[i]);
    relay.n = keep;
}

static void
append_policy(const struct buf *stmt, enum succession_lie lie)
{
    struct buf entry = {0};

    buf_u8(&entry, 1);
    buf_u8(&entry, ENTRY_STATEMENT);
    buf_put(&entry, stmt->data, stmt->len);
    if (lie == SUCCESSION_NO_ENTRY)
        entry.data[entry.len - 1] ^= 1;
    memtree_append(&relay.log, entry.data, entry.len);
    relay.events[relay.n] = (struct event){0}; /* no event at all */
    relay.n++;
    buf_clear(&entry);
}

void
relay_succeed(uint64_t keep, const char *suffix, enum succession_lie lie)
{
    struct statement st;
    struct hash root;

    cut_log(keep, lie);
    assert_int_equal(merkle_root_at(memtree_read, &relay.log, keep, &root),
                     ERR_OK);
    rename_log(&df.delivery_key, suffix);
    rename_log(&df.directory_key, suffix);
    if (lie == SUCCESSION_WITHOUT_POLICY)
        return;
    if (lie == SUCCESSION_OTHER_ROOT)
        root.b[0] ^= 1;
    net_fill_policy(&df.net, &st);
    st.body.policy.delivery_origin = text_ref(df.delivery_key.name);
    st.body.policy.directory_origin = text_ref(df.directory_key.name);
    st.body.policy.old_size = keep;
    st.body.policy.old_root = root;
    assert_int_equal(net_log_registrar(&df.net, &st).effect, DIR_APPLIED);
    append_policy(&df.net.leaves[df.net.n_leaves - 1], lie);
}

static void
copy(struct buf *to, const struct buf *from)
{
    buf_put(to, from->data, from->len);
    assert_int_equal(buf_status(to), ERR_OK);
}

struct delivery *
relay_deliver_again(const struct relay_packet *p, const struct delivery *x)
{
    struct delivery *again = calloc(1, sizeof(*again));

    assert_non_null(again);
    again->sender = x->sender;
    again->slot = x->slot;
    copy(&again->hdr, &x->hdr);
    copy(&again->wrap, &x->wrap);
    copy(&again->wrap_hashes, &x->wrap_hashes);
    copy(&again->body, &x->body);
    if (p != NULL)
        relay_receipt(relay_log(&p->stored, NULL, 0), &again->proof);
    else
        copy(&again->proof, &x->proof);
    return again;
}
