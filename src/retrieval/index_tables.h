#pragma once
// The tables of an index, and its version. One thread.

#include "retrieval/database.h"

namespace tinyllm {

// Makes them in a new database. Throws as Database does, and Error{invalid_input} for a database that
// is no index and for an index of a later version.
void prepare_index_tables(const Database& database);

// An index of an older version, which other readers or another chunker filled, or which has other
// tables, is emptied but for its origin. To be called by who fills it again: its documents can be
// listed until then.
void renew_older_tables(const Database& database);

}  // namespace tinyllm
