#include "client/splitview.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/app.h"
#include "common/os.h"

static void
file_name(char *out, size_t max, const char *origin, const struct head *a,
          const struct head *b)
{
    int n = snprintf(out, max, "split-view-%.80s-%" PRIu64 "-%" PRIu64 ".txt",
                     origin, a->size, b->size);

    for (int i = 0; i < n; i++)
        if (out[i] == '/' || out[i] == '\\')
            out[i] = '-';
}

enum err
splitview_raise(struct app *app, const struct vkey *key, const struct head *a,
                const struct head *b, struct problem *pb)
{
    return splitview_raise_between(app, key, a, key, b, pb);
}

enum err
splitview_raise_between(struct app *app, const struct vkey *key_a,
                        const struct head *a, const struct vkey *key_b,
                        const struct head *b, struct problem *pb)
{
    char name[160];
    char path[OS_PATH_MAX] = "";
    struct buf text = {0};
    enum err rc;

    buf_str(&text, id_eq(&key_a->pub, &key_b->pub)
                       ? "Two checkpoints of one log under one key; no tree "
                         "holds both.\n\n"
                       : "Two checkpoints of one log; no tree holds both.  A "
                         "POLICY joins their keys.\n\n");
    rc = head_to_note(a, key_a, &text);
    buf_str(&text, "\n");
    if (rc == ERR_OK)
        rc = head_to_note(b, key_b, &text);
    file_name(name, sizeof(name), key_a->name, a, b);
    if (rc == ERR_OK)
        rc = os_path_join(path, sizeof(path), app->home, name);
    if (rc == ERR_OK)
        rc = os_write_file_atomic(path, text.data, text.len, 0600);
    buf_clear(&text);
    return problem_set(pb, P_SPLIT_VIEW, ERR_VERIFY,
                       "the relay has shown two histories of one log",
                       "no proof joins its heads of %" PRIu64 " and %" PRIu64
                       " entries; %s %s",
                       a->size, b->size,
                       rc == ERR_OK ? "both are saved in"
                                    : "they could not be saved in",
                       path);
}
