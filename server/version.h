/* The version of this program. */
#ifndef WEIR_SERVER_VERSION_H
#define WEIR_SERVER_VERSION_H

#define WEIR_VERSION "0.1.0"

#endif
