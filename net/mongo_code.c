#include "net/mongo_code.h"

/* By number, with the server's own names. */
static const struct {
    uint32_t server;
    enum code code;
} rows[] = {
    {6,     E_NOT_READY}, /* HostUnreachable */
    {7,     E_NOT_READY}, /* HostNotFound */
    {11,    E_CONFIG   }, /* UserNotFound */
    {13,    E_CONFIG   }, /* Unauthorized */
    {18,    E_CONFIG   }, /* AuthenticationFailed */
    {24,    E_TIMEOUT  }, /* LockTimeout */
    {43,    E_NOT_READY}, /* CursorNotFound: the server was restarted below a walk */
    {46,    E_NOT_READY}, /* LockBusy */
    {50,    E_TIMEOUT  }, /* MaxTimeMSExpired */
    {59,    E_CONFIG   }, /* CommandNotFound: no server that we can use */
    {63,    E_NOT_READY}, /* StaleShardVersion */
    {64,    E_TIMEOUT  }, /* WriteConcernFailed: written, but not on so many within wtimeoutMS */
    {73,    E_CONFIG   }, /* InvalidNamespace */
    {79,    E_CONFIG   }, /* UnknownReplWriteConcern */
    {89,    E_TIMEOUT  }, /* NetworkTimeout */
    {91,    E_NOT_READY}, /* ShutdownInProgress */
    {100,   E_CONFIG   }, /* UnsatisfiableWriteConcern */
    {112,   E_NOT_READY}, /* WriteConflict */
    {133,   E_NOT_READY}, /* FailedToSatisfyReadPreference: no primary for mongos */
    {134,   E_NOT_READY}, /* ReadConcernMajorityNotAvailableYet */
    {150,   E_NOT_READY}, /* StaleEpoch */
    {189,   E_NOT_READY}, /* PrimarySteppedDown */
    {202,   E_TIMEOUT  }, /* NetworkInterfaceExceededTimeLimit */
    {262,   E_TIMEOUT  }, /* ExceededTimeLimit */
    {317,   E_NOT_READY}, /* ConnectionPoolExpired */
    {365,   E_NOT_READY}, /* TemporarilyUnavailable */
    {384,   E_NOT_READY}, /* ConnectionError */
    {8000,  E_CONFIG   }, /* AtlasError: mostly a wrong password, or a quota that is used up */
    {9001,  E_NOT_READY}, /* SocketException */
    {10058, E_NOT_READY}, /* LegacyNotPrimary */
    {10107, E_NOT_READY}, /* NotWritablePrimary */
    {11000, E_EXISTS   }, /* DuplicateKey */
    {11001, E_EXISTS   }, /* the same, of old servers */
    {11600, E_NOT_READY}, /* InterruptedAtShutdown */
    {11601, E_NOT_READY}, /* Interrupted */
    {11602, E_NOT_READY}, /* InterruptedDueToReplStateChange */
    {12582, E_EXISTS   }, /* DuplicateKey, said by mongos */
    {13388, E_NOT_READY}, /* StaleConfig */
    {13435, E_NOT_READY}, /* NotPrimaryNoSecondaryOk */
    {13436, E_NOT_READY}, /* NotPrimaryOrSecondary: it is recovering */
    {14031, E_NOT_READY}, /* OutOfDiskSpace: heals when somebody makes room */
};

enum code mongo_code(uint32_t server_code)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].server == server_code)
            return rows[i].code;
    return E_IO;
}
