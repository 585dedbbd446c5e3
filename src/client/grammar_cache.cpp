#include "client/grammar_cache.h"

#include <string_view>

#include "client/grammar_vocabulary.h"
#include "text/model_text.h"

namespace tinyllm {
namespace {

// Different for different sources.
std::string key_of(const GrammarSource& source) {
  std::string key(1, static_cast<char>(source.kind));
  const auto add = [&](const std::string& text) {
    key += std::to_string(text.size()) + ":" + text;
  };
  add(source.text);
  add(source.added.key);
  add(source.or_added.key);
  const auto add_all = [&](const std::vector<std::string>& texts) {
    key += std::to_string(texts.size()) + ";";
    for (const std::string& text : texts) add(text);
  };
  add_all(source.choices);
  if (source.thinking) {
    add_all(source.thinking->begins);
    add_all(source.thinking->ends);
    key += source.thinking->has_begun ? "+" : "-";
  }
  return key;
}

}  // namespace

GrammarCache::GrammarCache(const ModelText& text, std::size_t max_grammars, std::size_t max_bytes)
    : text_(text), max_grammars_(max_grammars), max_bytes_(max_bytes) {}

std::shared_ptr<const TextConstraint> GrammarCache::get(const GrammarSource& source) {
  std::string key = key_of(source);
  if (auto found = find(key)) return found;
  auto grammar = Grammar::compile(source);  // without the lock: others find theirs meanwhile
  std::call_once(vocabulary_made_, [this] {
    vocabulary_ = make_grammar_vocabulary(*text_.tokenizer, text_.defaults.stop_token_ids);
  });
  auto constraint =
      std::make_shared<const TextConstraint>(TextConstraint{std::move(grammar), vocabulary_});
  return keep(std::move(key), std::move(constraint));
}

std::shared_ptr<const TextConstraint> GrammarCache::find(const std::string& key) {
  const std::scoped_lock lock(kept_.mutex);
  const auto found = kept_.by_key.find(key);
  if (found == kept_.by_key.end()) return nullptr;
  const auto entry = found->second;
  if (entry->constraint->grammar->is_worn()) {
    drop(entry);
    return nullptr;
  }
  kept_.entries.splice(kept_.entries.begin(), kept_.entries, entry);
  return entry->constraint;
}

std::shared_ptr<const TextConstraint> GrammarCache::keep(
    std::string key, std::shared_ptr<const TextConstraint> constraint) {
  const std::scoped_lock lock(kept_.mutex);
  if (const auto found = kept_.by_key.find(key); found != kept_.by_key.end())
    return found->second->constraint;  // another thread was first: texts share one
  const std::shared_ptr<const TextConstraint> mine = constraint;
  kept_.entries.push_front({std::move(key), std::move(constraint)});
  kept_.by_key.emplace(kept_.entries.front().key, kept_.entries.begin());
  std::size_t n_bytes = 0, n_grammars = 0;
  for (auto entry = kept_.entries.begin(); entry != kept_.entries.end();) {
    n_bytes += entry->key.size() + entry->constraint->grammar->n_bytes();
    const auto here = entry++;
    if (++n_grammars > max_grammars_ || n_bytes > max_bytes_) drop(here);
  }
  return mine;
}

void GrammarCache::drop(std::list<Entry>::iterator entry) {
  kept_.by_key.erase(entry->key);
  kept_.entries.erase(entry);
}

std::size_t GrammarCache::n_grammars() const {
  const std::scoped_lock lock(kept_.mutex);
  return kept_.entries.size();
}

}  // namespace tinyllm
