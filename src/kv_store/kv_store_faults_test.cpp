// Disks that fail, and memory that is short. This program's own pread and pwrite take the place of the
// C library's and fail where a test says so.

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <new>
#include <thread>

#include "base/log.h"
#include "kv_store/block_file.h"
#include "kv_store/small_store_test.h"

namespace {

using Fails = bool (*)(off_t offset, std::size_t n_bytes);
std::atomic<Fails> read_fails = nullptr, write_fails = nullptr;

bool fails(const std::atomic<Fails>& which, off_t offset, std::size_t n_bytes) {
  const Fails test = which;
  if (test == nullptr || !test(offset, n_bytes)) return false;
  errno = EIO;
  return true;
}

}  // namespace

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library's names
extern "C" ssize_t pread(int fd, void* bytes, size_t n, off_t offset) {
  return fails(read_fails, offset, n) ? -1 : ::syscall(SYS_pread64, fd, bytes, n, offset);
}

extern "C" ssize_t pwrite(int fd, const void* bytes, size_t n, off_t offset) {
  return fails(write_fails, offset, n) ? -1 : ::syscall(SYS_pwrite64, fd, bytes, n, offset);
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)

namespace tinyllm {
namespace {

using testing::TempFolder;

struct KvStoreFaults : ::testing::Test {
  KvStoreFaults() { configure_log(LogLevel::error); }
  ~KvStoreFaults() override {
    read_fails = write_fails = nullptr;
    configure_log(LogLevel::warning);
  }
  KvStoreFaults(const KvStoreFaults&) = delete;
  KvStoreFaults& operator=(const KvStoreFaults&) = delete;

  // Puts texts of one block each, one after the other.
  static void put_texts(KvStore& store, int first, int n) {
    const auto n_done = [&] { return store.counts().n_written + store.counts().n_not_stored; };
    for (int text = first; text < first + n; ++text) {
      const std::uint64_t before = n_done();
      put_all(store, store.root(""), chain(store.root(""), text, 1));
      while (n_done() == before) std::this_thread::yield();
    }
  }

  TempFolder folder;
};

TEST_F(KvStoreFaults, ABadPlaceOnTheDiskIsNotTriedAgain) {
  KvStore store(spec_of(folder), small_identity());
  write_fails = [](off_t offset, std::size_t n) { return n == kBlockBytes && offset == 160; };
  put_texts(store, 0, 10);
  EXPECT_EQ(store.counts().n_not_stored, 1u);
  EXPECT_EQ(store.counts().n_written, 9u);
}

TEST_F(KvStoreFaults, WhereEveryPlaceIsBadLittleIsLost) {
  KvStore store(spec_of(folder, 20), small_identity());
  put_texts(store, 0, 20);
  write_fails = [](off_t, std::size_t) { return true; };
  put_texts(store, 20, 30);
  EXPECT_EQ(store.counts().n_not_stored, 30u);
  EXPECT_EQ(store.counts().n_blocks, 12);
  EXPECT_EQ(read_all(store, chain(store.root(""), 19, 1)), 1);
}

TEST_F(KvStoreFaults, AnIndexThatCannotBeReadIsNotOverwritten) {
  fill(spec_of(folder), 1, 5);
  {
    read_fails = [](off_t offset, std::size_t) { return offset >= 4096; };
    KvStore store(spec_of(folder), small_identity());
    read_fails = nullptr;
    EXPECT_EQ(store.counts().n_blocks, 0);
    put_all(store, store.root(""), chain(store.root(""), 2, 5));
  }
  KvStore store(spec_of(folder), small_identity());
  EXPECT_EQ(read_all(store, chain(store.root(""), 1, 5)), 5);
  EXPECT_EQ(store.find(chain(store.root(""), 2, 5)), 0);
}

// An index may be as long as it likes: there are no more slots than blocks.
TEST_F(KvStoreFaults, AnIndexOfZerosTakesNoMemory) {
  fill(spec_of(folder), 1, 3);
  std::filesystem::resize_file(folder.path() / "kv/kv.index", 8 << 20);  // a hole
  EXPECT_EQ(BlockFile(folder.path() / "kv", small_identity()).n_slots(), 3);
  KvStore store(spec_of(folder), small_identity());
  EXPECT_EQ(read_all(store, chain(store.root(""), 1, 3)), 3);
}

TEST_F(KvStoreFaults, ABlockWithoutMemoryMayComeAgain) {
  KvStore store(spec_of(folder), small_identity());
  const auto keys = chain(store.root(""), 1, 1);
  const auto no_memory = [](std::span<std::byte>) { throw std::bad_alloc(); };
  EXPECT_THROW(store.put(store.root(""), keys, no_memory), std::bad_alloc);
  EXPECT_EQ(store.find(keys), 0);
  put_all(store, store.root(""), keys);
  EXPECT_EQ(read_all(store, keys), 1);
}

// A block behind a gap would take the place of others, and nobody would find it.
TEST_F(KvStoreFaults, NoBlockIsStoredBehindAGap) {
  {
    KvStore store(spec_of(folder), small_identity());
    const auto keys = chain(store.root(""), 1, 4);
    const auto put = [&](std::size_t n) {
      return store.put(store.root(""), std::span(keys).first(n), [&](std::span<std::byte> block) {
        std::ranges::copy(bytes_of(keys[n - 1]), block.begin());
      });
    };
    EXPECT_TRUE(put(1));
    EXPECT_FALSE(put(3));
    EXPECT_FALSE(put(4));
    EXPECT_TRUE(put(2));
    EXPECT_TRUE(put(3));
    EXPECT_EQ(store.counts().n_not_stored, 2u);
  }
  EXPECT_EQ(KvStore(spec_of(folder), small_identity()).counts().n_blocks, 3);
}

// The block before it was in the queue and could not be written.
TEST_F(KvStoreFaults, NoBlockIsWrittenBehindAGap) {
  {
    KvStore store(spec_of(folder), small_identity());
    write_fails = [](off_t offset, std::size_t n) { return n == kBlockBytes && offset == 80; };
    put_all(store, store.root(""), chain(store.root(""), 1, 5));
  }
  EXPECT_EQ(KvStore(spec_of(folder), small_identity()).counts().n_blocks, 1);
}

}  // namespace
}  // namespace tinyllm
