#include "http/parting.h"

#include "http/exchange.h"
#include "http/mhd.h"

#include <sys/socket.h>

enum { PARTING_BYTES_MAX = 1 << 20 };

bool parting_send(struct exchange *x, int fd)
{
    struct reply *reply = &x->reply;
    struct buf text = BUF_INIT(PARTING_BYTES_MAX);
    const char *name, *value;
    bool sent = false;

    buf_printf(&text, "HTTP/1.1 %u %s\r\n", reply->status, mhd_reason(reply->status));
    for (size_t at = 0; reply_next_header(reply, &at, &name, &value);)
        buf_printf(&text, "%s: %s\r\n", name, value);
    buf_printf(&text, "Content-Length: %zu\r\n\r\n", reply->size);
    buf_put(&text, (struct bytes){reply->body, reply->size});
    if (buf_finish(&text, NULL) == OK)
        sent = send(fd, text.data, text.size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)text.size;
    if (sent)
        reply->sent = reply->size;
    buf_release(&text);
    return sent;
}
