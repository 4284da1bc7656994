#include "queue/sqlite_face.h"

#include "base/banned.h"

__attribute__((visibility("default"))) extern const struct sqlite_face outpost_sqlite;
const struct sqlite_face outpost_sqlite = { store_sqlite_open, store_sqlite_mend };
