#pragma once
// The whole command line: global options, all subcommands. Main thread only.

namespace tinyllm {

// Runs what the command line asks for. Throws Error; ErrorCode::usage with a hint to the help when
// the command line is wrong. Throws StdoutClosed (apps/standard_output.h).
void run_command_line(int argc, char** argv);

}  // namespace tinyllm
