#include "text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/quote.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxPatternBytes = 64 * 1024;
constexpr std::size_t kFirstJitStackBytes = 32 * 1024;
constexpr std::size_t kMaxJitStackBytes = 4 * 1024 * 1024;
constexpr std::uint32_t kMaxHeapKiB = 256 * 1024;
// Enough for every published pattern, whose matches take a few steps a byte.
constexpr std::uint64_t kMinStepsAMatch = 1'000'000, kStepsAByte = 16;

// The parts of a character class for Unicode's White_Space. PCRE2's own \s would count U+180E too.
constexpr const char* kWhiteSpace = "\\p{Z}\\x{9}-\\x{D}\\x{85}";

// \s and \S in PCRE2's words. \S inside a class stays as it is: no published pattern has it.
std::string with_unicode_white_space(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char escaped = pattern[++i];
      if (escaped == 's') {
        out += in_class ? kWhiteSpace : std::string("[") + kWhiteSpace + "]";
      } else if (escaped == 'S' && !in_class) {
        out += std::string("[^") + kWhiteSpace + "]";
      } else {
        out += {c, escaped};
      }
      continue;
    }
    if (c == '[' && !in_class) {
      in_class = true;
      out += c;
      // A bracket right after [ or [^ is a member of the class.
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') out += pattern[++i];
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') out += pattern[++i];
      continue;
    }
    if (c == ']') in_class = false;
    out += c;
  }
  return out;
}

std::string message_of(int error) {
  PCRE2_UCHAR buffer[256];
  if (pcre2_get_error_message(error, buffer, sizeof buffer) < 0) return "unknown error";
  return reinterpret_cast<const char*>(buffer);
}

}  // namespace

struct Regex::State {
  std::string source, pattern;
  pcre2_code* code = nullptr;
  ~State() { pcre2_code_free(code); }
};

Regex::Regex(const std::string& pattern, const std::string& source) {
  if (pattern.size() > kMaxPatternBytes) {
    fail(ErrorCode::invalid_input, "{}: a pretokenizer pattern has {} bytes, must be at most {}",
         source, pattern.size(), kMaxPatternBytes);
  }
  auto state = std::make_unique<State>();
  state->source = source;
  state->pattern = pattern;
  const std::string translated = with_unicode_white_space(pattern);
  const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
      pcre2_compile_context_create(nullptr), &pcre2_compile_context_free);
  CHECK(context != nullptr, "out of memory");
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  state->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                              PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C,
                              &error, &offset, context.get());
  if (state->code == nullptr) {
    fail(ErrorCode::invalid_input, "{}: pretokenizer pattern {}: {}", source, quote(pattern),
         message_of(error));
  }
  // Refused on systems that forbid writable code; pcre2_match then interprets.
  (void)pcre2_jit_compile(state->code, PCRE2_JIT_COMPLETE);
  state_ = std::move(state);
}

Regex::Regex(Regex&&) noexcept = default;
Regex::~Regex() = default;

struct RegexMatcher::State {
  const Regex::State* regex = nullptr;
  pcre2_match_data* data = nullptr;
  pcre2_match_context* context = nullptr;
  pcre2_jit_stack* stack = nullptr;
  ~State() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }
};

RegexMatcher::RegexMatcher(const Regex& regex) : state_(std::make_unique<State>()) {
  state_->regex = regex.state_.get();
  state_->data = pcre2_match_data_create(1, nullptr);  // the whole match; groups are not wanted
  state_->context = pcre2_match_context_create(nullptr);
  CHECK(state_->data != nullptr && state_->context != nullptr, "out of memory");
  // Without a stack of its own (nullptr) the machine code takes 32 KiB of the thread's.
  state_->stack = pcre2_jit_stack_create(kFirstJitStackBytes, kMaxJitStackBytes, nullptr);
  pcre2_jit_stack_assign(state_->context, nullptr, state_->stack);
  pcre2_set_heap_limit(state_->context, kMaxHeapKiB);
}

RegexMatcher::RegexMatcher(RegexMatcher&&) noexcept = default;
RegexMatcher::~RegexMatcher() = default;

std::optional<TextRange> RegexMatcher::find(std::string_view text, std::size_t start) {
  const std::uint64_t steps =
      kMinStepsAMatch + kStepsAByte * static_cast<std::uint64_t>(text.size());
  pcre2_set_match_limit(state_->context, static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                             steps, std::numeric_limits<std::uint32_t>::max())));
  const auto match = [&](std::uint32_t options) {
    return pcre2_match(state_->regex->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                       start, PCRE2_NO_UTF_CHECK | options, state_->data, state_->context);
  };
  int result = match(0);
  if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = match(PCRE2_NO_JIT);
  if (result == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (result < 0) {
    fail(ErrorCode::invalid_input, "{}: pretokenizer pattern {} on a text of {} bytes: {}",
         state_->regex->source, quote(state_->regex->pattern), text.size(), message_of(result));
  }
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(state_->data);
  // \K may put the begin of a match after its end, or before `start`; neither cuts a text.
  if (ends[0] > ends[1] || ends[0] < start) return std::nullopt;
  return TextRange{ends[0], ends[1]};
}

}  // namespace tinyllm
