// tinyllm needle: does a model find a sentence again, at any depth of a text of any length?
// (Kamradt 2023, Needle In A Haystack.)

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/loading_bar.h"
#include "apps/options.h"
#include "apps/progress_bar.h"
#include "apps/standard_output.h"
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/file.h"
#include "client/chat_prompt.h"
#include "client/completer.h"
#include "client/open_model.h"
#include "text/chat_template.h"
#include "text/model_text.h"
#include "text/tokenizer.h"

namespace tinyllm {

using json = nlohmann::ordered_json;

namespace {

constexpr int kAnswerTokens = 24;

struct NeedleCommand {
  std::string model;
  EngineFlags engine;
  std::vector<int> lengths = {512, 1024, 2048, 4096};
  int n_depths = 5;
  std::string svg_file;
  bool as_json = false;
};

// One text and what came of it.
struct Cell {
  int length = 0;    // tokens that were asked for
  double depth = 0;  // where the needle stands, from 0 (first) to 1 (last)
  std::int64_t n_prompt = 0;
  bool found = false;
  std::string number, answer;
};

// What nobody asks for.
constexpr std::array kHay = {
    "The ferry left the harbour at dawn and came back when the lamps were lit.",
    "In spring the river rises, and the meadows near the mill stand under water.",
    "A baker in the old town sells dark bread that keeps for more than a week.",
    "The road to the pass is closed from November until the snow has melted.",
    "Children fly kites on the hill where the wind comes from the sea.",
    "The library opens late on Mondays, since the floors are washed in the morning.",
    "Bees prefer the lime trees behind the station to the roses in the park.",
    "An old clock in the hall strikes eleven twice and never strikes twelve.",
    "The potter fires his kiln with beech, which burns slowly and leaves little ash.",
    "At the market a pound of plums costs less when rain has been forecast.",
    "The train crosses four bridges before it reaches the tunnel.",
    "Swallows build their nests under the roof of the boathouse every year."};

std::string number_of(int row, int column) {
  return fmt::format("{}", 1000 + (row * 5 + column * 7 + 3) * 131 % 9000);
}

std::string text_of(std::size_t n_sentences, double depth, const std::string& number) {
  const auto place =
      static_cast<std::size_t>(std::lround(depth * static_cast<double>(n_sentences)));
  std::string text;
  for (std::size_t i = 0; i <= n_sentences; ++i) {
    if (i == place) text += fmt::format("The secret number of the lighthouse is {}. ", number);
    if (i < n_sentences) text += fmt::format("{} ", kHay[i * 7 % kHay.size()]);
  }
  return text;
}

class Haystack {
 public:
  Haystack(const NeedleCommand& command, std::int64_t context, const Checkpoint& checkpoint)
      : text_(std::make_shared<const ModelText>(load_text(checkpoint))),
        tokenizer_(require(text_->tokenizer, checkpoint)) {
    completer_ = make_completer(
        checkpoint, text_, completer_options(command.engine, context),
        LoadingBar(command.engine.reference() ? ProgressUnit::bytes : ProgressUnit::count));
    params_.temperature = 0.0f;
    params_.max_tokens = kAnswerTokens;
  }

  Cell run(const std::vector<TokenId>& prompt_ids, int length, double depth,
           const std::string& number) {
    const Completion completion = completer_->complete(
        prompt_ids, params_, /*wants_logits=*/false,
        {[](std::string_view) {}, [](std::int64_t, std::int64_t) {}, [] { return false; }});
    return {length,
            depth,
            std::ssize(prompt_ids),
            completion.text.find(number) != std::string::npos,
            number,
            completion.text};
  }

  // The most sentences whose prompt has at most `length` tokens.
  std::vector<TokenId> prompt_of(int length, double depth, const std::string& number) const {
    std::size_t low = 0, high = 1;
    while (std::ssize(encode(high, depth, number)) <= length) low = std::exchange(high, 2 * high);
    while (high - low > 1) {
      const std::size_t middle = (low + high) / 2;
      (std::ssize(encode(middle, depth, number)) <= length ? low : high) = middle;
    }
    std::vector<TokenId> ids = encode(low, depth, number);
    if (std::ssize(ids) > length)
      fail(ErrorCode::usage, "--lengths: {} tokens do not hold the question; give at least {}",
           length, ids.size());
    return ids;
  }

 private:
  std::vector<TokenId> encode(std::size_t n_sentences, double depth,
                              const std::string& number) const {
    const std::string question = "What is the secret number of the lighthouse?";
    const std::string text = text_of(n_sentences, depth, number);
    if (!text_->chat_template)
      return tokenizer_.encode(text + question + " The secret number of the lighthouse is");
    const json message = {{"role", "user"}, {"content", text + "\n\n" + question}};
    // A model that thinks would not come to its answer.
    return encode_chat(tokenizer_,
                       text_->chat_template->render(
                           {{"messages", json::array({message})}, {"enable_thinking", false}}));
  }

  std::shared_ptr<const ModelText> text_;
  const Tokenizer& tokenizer_;
  std::unique_ptr<Completer> completer_;
  SamplingParams params_;
};

std::string to_table(const NeedleCommand& command, const std::vector<Cell>& cells) {
  std::string table = fmt::format("{:>8}", "depth");
  for (const int length : command.lengths) table += fmt::format("{:>8}", length);
  table += "   tokens\n";
  for (int row = 0; row < command.n_depths; ++row) {
    const auto at = [&](std::size_t column) -> const Cell& {
      return cells[column * static_cast<std::size_t>(command.n_depths) +
                   static_cast<std::size_t>(row)];
    };
    table += fmt::format("{:>6.0f} %", 100 * at(0).depth);
    for (std::size_t column = 0; column < command.lengths.size(); ++column)
      table += at(column).found ? "   ██   " : "   ··   ";
    table += "\n";
  }
  const auto n_found = std::ranges::count_if(cells, [](const Cell& cell) { return cell.found; });
  return table + fmt::format("\n{} of {} found\n", n_found, cells.size());
}

constexpr int kCellWidth = 60, kCellHeight = 36, kLeft = 70, kTop = 40;

std::string svg_text(int x, int y, const char* anchor, const std::string& text) {
  return fmt::format(R"(<text x="{}" y="{}" text-anchor="{}">{}</text>)"
                     "\n",
                     x, y, anchor, text);
}

std::string to_svg(const NeedleCommand& command, const std::vector<Cell>& cells) {
  const int width = kLeft + kCellWidth * static_cast<int>(command.lengths.size()) + 20;
  const int height = kTop + kCellHeight * command.n_depths + 30;
  std::string svg = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" font-family="sans-serif" font-size="12">)"
      "\n"
      R"(<rect width="{0}" height="{1}" fill="white"/>)"
      "\n",
      width, height);
  for (int i = 0; i < static_cast<int>(cells.size()); ++i) {
    const Cell& cell = cells[static_cast<std::size_t>(i)];
    const int x = kLeft + kCellWidth * (i / command.n_depths);
    const int y = kTop + kCellHeight * (i % command.n_depths);
    const std::string depth = fmt::format("{:.0f} %", 100 * cell.depth);
    svg += fmt::format(
        R"(<rect x="{}" y="{}" width="{}" height="{}" fill="{}"><title>{} tokens, depth {}</title></rect>)"
        "\n",
        x, y, kCellWidth - 2, kCellHeight - 2, cell.found ? "#2f6f5e" : "#e6d3c2", cell.n_prompt,
        depth);
    if (y == kTop)
      svg += svg_text(x + kCellWidth / 2, kTop - 10, "middle", fmt::format("{}", cell.length));
    if (x == kLeft) svg += svg_text(kLeft - 8, y + kCellHeight / 2 + 4, "end", depth);
  }
  return svg + svg_text(kLeft, height - 10, "start", "dark: found") + "</svg>\n";
}

json to_json(const std::vector<Cell>& cells) {
  json all = json::array();
  for (const Cell& cell : cells) {
    all.push_back({{"length", cell.length},
                   {"depth", cell.depth},
                   {"prompt_tokens", cell.n_prompt},
                   {"found", cell.found},
                   {"answer", cell.answer}});
  }
  return {{"cells", all}};
}

std::int64_t context_of(const NeedleCommand& command) {
  const int longest = std::ranges::max(command.lengths);
  const std::int64_t n_needed = longest + kAnswerTokens;
  if (command.engine.context > 0 && command.engine.context < n_needed) {
    fail(ErrorCode::usage,
         "--context {}: the longest text has {} tokens and its answer {}; give at least {}",
         command.engine.context, longest, kAnswerTokens, n_needed);
  }
  return std::max(command.engine.context, n_needed);
}

// Column by column, as `lengths` are given. The longest text comes first: what is too long for the
// machine is known before anything was found.
std::vector<Cell> search(const NeedleCommand& command, Haystack& haystack) {
  std::vector<Cell> cells;
  std::vector<std::vector<TokenId>> prompts;
  for (int column = 0; column < static_cast<int>(command.lengths.size()); ++column) {
    for (int row = 0; row < command.n_depths; ++row) {
      const int length = command.lengths[static_cast<std::size_t>(column)];
      const double depth =
          command.n_depths == 1 ? 0.5 : static_cast<double>(row) / (command.n_depths - 1);
      const std::string number = number_of(row, column);
      prompts.push_back(haystack.prompt_of(length, depth, number));
      cells.push_back({length, depth, std::ssize(prompts.back()), false, number, ""});
    }
  }
  std::vector<std::size_t> order(cells.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return cells[i].length; });
  ProgressBar progress("searching", std::ssize(cells));
  for (std::size_t n_done = 0; n_done < order.size(); ++n_done) {
    Cell& cell = cells[order[n_done]];
    cell = haystack.run(prompts[order[n_done]], cell.length, cell.depth, cell.number);
    progress.update(static_cast<std::int64_t>(n_done + 1));
  }
  progress.clear();
  return cells;
}

void run_needle(const NeedleCommand& command) {
  const std::int64_t context = context_of(command);
  // A place that cannot be written is known before the search.
  if (!command.svg_file.empty()) AtomicFile probe(command.svg_file);
  const Checkpoint checkpoint =
      open_checkpoint(command.model, context_settings(command.engine.sight));
  Haystack haystack(command, context, checkpoint);
  const std::vector<Cell> cells = search(command, haystack);
  write_stdout(command.as_json ? to_json(cells).dump() + "\n" : to_table(command, cells));
  if (!command.svg_file.empty()) write_file_atomic(command.svg_file, to_svg(command, cells));
}

}  // namespace

void add_needle_command(Command app) {
  Command command =
      app.add_subcommand("needle", "Whether a model finds a sentence again in a long text");
  auto options = std::make_shared<NeedleCommand>();
  add_model_option(command, options->model);
  command.add_option("--lengths", options->lengths, "Tokens of the texts, with commas")
      .delimiter(',')
      .in_range(64, 1 << 20)
      .type_name("N,N")
      .default_text("512,1024,2048,4096");
  command
      .add_option("--depths", options->n_depths, "Places in each text, from the first to the last")
      .in_range(1, 100)
      .type_name("N")
      .show_default();
  command.add_option("--svg", options->svg_file, "Also draw the grid into this file")
      .type_name("FILE");
  command.add_flag("--json", options->as_json, "One JSON object: every text and its answer");
  add_engine_options(command, options->engine);
  add_examples(
      command,
      "  tinyllm needle -m qwen2.5-coder-1.5b --lengths 1024,8192 --svg grid.svg\n"
      "  tinyllm needle -m smollm2-135m --window 512 --sinks 4\n\n"
      "A sentence with a number stands somewhere among others, and the model is asked for\n"
      "the number. It finds copies, not meaning: a model that finds every needle may still\n"
      "understand a long text badly.");
  command.callback([options] { run_needle(*options); });
}

}  // namespace tinyllm
