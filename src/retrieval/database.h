#pragma once
// SQLite as this project uses it: one connection to one file, in WAL mode, so that a reader goes on
// while another process writes and a killed writer leaves whole transactions only. One thread.
//
// Every function throws Error with one line that names the file: io where the disk is full, the
// system refuses or another program holds the file for half a minute; invalid_input where the file
// is damaged or no database.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace tinyllm {

class Database;

// A prepared statement. Parameters are numbered from 1, columns from 0.
class Statement {
 public:
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, double value);
  Statement& bind(int parameter, std::string_view text);
  Statement& bind_bytes(int parameter, std::span<const std::byte> bytes);

  bool next();  // to the next row; false: there is none, and the statement can be bound anew
  void run();   // for what gives no rows

  std::int64_t integer(int column) const;
  double number(int column) const;
  std::string text(int column) const;
  // Until the next call of next().
  std::span<const std::byte> bytes(int column) const;

 private:
  friend class Database;
  Statement(const Database& database, std::string_view sql);
  void check(int result) const;

  const Database* database_;
  sqlite3_stmt* statement_ = nullptr;
};

class Database {
 public:
  // Makes the file where there is none.
  explicit Database(const std::filesystem::path& file);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::filesystem::path& file() const { return file_; }
  // The database must outlive it.
  Statement prepare(std::string_view sql) const { return Statement(*this, sql); }
  void run(const char* sql) const;                   // one statement or several
  std::int64_t integer(std::string_view sql) const;  // the first column of the only row
  std::int64_t last_row_id() const;

 private:
  friend class Statement;
  void use_wal() const;
  [[noreturn]] void fail_with(int result) const;

  std::filesystem::path file_;
  std::unique_ptr<sqlite3, void (*)(sqlite3*)> connection_;
};

// All of it or nothing: what was written since it began goes when commit() was not called.
class Transaction {
 public:
  explicit Transaction(const Database& database);  // waits for another writer
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  const Database& database_;
  bool is_open_ = true;
};

}  // namespace tinyllm
