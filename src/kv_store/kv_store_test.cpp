#include "kv_store/kv_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/temp_folder_test.h"
#include "kv_store/small_store_test.h"

namespace tinyllm {
namespace {

using testing::error_of;
using testing::TempFolder;

TEST(KvStore, WhatWasPutIsThereAfterARestart) {
  const TempFolder folder;
  fill(spec_of(folder), 1, 5);
  KvStore store(spec_of(folder), small_identity());
  const auto keys = chain(store.root(""), 1, 7);
  EXPECT_EQ(store.find(keys), 5);
  EXPECT_EQ(read_all(store, keys), 5);
  const KvStoreCounts counts = store.counts();
  EXPECT_EQ(counts.n_blocks, 5);
  EXPECT_EQ(counts.n_hits, 5u);
  EXPECT_EQ(counts.n_misses, 2u);
  EXPECT_EQ(counts.n_damaged, 0u);
  EXPECT_EQ(counts.bytes_read, 5u * kBlockBytes);
  EXPECT_EQ(store.find(chain(store.root("salt"), 1, 7)), 0);
  EXPECT_EQ(store.find(chain(store.root(""), 2, 7)), 0);
}

// Blocks that wait in the queue when the process ends in good order are written.
TEST(KvStore, ABlockIsStoredOnceAndOnlyIfItFitsIntoTheQueue) {
  const TempFolder folder;
  KvStoreSpec spec = spec_of(folder);
  spec.queue_bytes = 1;  // two blocks at least
  std::uint64_t n_not_stored = 0, n_copied = 0;
  {
    KvStore store(spec, small_identity());
    for (int round = 0; round < 2; ++round) {
      for (int text = 0; text < 50; ++text) {
        const auto keys = chain(store.root(""), text, 1);
        store.put(store.root(""), keys, [&](std::span<std::byte> block) {
          ++n_copied;
          std::ranges::copy(bytes_of(keys[0]), block.begin());
        });
      }
    }
    n_not_stored = store.counts().n_not_stored;
  }
  KvStore store(spec, small_identity());
  EXPECT_EQ(store.counts().n_blocks, static_cast<std::int64_t>(n_copied));
  EXPECT_LE(n_copied, 50u);
  EXPECT_GE(n_copied + n_not_stored, 50u);
}

// What was put is found at once, written or not.
TEST(KvStore, BlocksOfTheQueueAreRead) {
  const TempFolder folder;
  KvStore store(spec_of(folder), small_identity());
  for (int text = 0; text < 20; ++text) {
    const auto keys = chain(store.root(""), text, 4);
    put_all(store, store.root(""), keys);
    EXPECT_EQ(store.find(keys), 4);
    EXPECT_EQ(read_all(store, keys), 4);
  }
}

TEST(KvStore, TheBoundHoldsAndTheStartOfATextIsKept) {
  const TempFolder folder;
  fill(spec_of(folder, 6), 1, 4);
  fill(spec_of(folder, 6), 2, 5);
  KvStore store(spec_of(folder, 6), small_identity());
  EXPECT_EQ(store.counts().n_blocks, 6);
  EXPECT_EQ(store.find(chain(store.root(""), 2, 5)), 5);
  EXPECT_EQ(store.find(chain(store.root(""), 1, 4)), 1);
  EXPECT_LE(std::filesystem::file_size(folder.path() / "kv/kv.blocks"), 6u * kBlockBytes);
}

// What was of use lately stays, also when the program was started anew in between.
TEST(KvStore, UseIsRememberedOverARestart) {
  const TempFolder folder;
  for (int text = 1; text <= 3; ++text) fill(spec_of(folder, 3), text, 1);
  {
    KvStore store(spec_of(folder, 3), small_identity());
    EXPECT_EQ(store.find(chain(store.root(""), 1, 1)), 1);
  }
  fill(spec_of(folder, 3), 4, 1);
  KvStore store(spec_of(folder, 3), small_identity());
  EXPECT_EQ(store.find(chain(store.root(""), 1, 1)), 1);
  EXPECT_EQ(store.find(chain(store.root(""), 2, 1)), 0);
}

TEST(KvStore, ASmallerBoundKeepsTheLatest) {
  const TempFolder folder;
  for (int text = 1; text <= 9; ++text) fill(spec_of(folder), text, 2);
  {
    KvStore store(spec_of(folder, 5), small_identity());
    EXPECT_EQ(store.counts().n_blocks, 5);
    EXPECT_EQ(read_all(store, chain(store.root(""), 9, 2)), 2);
    EXPECT_EQ(read_all(store, chain(store.root(""), 8, 2)), 2);
    EXPECT_EQ(store.find(chain(store.root(""), 7, 2)), 1);
  }
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "kv/kv.blocks"), 5u * kBlockBytes);
  KvStore store(spec_of(folder, 5), small_identity());
  EXPECT_EQ(read_all(store, chain(store.root(""), 9, 2)), 2);
}

TEST(KvStore, WhatWentWrongIsForgotten) {
  const TempFolder folder;
  {
    KvStore store(spec_of(folder), small_identity());
    const auto keys = chain(store.root(""), 1, 6);
    put_all(store, store.root(""), keys);
    store.forget(std::span(keys).subspan(3));
  }
  KvStore store(spec_of(folder), small_identity());
  EXPECT_EQ(store.find(chain(store.root(""), 1, 6)), 3);
  EXPECT_EQ(store.counts().n_blocks, 3);
}

TEST(KvStore, ACancelledLoadEnds) {
  const TempFolder folder;
  KvStoreSpec spec = spec_of(folder);
  fill(spec, 1, 50);
  spec.staging_bytes = 1;  // two blocks
  KvStore store(spec, small_identity());
  std::atomic<int> n_told = 0;
  store.set_listener([&] { ++n_told; });
  const auto keys = chain(store.root(""), 1, 50);
  const LoadId first = store.load(keys);
  while (n_told < 2) std::this_thread::yield();
  store.cancel(first);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(n_told, 2);  // nobody took what had come
  while (auto arrival = store.take_arrived()) store.give_back(std::move(*arrival));
  EXPECT_EQ(read_all(store, keys), 50);
}

std::string read_bytes(const std::filesystem::path& path) { return read_text_file(path); }

// In place where the file is there: an emptied file that is written again goes to the disk at once.
void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::error_code missing;
  if (std::filesystem::file_size(path, missing) == bytes.size() && !missing) {
    std::fstream(path, std::ios::binary | std::ios::in | std::ios::out) << bytes;
  } else {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
}

// Keeps thousands of warnings off the screen.
struct Silence {
  Silence() { configure_log(LogLevel::error); }
  ~Silence() { configure_log(LogLevel::warning); }
};

// Opens a store that may be damaged and reads two texts. What comes is right (read_all looks at it);
// returns how many blocks came, or -1 where the store was refused.
int blocks_of(const KvStoreSpec& spec) {
  try {
    KvStore store(spec, small_identity());
    return read_all(store, chain(store.root(""), 1, 3)) +
           read_all(store, chain(store.root(""), 2, 2));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_input);
    return -1;
  }
}

// Any byte of any file: never a wrong block, and no more lost than the one that was hit, with those
// behind it.
TEST(KvStore, EveryFlippedByteIsFound) {
  const Silence silence;
  const TempFolder folder;
  const KvStoreSpec spec = spec_of(folder);
  fill(spec, 1, 3);
  fill(spec, 2, 2);
  ASSERT_EQ(blocks_of(spec), 5);
  const std::string index = read_bytes(spec.folder / "kv.index");
  const std::string blocks = read_bytes(spec.folder / "kv.blocks");
  ASSERT_EQ(blocks.size(), 5u * kBlockBytes);
  for (const auto& [name, right] : {std::pair("kv.index", index), std::pair("kv.blocks", blocks)}) {
    const bool is_index = right == index;
    for (std::size_t i = 0; i < right.size(); ++i) {
      if (is_index && i < 4096 && i % 2048 > 250 && i % 2048 < 2030) i += 40;  // zeros of the head
      const char flips[] = {1, static_cast<char>(0x80), static_cast<char>(0xFF)};
      std::string damaged = right;
      damaged[i] = static_cast<char>(damaged[i] ^ flips[i % 3]);
      write_bytes(spec.folder / "kv.index", index);
      write_bytes(spec.folder / "kv.blocks", blocks);
      write_bytes(spec.folder / name, damaged);
      const bool in_head = is_index && i < 4096;
      // Of the first text 0, 1 or 2 blocks are left, of the second 0 or 1.
      const std::size_t slot = is_index ? (i - 4096) / 128 : i / kBlockBytes;
      const int n_left = in_head    ? 5
                         : slot < 3 ? static_cast<int>(slot) + 2
                                    : static_cast<int>(slot);
      ASSERT_EQ(blocks_of(spec), n_left) << name << " byte " << i;
    }
  }
}

TEST(KvStore, EveryTruncationIsFound) {
  const Silence silence;
  const TempFolder folder;
  const KvStoreSpec spec = spec_of(folder);
  fill(spec, 1, 3);
  fill(spec, 2, 2);
  const std::string index = read_bytes(spec.folder / "kv.index");
  const std::string blocks = read_bytes(spec.folder / "kv.blocks");
  for (std::size_t n = 0; n <= index.size(); n += n % 2048 < 2000 && n < 4096 ? 40 : 1) {
    write_bytes(spec.folder / "kv.index", index.substr(0, n));
    write_bytes(spec.folder / "kv.blocks", blocks);
    const int n_entries = n < 4096 ? 0 : static_cast<int>((n - 4096) / 128);
    ASSERT_EQ(blocks_of(spec), n < 2048 ? -1 : n_entries) << n;
  }
  for (std::size_t n = 0; n <= blocks.size(); ++n) {
    write_bytes(spec.folder / "kv.index", index);
    write_bytes(spec.folder / "kv.blocks", blocks.substr(0, n));
    ASSERT_EQ(blocks_of(spec), static_cast<int>(n / kBlockBytes)) << n;
  }
}

TEST(KvStore, DamageIsCountedAndMendedByWritingAnew) {
  const TempFolder folder;
  const KvStoreSpec spec = spec_of(folder);
  fill(spec, 1, 3);
  std::string blocks = read_bytes(spec.folder / "kv.blocks");
  blocks[kBlockBytes + 7] ^= 1;
  write_bytes(spec.folder / "kv.blocks", blocks);
  {
    KvStore store(spec, small_identity());
    const auto keys = chain(store.root(""), 1, 3);
    EXPECT_EQ(store.find(keys), 3);
    EXPECT_EQ(read_all(store, keys), 1);
    EXPECT_EQ(store.counts().n_damaged, 1u);
    EXPECT_EQ(store.find(keys), 1);
    put_all(store, store.root(""), keys);
  }
  EXPECT_EQ(blocks_of(spec), 3);
}

TEST(KvStore, AStoreOfSomethingElseIsRefused) {
  const TempFolder folder;
  const KvStoreSpec spec = spec_of(folder);
  fill(spec, 1, 3);
  const auto refusal = [&](auto change) {
    StoreIdentity other = small_identity();
    change(other);
    const std::string message =
        error_of(ErrorCode::invalid_input, [&] { KvStore store(spec, other); });
    EXPECT_TRUE(message.starts_with("--kv-store: " + spec.folder.string() + ": holds ")) << message;
    EXPECT_TRUE(message.ends_with("; remove the folder or name another")) << message;
    return message.substr(message.find("holds "), message.rfind(';') - message.find("holds "));
  };
  EXPECT_EQ(refusal([](StoreIdentity& other) {
              other.model = "large";
              other.digest = "fedcba9876543210";
            }),
            "holds keys and values of another model (small, digest 0123456789ab), this is large "
            "(fedcba987654)");
  EXPECT_EQ(refusal([](StoreIdentity& other) {
              other.context = "a window of 64";
              other.digest = "fedcba9876543210";  // which holds the context too
            }),
            "holds keys and values computed with all positions, this run wants a window of 64");
  EXPECT_EQ(refusal([](StoreIdentity& other) { other.digest = "fedcba9876543210"; }),
            "holds keys and values of another model (small, digest 0123456789ab), this is small "
            "(fedcba987654)");
  EXPECT_EQ(refusal([](StoreIdentity& other) { other.kv_type = "int8"; }),
            "holds bf16 keys and values, this run wants int8");
  EXPECT_EQ(refusal([](StoreIdentity& other) { other.block_size = 16; }),
            "holds blocks of 4 tokens, this run wants 16");
  EXPECT_EQ(refusal([](StoreIdentity& other) { other.program = "tiny-llm 2.0"; }),
            "holds what tiny-llm 1.0 computed with cpu scalar; this is tiny-llm 2.0 with cpu "
            "scalar, whose last bits may be others");
  EXPECT_EQ(refusal([](StoreIdentity& other) { other.block_bytes = 7; }),
            "holds blocks of 80 bytes, this run wants 7");
  StoreIdentity renamed = small_identity();
  renamed.model = "the same under another name";
  EXPECT_EQ(KvStore(spec, renamed).counts().n_blocks, 3);  // and nothing was lost
}

TEST(KvStore, AStoreOfABuildThatKnewNoContextIsRefused) {
  StoreIdentity earlier = small_identity();
  earlier.context.clear();
  earlier.digest = "fedcba9876543210";
  earlier.program = "tiny-llm 0.9";
  EXPECT_EQ(small_identity().difference(earlier),
            "what an earlier build (tiny-llm 0.9) computed, which did not note what tokens see of "
            "a text; this is tiny-llm 1.0");
}

TEST(KvStore, AFolderThatIsNoStoreIsRefused) {
  const TempFolder folder;
  KvStoreSpec spec = spec_of(folder);
  std::filesystem::create_directory(spec.folder);
  write_bytes(spec.folder / "kv.index", "something else");
  EXPECT_EQ(error_of(ErrorCode::invalid_input, [&] { KvStore store(spec, small_identity()); }),
            "--kv-store: " + (spec.folder / "kv.index").string() +
                ": is not the index of a store, or its head is damaged; remove the folder or name "
                "another");
  EXPECT_EQ(read_bytes(spec.folder / "kv.index"), "something else");
  spec.folder = folder.write("file", "") / "kv";
  EXPECT_NE(error_of(ErrorCode::io, [&] { KvStore store(spec, small_identity()); })
                .find("is no folder and cannot be made: Not a directory"),
            std::string::npos);
  spec.folder = folder.path() / "kv2";
  spec.max_bytes = 100;
  EXPECT_EQ(error_of(ErrorCode::invalid_input, [&] { KvStore store(spec, small_identity()); }),
            "--kv-store: " + spec.folder.string() +
                ": may take 100 bytes, and one block of keys and values takes 208");
  EXPECT_FALSE(std::filesystem::exists(spec.folder));
}

TEST(KvStore, TheSecondProcessReads) {
  const TempFolder folder;
  fill(spec_of(folder), 1, 3);
  KvStore first(spec_of(folder), small_identity());
  KvStore second(spec_of(folder), small_identity());
  const auto keys = chain(first.root(""), 1, 3), others = chain(first.root(""), 2, 3);
  EXPECT_EQ(read_all(second, keys), 3);
  put_all(second, second.root(""), others);
  EXPECT_EQ(second.find(others), 0);
  put_all(first, first.root(""), others);
  while (first.counts().n_written < 3) std::this_thread::yield();
  EXPECT_EQ(read_all(first, others), 3);
}

// The first process puts other blocks where the second believes to know some: they are not there.
TEST(KvStore, TheSecondProcessIsNeverTold) {
  const TempFolder folder;
  fill(spec_of(folder, 3), 1, 3);
  KvStore first(spec_of(folder, 3), small_identity());
  KvStore second(spec_of(folder, 3), small_identity());
  put_all(first, first.root(""), chain(first.root(""), 2, 3));
  while (first.counts().n_written < 3) std::this_thread::yield();
  EXPECT_EQ(second.find(chain(first.root(""), 1, 3)), 3);
  EXPECT_EQ(read_all(second, chain(first.root(""), 1, 3)), 0);
  EXPECT_EQ(second.counts().n_damaged, 0u);
}

// Whoever comes first makes the store; the others wait until it is there.
TEST(KvStore, ManyMayOpenANewStoreAtOnce) {
  const Silence silence;
  for (int round = 0; round < 20; ++round) {
    const TempFolder folder;
    std::atomic<int> n_opened = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        try {
          const KvStore store(spec_of(folder), small_identity());
          ++n_opened;
        } catch (const Error& error) {
          ADD_FAILURE() << error.what();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(n_opened, 4);
  }
}

TEST(KvStore, WhereStrangersMayWriteThereIsNoStore) {
  namespace fs = std::filesystem;
  const TempFolder folder;
  const KvStoreSpec spec = spec_of(folder);
  fill(spec, 1, 3);
  fs::permissions(spec.folder, fs::perms::others_write, fs::perm_options::add);
  EXPECT_EQ(
      error_of(ErrorCode::invalid_input, [&] { KvStore store(spec, small_identity()); }),
      "--kv-store: " + spec.folder.string() + ": everybody may write there; chmod o-w it first");
  fs::permissions(spec.folder, fs::perms::others_write, fs::perm_options::remove);
  fs::rename(spec.folder / "kv.blocks", folder.path() / "elsewhere");
  fs::create_symlink(folder.path() / "elsewhere", spec.folder / "kv.blocks");
  EXPECT_NE(error_of(ErrorCode::io, [&] { KvStore store(spec, small_identity()); })
                .find("kv.blocks: cannot be opened: "),
            std::string::npos);
}

// RLIMIT_FSIZE stands in for a disk that is full: writes behind it fail.
TEST(KvStore, AFullDiskEndsTheGrowthAndLosesNothing) {
  const TempFolder folder;
  const KvStoreSpec spec = spec_of(folder);
  fill(spec, 1, 3);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 4096 + 10 * 128, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  {
    KvStore store(spec, small_identity());
    for (int text = 2; text < 60; ++text) {
      EXPECT_EQ(store.find(chain(store.root(""), 1, 3)), 3);  // still of use
      put_all(store, store.root(""), chain(store.root(""), text, 1));
      const auto n_done = [&] { return store.counts().n_written + store.counts().n_not_stored; };
      while (n_done() < static_cast<std::uint64_t>(text - 1)) std::this_thread::yield();
    }
    EXPECT_EQ(store.counts().n_not_stored, 1u);  // the one that found the disk full
    EXPECT_EQ(store.counts().n_blocks, store.counts().max_blocks);
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  KvStore store(spec, small_identity());
  EXPECT_EQ(read_all(store, chain(store.root(""), 1, 3)), 3);
  EXPECT_LT(store.counts().n_blocks, 60);
  EXPECT_EQ(store.find(chain(store.root(""), 59, 1)), 1);  // the latest took the place of others
}

}  // namespace
}  // namespace tinyllm
