#include "kv_store/block_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/error.h"
#include "base/random_id.h"
#include "base/xxhash64.h"

namespace tinyllm {
namespace {

constexpr std::array<char, 16> kMagic = {'t', 'i', 'n', 'y', 'l', 'l', 'm', ' ',
                                         'k', 'v', ' ', 's', 't', 'o', 'r', 'e'};
constexpr std::uint32_t kFormat = 1;
constexpr const char *kIndexName = "kv.index", *kBlocksName = "kv.blocks", *kLockName = "kv.lock";

struct Head {
  std::array<char, 16> magic = kMagic;
  std::uint32_t format = kFormat;
  std::uint32_t n_identity = 0;
  std::uint64_t store_id = 0;
  std::array<char, 2008> identity{};
  std::uint64_t checksum = 0;  // of all bytes before it
};
static_assert(sizeof(Head) == 2048);
constexpr std::int64_t kHeadBytes = 2 * sizeof(Head);

struct DiskEntry {
  BlockKey key, parent;
  std::uint64_t block_checksum = 0, used = 0;
  std::array<std::uint64_t, 5> reserved{};
  std::uint64_t checksum = 0;  // of all bytes before it
};
static_assert(sizeof(DiskEntry) == BlockFile::kEntryBytes);
constexpr std::int64_t kPageBytes = 4096;
static_assert(kPageBytes % sizeof(DiskEntry) == 0 && kHeadBytes % sizeof(DiskEntry) == 0);

template <typename Record>
std::uint64_t checksum_of(const Record& record, std::uint64_t seed) {
  const auto bytes = std::as_bytes(std::span(&record, 1));
  return xxhash64(bytes.first(bytes.size() - sizeof record.checksum), seed);
}

// Bytes that are there from `offset` on, at most all of `bytes`; -1 with errno set.
std::int64_t read_at(int fd, std::int64_t offset, std::span<std::byte> bytes) {
  std::int64_t n_read = 0;
  while (n_read < std::ssize(bytes)) {
    const ssize_t n = ::pread(fd, bytes.data() + n_read, bytes.size() - n_read, offset + n_read);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    n_read += n;
  }
  return n_read;
}

int write_at(int fd, std::int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes = bytes.subspan(n);
    offset += n;
  }
  return 0;
}

std::int64_t entry_place(std::int64_t slot) { return kHeadBytes + slot * BlockFile::kEntryBytes; }

int open_file(const std::filesystem::path& path, int flags) {
  return ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

// -1 with errno set.
std::int64_t size_of(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 ? info.st_size : -1;
}

// Blocks of a stranger could say anything: their checksums are no signature.
void refuse_strangers(const std::filesystem::path& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return;  // it is found out when its files are opened
  const uid_t me = ::geteuid();
  if (info.st_uid != me && info.st_uid != 0) {
    fail(ErrorCode::invalid_input, "--kv-store: {}: belongs to another user (uid {}, this is {})",
         folder.string(), info.st_uid, me);
  }
  if ((info.st_mode & S_IWOTH) != 0) {
    fail(ErrorCode::invalid_input, "--kv-store: {}: everybody may write there; chmod o-w it first",
         folder.string());
  }
}

}  // namespace

BlockFile::BlockFile(const std::filesystem::path& folder, const StoreIdentity& identity)
    : folder_(folder), block_bytes_(identity.block_bytes) {
  std::error_code error;
  if (std::filesystem::create_directories(folder, error))
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (!std::filesystem::is_directory(folder, error)) {
    fail(ErrorCode::io, "--kv-store: {}: is no folder and cannot be made: {}", folder.string(),
         error ? error.message() : std::strerror(EEXIST));
  }
  refuse_strangers(folder);
  try {
    take_lock();
    if (is_writable() && !std::filesystem::exists(folder / kIndexName, error)) make_files(identity);
    open_files();
    read_head(identity);
  } catch (...) {  // no destructor runs
    for (const int fd : {blocks_fd_, index_fd_, lock_fd_}) {
      if (fd >= 0) ::close(fd);
    }
    throw;
  }
}

BlockFile::~BlockFile() {
  for (const int fd : {blocks_fd_, index_fd_, lock_fd_}) ::close(fd);
}

void BlockFile::take_lock() {
  lock_fd_ = open_file(folder_ / kLockName, O_RDWR | O_CREAT);
  if (lock_fd_ < 0) {
    why_not_writable_ = std::strerror(errno);
  } else if (::flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    is_shared_ = errno == EWOULDBLOCK;
    why_not_writable_ = is_shared_ ? "another process uses it" : std::strerror(errno);
  }
}

// The index comes last: where it is, the other file is, too.
void BlockFile::make_files(const StoreIdentity& identity) const {
  const std::filesystem::path blocks = folder_ / kBlocksName;
  const int blocks_fd = open_file(blocks, O_RDWR | O_CREAT | O_TRUNC);
  if (blocks_fd < 0) {
    fail(ErrorCode::io, "--kv-store: {}: cannot be made: {}", blocks.string(),
         std::strerror(errno));
  }
  ::close(blocks_fd);
  Head head;
  const std::string text = identity.to_text();
  CHECK(text.size() <= head.identity.size(), "an identity of {} bytes", text.size());
  head.n_identity = static_cast<std::uint32_t>(text.size());
  head.store_id = random_number();
  std::ranges::copy(text, head.identity.begin());
  head.checksum = checksum_of(head, 0);
  const std::string_view bytes(reinterpret_cast<const char*>(&head), sizeof head);
  AtomicFile file(folder_ / kIndexName);  // there whole, or not at all
  file.write(bytes);
  file.write(bytes);
  file.commit();
  std::error_code ignored;
  std::filesystem::permissions(
      folder_ / kIndexName,
      std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, ignored);
}

// Another process may be making the index at this moment: that is waited for.
void BlockFile::open_files() {
  const int mode = is_writable() ? O_RDWR : O_RDONLY;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  index_fd_ = open_file(folder_ / kIndexName, mode);
  while (index_fd_ < 0 && errno == ENOENT && is_shared_ &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    index_fd_ = open_file(folder_ / kIndexName, mode);
  }
  if (index_fd_ < 0 && errno == ENOENT && !is_writable()) {
    fail(ErrorCode::io, "--kv-store: {}: holds no store yet and cannot be written: {}",
         folder_.string(), why_not_writable_);
  }
  if (index_fd_ >= 0)
    blocks_fd_ = open_file(folder_ / kBlocksName, mode | (is_writable() ? O_CREAT : 0));
  if (index_fd_ < 0 || blocks_fd_ < 0) {
    fail(ErrorCode::io, "--kv-store: {}: cannot be opened: {}",
         (folder_ / (index_fd_ < 0 ? kIndexName : kBlocksName)).string(), std::strerror(errno));
  }
  const std::int64_t index_bytes = size_of(index_fd_), blocks_bytes = size_of(blocks_fd_);
  if (index_bytes < 0 || blocks_bytes < 0)
    fail(ErrorCode::io, "--kv-store: {}: {}", folder_.string(), std::strerror(errno));
  n_slots_ = std::min(std::max<std::int64_t>(0, index_bytes - kHeadBytes) / kEntryBytes,
                      blocks_bytes / block_bytes_);
}

void BlockFile::read_head(const StoreIdentity& identity) {
  std::array<Head, 2> heads{};
  if (read_at(index_fd_, 0, std::as_writable_bytes(std::span(heads))) < 0) {
    fail(ErrorCode::io, "--kv-store: {}: cannot be read: {}", (folder_ / kIndexName).string(),
         std::strerror(errno));
  }
  const auto is_whole = [](const Head& head) {
    return head.magic == kMagic && head.checksum == checksum_of(head, 0) &&
           head.n_identity <= head.identity.size();
  };
  const auto whole = std::ranges::find_if(heads, is_whole);
  if (whole == heads.end()) {
    fail(ErrorCode::invalid_input,
         "--kv-store: {}: is not the index of a store, or its head is damaged; remove the folder "
         "or name another",
         (folder_ / kIndexName).string());
  }
  if (whole->format != kFormat) {
    fail(ErrorCode::invalid_input,
         "--kv-store: {}: is of format {}, this program knows format {}; remove the folder or name "
         "another",
         folder_.string(), whole->format, kFormat);
  }
  const std::string difference =
      identity.difference(read_identity({whole->identity.data(), whole->n_identity}));
  if (!difference.empty()) {
    fail(ErrorCode::invalid_input, "--kv-store: {}: holds {}; remove the folder or name another",
         folder_.string(), difference);
  }
  store_id_ = whole->store_id;
  for (std::size_t i = 0; is_writable() && i < 2; ++i) {  // a damaged copy is written anew
    if (!is_whole(heads[i]))
      write_at(index_fd_, static_cast<std::int64_t>(i * sizeof(Head)),
               std::as_bytes(std::span(&*whole, 1)));
  }
}

std::int64_t BlockFile::each_entry(function_ref<void(std::int64_t slot, const BlockEntry&)> each) {
  std::vector<DiskEntry> entries(static_cast<std::size_t>(std::min<std::int64_t>(n_slots_, 4096)));
  std::int64_t n_damaged = 0;
  for (std::int64_t first = 0; first < n_slots_; first += std::ssize(entries)) {
    entries.resize(std::min(entries.size(), static_cast<std::size_t>(n_slots_ - first)));
    const std::int64_t n_bytes =
        read_at(index_fd_, entry_place(first), std::as_writable_bytes(std::span(entries)));
    if (n_bytes < 0) {
      why_not_writable_ = fmt::format("its index cannot be read: {}", std::strerror(errno));
      break;
    }
    for (std::int64_t i = 0; i < n_bytes / kEntryBytes; ++i) {
      const DiskEntry& entry = entries[static_cast<std::size_t>(i)];
      const auto bytes = std::as_bytes(std::span(&entry, 1));
      if (std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; })) continue;
      if (entry.checksum != checksum_of(entry, store_id_ + static_cast<std::uint64_t>(first + i))) {
        ++n_damaged;
        continue;
      }
      each(first + i, {entry.key, entry.parent, entry.block_checksum, entry.used});
    }
  }
  return n_damaged;
}

std::uint64_t BlockFile::checksum(const BlockKey& key, std::span<const std::byte> block) {
  return xxhash64(block, key.word());
}

bool BlockFile::read_block(std::int64_t slot, const BlockEntry& entry,
                           std::span<std::byte> block) const {
  return read_at(blocks_fd_, slot * block_bytes_, block) == block_bytes_ &&
         checksum(entry.key, block) == entry.checksum;
}

int BlockFile::write_block(std::int64_t slot, std::span<const std::byte> block) const {
  return write_at(blocks_fd_, slot * block_bytes_, block);
}

int BlockFile::write_entry(std::int64_t slot, const BlockEntry& entry) const {
  DiskEntry disk{.key = entry.key,
                 .parent = entry.parent,
                 .block_checksum = entry.checksum,
                 .used = entry.used};
  disk.checksum = checksum_of(disk, store_id_ + static_cast<std::uint64_t>(slot));
  return write_at(index_fd_, entry_place(slot), std::as_bytes(std::span(&disk, 1)));
}

int BlockFile::clear_entry(std::int64_t slot) const {
  const std::array<std::byte, kEntryBytes> zeros{};
  return write_at(index_fd_, entry_place(slot), zeros);
}

int BlockFile::truncate(std::int64_t n_slots) const {
  if (::ftruncate(index_fd_, entry_place(n_slots)) != 0) return errno;
  return ::ftruncate(blocks_fd_, n_slots * block_bytes_) == 0 ? 0 : errno;
}

}  // namespace tinyllm
