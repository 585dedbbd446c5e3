#pragma once
// Where the time of a step goes (--profile), from its plan to its last piece of text. The time is
// split at marks that engine and backend set. Written by the engine thread; read it when the engine
// is gone.

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tinyllm {

// In the order of a step. Making a matmul's input int8 counts as norm where a norm makes the input,
// else with the matmul.
enum class StepPart : std::uint8_t {
  embedding,
  norm,
  qkv,
  rope,  // biases, q/k norm and storing k, v too
  attention,
  o_proj,
  gate_up,  // silu too
  down_proj,
  head,
  sampling,
  waiting,  // in parallel passes, the mean over the workers of the time in which they had no work
  rest,     // plan, batch arrays, text
};
inline constexpr std::size_t kNumStepParts = 12;
std::string_view name(StepPart part);

class StepProfile {
 public:
  enum class Kind : std::uint8_t { prefill, decode, decode_together };  // one sequence; several
  struct Part {
    double seconds = 0, bytes = 0, ops = 0;  // bytes and ops: 0 where nobody counts them
  };
  struct Sums {
    std::int64_t n_steps = 0, n_tokens = 0;
    std::array<Part, kNumStepParts> parts;

    double seconds() const;
  };

  // Engine: a step may begin; it has ended. An end without a batch since begin() counts nothing.
  void begin();
  void end();

  // Backend: what the step computes, [n_tokens] of [n_rows] sequences.
  void set_batch(std::int64_t n_tokens, std::int64_t n_rows);
  // The time since the last mark belongs to `part`, but `waited_s` of it, which was waiting.
  void mark(StepPart part, double waited_s);
  // Bytes read from memory and operations done (a multiplication and an addition are two).
  void add_work(StepPart part, double bytes, double ops);
  // An expert of a layer met so many tokens.
  void add_expert_tokens(std::int32_t layer_idx, std::int32_t expert, std::int64_t n_tokens);

  const Sums& sums(Kind kind) const { return sums_[static_cast<std::size_t>(kind)]; }
  // [layer][expert] tokens met in all steps; empty where there are no experts.
  const std::vector<std::vector<std::int64_t>>& expert_tokens() const { return expert_tokens_; }

 private:
  std::array<Sums, 3> sums_;  // by Kind
  Sums step_;                 // the one under way
  std::vector<std::vector<std::int64_t>> expert_tokens_;
  Kind kind_ = Kind::prefill;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace tinyllm
