#include "handlers/link.h"

#include "http/reply.h"

enum { LINK_BYTES_MAX = 16 * 1024 };

static void put_escaped(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            c == '-' || c == '_' || c == '.')
            buf_put_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

bool link_next(struct request *request, struct bytes cursor)
{
    struct buf link = BUF_INIT(LINK_BYTES_MAX);
    bool made;

    buf_put_char(&link, '<');
    buf_put(&link, request->path);
    buf_put_char(&link, '?');
    for (size_t i = 0; i < request->parameter_count; i++) {
        if (bytes_equal(request->parameters[i].name, BYTES("cursor")))
            continue;
        put_escaped(&link, request->parameters[i].name);
        buf_put_char(&link, '=');
        put_escaped(&link, request->parameters[i].value);
        buf_put_char(&link, '&');
    }
    buf_put_text(&link, "cursor=");
    put_escaped(&link, cursor);
    buf_put_text(&link, ">; rel=\"next\"");
    made = !link.failed;
    if (made)
        reply_header(request, "Link", buf_bytes(&link));
    buf_release(&link);
    return made;
}
