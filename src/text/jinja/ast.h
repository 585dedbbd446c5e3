#pragma once
// The tree that the parser builds and the interpreter walks. Immutable after parsing; no node lies
// deeper than kMaxTreeDepth, so walking it needs a bounded stack.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja/position.h"
#include "text/jinja/value.h"

namespace tinyllm::jinja {

inline constexpr int kMaxTreeDepth = 200;

struct Expr;
struct Statement;
struct NativeTest;
using ExprPtr = std::unique_ptr<const Expr>;
using Body = std::vector<Statement>;

enum class BinaryOp { add, subtract, multiply, divide, floor_divide, modulo, power };
enum class CompareOp { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };

// f(positional..., name=value..., *star, **double_star)
struct ArgumentList {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr star, double_star;  // null: none
};

struct Expr {
  enum class Kind {
    constant,             // constant
    name,                 // name
    namespace_attribute,  // name . attribute, as the target of an assignment only
    list,                 // operands
    tuple,                // operands
    dict,                 // operands: key, value, key, value, ...
    attribute,            // operands[0] . attribute
    subscript,            // operands[0] [ operands[1] ]
    slice,                // operands[0] [ operands[1] : operands[2] : operands[3] ], null: absent
    call,                 // operands[0] ( arguments )
    filter,               // operands[0] | filter ( arguments )
    block_text,           // the text of the filter or set block around
    test,                 // operands[0] is test ( arguments )
    negative,             // - operands[0]
    positive,             // + operands[0]
    logical_not,          // not operands[0]
    logical_and,          // operands[0] and operands[1]
    logical_or,           // operands[0] or operands[1]
    compare,              // operands[0] compare_ops[0] operands[1] compare_ops[1] ...
    concat,               // operands joined by ~
    binary,               // operands[0] binary_op operands[1]
    conditional,          // operands[1] if operands[0] else operands[2] (may be absent)
  };
  Kind kind = Kind::constant;
  Position position;
  int depth = 1;  // of the tree below, this node included
  Value constant;
  std::string name, attribute;
  std::vector<ExprPtr> operands;
  ArgumentList arguments;
  BinaryOp binary_op = BinaryOp::add;
  std::vector<CompareOp> compare_ops;
  // Null: unknown, and an error when it runs.
  const NativeFunction* filter = nullptr;
  const NativeTest* test = nullptr;
};

struct MacroNode;

struct Statement {
  enum class Kind {
    text,          // text
    output,        // expressions
    if_chain,      // branches, else_body
    for_loop,      // target, expressions[0] (iterable), condition (may be null), body, else_body
    set,           // target = expressions[0]
    set_block,     // target = body's text, through expressions[0] (a filter) when there is one
    macro,         // macro
    call_block,    // expressions[0] (a call) with macro as its caller
    filter_block,  // body's text through expressions[0]
    with,          // targets[i] = expressions[i], body
    scope,         // body with variables of its own ({% generation %})
    block,         // body, see is_scoped and is_required
    break_loop,
    continue_loop,
  };
  struct Branch {
    ExprPtr condition;
    Body body;
  };
  Kind kind = Kind::text;
  Position position;
  Value text;
  ExprPtr target;
  std::vector<ExprPtr> targets;
  std::vector<ExprPtr> expressions;
  ExprPtr condition;
  std::vector<Branch> branches;
  Body body, else_body;
  std::shared_ptr<const MacroNode> macro;  // shared because MacroNode is incomplete here
  bool is_recursive = false;               // for_loop
  bool is_scoped = false;                  // block: sees the variables around it
  bool is_required = false;                // block: another template must fill it
};

struct MacroParameter {
  std::string name;
  ExprPtr default_value;  // null: none
};

struct MacroNode {  // a macro, or the caller of a call block
  std::string name;
  Position position;
  std::vector<MacroParameter> parameters;
  Body body;
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};

}  // namespace tinyllm::jinja
