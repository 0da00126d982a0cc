/* The guard: targets, heads, If-None-Match.  What passes is harmless. */
#include <stdlib.h>
#include <string.h>

#include "common/http_guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_target(const char *text)
{
    if (http_guard_target(text) != 0)
        return;
    if (text[0] != '/' || strlen(text) > HTTP_TARGET_MAX ||
        strstr(text, "//") != NULL || strstr(text, "/../") != NULL ||
        strpbrk(text, "%?#\\ \"") != NULL)
        abort();
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~')
            abort();
}

/* Lines "name:value" become headers. */
static void
try_head(char *text)
{
    struct http_head h = {0};
    unsigned lines = 0;
    char *line, *rest = text;
    unsigned verdict;

    while ((line = strsep(&rest, "\n")) != NULL) {
        char *value = strchr(line, ':');

        if (value == NULL)
            continue;
        *value++ = '\0';
        http_guard_header(&h, line, value);
        lines++;
    }
    verdict = http_guard_head(&h, "HTTP/1.1", true, false, 4096, 1000);
    if (verdict == 0 && (h.hosts != 1 || h.lengths != 1 || h.codings != 0 ||
                         h.body_len > 1000 || h.bytes > 4096 || lines < 2))
        abort();
    if (h.if_none_match != NULL)
        (void)http_guard_matches(h.if_none_match, "abc");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    try_target(text);
    (void)http_guard_matches(text, "abc");
    try_head(text);
    free(text);
    return 0;
}
