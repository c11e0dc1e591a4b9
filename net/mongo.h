/* The archive on a MongoDB server, replica set or sharded cluster: model/archive.h over libmongoc.
 * Documents are {_id: name, h: hash, b: body}; docs/formats/mongo.md.
 *
 * Thread:  one at a time, which waits: for the sum of the time-outs in the URI at the worst.
 * Failure: as model/archive.h says.  After E_NOT_READY, E_TIMEOUT and E_CONFIG the next call
 *          connects anew.  Texts name the shard and hosts, never the URI or what it keeps secret.
 *          libmongoc ends the process where it gets no memory; it is given at most 4 MiB at a time,
 *          or one larger document. */
#ifndef WEIR_NET_MONGO_H
#define WEIR_NET_MONGO_H

#include "model/archive.h"

/* Does not connect yet.  `name` is the shard's, for texts; both are copied.  What the URI leaves
 * open is w=majority, journal=true, wtimeoutMS=10000, readConcernLevel=majority, retryWrites=true,
 * retryReads=true, serverSelectionTimeoutMS=5000, connectTimeoutMS=5000, socketTimeoutMS=15000 and
 * appName=weir.  E_CONFIG: what cannot be right of any server.  The rest is known once a server has
 * said what it is: without `unsafe` every call is refused with E_CONFIG where a replica set or
 * mongos would be written with less than w=majority and journal=true or read back below a
 * majority, and a server of its own without journal=true.
 * *archive is NULL on failure. */
MUST_USE enum code mongo_archive_open(struct bytes uri, bool unsafe, const char *name,
                                      struct archive **archive, struct error *err);

const char *mongo_library_version(void);

#endif
