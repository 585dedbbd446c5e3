#pragma once
// What a reader makes of a file: its text in blocks that belong together, in reading order. Plain
// structs.

#include <string>
#include <vector>

namespace tinyllm {

enum class BlockKind {
  heading,
  text,  // a paragraph, list, quotation or table
  code,  // lines that stand as they are
};

struct Block {
  BlockKind kind = BlockKind::text;
  int level = 0;     // of a heading, 1 to 6
  std::string text;  // UTF-8, lines end in "\n", none at the end; not blank
  int line = 1;      // of its first line, from 1: in the file, or in the page where there are pages
  int page = 0;      // from 1; 0: the format has none
};

struct DocumentText {
  std::string title;  // "": its first heading says it
  std::vector<Block> blocks;
};

}  // namespace tinyllm
