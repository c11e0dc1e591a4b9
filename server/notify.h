/* Tells systemd how the service is (sd_notify's protocol: one datagram to $NOTIFY_SOCKET).  Does
 * nothing when it is not set. */
#ifndef WEIR_SERVER_NOTIFY_H
#define WEIR_SERVER_NOTIFY_H

void notify_service(const char *state); /* "READY=1", "STOPPING=1", "RELOADING=1", "WATCHDOG=1" */

#endif
