#include "retrieval/database.h"

#include <sqlite3.h>

#include <new>
#include <utility>

#include "base/clock.h"
#include "base/error.h"

namespace tinyllm {
namespace {

constexpr int kBusyMilliseconds = 30'000;

void close(sqlite3* connection) { sqlite3_close_v2(connection); }

sqlite3* open(const std::filesystem::path& file, int& result) {
  sqlite3* connection = nullptr;
  result =
      sqlite3_open_v2(file.c_str(), &connection,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  return connection;
}

}  // namespace

Statement::Statement(const Database& database, std::string_view sql) : database_(&database) {
  check(sqlite3_prepare_v2(database.connection_.get(), sql.data(), static_cast<int>(sql.size()),
                           &statement_, nullptr));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}

void Statement::check(int result) const {
  if (result != SQLITE_OK && result != SQLITE_ROW && result != SQLITE_DONE)
    database_->fail_with(result);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  check(sqlite3_bind_int64(statement_, parameter, value));
  return *this;
}

Statement& Statement::bind(int parameter, double value) {
  check(sqlite3_bind_double(statement_, parameter, value));
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  check(sqlite3_bind_text64(statement_, parameter, text.data(), text.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_bytes(int parameter, std::span<const std::byte> bytes) {
  check(sqlite3_bind_blob64(statement_, parameter, bytes.data(), bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

bool Statement::next() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  const int failure =
      result == SQLITE_DONE ? SQLITE_OK : sqlite3_extended_errcode(database_->connection_.get());
  sqlite3_reset(statement_);
  check(failure);
  return false;
}

void Statement::run() {
  while (next()) continue;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}
double Statement::number(int column) const { return sqlite3_column_double(statement_, column); }

std::string Statement::text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return "";
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::span<const std::byte> Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  return {static_cast<const std::byte*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Database::Database(const std::filesystem::path& file) : file_(file), connection_(nullptr, close) {
  int result = SQLITE_OK;
  connection_.reset(open(file, result));
  if (result != SQLITE_OK) fail_with(result);
  sqlite3_extended_result_codes(connection_.get(), 1);
  sqlite3_busy_timeout(connection_.get(), kBusyMilliseconds);
  use_wal();
  run("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;");
}

// SQLite does not wait where two programs change the mode of a new file at the same time; one of
// them is told that it is locked, so it tries again.
void Database::use_wal() const {
  const Stopwatch clock;
  while (true) {
    const char* sql = "PRAGMA journal_mode = WAL";
    const int result = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
    if (result == SQLITE_OK) return;
    const bool is_busy = (result & 0xFF) == SQLITE_BUSY;
    if (!is_busy || clock.seconds() * 1000 > kBusyMilliseconds) fail_with(result);
    sqlite3_sleep(5);
  }
}

Database::~Database() = default;

void Database::run(const char* sql) const {
  const int result = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) fail_with(result);
}

std::int64_t Database::integer(std::string_view sql) const {
  Statement statement = prepare(sql);
  return statement.next() ? statement.integer(0) : 0;
}

std::int64_t Database::last_row_id() const { return sqlite3_last_insert_rowid(connection_.get()); }

void Database::fail_with(int result) const {
  const std::string path = file_.string();
  const char* reason = connection_ ? sqlite3_errmsg(connection_.get()) : sqlite3_errstr(result);
  switch (result & 0xFF) {
    case SQLITE_NOMEM: throw std::bad_alloc();
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      fail(ErrorCode::invalid_input,
           "{}: this index is damaged ({}); remove the file, and the next run makes it again", path,
           reason);
    case SQLITE_FULL:
      fail(ErrorCode::io, "{}: the disk is full; what was indexed before is kept", path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      fail(ErrorCode::io,
           "{}: another program has been writing to this index for {} s; try again later", path,
           kBusyMilliseconds / 1000);
    default:
      fail(ErrorCode::io, "{}: cannot be read or written ({}); what was indexed before is kept",
           path, reason);
  }
}

Transaction::Transaction(const Database& database) : database_(database) {
  database_.run("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!is_open_) return;
  try {
    database_.run("ROLLBACK");
  } catch (
      const std::exception&) {  // NOLINT(bugprone-empty-catch): SQLite has rolled it back itself
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
  is_open_ = false;
}

}  // namespace tinyllm
