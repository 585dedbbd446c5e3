// tinyllm embed: texts to vectors, one line of JSON each.

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/options.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "base/log.h"
#include "client/open_embedder.h"
#include "encoder/pooling.h"

namespace tinyllm {
namespace {

constexpr std::size_t kTextsAtOnce = 1024;

struct EmbedCommand {
  std::string model;
  std::vector<std::string> texts;  // none: the lines of stdin
  std::string precision = "int8";
  int n_threads = 0;
  std::int64_t dimensions = 0;
};

std::vector<std::string> lines_of_stdin() {
  std::vector<std::string> lines;
  std::istringstream text(read_stdin());
  for (std::string line; std::getline(text, line);) lines.push_back(std::move(line));
  return lines;
}

std::int64_t dimensions_of(const EmbedCommand& command, const Embedder& embedder) {
  if (command.dimensions <= embedder.n_dims())
    return command.dimensions == 0 ? embedder.n_dims() : command.dimensions;
  fail(ErrorCode::usage, "--dimensions is {}, must be at most {}: the vectors of {} have no more",
       command.dimensions, embedder.n_dims(), command.model);
}

std::string line_of(std::size_t index, std::size_t n_tokens, const float* vector, std::int64_t n) {
  std::string line =
      fmt::format(R"({{"index": {}, "n_tokens": {}, "embedding": [)", index, n_tokens);
  for (std::int64_t d = 0; d < n; ++d)
    fmt::format_to(std::back_inserter(line), "{}{}", d == 0 ? "" : ", ", vector[d]);
  return line + "]}\n";
}

void run_embed(const EmbedCommand& command) {
  const EncoderPrecision precision =
      command.precision == "f32" ? EncoderPrecision::f32 : EncoderPrecision::int8;
  const std::unique_ptr<Embedder> embedder =
      open_embedder(command.model, {precision, command.n_threads});
  const std::int64_t n_dims = embedder->n_dims(), n_kept = dimensions_of(command, *embedder);
  const std::vector<std::string> texts = command.texts.empty() ? lines_of_stdin() : command.texts;
  std::size_t n_cut = 0;
  for (std::size_t begin = 0; begin < texts.size(); begin += kTextsAtOnce) {
    std::vector<std::vector<TokenId>> ids;
    for (std::size_t i = begin; i < std::min(texts.size(), begin + kTextsAtOnce); ++i) {
      const std::vector<TokenId> text = embedder->tokenize(texts[i]);
      if (std::ssize(text) + embedder->n_around() > embedder->max_seq_len()) ++n_cut;
      ids.push_back(embedder->surround(text));
    }
    std::vector<float> vectors(ids.size() * static_cast<std::size_t>(n_dims));
    embedder->embed(ids, vectors.data(), [] { return true; });
    std::string lines;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      float* vector = vectors.data() + static_cast<std::int64_t>(i) * n_dims;
      if (n_kept < n_dims) normalise(vector, n_kept);
      lines += line_of(begin + i, ids[i].size(), vector, n_kept);
    }
    write_stdout(lines);
  }
  if (n_cut > 0) {
    log(LogLevel::warning, "{} of {} texts were cut to {} tokens, the most that {} reads", n_cut,
        texts.size(), embedder->max_seq_len(), command.model);
  }
}

}  // namespace

void add_embed_command(Command app) {
  Command command = app.add_subcommand("embed", "Texts to vectors, as lines of JSON");
  auto options = std::make_shared<EmbedCommand>();
  command.add_option("MODEL", options->model, "An embedding model").type_name("").required();
  command
      .add_option("TEXT", options->texts, "What to embed; without it each line of stdin is a text")
      .type_name("");
  command
      .add_option("--dimensions", options->dimensions,
                  "Keep the first N, at length 1 again; 0: all")
      .in_range(0, std::numeric_limits<int>::max())
      .type_name("N")
      .show_default();
  command
      .add_option("--precision", options->precision, "Of the weights: int8 is about twice as fast")
      .one_of({"int8", "f32"})
      .show_default();
  command.add_option("--threads", options->n_threads, "0: all physical cores")
      .in_range(0, 4096)
      .type_name("N")
      .show_default();
  add_examples(command,
               "  tinyllm embed all-minilm-l6-v2 'a cat on the mat' 'two dogs'\n"
               "  tinyllm embed all-minilm-l6-v2 --dimensions 128 < lines.txt > vectors.jsonl");
  command.callback([options] { run_embed(*options); });
}

}  // namespace tinyllm
