#pragma once
// The subcommands of the binary, one function and one small file each (apps/chat.cpp holds
// add_chat_command). Such a function adds its subcommand, options, help and examples to `app` and
// sets a callback that does the work. The callback runs after the whole command line was read; it
// writes its answer through apps/standard_output.h and throws Error for what the user must know
// (main prints one line and exits with 1; ErrorCode::usage: 2). Main thread only.

#include "apps/command.h"

namespace tinyllm {

void add_chat_command(Command app);
void add_ask_command(Command app);
void add_rag_command(Command app);
void add_generate_command(Command app);
void add_serve_command(Command app);
void add_bench_serve_command(Command app);
void add_embed_command(Command app);
void add_tokenize_command(Command app);
void add_detokenize_command(Command app);
void add_template_command(Command app);
void add_grammar_command(Command app);
void add_perplexity_command(Command app);
void add_needle_command(Command app);
void add_batch_command(Command app);
void add_bench_command(Command app);
void add_prove_command(Command app);
void add_inspect_command(Command app);
void add_quantize_command(Command app);
void add_pull_command(Command app);
void add_list_command(Command app);
void add_ps_command(Command app);
void add_rm_command(Command app);
void add_learn_command(Command app);
void add_completion_command(Command app);

}  // namespace tinyllm
