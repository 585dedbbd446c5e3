#include "runner/step_runner.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "runner/batch_builder.h"

namespace tinyllm {
namespace {

// What collect() needs to know of a plan row when the plan has long changed.
struct RowInFlight {
  SequenceId sequence_id;
  std::int64_t start;
  std::int32_t n_new_tokens, n_logits, n_draws;
};

struct StepInFlight {
  std::vector<RowInFlight> rows;
  std::vector<SampleRow> samples;  // of all rows, one after the other
};

// Walks over the results of a step, as it hands them out row by row.
class OutputReader {
 public:
  OutputReader(const StepOutput& output, std::span<const SampleRow> samples,
               const RunnerSizes& sizes)
      : output_(output), samples_(samples), sizes_(sizes) {}

  RowOutput next(const RowInFlight& row) {
    RowOutput of_row;
    of_row.sequence_id = row.sequence_id;
    of_row.start = row.start;
    of_row.n_new_tokens = row.n_new_tokens;
    of_row.n_draws = row.n_draws;
    if (row.n_logits == 0) return of_row;
    const std::size_t begin = n_read_, end = begin + static_cast<std::size_t>(row.n_logits);
    const std::size_t first_draw = end - static_cast<std::size_t>(row.n_draws);
    const std::size_t end_drawn = first_draw + n_drawn(first_draw, end);
    n_read_ = end;
    const SampleRow& last = samples_[std::min(first_draw, end - 1)];  // that is no draft
    if (last.wants_logits != 0) of_row.logits = take(output_.logits, sizes_.vocab_size, n_logits_);
    if (last.wants_hidden != 0) of_row.hidden = take(output_.hidden, sizes_.hidden_size, n_hidden_);
    const std::span<const TokenId> counted = output_.token_ids.subspan(begin, end_drawn - begin);
    of_row.not_finite = std::ranges::find(counted, kNotFinite) != counted.end();
    if (of_row.not_finite) {
      of_row.logits = of_row.hidden = {};
      return of_row;
    }
    of_row.token_ids = counted.subspan(first_draw - begin);
    if (row.n_draws > 0 && last.n_logprobs >= 0)
      of_row.logprobs = output_.logprobs.subspan(first_draw, end_drawn - first_draw);
    std::size_t end_reports = begin;
    while (end_reports < first_draw && samples_[end_reports].n_logprobs >= 0) ++end_reports;
    of_row.prompt_logprobs = output_.logprobs.subspan(begin, end_reports - begin);
    return of_row;
  }

 private:
  // How many of the samples [begin, end), which draw, count:
  // all up to the first whose token is not its draft.
  std::size_t n_drawn(std::size_t begin, std::size_t end) const {
    std::size_t at = begin;
    while (at < end && output_.token_ids[at] == samples_[at].draft) ++at;
    return std::min(at + 1, end) - begin;
  }

  static std::span<const float> take(std::span<const float> values, std::int64_t row_size,
                                     std::size_t& n_taken) {
    const auto size = static_cast<std::size_t>(row_size);
    return values.subspan(size * n_taken++, size);
  }

  const StepOutput& output_;
  std::span<const SampleRow> samples_;
  const RunnerSizes& sizes_;
  std::size_t n_read_ = 0, n_logits_ = 0, n_hidden_ = 0;
};

}  // namespace

struct StepRunner::State {
  State(Decoder& its_decoder, Backend& its_backend, const RunnerSizes& its_sizes)
      : decoder(its_decoder), backend(its_backend), sizes(its_sizes), builder(its_sizes) {
    steps.resize(static_cast<std::size_t>(backend.lag()) + 1);
    for (StepInFlight& step : steps) {
      step.rows.reserve(static_cast<std::size_t>(sizes.limits.max_num_seqs));
      step.samples.reserve(static_cast<std::size_t>(sizes.limits.max_num_batched_tokens));
    }
  }

  Decoder& decoder;
  Backend& backend;
  RunnerSizes sizes;
  BatchBuilder builder;
  std::vector<StepInFlight> steps;  // [lag + 1], a ring
  std::uint64_t n_launched = 0, n_collected = 0;
};

StepRunner::StepRunner(Decoder& decoder, Backend& backend, const RunnerSizes& sizes)
    : state_(std::make_unique<State>(decoder, backend, sizes)) {}

StepRunner::~StepRunner() = default;

std::int32_t StepRunner::n_in_flight() const {
  return static_cast<std::int32_t>(state_->n_launched - state_->n_collected);
}

void StepRunner::launch(const StepPlan& plan,
                        function_ref<RowSettings(const PlanRow&)> settings_of) {
  State& state = *state_;
  CHECK(n_in_flight() < std::ssize(state.steps), "{} steps are in flight, lag is {}", n_in_flight(),
        state.backend.lag());
  StepInFlight& step = state.steps[state.n_launched++ % state.steps.size()];
  step.rows.clear();
  step.samples.clear();
  state.builder.clear();
  for (const PlanRow& row : plan.rows) {
    step.rows.push_back({row.sequence_id, row.start, row.n_new_tokens, row.n_logits, row.n_draws});
    state.builder.add_row(row);
    if (row.n_logits > 0) state.builder.add_samples(row, settings_of(row), step.samples);
  }
  state.decoder.step(state.builder.batch(step.samples));
}

void StepRunner::collect(function_ref<void(const RowOutput&)> each) {
  State& state = *state_;
  CHECK(n_in_flight() > 0, "no step is in flight");
  const StepInFlight& step = state.steps[state.n_collected++ % state.steps.size()];
  const StepOutput& output = state.backend.collect();
  OutputReader reader(output, step.samples, state.sizes);
  for (const RowInFlight& row : step.rows) each(reader.next(row));
}

}  // namespace tinyllm
