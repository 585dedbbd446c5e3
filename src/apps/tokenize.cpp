// tinyllm tokenize and detokenize: stdin to token ids and back.

#include <memory>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/options.h"
#include "apps/standard_output.h"
#include "apps/token_ids.h"
#include "client/open_model.h"
#include "loader/text/text_sources.h"

namespace tinyllm {
namespace {

struct TokenizeOptions {
  std::string model;
  bool no_special = false;
  bool as_json = false;
};

void run_tokenize(const TokenizeOptions& options) {
  const Checkpoint checkpoint = open_checkpoint(options.model);
  const std::optional<Tokenizer> tokenizer = load_tokenizer(checkpoint);
  EncodeOptions encode_options;
  encode_options.add_special = !options.no_special;
  encode_options.parse_special = !options.no_special;
  const std::vector<std::int32_t> ids =
      require(tokenizer, checkpoint).encode(read_stdin(), encode_options);
  write_stdout((options.as_json ? nlohmann::json(ids).dump() : format_token_ids(ids)) + "\n");
}

void run_detokenize(const TokenizeOptions& options) {
  const Checkpoint checkpoint = open_checkpoint(options.model);
  const std::optional<Tokenizer> loaded = load_tokenizer(checkpoint);
  const Tokenizer& tokenizer = require(loaded, checkpoint);
  const std::vector<std::int32_t> ids =
      parse_token_ids(read_stdin(), "standard input", tokenizer.vocab_size());
  std::string bytes;
  for (const std::int32_t id : ids) {
    if (!options.no_special || !tokenizer.is_special(id)) bytes += tokenizer.token_bytes(id);
  }
  write_stdout(bytes);
}

}  // namespace

void add_tokenize_command(Command app) {
  Command command = app.add_subcommand("tokenize", "Text from stdin to token ids");
  auto options = std::make_shared<TokenizeOptions>();
  add_model_option(command, options->model);
  command.add_flag("--no-special", options->no_special,
                   "Add no BOS, and read <|im_end|> and its like as ordinary text");
  command.add_flag("--json", options->as_json, "One JSON array");
  add_examples(command,
               "  printf 'Hello' | tinyllm tokenize -m smollm2-135m\n"
               "  tinyllm tokenize -m ./model --json < book.txt");
  command.callback([options] { run_tokenize(*options); });
}

void add_detokenize_command(Command app) {
  Command command =
      app.add_subcommand("detokenize", "Token ids from stdin to the exact bytes of their text");
  auto options = std::make_shared<TokenizeOptions>();
  add_model_option(command, options->model);
  command.add_flag("--no-special", options->no_special, "Leave special tokens out");
  add_examples(command,
               "  echo 19556 905 | tinyllm detokenize -m smollm2-135m\n"
               "  echo '[19556, 905]' | tinyllm detokenize -m smollm2-135m\n\n"
               "Ids stand between spaces, commas or newlines, or in a JSON array.");
  command.callback([options] { run_detokenize(*options); });
}

}  // namespace tinyllm
