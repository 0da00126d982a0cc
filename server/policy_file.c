#include "server/policy_file.h"

#include <stdio.h>

#include "common/buf.h"
#include "common/os.h"

static void
explain(const char *path, const struct trust_error *e, char *why,
        size_t why_len)
{
    if (e->line > 0)
        (void)snprintf(why, why_len, "%s:%u: %s", path, e->line, e->message);
    else
        (void)snprintf(why, why_len, "%s: %s", path, e->message);
}

enum err
policy_file_read(const char *path, struct trust **out, char *why,
                 size_t why_len)
{
    struct trust_error error = {0};
    struct buf text = {0};
    enum err rc = os_read_file(path, TRUST_FILE_MAX, &text);

    if (rc != ERR_OK) {
        (void)snprintf(why, why_len, "the witness policy %s cannot be read: %s",
                       path, os_last_error_text());
    } else {
        rc = trust_parse(text.data, text.len, out, &error);
        if (rc != ERR_OK)
            explain(path, &error, why, why_len);
    }
    buf_clear(&text);
    return rc;
}
