#include "common/address.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err
address_split(const char *text, char *host, size_t cap, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    const char *from = text;
    unsigned long p;
    size_t len;
    char *end;

    if (colon == NULL || colon[1] < '0' || colon[1] > '9')
        return ERR_MALFORMED;
    p = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || p > UINT16_MAX)
        return ERR_MALFORMED;
    len = (size_t)(colon - text);
    if (len > 1 && text[0] == '[' && colon[-1] == ']') {
        from++;
        len -= 2;
    }
    if (len == 0 || len >= cap)
        return ERR_MALFORMED;
    memcpy(host, from, len);
    host[len] = '\0';
    *port = (uint16_t)p;
    return ERR_OK;
}

void
address_join(char *out, size_t cap, const char *host, uint16_t port)
{
    bool is_v6 = strchr(host, ':') != NULL;

    (void)snprintf(out, cap, "%s%s%s:%u", is_v6 ? "[" : "", host,
                   is_v6 ? "]" : "", (unsigned)port);
}
