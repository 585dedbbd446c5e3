#pragma once
// Compiled grammars by their source, for one model: a source that comes again is not compiled again.
// Bounded: the least recently used go first. The model's vocabulary is made when the first grammar
// comes. Any thread.

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "grammar/text_constraint.h"

namespace tinyllm {

struct ModelText;

class GrammarCache {
 public:
  static constexpr std::size_t kMaxGrammars = 64;
  static constexpr std::size_t kMaxBytes = std::size_t{256} << 20;

  // `text` has a tokenizer and must outlive the cache.
  explicit GrammarCache(const ModelText& text, std::size_t max_grammars = kMaxGrammars,
                        std::size_t max_bytes = kMaxBytes);

  // Throws GrammarRefusal. Compiles on the caller's thread where the source is new.
  std::shared_ptr<const TextConstraint> get(const GrammarSource& source);

  std::size_t n_grammars() const;

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const TextConstraint> constraint;
  };
  struct Kept {
    mutable std::mutex mutex;  // guards the rest
    std::list<Entry> entries;  // most recently used first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key;
  };

  std::shared_ptr<const TextConstraint> find(const std::string& key);
  // The kept one, which may be another thread's.
  std::shared_ptr<const TextConstraint> keep(std::string key,
                                             std::shared_ptr<const TextConstraint> constraint);
  void drop(std::list<Entry>::iterator entry);  // under the mutex

  const ModelText& text_;
  std::size_t max_grammars_, max_bytes_;
  std::once_flag vocabulary_made_;
  std::shared_ptr<const GrammarVocabulary> vocabulary_;
  Kept kept_;
};

}  // namespace tinyllm
